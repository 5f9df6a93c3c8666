"""Verifiers: making them, and what cannot be a password."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailhub.auth.memory import MAX_SECRETS, VerifiedSecrets
from mailhub.auth.verifiers import (
    NOBODY,
    BadPassword,
    make_verifiers,
    outdated,
    prepare,
    read_keys,
    verify,
    write_keys,
)
from mailhub.model.mail import AccountId, Verifier
from mailhub.sasl.scram import ScramKeys
from tests.auth.accounts import of_password


@pytest.mark.parametrize("password", ["", "\u200d", "a\0b", "x" * 1025, "\u0627\u0031"])
def test_some_texts_cannot_be_passwords(password: str) -> None:
    with pytest.raises(BadPassword, match="The password"):
        make_verifiers(password)


def test_every_scheme_gets_a_verifier() -> None:
    schemes = {verifier.scheme for verifier in of_password("wonder")}

    assert schemes == {"argon2id", "SCRAM-SHA-256", "SCRAM-SHA-1"}


def test_each_verifier_proves_the_password_and_no_other() -> None:
    for verifier in of_password("wonder"):
        assert verify(verifier, prepare("wonder"))
        assert not verify(verifier, prepare("wander"))


def test_the_same_password_gets_other_verifiers_each_time() -> None:
    once, again = of_password("wonder"), make_verifiers("wonder")

    assert all(a.data != b.data for a, b in zip(once, again, strict=True))


def test_nobody_is_checked_like_somebody() -> None:
    assert NOBODY.data.split("$")[:4] == of_password("wonder")[0].data.split("$")[:4]
    assert not verify(NOBODY, "")


def test_fresh_verifiers_are_up_to_date() -> None:
    assert not outdated(of_password("wonder"))


def test_weaker_missing_and_damaged_verifiers_are_outdated() -> None:
    argon, sha256, sha1 = of_password("wonder")
    keys = read_keys(sha256)
    assert keys is not None
    weak = Verifier("SCRAM-SHA-256", write_keys(replace(keys, iterations=4096)))
    for verifiers in (
        (),
        (argon,),
        (argon, sha256),
        (argon, weak, sha1),
        (replace(argon, data=argon.data.replace("m=19456", "m=8")), sha256, sha1),
        (replace(argon, data="x"), sha256, sha1),
        (argon, replace(sha256, data="x"), sha1),
    ):
        assert outdated(verifiers)


def test_keys_survive_being_written() -> None:
    keys = ScramKeys(4096, b"salt:", b"stored", b"server")

    assert read_keys(Verifier("SCRAM-SHA-1", write_keys(keys))) == keys


def test_a_verifier_does_not_show_its_secret() -> None:
    assert "4096" not in repr(Verifier("SCRAM-SHA-1", "4096:a:b:c"))


def test_the_memory_of_proved_passwords_is_bounded() -> None:
    memory = VerifiedSecrets(lambda: 0.0, 60.0)
    verifier = Verifier("argon2id", "x")
    for number in range(MAX_SECRETS + 10):
        memory.remember(AccountId(str(number)), verifier, "x")

    assert len(memory._until) == MAX_SECRETS
    assert not memory.knows(AccountId("0"), verifier, "x")
    assert memory.knows(AccountId("20"), verifier, "x")


def test_the_memory_keeps_its_parts_apart() -> None:
    memory = VerifiedSecrets(lambda: 0.0, 60.0)
    memory.remember(AccountId("ab"), Verifier("argon2id", "c"), "d")

    assert not memory.knows(AccountId("a"), Verifier("argon2id", "bc"), "d")
    assert not memory.knows(AccountId("ab"), Verifier("argon2id", "cd"), "")
