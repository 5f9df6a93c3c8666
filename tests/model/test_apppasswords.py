"""The form of app passwords."""

from __future__ import annotations

import pytest

from mailhub.model.apppasswords import ALPHABET, digest, generate, is_recognised


@pytest.mark.parametrize("text", ["", "mhapp", "mhappy2024", "wonder", "my mhapp-abc", "mh-app-x"])
def test_other_passwords_are_not_taken_for_one(text: str) -> None:
    assert not is_recognised(text)


@pytest.mark.parametrize("text", ["mhapp-", "MHAPP-abc", " mhapp-abcdefg-abcdefg", "mhapp-\0"])
def test_what_was_meant_to_be_one_is_recognised_and_has_no_digest(text: str) -> None:
    assert is_recognised(text)
    assert digest(text) is None


def test_one_is_recognised_however_it_is_typed() -> None:
    made = generate()
    plain = made.replace("-", "")
    for typed in (made, made.upper(), plain, f" {made}\n", made.replace("-", " - "), plain.upper()):
        assert digest(typed) == digest(made)
    for typed in (made, plain, f" {made} "):
        assert is_recognised(typed)
    assert digest(generate()) != digest(made)


def test_every_single_mistake_is_noticed() -> None:
    made = generate()
    wrong = [
        made[:at] + sign + made[at + 1 :]
        for at in range(len("mhapp-"), len(made))
        for sign in ALPHABET
        if made[at] not in (sign, "-")
    ]
    # 20 bits of a checksum: of 868 mistakes at most one in a thousand runs passes.
    assert sum(digest(text) is not None for text in wrong) <= 1
    assert digest(made[:-1]) is None
    assert digest(made + "a") is None
