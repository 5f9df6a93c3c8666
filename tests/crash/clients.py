"""Clients that keep a server busy until it is gone: LMTP, IMAP and POP3, each in a thread.

They end when the connection does.  Everything else that surprises them (a refusal, a reply that
makes no sense) is a failure of the test.
"""

from __future__ import annotations

import hashlib
import imaplib
import poplib
import random
import re
import smtplib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.crash.ledger import NOWHERE, Ledger
from tests.e2e.server import LiveServer, Login

PATIENCE_SECONDS = 60
LARGE_EVERY = 20
GONE = (OSError, EOFError, imaplib.IMAP4.abort, smtplib.SMTPServerDisconnected)
FOLDERS = ("Archive", "Copies")


def message(token: str, chance: random.Random) -> bytes:
    """With the hash of its body in its header."""
    lines = 40_000 if chance.randrange(LARGE_EVERY) == 0 else chance.randrange(200)
    body = b"".join(b"%s line %d\r\n" % (token.encode(), n) for n in range(lines))
    return b"Subject: %s\r\nX-Sum: %s\r\n\r\n%s" % (
        token.encode(),
        hashlib.sha256(body).hexdigest().encode(),
        body,
    )


@dataclass
class Load:
    """All clients of one account between a start of the server and its end."""

    server: LiveServer
    login: Login
    ledger: Ledger
    seed: str
    failures: list[BaseException] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, *clients: Callable[[Load, str, random.Random], None]) -> None:
        for number, client in enumerate(clients):
            token = f"{self.seed}-{client.__name__}{number}"
            chance = random.Random(token)
            thread = threading.Thread(target=self._run, args=(client, token, chance), daemon=True)
            self._threads.append(thread)
            thread.start()

    def finish(self) -> None:
        """After the server has gone.  Raises what surprised a client."""
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive(), "a client has not noticed that the server is gone"
        if self.failures:
            raise self.failures[0]

    def _run(
        self, client: Callable[[Load, str, random.Random], None], token: str, chance: random.Random
    ) -> None:
        try:
            client(self, token, chance)
        except GONE:
            return
        except BaseException as failure:
            self.failures.append(failure)

    def imap(self) -> imaplib.IMAP4:
        port = self.server.port("imap", "starttls")
        client = imaplib.IMAP4("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        client.login(self.login.user, self.login.password)
        return client


def lmtp(load: Load, token: str, chance: random.Random) -> None:
    """Deliver."""
    with smtplib.LMTP("127.0.0.1", load.server.port("lmtp", "none"), timeout=60) as client:
        for n in range(1_000_000):
            mail = f"{token}-{n}"
            load.ledger.asked([mail], ("INBOX",))
            assert client.sendmail("s@example.com", load.login.user, message(mail, chance)) == {}
            load.ledger.told([mail], ("INBOX",))


def append(load: Load, token: str, chance: random.Random) -> None:
    """File, and then copy, move or remove what was filed."""
    client = load.imap()
    done(client.select("INBOX"))
    for n in range(1_000_000):
        mail = f"{token}-{n}"
        load.ledger.asked([mail], ("INBOX",))
        (told,) = done(client.append("INBOX", None, None, message(mail, chance)))
        load.ledger.told([mail], ("INBOX",))
        found = re.search(rb"APPENDUID \d+ (\d+)", told)
        assert found is not None, told
        chance.choice((kept, moved, copied, removed))(load, client, mail, found[1].decode())


def kept(load: Load, client: imaplib.IMAP4, mail: str, uid: str) -> None:
    done(client.uid("STORE", uid, "+FLAGS", "(\\Seen)"))


def moved(load: Load, client: imaplib.IMAP4, mail: str, uid: str) -> None:
    load.ledger.asked([mail], ("Archive",))
    done(client.uid("MOVE", uid, "Archive"))
    load.ledger.told([mail], ("Archive",))


def copied(load: Load, client: imaplib.IMAP4, mail: str, uid: str) -> None:
    load.ledger.asked([mail], ("Copies", "INBOX"))
    done(client.uid("COPY", uid, "Copies"))
    load.ledger.told([mail], ("Copies", "INBOX"))


def removed(load: Load, client: imaplib.IMAP4, mail: str, uid: str) -> None:
    done(client.uid("STORE", uid, "+FLAGS", "(\\Deleted)"))
    load.ledger.asked([mail], NOWHERE)
    done(client.uid("EXPUNGE", uid))
    load.ledger.told([mail], NOWHERE)


def fetch(load: Load, token: str, chance: random.Random) -> None:
    """By POP3: take some of the maildrop away, all at once at QUIT."""
    try:
        for _ in range(1_000_000):
            fetch_once(load)
    except poplib.error_proto as failure:
        if "EOF" not in str(failure):  # poplib's word for a connection that was closed
            raise


def fetch_once(load: Load) -> None:
    port = load.server.port("pop3", "starttls")
    client = poplib.POP3("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    client.user(load.login.user)
    client.pass_(load.login.password)
    present = client.stat()[0]
    mails = []
    for number in range(1, min(present, 10) + 1):
        mails.append(subject(client.top(number, 0)[1]))
        client.dele(number)
    load.ledger.asked_together(mails, NOWHERE)
    client.quit()
    load.ledger.told(mails, NOWHERE)


def subject(lines: list[bytes]) -> str:
    return next(line[9:].decode() for line in lines if line.startswith(b"Subject: "))


def done(answer: tuple[str, list[bytes]] | tuple[str, list[bytes | None]]) -> list[bytes]:
    """What an IMAP command brought; it must have been granted."""
    status, data = answer
    assert status == "OK", data
    return [each for each in data if each is not None]


def placed(client: imaplib.IMAP4) -> dict[str, list[str]]:
    """Every message to the mailboxes it is in; each is proved to be whole."""
    found: dict[str, list[str]] = {}
    for box in ("INBOX", *FOLDERS):
        if client.select(box, readonly=True)[0] != "OK":
            continue
        if client.untagged_responses.get("EXISTS") == [b"0"]:
            continue
        answers = done(
            client.fetch("1:*", "BODY.PEEK[HEADER.FIELDS (SUBJECT)]")  # type: ignore[arg-type]
        )
        for name in re.findall(rb"Subject: (\S+)\r\n", b"".join(map(_octets, answers))):
            found.setdefault(name.decode(), []).append(box)
    return found


def whole(client: imaplib.IMAP4) -> int:
    """How many messages are there, each with the body that its header has the hash of."""
    proved = 0
    for box in ("INBOX", *FOLDERS):
        if client.select(box, readonly=True)[0] != "OK":
            continue
        for uid in done(client.uid("SEARCH", "ALL"))[0].split():
            octets = _octets(done(client.uid("FETCH", uid.decode(), "BODY.PEEK[]"))[0])
            header, _, body = octets.partition(b"\r\n\r\n")
            found = re.search(rb"X-Sum: (\w+)", header)
            assert found is not None
            assert hashlib.sha256(body).hexdigest().encode() == found[1], header
            proved += 1
    return proved


def _octets(answer: object) -> bytes:
    """Of what imaplib makes of a literal: a pair, its second half the octets."""
    if isinstance(answer, tuple):
        return bytes(answer[1])
    return answer if isinstance(answer, bytes) else b""
