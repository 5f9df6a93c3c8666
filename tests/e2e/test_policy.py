"""``[[policy]]`` rules in a real server: log-ins by every mechanism, mail, SIGHUP, explanations."""

from __future__ import annotations

import imaplib
import poplib
import re
import smtplib
import ssl
from collections.abc import Iterator

import pytest

from mailhub.cli.control import ask
from tests.cli.conftest import Commands
from tests.e2e.server import LiveServer

PASSWORD = "correct horse"
ALICE, BOB, CAROL = "alice@example.org", "bob@example.org", "carol@example.org"
RULES = f"""
[[policy]]
name = "bob reads nothing"
accounts = ["{BOB}"]
protocols = []
delivery = "refuse"

[[policy]]
name = "small"
accounts = ["{CAROL}"]
quota_octets = 3000

[[policy]]
name = "imap for all"
protocols = ["imap"]
max_connections = 1
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path_factory.mktemp("policy"), "[auth]\nfailure_delay = 0\n" + RULES)
    for address in (ALICE, BOB, CAROL):
        server.add_account(address, PASSWORD)
    yield server
    server.process.stop()


@pytest.fixture
def commands(live: LiveServer) -> Commands:
    return Commands(live.data.path)


def imap(live: LiveServer) -> imaplib.IMAP4:
    trust = ssl.create_default_context(cafile=str(live.ca))
    return imaplib.IMAP4_SSL("localhost", live.port("imap", "implicit"), ssl_context=trust)


def pop3(live: LiveServer) -> poplib.POP3:
    trust = ssl.create_default_context(cafile=str(live.ca))
    return poplib.POP3_SSL("localhost", live.port("pop3", "implicit"), context=trust)


def explained(commands: Commands, refusal: object) -> dict[str, object]:
    found = re.search(r"r-[0-9a-z]{8}", str(refusal))
    assert found, refusal
    record = commands.json("explain", found[0])
    assert isinstance(record, dict)
    return record


def test_a_rule_decides_over_every_protocol(live: LiveServer, commands: Commands) -> None:
    client = imap(live)
    client.login(ALICE, PASSWORD)

    mailbox = pop3(live)
    mailbox.user(ALICE)
    with pytest.raises(poplib.error_proto, match=r"\[AUTH\]") as refused:
        mailbox.pass_(PASSWORD)
    record = explained(commands, refused.value)
    assert record["outcome"] == "LogInForbidden"
    assert record["detail"] == "policy imap for all allows imap, not pop3"

    second = imap(live)
    with pytest.raises(imaplib.IMAP4.error, match=r"\[LIMIT\]") as full:
        second.login(ALICE, PASSWORD)
    assert explained(commands, full.value)["outcome"] == "TooManyConnections"
    second.shutdown()
    mailbox.quit()
    client.logout()


def test_a_wrong_password_does_not_tell_that_a_rule_forbids_it(
    live: LiveServer, commands: Commands
) -> None:
    client = imap(live)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login(BOB, "wrong")
    with pytest.raises(imaplib.IMAP4.error, match="AUTHORIZATIONFAILED") as refused:
        client.login(BOB, PASSWORD)
    record = explained(commands, refused.value)
    assert record["detail"] == "policy bob reads nothing allows nothing, not imap"
    client.shutdown()


def test_mail_is_refused_and_the_bounce_tells_the_id(live: LiveServer, commands: Commands) -> None:
    host, _, port = live.address("lmtp", "none").rpartition(":")
    with smtplib.LMTP(host, int(port)) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.sendmail("a@example.com", [BOB], "Subject: hello\n\nhello\n")
        code, text = refused.value.recipients[BOB]
        assert (code, text[:6]) == (550, b"5.7.1 ")
        assert client.sendmail("a@example.com", [ALICE], "Subject: hello\n\nhello\n") == {}
    record = explained(commands, text)
    assert record["detail"] == f"policy bob reads nothing refuses mail for {BOB}"


def letter(live: LiveServer, octets: int) -> tuple[int, bytes]:
    """What the server says to a message for carol."""
    host, _, port = live.address("lmtp", "none").rpartition(":")
    with smtplib.LMTP(host, int(port)) as client:
        try:
            client.sendmail("a@example.com", [CAROL], "Subject: hello\n\n" + "x" * octets)
        except smtplib.SMTPDataError as refused:
            return refused.smtp_code, bytes(refused.smtp_error)  # type: ignore[arg-type]
        except smtplib.SMTPRecipientsRefused as refused:
            return refused.recipients[CAROL]
    return 250, b""


def test_a_rule_limits_what_an_account_may_keep(live: LiveServer, commands: Commands) -> None:
    code, text = letter(live, 4000)
    assert (code, text[:6]) == (552, b"5.2.2 ")
    assert explained(commands, text)["outcome"] == "OverQuota"
    config = ("--config", str(live.config))
    found = commands("explain", "delivery", CAROL, "--size", "4000", "--json", *config)
    assert found.code == 1
    (octets, _) = [step for step in found.json["steps"] if step["what"] == "quota"][:2]
    assert (octets["most"], octets["decided_by"]) == (3000, "policy small")
    assert commands("explain", "delivery", CAROL, *config).code == 0


def test_changed_rules_count_after_a_reload(live: LiveServer) -> None:
    text = live.config.read_text().replace('["imap"]', '["imap", "pop3"]')
    live.config.write_text(text.replace("3000", "9000"))
    assert any("policies" in line for line in ask(live.data, "reload"))
    assert letter(live, 4000)[0] == 250
    mailbox = pop3(live)
    mailbox.user(ALICE)
    mailbox.pass_(PASSWORD)
    mailbox.quit()
