"""Keys of a provider: sets that are none, files that change, URLs that do not answer."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from mailhub.auth.keys import (
    MAX_KEYS,
    STALE_SECONDS,
    BadKeys,
    FileKeys,
    UrlKeys,
    chosen,
    parse_keys,
)
from mailhub.model.errors import Unavailable
from mailhub.net.fetch import FetchFailed
from tests.auth.issuer import jwk, jwks, key
from tests.harness import run, start

EC = jwk("ES256", key("P-256"))
OTHER = jwk("ES256", key("P-256", 1), "k2")


class Server:
    """Answers with ``body``; None: does not answer."""

    def __init__(self) -> None:
        self.body: bytes | None = jwks(EC)
        self.asked = 0
        self.slow: Deferred[None] | None = None

    async def get(self, url: str) -> bytes:
        self.asked += 1
        if self.slow is not None:
            await self.slow
        if self.body is None:
            raise FetchFailed("answered 503")
        return self.body

    async def post(self, url: str, form: Mapping[str, str], user: str, password: str) -> bytes:
        raise AssertionError


class Set:
    def __init__(self) -> None:
        self.server, self.clock = Server(), Clock()
        self.keys = UrlKeys("https://k", self.server, self.clock.seconds, 3600)

    def find(self, key_id: str = "k1") -> list[str]:
        return [each.parameters["kid"] for each in run(self.keys.find("ES256", key_id))]


@pytest.fixture
def keys() -> Set:
    return Set()


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b'{"keys": null}',
        b'{"keys": ["k1"]}',
        b'{"keys": []}',
        b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}',
        b"[" * 100_000,
        json.dumps({"keys": [EC] * (MAX_KEYS + 1)}).encode(),
    ],
)
def test_what_is_no_set_of_public_keys_is_refused(octets: bytes) -> None:
    with pytest.raises(BadKeys):
        parse_keys(octets)


@pytest.mark.parametrize(
    "changed",
    [
        {"kty": "RSA"},
        {"crv": "P-384"},
        {"alg": "ES384"},
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"kid": "k2"},
        {"kty": ["EC"]},
    ],
)
def test_a_key_that_is_for_something_else_is_not_tried(changed: dict[str, object]) -> None:
    fits = parse_keys(jwks(EC))
    assert chosen(fits, "ES256", "k1")
    other = parse_keys(jwks({**EC, **changed}, jwk("RS256", key("2048"), "k3")))
    assert chosen(other, "ES256", "k1") == []


@pytest.mark.parametrize("broken", [{"x": "AA"}, {"x": None}, {"x": 7}, {"x": "!"}, {"y": []}])
def test_a_malformed_key_is_no_crash(broken: dict[str, object]) -> None:
    (found,) = parse_keys(jwks({**EC, **broken}))
    with pytest.raises(BadKeys):
        found.public("ES256")


def test_a_private_key_is_taken_for_its_public_half() -> None:
    numbers = {"d": "AA", "p": "AA"}
    (found,) = parse_keys(jwks({**jwk("RS256", key("2048")), **numbers}))
    assert not hasattr(found.public("RS256"), "sign")


# --- of a URL -----------------------------------------------------------------------------


def test_keys_are_fetched_once(keys: Set) -> None:
    assert keys.find() == ["k1"]
    assert keys.find() == ["k1"]
    assert keys.server.asked == 1


def test_an_unknown_key_is_asked_for_once_a_minute_at_most(keys: Set) -> None:
    keys.find()
    keys.clock.advance(61)
    for _ in range(100):
        assert keys.find("k2") == []
    assert keys.server.asked == 2
    keys.server.body = jwks(EC, OTHER)
    keys.clock.advance(59)
    assert keys.find("k2") == []
    keys.clock.advance(2)
    assert keys.find("k2") == ["k2"]
    assert keys.server.asked == 3


def test_a_key_that_was_taken_back_is_not_used_any_more(keys: Set) -> None:
    keys.find()
    keys.server.body = jwks(OTHER)
    keys.clock.advance(3601)
    assert keys.find() == []
    assert keys.find("k2") == ["k2"]


@pytest.mark.parametrize("body", [None, b"<html>", b'{"keys": []}'])
def test_without_an_answer_nothing_can_be_said(keys: Set, body: bytes | None) -> None:
    keys.server.body = body
    for _ in range(10):
        with pytest.raises(Unavailable):
            keys.find()
    assert keys.server.asked == 1
    keys.server.body = jwks(EC)
    keys.clock.advance(6)
    assert keys.find() == ["k1"]


def test_during_an_outage_the_keys_that_are_known_serve_for_a_day(keys: Set) -> None:
    keys.find()
    keys.server.body = None
    keys.clock.advance(7200)
    assert keys.find() == ["k1"]
    keys.clock.advance(61)
    with pytest.raises(Unavailable):
        keys.find("k2")  # it may be a new one
    keys.clock.advance(STALE_SECONDS)
    with pytest.raises(Unavailable):
        keys.find()


def test_those_who_come_at_once_wait_for_one_answer(keys: Set) -> None:
    keys.server.slow = Deferred()
    waiting = [start(keys.keys.find("ES256", "k1")) for _ in range(50)]
    assert keys.server.asked == 1
    keys.server.slow.callback(None)
    assert all(len(each.result) == 1 for each in waiting)
    assert keys.server.asked == 1


# --- of a file ----------------------------------------------------------------------------


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    keys = FileKeys(path)
    with pytest.raises(Unavailable, match=r"jwks\.json"):
        run(keys.find("ES256", "k1"))
    path.write_bytes(jwks(EC))
    assert run(keys.find("ES256", "k1"))
    path.write_bytes(jwks(OTHER))
    os.utime(path, (1, 1))
    assert run(keys.find("ES256", "k1")) == []
    path.write_bytes(b"{")
    with pytest.raises(Unavailable, match="not JSON"):
        run(keys.find("ES256", "k1"))
