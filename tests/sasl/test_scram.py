"""SCRAM: the RFCs' examples, another implementation's client, and everything malformed."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scramp import ScramClient, ScramMechanism

from mailhub.sasl.errors import SaslFailed
from mailhub.sasl.scram import ScramKeys, ScramServer, derive

SALT = b"0123456789abcdef"
KEYS = derive("sha256", "pencil", SALT, 4096)
BINDINGS = [("tls-exporter", b"exported"), ("tls-server-end-point", b"hash of a certificate")]
PLUS = "SCRAM-SHA-256-PLUS"


def served(
    mechanism: str = "SCRAM-SHA-256",
    first: bytes = b"n,,n=user,r=abc",
    bindings: list[tuple[str, bytes]] | None = None,
) -> ScramServer:
    server = ScramServer(mechanism, bindings or [], "xyz")
    server.first(first)
    return server


# --- the examples ---


def test_the_example_of_rfc_5802() -> None:  # 5802 5
    server = ScramServer("SCRAM-SHA-1", (), "3rfcNHYJY1ZVvWVs7j")
    server.first(b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")
    keys = derive("sha1", "pencil", base64.b64decode("QSXCR+Q6sek8bf92"), 4096)

    assert server.user == "user"
    assert server.challenge(keys) == (
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
    )
    assert (
        server.final(
            b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
        )
        == b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
    )


def test_the_example_of_rfc_7677() -> None:  # 7677 3
    server = ScramServer("SCRAM-SHA-256", (), "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
    server.first(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
    keys = derive("sha256", "pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
    server.challenge(keys)

    assert (
        server.final(
            b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        )
        == b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    )


# --- another implementation ---


@pytest.mark.parametrize(
    ("mechanism", "binding"),
    [
        ("SCRAM-SHA-1", None),
        ("SCRAM-SHA-256", None),
        (PLUS, ("tls-server-end-point", b"hash of a certificate")),
        (PLUS, ("tls-unique", b"finished")),
    ],
)
@pytest.mark.parametrize("user", ["alice@example.org", "a=b,c", "jürgen"])
def test_scramps_client_gets_in(
    mechanism: str, binding: tuple[str, bytes] | None, user: str
) -> None:
    client = ScramClient([mechanism], user, "pencil", channel_binding=binding)
    server = ScramServer(mechanism, [*BINDINGS, ("tls-unique", b"finished")] if binding else [])
    server.first(client.get_client_first().encode())
    hash_name = "sha1" if mechanism == "SCRAM-SHA-1" else "sha256"
    client.set_server_first(server.challenge(derive(hash_name, "pencil", SALT, 4096)).decode())
    client.set_server_final(server.final(client.get_client_final().encode()).decode())

    assert server.user == user


def test_scramp_derives_the_same_keys() -> None:
    salt, stored_key, server_key, iterations = ScramMechanism("SCRAM-SHA-256").make_auth_info(
        "pencil", 4096, SALT
    )
    assert ScramKeys(iterations, salt, stored_key, server_key) == KEYS


@pytest.mark.parametrize("password", ["pencil ", "", "Pencil"])
def test_a_wrong_password_is_refused(password: str) -> None:
    client = ScramClient(["SCRAM-SHA-256"], "user", password or "x")
    server = ScramServer("SCRAM-SHA-256")
    server.first(client.get_client_first().encode())
    client.set_server_first(server.challenge(KEYS).decode())
    with pytest.raises(SaslFailed, match="wrong password"):
        server.final(client.get_client_final().encode())


# --- channel binding ---


def test_a_client_that_was_told_there_is_no_plus_is_warned_by_failing() -> None:  # 5802 6
    with pytest.raises(SaslFailed, match="made to believe"):
        served(first=b"y,,n=user,r=abc", bindings=BINDINGS)
    assert served(first=b"y,,n=user,r=abc").user == "user"


def test_a_client_that_cannot_bind_may_use_the_plain_mechanism_over_tls() -> None:
    assert served(first=b"n,,n=user,r=abc", bindings=BINDINGS).user == "user"


@pytest.mark.parametrize(
    ("mechanism", "first"),
    [
        (PLUS, b"n,,n=user,r=abc"),
        (PLUS, b"y,,n=user,r=abc"),
        ("SCRAM-SHA-256", b"p=tls-exporter,,n=user,r=abc"),
        (PLUS, b"p=tls-unique,,n=user,r=abc"),
        (PLUS, b"p=TLS-EXPORTER,,n=user,r=abc"),
        (PLUS, b"p=,,n=user,r=abc"),
    ],
)
def test_binding_and_mechanism_must_agree(mechanism: str, first: bytes) -> None:
    with pytest.raises(SaslFailed):
        served(mechanism, first, BINDINGS)


def test_a_binding_to_another_connection_is_refused() -> None:
    client = ScramClient(
        [PLUS], "user", "pencil", channel_binding=("tls-server-end-point", b"somebody else's")
    )
    server = ScramServer(PLUS, BINDINGS)
    server.first(client.get_client_first().encode())
    client.set_server_first(server.challenge(KEYS).decode())
    with pytest.raises(SaslFailed, match="in between"):
        server.final(client.get_client_final().encode())


# --- malformed ---


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"n",
        b"n,,",
        b"n,,n=user",
        b"n,,r=abc,n=user",
        b"n,,n=,r=abc",
        b"n,,n=user,r=",
        b"n,,n=user,r=a\x7fc",
        b"n,,n=us=er,r=abc",
        b"n,,n=us=2cer,r=abc",
        b"n,,m=ext,n=user,r=abc",
        b"x,,n=user,r=abc",
        b"n,b=x,n=user,r=abc",
        b"n,a=,n=user,r=abc",
        b"n,,n=us\0er,r=abc",
        b"n,,n=us\xffer,r=abc",
        b"n,,n=user,r=abc\n",
        b"n,,n=" + b"u" * 5000 + b",r=abc",
    ],
)
def test_malformed_first_messages_are_refused(first: bytes) -> None:
    with pytest.raises(SaslFailed):
        served(first=first)


@pytest.mark.parametrize(
    "final",
    [
        b"",
        b"c=biws",
        b"c=biws,r=abcxyz",
        b"c=biws,r=abcxyz,p=",
        b"c=biws,r=abcxyz,p=!",
        b"c=biws,r=abcxyz,p=AAA",
        b"c=biws,r=abcxyz,p=AAAA",
        b"c=eSws,r=abcxyz,p=AAAA",
        b"c=biws,r=abc,p=AAAA",
        b"r=abcxyz,c=biws,p=AAAA",
        b"c=biws,r=abcxyz,p=" + base64.b64encode(bytes(32)),
    ],
)
def test_malformed_final_messages_are_refused(final: bytes) -> None:
    server = served()
    server.challenge(KEYS)
    with pytest.raises(SaslFailed):
        server.final(final)


@given(st.binary(), st.sampled_from(["SCRAM-SHA-1", "SCRAM-SHA-256", PLUS]))
def test_any_octets_are_a_first_message_or_refused(data: bytes, mechanism: str) -> None:
    server = ScramServer(mechanism, BINDINGS)
    for message in (data, b"n,," + data, b"n,,n=user,r=" + data):
        try:
            server.first(message)
        except SaslFailed:
            continue
        assert server.user


@given(st.binary())
def test_no_octets_but_the_proof_get_in(data: bytes) -> None:
    server = served()
    server.challenge(KEYS)
    for message in (data, b"c=biws,r=abcxyz,p=" + base64.b64encode(data)):
        with pytest.raises(SaslFailed):
            server.final(message)


def test_extensions_that_may_be_ignored_are_ignored() -> None:
    assert served(first=b"n,,n=user,r=abc,x=ignore me").user == "user"


def test_whom_to_act_as_is_told() -> None:
    assert served(first=b"n,a=bob=2C,n=user,r=abc").authorization == "bob,"


def test_every_dialogue_has_its_own_nonce() -> None:
    challenges = set()
    for _ in range(100):
        server = ScramServer("SCRAM-SHA-256")
        server.first(b"n,,n=user,r=abc")
        challenges.add(server.challenge(KEYS))

    assert len(challenges) == 100
