"""A server whose people are a real OpenLDAP's: first log-in, delivery, changes, outage."""

from __future__ import annotations

import imaplib
import poplib
import re
import smtplib
import ssl
import time
import urllib.request
from collections.abc import Iterator

import pytest
from ldap3 import MODIFY_REPLACE, Connection, Server

from mailhub.net.selfsigned import ensure_certificate
from tests.auth.issuer import ISSUER, claims, jwks, token
from tests.cli.conftest import Commands
from tests.directory.people import BASE, GROUPS, PEOPLE, SECRET, SERVICE, password
from tests.directory.slapd import Slapd
from tests.e2e.server import PATIENCE_SECONDS, LiveServer

OPTIONS = """
[auth]
failure_delay = 0

[[directory]]
name = "corp"
preset = "openldap"
servers = ["{url}"]
domains = ["example.org"]
tls_ca = "{ca}"
bind_dn = "{service}"
bind_password_file = "{secret}"
user_base = "{people}"
refresh = 0
retry_interval = 0.1

[directory.groups]
base = "{groups}"

[[oauth]]
name = "staff"
issuer = "{issuer}"
jwks_file = "jwks.json"
audience = ["mail"]

[[policy]]
name = "the team reads by IMAP"
groups = ["team"]
protocols = ["imap"]
"""


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    folder = tmp_path_factory.mktemp("e2e-slapd")
    ensure_certificate(folder / "tls")
    server = Slapd(folder / "slapd", folder / "tls")
    server.fill()
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def live(slapd: Slapd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("directory")
    secret = folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET)
    (folder / "jwks.json").write_bytes(jwks())
    options = OPTIONS.format(
        url=slapd.secure,
        ca=slapd.ca,
        service=SERVICE,
        secret=secret,
        people=PEOPLE,
        groups=GROUPS,
        issuer=ISSUER,
    )
    server = LiveServer(folder, options)
    yield server
    server.process.stop()


@pytest.fixture
def ldap(slapd: Slapd) -> Iterator[Connection]:
    """The directory's administrator."""
    connection = Connection(Server(slapd.plain), f"cn=root,{BASE}", "root", auto_bind=True)
    yield connection
    connection.unbind()


@pytest.fixture
def commands(live: LiveServer) -> Commands:
    return Commands(live.data.path)


def imap(live: LiveServer, login: str, secret: str) -> imaplib.IMAP4:
    trust = ssl.create_default_context(cafile=str(live.ca))
    client = imaplib.IMAP4_SSL("localhost", live.port("imap", "implicit"), ssl_context=trust)
    try:
        client.login(login, secret)
    except imaplib.IMAP4.error:
        client.shutdown()
        raise
    return client


def pop3(live: LiveServer, login: str, secret: str) -> poplib.POP3:
    trust = ssl.create_default_context(cafile=str(live.ca))
    client = poplib.POP3_SSL("localhost", live.port("pop3", "implicit"), context=trust)
    client.user(login)
    try:
        client.pass_(secret)
    except poplib.error_proto:
        client.close()
        raise
    return client


def deliver(live: LiveServer, address: str, subject: str = "hello") -> tuple[int, bytes]:
    """The answer to RCPT, and the message filed when it is 250."""
    host, _, port = live.address("lmtp", "none").rpartition(":")
    with smtplib.LMTP(host, int(port)) as client:
        client.ehlo()
        client.mail("sender@example.com")
        answer = client.rcpt(address)
        if answer[0] == 250:
            assert client.data(f"Subject: {subject}\r\n\r\nhello\r\n".encode())[0] == 250
        return answer


def count(client: imaplib.IMAP4) -> int:
    return int((client.select("INBOX")[1][0] or b"0").decode())


def account(commands: Commands, address: str) -> dict[str, object]:
    found = commands.json("account", "show", address)
    assert isinstance(found, dict)
    return found


# --- who may not --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("login", "secret"),
    [("p000", "wrong"), ("nobody", "x"), ("nomail@example.net", "x"), ("twin", password("twin"))],
)
def test_nobody_and_a_wrong_password_look_alike(live: LiveServer, login: str, secret: str) -> None:
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        imap(live, login, secret)
    with pytest.raises(poplib.error_proto, match=r"\[AUTH\]"):
        pop3(live, login, secret)


def test_somebody_without_an_address_gets_no_account(live: LiveServer, commands: Commands) -> None:
    with pytest.raises(imaplib.IMAP4.error, match="AUTHORIZATIONFAILED") as refused:
        imap(live, "nomail", password("nomail"))
    refusal = str(refused.value).split("r-")[1][:8]
    assert (
        "no address in a domain served here" in commands.json("explain", f"r-{refusal}")["detail"]
    )


def test_mail_for_nobody_is_refused(live: LiveServer) -> None:
    assert deliver(live, "nobody@example.org")[0] == 550


def test_a_forgotten_phone_does_not_lock_its_owner_out(live: LiveServer) -> None:
    """The directory locks an account for good after three wrong passwords."""
    for _ in range(6):
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            imap(live, "guessed", "last year's")
    imap(live, "guessed", password("guessed")).logout()
    with urllib.request.urlopen(f"http://{live.address('metrics', 'none')}/metrics") as page:
        figures = page.read().decode()
    counted = r'^mailhub_directory_passwords_total\{answer="repeated",directory="corp"\} (.*)$'
    (repeated,) = re.findall(counted, figures, re.MULTILINE)
    assert float(repeated) >= 5


def test_guessing_locks_nobody_out_of_the_directory(
    live: LiveServer, commands: Commands, ldap: Connection
) -> None:
    refusals = []
    for number in range(5):
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED") as refused:
            imap(live, ("p014", "p014@example.org")[number % 2], f"guess{number}")
        refusals.append(explained(str(refused.value)))
    told = commands.json("explain", refusals[-1])
    (step,) = [step for step in told["steps"] if step["what"] == "lock-out"]
    assert told["reason"] == "KeptBack"
    assert (step["counted"], step["locks after"]) == (2, 3)
    ldap.search(f"uid=p014,{PEOPLE}", "(objectClass=*)", attributes=["pwdAccountLockedTime"])
    assert not ldap.entries[0]["pwdAccountLockedTime"].values


# --- who may ------------------------------------------------------------------------------


def test_the_first_log_in_makes_an_account(live: LiveServer, commands: Commands) -> None:
    client = imap(live, "p001", password("p001"))
    names = " ".join(str(line) for line in client.list()[1])
    assert "\\Sent" in names
    assert "\\Trash" in names
    client.logout()
    pop3(live, "p001@example.org", password("p001")).quit()
    assert account(commands, "p001@example.org")["name"] == "Person p001"


def test_a_token_makes_an_account_as_a_password_does(live: LiveServer, commands: Commands) -> None:
    trust = ssl.create_default_context(cafile=str(live.ca))
    client = imaplib.IMAP4_SSL("localhost", live.port("imap", "implicit"), ssl_context=trust)
    given = token(claims(time.time(), email="p017@example.org"))
    message = f"n,,\x01auth=Bearer {given}\x01\x01".encode()
    client.authenticate("OAUTHBEARER", lambda challenge: message)
    assert client.select("Sent")[0] == "OK"
    client.logout()
    assert account(commands, "p017@example.org")["address"] == "p017@example.org"


def test_the_first_message_makes_an_account_also_by_an_alias(
    live: LiveServer, commands: Commands
) -> None:
    assert deliver(live, "a.liddell+Lists@example.org")[0] == 250
    assert account(commands, "alice@example.org")["aliases"] == ["a.liddell@example.org"]
    client = imap(live, "alice", password("alice"))
    assert count(client) == 1
    client.logout()


def test_groups_decide_over_protocols(live: LiveServer) -> None:
    imap(live, "alice", password("alice")).logout()
    with pytest.raises(poplib.error_proto, match=r"\[AUTH\].*r-"):
        pop3(live, "alice", password("alice"))


# --- changes ------------------------------------------------------------------------------


def test_what_the_directory_was_asked_is_explained_by_the_id_of_a_refusal(
    live: LiveServer, commands: Commands
) -> None:
    with pytest.raises(poplib.error_proto) as refused:
        pop3(live, "umlaut", password("umlaut"))
    found = commands.json("explain", explained(str(refused.value)))
    asked = [step for step in found["steps"] if step["what"] in ("search", "bind")]
    assert "(uid=umlaut)" in asked[0]["filter"]
    assert {"server", "ms", "result"} <= set(asked[0])
    assert any(step["what"] == "bind" for step in asked)
    (owner,) = [step for step in found["steps"] if step["what"] == "belongs to"]
    assert "team" in owner["groups"]
    assert password("umlaut") not in str(found)

    code, text = deliver(live, "unheard.of@example.org")
    found = commands.json("explain", explained(text.decode()))
    assert (code, found["recipient"]) == (550, "unheard.of@example.org")
    assert any(step["what"] == "search" for step in found["steps"])


def explained(reply: str) -> str:
    """The id in what a client was told."""
    return reply.rpartition("(")[2].partition(")")[0]


def test_a_rename_and_a_move_keep_the_mailbox(
    live: LiveServer, commands: Commands, ldap: Connection
) -> None:
    assert deliver(live, "p002@example.org")[0] == 250
    before = account(commands, "p002@example.org")["id"]
    ldap.modify(f"uid=p002,{PEOPLE}", {"mail": [(MODIFY_REPLACE, ["married@example.org"])]})
    ldap.modify_dn(f"uid=p002,{PEOPLE}", "uid=married", new_superior=f"ou=students,{PEOPLE}")
    assert deliver(live, "married@example.org")[0] == 250
    assert account(commands, "married@example.org")["id"] == before
    client = imap(live, "married", password("p002"))
    assert count(client) == 2
    client.logout()
    assert deliver(live, "p002@example.org")[0] == 550


def test_a_reused_name_gets_an_empty_mailbox(
    live: LiveServer, commands: Commands, ldap: Connection
) -> None:
    assert deliver(live, "p004@example.org")[0] == 250
    before = account(commands, "p004@example.org")["id"]
    dn = f"uid=p004,{PEOPLE}"
    ldap.delete(dn)
    attributes = {"uid": "p004", "cn": "New", "sn": "New", "mail": "p004@example.org"}
    ldap.add(dn, "inetOrgPerson", {**attributes, "userPassword": "new"})
    client = imap(live, "p004", "new")
    assert count(client) == 0
    client.logout()
    assert account(commands, "p004@example.org")["id"] != before


def test_somebody_disabled_gets_no_mail_and_may_not_log_in(
    live: LiveServer, ldap: Connection
) -> None:
    assert deliver(live, "p006@example.org")[0] == 250
    ldap.modify(
        f"uid=p006,{PEOPLE}", {"pwdAccountLockedTime": [(MODIFY_REPLACE, ["000001010000Z"])]}
    )
    code, text = deliver(live, "p006@example.org")
    assert (code, text[:6]) == (550, b"5.2.1 ")
    with pytest.raises(imaplib.IMAP4.error):
        imap(live, "p006", password("p006"))


def test_a_leaver_is_listed(live: LiveServer, commands: Commands, ldap: Connection) -> None:
    assert deliver(live, "p008@example.org")[0] == 250
    ldap.delete(f"uid=p008,{PEOPLE}")
    assert deliver(live, "p008@example.org")[0] == 550
    words = ("--config", str(live.config))
    (leaver,) = [
        each
        for each in commands.json("directory", "leavers", "corp", *words)
        if each["account"] == "p008@example.org"
    ]
    assert leaver["why"] == "gone"
    (status,) = commands.json("directory", "status", *words)
    assert status["trusted"]
    assert status["gone"] >= 1


def test_a_local_account_is_linked_by_an_administrator(
    live: LiveServer, commands: Commands
) -> None:
    live.add_account("p010@example.org", "local secret")
    local = account(commands, "p010@example.org")["id"]
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        imap(live, "p010@example.org", password("p010"))
    words = ("--config", str(live.config))
    commands.json("directory", "link", "p010@example.org", "corp", *words)
    commands.json("passwd", "p010@example.org", "--disable")
    imap(live, "p010@example.org", password("p010")).logout()
    assert account(commands, "p010@example.org")["id"] == local


# --- outage (last: it takes the directory away) -------------------------------------------


def when_back(live: LiveServer, uid: str) -> imaplib.IMAP4:
    """A log-in as soon as the directory has come back for the worker that it meets."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return imap(live, uid, password(uid))
        except imaplib.IMAP4.error as refusal:
            if "[UNAVAILABLE]" not in str(refusal) or time.monotonic() > deadline:
                raise


def test_an_outage_is_told_as_one_and_passes(live: LiveServer, slapd: Slapd) -> None:
    client = imap(live, "p012", password("p012"))
    slapd.kill()
    with pytest.raises(imaplib.IMAP4.error, match="UNAVAILABLE"):
        imap(live, "p012", password("p012"))
    with pytest.raises(poplib.error_proto, match=r"\[SYS/TEMP\]"):
        pop3(live, "p012", password("p012"))
    assert deliver(live, "p012@example.org")[0] == 250
    code, text = deliver(live, "p014@example.org")
    assert (code, text[:6]) == (451, b"4.3.0 ")
    assert count(client) == 1
    slapd.start()
    live.process.log.until("is back after")
    when_back(live, "p012").logout()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (code := deliver(live, "p014@example.org")[0]) != 250:  # so much for another worker
        assert code == 451
        assert time.monotonic() < deadline
    client.logout()
