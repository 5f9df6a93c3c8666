"""``[[oauth]]``: every mistake is named, and what is probably not meant is warned of."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from mailhub.config.check import advise, describe
from mailhub.config.load import parse
from mailhub.config.options import Config
from mailhub.config.problems import ConfigError
from tests.auth.issuer import jwks

KEYS = 'jwks_url = "https://login.example.org/keys"\naudience = ["mail"]\n'
ASKED = 'introspection_url = "https://login.example.org/introspect"\n'
CLIENT = 'client_id = "mailhub"\nclient_secret_file = "secret"\n'


def provider(text: str, name: str = "staff", issuer: str = "https://login.example.org") -> str:
    return f'[[oauth]]\nname = "{name}"\nissuer = "{issuer}"\n{text}\n'


def read(folder: Path, text: str) -> Config:
    (folder / "jwks.json").write_bytes(jwks())
    (folder / "ca.pem").write_text("no certificate")
    for name, mode in (("secret", 0o600), ("open", 0o644)):
        (folder / name).write_text("s3cret\n")
        (folder / name).chmod(mode)
    (folder / "empty").touch(0o600)
    return parse(textwrap.dedent(text), folder / "mailhub.toml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[oauth]]\n", "oauth[1].name: is missing"),
        (provider(KEYS, name=" "), "name: is empty"),
        (provider(KEYS, issuer=""), "issuer: is missing"),
        (provider(KEYS) + provider(KEYS), "oauth[2].name"),
        (provider(KEYS) + provider(KEYS, "b"), "oauth[2].issuer"),
        (provider(""), "nothing says how tokens are verified"),
        (provider('audience = ["a"]'), "jwks_url, jwks_file, or introspection_url"),
        (provider(KEYS + 'jwks_file = "jwks.json"'), "there is jwks_url already"),
        (provider(KEYS + ASKED + CLIENT), "there is jwks_url already"),
        (provider('jwks_url = "https://x/"'), "issued for any other service would be taken"),
        (provider(KEYS.replace("https", "http")), "in clear, which is for this machine only"),
        (provider(KEYS.replace("https", "ftp")), "is no https URL"),
        (provider(KEYS.replace("login.", "u:p@")), "has a user name"),
        (provider('audience = ["a"]\njwks_url = "https://x:port/"'), "is no URL"),
        (provider(KEYS + 'discovery_url = "x"'), "discovery_url"),
        (provider(ASKED), "client_id: is missing"),
        (provider(ASKED + 'client_id = "a"'), "client_secret_file: is missing"),
        (provider(ASKED + CLIENT.replace('"secret"', '"none"')), "no such file"),
        (provider(ASKED + CLIENT.replace('"secret"', '"open"')), "is open to everybody"),
        (provider(ASKED + CLIENT.replace('"secret"', '"empty"')), "is empty"),
        (provider(KEYS + CLIENT), "is not used without introspection_url"),
        (provider(KEYS + "claims = []"), "names no claim"),
        (provider(KEYS + "algorithms = []"), "no signature would do"),
        (provider(KEYS + 'algorithms = ["none"]'), '"none" is not one of'),
        (provider(KEYS + 'algorithms = ["HS256"]'), '"HS256" is not one of'),
        (provider(KEYS + 'scopes = ["imap pop"]'), "is not one scope"),
        (provider(KEYS + 'domains = ["@example.org"]'), "is no domain"),
        (provider('audience = ["a"]\njwks_file = "none"'), "no such file"),
        (provider('audience = ["a"]\njwks_file = "open"'), "jwks_file: "),
        (provider(KEYS + 'tls_ca = "none"'), "no such file"),
        (provider(KEYS + 'tls_ca = "ca.pem"'), "no PEM certificate"),
        (provider('audience = ["a"]\njwks_file = "jwks.json"\ntls_ca = "ca.pem"'), "not used with"),
        (provider(KEYS + "clock_skew = 3600"), "out of range"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as mistakes:
        read(tmp_path, text)
    assert told in str(mistakes.value)


def test_what_is_probably_not_meant_is_warned_of(tmp_path: Path) -> None:
    one = provider(ASKED + CLIENT)
    two = provider(ASKED + CLIENT, "guests", "https://guests.example.org")
    told = [line for line in advise(read(tmp_path, one + two)) if line.startswith("oauth")]
    assert told == [
        "oauth: tokens that do not name their issuer are refused, staff and guests could be asked",
        "oauth staff: tokens for any other service are taken (no audience)",
        "oauth guests: tokens for any other service are taken (no audience)",
    ]


def test_it_is_described(tmp_path: Path) -> None:
    text = provider(KEYS + 'domains = ["example.org"]') + provider(
        ASKED.replace("https://login.example.org", "http://127.0.0.1:8080") + CLIENT, "b", "b"
    )
    told = [line for line in describe(read(tmp_path, text)) if line.startswith("access tokens")]
    assert told == [
        "access tokens of https://login.example.org log people of example.org in; its keys are in"
        " https://login.example.org/keys",
        "access tokens of b log people in; it is asked about them at"
        " http://127.0.0.1:8080/introspect",
    ]
