"""Programs that fetch mail, once or for good: curl, mpop, fetchmail and getmail; and swaks."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.clients import deliver, make_maildir, run, write
from tests.e2e.server import LiveServer, Login, peer
from tests.harness import message

# --- curl ---------------------------------------------------------------------------------


def curl(server: LiveServer, login: Login, folder: Path, *arguments: str | Path) -> bytes:
    finished = run(
        peer("curl"),
        "--silent",
        "--show-error",
        *("--cacert", server.ca),
        *("--user", f"{login.user}:{login.password}"),
        *arguments,
        folder=folder,
    )
    assert finished.returncode == 0
    return finished.stdout


def test_curl_uploads_lists_and_fetches_over_imap(
    server: LiveServer, login: Login, tmp_path: Path
) -> None:
    (tmp_path / "mail").write_bytes(message(subject="from curl"))
    base = f"imaps://localhost:{server.port('imap', 'implicit')}"
    curl(server, login, tmp_path, "--upload-file", "mail", f"{base}/INBOX")
    assert b'"/" INBOX' in curl(server, login, tmp_path, f"{base}/")
    assert curl(server, login, tmp_path, f"{base}/INBOX;UID=1") == message(subject="from curl")
    assert curl(server, login, tmp_path, f"{base}/INBOX?SUBJECT%20curl") == b"* SEARCH 1\r\n"


def test_curl_insists_on_starttls(server: LiveServer, login: Login, tmp_path: Path) -> None:
    base = f"imap://localhost:{server.port('imap', 'starttls')}"
    assert b"INBOX" in curl(server, login, tmp_path, "--ssl-reqd", f"{base}/")


def test_curl_fetches_and_deletes_over_pop3(
    server: LiveServer, login: Login, tmp_path: Path
) -> None:
    deliver(server, login, message(body=".dot\r\n"))
    base = f"pop3s://localhost:{server.port('pop3', 'implicit')}"
    assert curl(server, login, tmp_path, f"{base}/1").endswith(b"\r\n\r\n.dot\r\n")
    curl(server, login, tmp_path, "--request", "DELE 1", "--head", f"{base}/")
    assert curl(server, login, tmp_path, f"{base}/").strip() == b""


# --- mpop, fetchmail ----------------------------------------------------------------------


def test_mpop_takes_the_mail_and_leaves_nothing(
    server: LiveServer, login: Login, tmp_path: Path
) -> None:
    deliver(server, login, message(subject="for mpop"))
    make_maildir(tmp_path / "box")
    config = write(
        tmp_path / "mpoprc",
        f"account default\nhost localhost\nport {server.port('pop3', 'starttls')}\ntls on\n"
        f"tls_starttls on\ntls_trust_file {server.ca}\nuser {login.user}\n"
        f"password {login.password}\ndelivery maildir {tmp_path}/box\nkeep off\n",
    )
    mpop = (peer("mpop"), "-C", config)
    assert run(*mpop, folder=tmp_path).returncode == 0
    (fetched,) = (tmp_path / "box" / "new").iterdir()
    assert b"Subject: for mpop" in fetched.read_bytes()
    assert run(*mpop, folder=tmp_path).returncode == 0
    assert len(list((tmp_path / "box" / "new").iterdir())) == 1


def test_fetchmail_hands_over_each_message_once_when_it_keeps_them(
    server: LiveServer, login: Login, tmp_path: Path
) -> None:
    deliver(server, login, message(subject="for fetchmail"))
    target = write(tmp_path / "take", "#!/bin/sh\ncat >> taken\n")
    target.chmod(0o700)
    config = write(
        tmp_path / "fetchmailrc",
        f"poll localhost protocol POP3 port {server.port('pop3', 'implicit')} uidl\n"
        f'user "{login.user}" password "{login.password}" ssl sslcertck sslcertfile {server.ca}\n'
        f'keep mda "{target}"\n',
    )
    fetchmail = (peer("fetchmail"), "-f", config, "--pidfile", "pid", "-i", "ids", "--nosyslog")
    assert run(*fetchmail, folder=tmp_path).returncode == 0
    assert run(*fetchmail, folder=tmp_path).returncode == 1  # its word for: no mail
    assert (tmp_path / "taken").read_bytes().count(b"Subject: for fetchmail") == 1
