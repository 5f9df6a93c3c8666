"""OAUTHBEARER and XOAUTH2 with curl on a real server, keys and answers from a provider over TLS."""

from __future__ import annotations

import base64
import imaplib
import json
import poplib
import ssl
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from mailhub.cli.control import ask
from tests.auth.issuer import ISSUER, claims, token
from tests.cli.conftest import Commands
from tests.e2e.provider import Provider
from tests.e2e.server import LiveServer, peer

ALICE = "alice@example.org"
OTHER = "https://opaque.example.org"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    made = Provider(tmp_path_factory.mktemp("provider"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("oauth")
    secret = folder / "secret"
    secret.write_text("s3cret:%\n")
    secret.chmod(0o600)
    options = f"""
[auth]
failure_delay = 0

[[oauth]]
name = "signed"
issuer = "{ISSUER}"
jwks_url = "{provider.url}/keys"
tls_ca = "{provider.ca}"
audience = ["mail"]
timeout = 1.0

[[oauth]]
name = "asked"
issuer = "{OTHER}"
introspection_url = "{provider.url}/introspect"
tls_ca = "{provider.ca}"
client_id = "mail hub"
client_secret_file = "secret"
audience = ["mail"]
timeout = 1.0
"""
    server = LiveServer(folder, options)
    server.add_account(ALICE, "pass word")
    yield server
    server.process.stop()


@pytest.fixture(autouse=True)
def healthy(provider: Provider) -> None:
    provider.answer = provider.well


def fresh(**changed: Any) -> str:
    return token(claims(time.time(), **changed))


def curl(
    live: LiveServer, given: str, protocol: str, tls: str = "implicit"
) -> subprocess.CompletedProcess[str]:
    scheme = protocol + ("s" if tls == "implicit" else "")
    url = f"{scheme}://localhost:{live.port(protocol, tls)}/"
    return subprocess.run(
        [
            *(peer("curl"), "-sS", "-v", "--ssl-reqd", "--cacert", live.ca, "--user", f"{ALICE}:"),
            *("--oauth2-bearer", given, url),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def challenge(done: subprocess.CompletedProcess[str]) -> Any:
    (told,) = (line for line in done.stderr.splitlines() if line.startswith("< + ey"))
    return json.loads(base64.b64decode(told[4:]))


def connect(live: LiveServer) -> imaplib.IMAP4_SSL:
    trust = ssl.create_default_context(cafile=str(live.ca))
    return imaplib.IMAP4_SSL("localhost", live.port("imap", "implicit"), ssl_context=trust)


def enter(live: LiveServer, given: str) -> str:
    """OK, or what the client is told."""
    client = connect(live)
    answers = [f"n,,\x01auth=Bearer {given}\x01\x01".encode(), b"\x01"]
    try:
        client.authenticate("OAUTHBEARER", lambda challenge: answers.pop(0))
    except imaplib.IMAP4.error as refused:
        return str(refused)
    client.logout()
    return "OK"


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_curl_is_refused_with_a_bad_token(live: LiveServer, protocol: str) -> None:
    done = curl(live, fresh(aud="webmail"), protocol)
    assert done.returncode == 67, done.stderr
    assert challenge(done) == {"status": "invalid_token"}
    code = "[AUTHENTICATIONFAILED]" if protocol == "imap" else "[AUTH]"
    assert f"{code} The access token is not accepted (r-" in done.stderr


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_curl_logs_in_by_its_token(live: LiveServer, protocol: str, tls: str) -> None:
    given = fresh()
    done = curl(live, given, protocol, tls)
    assert done.returncode == 0, done.stderr
    assert "OAUTHBEARER" in done.stderr
    assert given not in "\n".join(live.process.log.lines)


def test_curl_takes_xoauth2_where_there_is_nothing_else(live: LiveServer) -> None:
    text = live.config.read_text()
    live.config.write_text(text + '\n[imap]\nhidden_capabilities = ["AUTH=OAUTHBEARER"]\n')
    ask(live.data, "reload")
    try:
        done = curl(live, fresh(), "imap")
        refused = curl(live, "opaque", "imap")
    finally:
        live.config.write_text(text)
        ask(live.data, "reload")
    assert done.returncode == 0, done.stderr
    assert "AUTHENTICATE XOAUTH2" in done.stderr
    assert challenge(refused) == {"status": "401", "schemes": "bearer"}


def test_xoauth2_over_pop3(live: LiveServer) -> None:
    trust = ssl.create_default_context(cafile=str(live.ca))
    port = live.port("pop3", "implicit")
    client = poplib.POP3_SSL("localhost", port, context=trust)
    message = f"user={ALICE}\x01auth=Bearer {fresh()}\x01\x01".encode()
    assert client._shortcmd("AUTH XOAUTH2").strip() == b"+"  # type: ignore[attr-defined]
    said = client._shortcmd(base64.b64encode(message).decode())  # type: ignore[attr-defined]
    assert said.startswith(b"+OK")
    client.quit()


def test_a_long_token_is_taken_with_and_without_an_initial_response(live: LiveServer) -> None:
    long = fresh(groups=["x" * 30_000])
    assert enter(live, long) == "OK"
    assert curl(live, long, "pop3").returncode == 0


def test_one_that_is_too_long_is_refused(live: LiveServer) -> None:
    client = connect(live)
    client.send(b"a AUTHENTICATE OAUTHBEARER " + b"A" * 80_000 + b"\r\n")
    assert client.readline() == b"a BAD The line is too long\r\n"
    client.send(b"b AUTHENTICATE OAUTHBEARER\r\n")
    assert client.readline() == b"+ \r\n"
    client.send(b"A" * 80_000 + b"\r\n")
    assert client.readline() == b"* BYE The line is too long\r\n"


def test_before_tls_it_is_not_on_offer(live: LiveServer) -> None:
    client = imaplib.IMAP4("localhost", live.port("imap", "starttls"))
    assert not any("OAUTH" in name for name in client.capabilities)
    with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):
        client.authenticate("XOAUTH2", lambda challenge: b"")
    client.logout()


def test_a_refusal_is_explained_by_its_id(live: LiveServer) -> None:
    told = enter(live, fresh(exp=int(time.time()) - 3600))
    reason_id = told[told.index("(r-") + 1 : told.rindex(")")]
    explained = Commands(live.data.path)("explain", reason_id).out
    assert "the token expired 36" in explained
    assert "signature" in explained


# --- the provider -------------------------------------------------------------------------


def test_an_opaque_token_is_asked_about(live: LiveServer, provider: Provider) -> None:
    provider.active["0pa-que"] = claims(time.time(), iss=OTHER)
    assert enter(live, "0pa-que") == "OK"
    path, said = provider.requests[-1]
    assert path == "/introspect"
    assert base64.b64decode(said.removeprefix("Basic ")) == b"mail+hub:s3cret%3A%25"
    del provider.active["0pa-que"]
    assert "AUTHENTICATIONFAILED" in enter(live, "0pa-que")


def test_an_answer_may_end_with_the_connection(live: LiveServer, provider: Provider) -> None:
    provider.active["1.0"] = claims(time.time(), iss=OTHER)
    provider.answer = provider.until_the_end
    assert enter(live, "1.0") == "OK"


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ("broken", "answered 503"),
        ("elsewhere", "redirect"),
        ("endless", "262,144 octets"),
        (
            "cut_short",
            "ResponseFailed|PartialDownload|ConnectionDone|ConnectionLost|IncompleteRead",
        ),
        ("slow", "no answer within 1 s"),
        ("silent", "no answer within 1 s"),
    ],
)
def test_a_provider_in_trouble_refuses_nothing(
    live: LiveServer, provider: Provider, trouble: str, why: str
) -> None:
    provider.answer = getattr(provider, trouble)
    before = len(provider.requests)
    told = enter(live, "opaque")
    assert "[UNAVAILABLE]" in told
    assert len(provider.requests) == before + 1  # and nobody went elsewhere
    reason_id = told[told.index("(r-") + 1 : told.rindex(")")]
    detail = Commands(live.data.path).json("explain", reason_id)["detail"]
    assert any(each in detail for each in why.split("|")), detail


def test_pop3_is_told_that_it_will_pass(live: LiveServer, provider: Provider) -> None:
    provider.answer = provider.broken
    done = curl(live, "opaque", "pop3")
    assert "[SYS/TEMP]" in done.stderr


def test_others_log_in_while_a_provider_is_silent(live: LiveServer, provider: Provider) -> None:
    provider.answer = provider.silent
    waiting = connect(live)
    waiting.send(b"a AUTHENTICATE XOAUTH2 dXNlcj0BYXV0aD1CZWFyZXIgeAEB\r\n")
    client = connect(live)
    client.login(ALICE, "pass word")
    client.logout()
    assert b"[UNAVAILABLE]" in waiting.readline()


def test_a_provider_with_another_certificate_is_not_believed(
    live: LiveServer, provider: Provider
) -> None:
    text = live.config.read_text()
    live.config.write_text(text.replace(f'tls_ca = "{provider.ca}"', f'tls_ca = "{live.ca}"'))
    ask(live.data, "reload")
    try:
        assert "[UNAVAILABLE]" in enter(live, fresh())
    finally:
        live.config.write_text(text)
        ask(live.data, "reload")
    assert enter(live, fresh()) == "OK"


# --- explain token ------------------------------------------------------------------------


def test_explain_token_prints_every_step_and_not_the_token(live: LiveServer) -> None:
    commands, given = Commands(live.data.path), fresh()
    answer = commands("explain", "token", "--config", str(live.config), input=given + "\n")
    assert answer.code == 0, answer.out
    for step in ("kid: k1", "name: signed", "fitting: 1", "claim: email", f"address: {ALICE}"):
        assert step in answer.out
    assert "imap: OK" in answer.out
    assert given not in answer.out
    assert given.split(".")[2] not in answer.out


def test_explain_token_tells_why_one_is_refused(live: LiveServer, provider: Provider) -> None:
    config = ("--config", str(live.config))
    commands = Commands(live.data.path)
    answer = commands("explain", "token", *config, "--json", input=fresh(aud="webmail"))
    assert answer.code == 1
    steps = {step["what"]: step for step in answer.json["steps"]}
    assert steps["audience"]["outcome"] == "refused"
    assert json.loads(steps["challenge"]["text"]) == {"status": "invalid_token"}
    assert answer.json["outcomes"][0]["detail"] == "the token is for webmail, not for mail"
    provider.answer = provider.broken
    answer = commands("explain", "token", *config, input="opaque")
    assert (answer.code, "[SYS/TEMP]" in answer.out) == (75, True)
    answer = commands("explain", "token", *config, "--user", "bob", "--no-tls", input=fresh())
    assert answer.code == 1
    assert commands("explain", "token", *config).code == 2
    assert commands("explain", "token").err == "mailhub: the configuration has no [[oauth]]\n"
