"""Programs that fetch mail, once or for good: curl, mpop, fetchmail and getmail; and swaks."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.e2e.clients import deliver, make_maildir, run, with_lf, witness, write
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


def taker(folder: Path) -> Path:
    """A program that mail is given to; see :func:`taken`."""
    program = write(folder / "take", '#!/bin/sh\ncat > "$(dirname "$0")/taken.$$"\n')
    program.chmod(0o700)
    return program


def taken(folder: Path) -> list[bytes]:
    """Without the line that getmail adds to what it has from IMAP."""
    own = b"X-getmail-retrieved-from-mailbox: INBOX\n"
    return [path.read_bytes().replace(own, b"") for path in folder.glob("taken.*")]


def test_fetchmail_reads_a_mailbox_over_imap_and_empties_it(
    server: LiveServer, login: Login, tmp_path: Path, trust: ssl.SSLContext
) -> None:
    texts = [message(subject=f"number {number}", body=".\r\nline\r\n") for number in range(3)]
    deliver(server, login, *texts)
    target = taker(tmp_path)
    config = write(
        tmp_path / "fetchmailrc",
        f"poll localhost protocol IMAP port {server.port('imap', 'starttls')}\n"
        f'user "{login.user}" password "{login.password}" sslproto TLS1.2+ sslcertck\n'
        f'sslcertfile {server.ca} fetchall no keep mda "{target}"\n',
    )
    fetchmail = (peer("fetchmail"), "-f", config, "--pidfile", "pid", "--nosyslog")
    assert run(*fetchmail, folder=tmp_path).returncode == 0
    assert len(taken(tmp_path)) == 3
    for text in with_lf(texts):
        assert sum(text.splitlines()[3] in each for each in taken(tmp_path)) == 1
    with witness(server, login, trust) as mail:
        assert mail.messages() == []


# --- getmail ------------------------------------------------------------------------------

GETMAIL = """\
[retriever]
type = {retriever}
server = localhost
port = {port}
username = {user}
password = {password}
ca_certs = {ca}

[destination]
type = MDA_external
path = {folder}/take
allow_root_commands = true

[options]
delete = {delete}
read_all = false
delivered_to = false
received = false
"""


@pytest.mark.parametrize("delete", ["false", "true"])
@pytest.mark.parametrize("protocol", ["POP3", "IMAP"])
def test_getmail_takes_each_message_once(
    server: LiveServer,
    login: Login,
    tmp_path: Path,
    trust: ssl.SSLContext,
    protocol: str,
    delete: str,
) -> None:
    texts = [message(subject=f"number {number}", body=".\r\n") for number in range(3)]
    deliver(server, login, *texts)
    with witness(server, login, trust) as mail:
        there = mail.texts()
    taker(tmp_path)
    config = GETMAIL.format(
        retriever=f"Simple{protocol}SSLRetriever",
        port=server.port(protocol.lower(), "implicit"),
        user=login.user,
        password=login.password,
        ca=server.ca,
        folder=tmp_path,
        delete=delete,
    )
    write(tmp_path / "state" / "getmailrc", config)
    getmail = (peer("getmail"), "--getmaildir", tmp_path / "state")
    for _ in range(2):
        assert run(*getmail, folder=tmp_path).returncode == 0
    assert sorted(taken(tmp_path)) == with_lf(there)
    with witness(server, login, trust) as mail:
        assert mail.texts() == ([] if delete == "true" else there)


# --- swaks --------------------------------------------------------------------------------


def test_swaks_delivers_to_some_and_is_told_who_is_unknown(
    server: LiveServer, login: Login, tmp_path: Path, trust: ssl.SSLContext
) -> None:
    swaks = (peer("swaks"), "--protocol", "LMTP", "--server", "127.0.0.1")
    port = ("--port", str(server.port("lmtp", "none")), "--from", "ann@example.com")
    assert run(*swaks, *port, "--to", login.user, folder=tmp_path).returncode == 0
    both = f"{login.user},nobody@example.org"
    done = run(*swaks, *port, "--to", both, "--body", "..dots", folder=tmp_path)
    assert b"550 5.1.1" in done.stdout
    with witness(server, login, trust) as mail:
        assert [b"..dots" in text for text in mail.texts()] == [False, True]


# --- large --------------------------------------------------------------------------------


def test_five_megabytes_come_back_octet_for_octet(
    server: LiveServer, login: Login, tmp_path: Path
) -> None:
    text = message(body="".join(f".{number:070d}\r\n" for number in range(70_000)))
    (tmp_path / "mail").write_bytes(text)
    imap = f"imaps://localhost:{server.port('imap', 'implicit')}/INBOX"
    pop3 = f"pop3s://localhost:{server.port('pop3', 'implicit')}/1"
    curl(server, login, tmp_path, "--upload-file", "mail", imap)
    assert curl(server, login, tmp_path, f"{imap};UID=1") == text
    assert curl(server, login, tmp_path, pop3) == text
