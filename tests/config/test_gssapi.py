"""``[gssapi]``: what is missing is named before anybody fails to log in."""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mailhub.config.check import describe
from mailhub.config.keytab import NoKeytab, principals
from mailhub.config.load import parse
from mailhub.config.options import Config
from mailhub.config.problems import ConfigError

LISTENER = '[[listener]]\nprotocol = "{}"\naddress = "127.0.0.1:0"\ntls = "implicit"\n'


def counted(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()


def keytab(*names: str) -> bytes:
    """As ktadd writes it, with a hole where a key was removed."""
    made = b"\x05\x02" + struct.pack(">i", -5) + bytes(5)
    for name in names:
        components, _, realm = name.partition("@")
        parts = components.split("/")
        entry = struct.pack(">H", len(parts)) + b"".join(map(counted, [realm, *parts]))
        entry += struct.pack(">IIBH", 1, 0, 1, 18) + counted("k" * 32)
        made += struct.pack(">i", len(entry)) + entry
    return made


GOOD = keytab("imap/mail.example.org@EXAMPLE.ORG", "pop/mail.example.org@EXAMPLE.ORG")


@pytest.fixture(autouse=True)
def extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gssapi", ModuleType("gssapi"))


def read(folder: Path, text: str, octets: bytes = GOOD, mode: int = 0o600) -> Config:
    (folder / "krb5.keytab").write_bytes(octets)
    (folder / "krb5.keytab").chmod(mode)
    head = 'hostname = "mail.example.org"\n' + LISTENER.format("imap") + LISTENER.format("pop3")
    return parse(head + "[gssapi]\n" + text, folder / "mailhub.toml")


@pytest.mark.parametrize("octets", [b"", b"\x05", b"\x05\x01", b"x" * 100, GOOD[:-70], GOOD[:20]])
def test_what_is_cut_short_is_no_keytab(octets: bytes) -> None:
    with pytest.raises(NoKeytab):
        principals(octets)


def test_the_keys_of_a_keytab_are_named_once() -> None:
    assert principals(GOOD + GOOD[2:]) == [
        "imap/mail.example.org@EXAMPLE.ORG",
        "pop/mail.example.org@EXAMPLE.ORG",
    ]
    assert principals(keytab()) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('realms = ["EXAMPLE.ORG"]', "realms: is not used without gssapi.keytab"),
        ('keytab = "none"', "none: no such file or directory (kadmin: ktadd -k FILE imap/HOST)"),
        ('keytab = "mailhub.toml"', "no such file"),
        ('keytab = "krb5.keytab"\nhostname = "other.example.org"', "no key of imap/other.exam"),
        ('keytab = "krb5.keytab"\nhostname = "a b"', "is not a host name"),
        ('keytab = "krb5.keytab"\nnames = []', "no ticket would be anybody's"),
        ('keytab = "krb5.keytab"\nnames = ["dn"]', '"dn" is not one of "principal", "user"'),
        ('keytab = "krb5.keytab"\nrealms = ["@EXAMPLE.ORG"]', "is no realm"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as mistakes:
        read(tmp_path, text)
    assert told in str(mistakes.value)


@pytest.mark.parametrize(
    ("octets", "mode", "told"),
    [
        (b"nonsense", 0o600, "is no keytab"),
        (GOOD, 0o644, "is open to everybody"),
        (keytab(), 0o600, "has no key of imap/mail.example.org, but of nothing"),
        (
            keytab("imap/mail.example.org@A", "host/mail.example.org@A"),
            0o600,
            "no key of pop/mail.example.org, but of imap/mail.example.org@A, host/mail",
        ),
    ],
)
def test_a_keytab_that_will_not_do_is_told(
    tmp_path: Path, octets: bytes, mode: int, told: str
) -> None:
    with pytest.raises(ConfigError) as mistakes:
        read(tmp_path, 'keytab = "krb5.keytab"', octets, mode)
    assert told in str(mistakes.value)


def test_without_the_extra_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gssapi", None)
    with pytest.raises(ConfigError, match=r"pip install 'mailhub\[gssapi\]'"):
        read(tmp_path, 'keytab = "krb5.keytab"')


def test_it_is_described(tmp_path: Path) -> None:
    told = describe(read(tmp_path, 'keytab = "krb5.keytab"'))
    assert any(line.startswith("Kerberos tickets of the keytab's realm for mail.") for line in told)
    told = describe(read(tmp_path, 'keytab = "krb5.keytab"\nhostname = "*"\nrealms = ["A"]'))
    assert any(line.startswith("Kerberos tickets of A for any host log") for line in told)
