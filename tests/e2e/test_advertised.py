"""docs/rfcs.rst and what a server advertises are the same."""

from __future__ import annotations

import imaplib
import poplib
import re
import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.server import ROOT, LiveServer, Login
from tests.net.certificates import Authority

TABLE = (ROOT / "docs" / "rfcs.rst").read_text()


def rows() -> Iterator[list[str]]:
    """The cells of each row: number, what, status, where, advertised, left out."""
    for row in re.split(r"^   \* - ", TABLE, flags=re.MULTILINE)[1:]:
        cells = re.split(r"^     -", row.split("\n\n")[0], flags=re.MULTILINE)
        if cells[0].strip() != "RFC":
            yield [cell.strip() for cell in cells]


def documented() -> set[str]:
    return {name for row in rows() for name in re.findall(r"``([^`]+)``", row[4])}


def without_value(names: list[str]) -> set[str]:
    return {name.partition("=")[0] if name.startswith("APPENDLIMIT") else name for name in names}


def imap_capabilities(server: LiveServer, login: Login, trust: ssl.SSLContext) -> set[str]:
    client = imaplib.IMAP4("localhost", server.port("imap", "starttls"))
    seen = set(client.capabilities)
    client.starttls(trust)
    seen |= set(client.capabilities)
    client.login(login.user, login.password)
    after = client.capability()[1][-1]
    client.logout()
    return without_value([*seen, *after.decode().upper().split()])


def pop3_capabilities(server: LiveServer, trust: ssl.SSLContext) -> set[str]:
    client = poplib.POP3("localhost", server.port("pop3", "starttls"))
    before = client.capa()
    client.stls(trust)
    after = client.capa()
    client.quit()
    mechanisms = {f"SASL {name}" for name in (*before["SASL"], *after["SASL"])}
    return {*before, *after, *mechanisms}


def lmtp_capabilities(server: LiveServer) -> set[str]:
    with smtplib.LMTP("127.0.0.1", server.port("lmtp", "none")) as client:
        client.ehlo_or_helo_if_needed()
        return {name.upper() for name in client.esmtp_features}


def test_what_is_advertised_is_documented_and_the_other_way_round(
    server: LiveServer, administrator: Login, trust: ssl.SSLContext, tmp_path: Path
) -> None:
    trust.load_cert_chain(*Authority.make().issue().write(tmp_path, "client"))
    advertised = (
        imap_capabilities(server, administrator, trust)
        | pop3_capabilities(server, trust)
        | lmtp_capabilities(server)
    )
    assert advertised - documented() == set()
    # Where Kerberos is offered curl takes nothing else for user@domain: test_gssapi has a server.
    needs_extra = {"AUTH=GSSAPI", "SASL GSSAPI"}
    assert documented() - advertised == needs_extra


def test_every_rfc_that_the_code_cites_has_a_row() -> None:
    listed = {row[0] for row in rows()}
    cited: dict[str, str] = {}
    for path in sorted((ROOT / "mailhub").rglob("*.py")):
        text = path.read_text()
        numbers = re.findall(r"\bRFC (\d{3,5})|#.*?\b(\d{4}) \d+(?:\.\d+)*\b", text)
        cited |= {number: str(path) for pair in numbers for number in pair if number}
    assert {number: path for number, path in cited.items() if number not in listed} == {}


def test_every_module_that_the_table_names_exists() -> None:
    for row in rows():
        for name in re.findall(r"``([^`]+)``", row[3]):
            path = ROOT / name if name.startswith("mailhub") else ROOT / "mailhub" / name
            assert path.exists(), f"RFC {row[0]}: {name}"


def test_every_row_has_a_status() -> None:
    assert {row[2] for row in rows()} <= {"complete", "partly", "followed", "read"}
