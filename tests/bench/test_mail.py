"""The mail that servers are measured with."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest

from mailhub.bench import mail

SIZES = (600, 1500, 4096, 20_000, 60_000, 5_000_000)


def test_the_same_number_and_seed_give_the_same_octets() -> None:
    assert mail.message(7, 4096, 3) == mail.message(7, 4096, 3)
    assert mail.message(7, 4096, 3) != mail.message(8, 4096, 3)
    assert mail.message(7, 4096, 3) != mail.message(7, 4096, 4)


@pytest.mark.parametrize("octets", SIZES)
def test_a_message_has_about_the_size_that_was_asked_for(octets: int) -> None:
    made = len(mail.message(1, octets))
    assert abs(made - octets) < max(0.15 * octets, 1000)


@pytest.mark.parametrize("octets", SIZES)
@pytest.mark.parametrize("number", range(6))
def test_every_message_is_one_that_parsers_find_no_fault_with(number: int, octets: int) -> None:
    octets = min(octets, 60_000)
    made = mail.message(number, octets)
    parsed = message_from_bytes(made, policy=policy.SMTP)
    assert parsed.defects == []
    assert [part.defects for part in parsed.walk()] == [[]] * len(list(parsed.walk()))
    assert parsed["Subject"]
    assert b"\n" not in made.replace(b"\r\n", b"")
    assert max(map(len, made.split(b"\r\n"))) < 998


def test_large_mail_has_an_attachment_and_answers_belong_to_threads() -> None:
    large = message_from_bytes(mail.message(1, 100_000), policy=policy.SMTP)
    assert [part.get_filename() for part in large.iter_attachments()] == ["report.pdf"]
    first, answer = (message_from_bytes(mail.message(n), policy=policy.SMTP) for n in (5, 6))
    assert answer["Subject"].replace("Re: ", "") == first["Subject"].replace("Re: ", "")
    assert first["Subject"].startswith("Re: ")
    assert len(answer["References"].split()) == 2


def test_sizes_in_a_mailbox_are_many_small_ones_and_a_few_large() -> None:
    sizes = sorted(len(mail.typical(number)) for number in range(300))
    assert sizes[150] < 8000 < 40_000 < sizes[-1]
