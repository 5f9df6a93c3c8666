"""Digests under the server's key."""

from __future__ import annotations

from mailhub.net.digests import Digests

SECRET = b"s" * 32


def test_what_is_given_in_other_parts_is_another_thing() -> None:
    digests = Digests(SECRET, "names")

    assert digests.of("ab", "c") != digests.of("a", "bc")
    assert digests.of("a", "") != digests.of("a")
    assert digests.of("a", b"b") == digests.of("a", "b")


def test_another_subject_or_another_key_gives_other_digests() -> None:
    found = [
        Digests(secret, about).of("alice")
        for secret, about in ((SECRET, "names"), (SECRET, "seats"), (b"t" * 32, "names"))
    ]

    assert len(set(found)) == 3


def test_a_name_that_is_no_unicode_has_a_digest_too() -> None:
    assert Digests(SECRET, "names").of("\udc80") != Digests(SECRET, "names").of("")
