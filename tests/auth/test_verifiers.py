"""Verifiers: making them, and what cannot be a password."""

from __future__ import annotations

from dataclasses import replace

import pytest
from twisted.internet.task import Clock

from mailhub.auth.memory import VerifiedSecrets
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
from mailhub.net.notes import Notes
from mailhub.net.shared import Kind, Shared, own_notes
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
    clock = Clock()
    memory = VerifiedSecrets(
        clock.seconds, 60.0, Shared(notes={**own_notes(), Kind.SECRETS: Notes(4, 8)})
    )
    verifier = Verifier("argon2id", "x")
    accounts = [AccountId(str(number)) for number in range(100)]
    for account in accounts:
        memory.remember(account, verifier, "x")
        clock.advance(0.1)

    known = [account for account in accounts if memory.knows(account, verifier, "x")]
    assert len(known) == 32
    assert accounts[0] not in known
    assert accounts[-1] in known


def test_the_memory_keeps_its_parts_apart() -> None:
    memory = VerifiedSecrets(lambda: 0.0, 60.0)
    memory.remember(AccountId("ab"), Verifier("argon2id", "c"), "d")

    assert not memory.knows(AccountId("a"), Verifier("argon2id", "bc"), "d")
    assert not memory.knows(AccountId("ab"), Verifier("argon2id", "cd"), "")
