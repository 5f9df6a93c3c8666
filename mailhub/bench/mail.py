"""Mail to measure with: made up, alike in sizes, structure and threads to what offices get.

The same seed and number give the same octets on every machine, so that two servers, and two
runs, get the same mail.
"""

from __future__ import annotations

import base64
import datetime
import functools
import random

POOL = 200
_EPOCH = datetime.datetime(2025, 1, 6, 8, tzinfo=datetime.UTC)
_TEXT = (
    "account agenda answer april archive attached available balance before board budget call "
    "changes charge client comment confirm contract copy customer date deadline delivery design "
    "details draft estimate example figures final finance forward group harbour help house "
    "invoice issue ledger letter list manager market meeting member message minutes monday "
    "month morning note number office order paper payment people phone plan please price print "
    "project proposal quarter question quota report request review room sales schedule section "
    "server service summary team thanks thursday time total travel update version visit week "
    "window work year grüße naïve façade "
)
_WORDS = tuple(_TEXT.split())
_PEOPLE = (
    ("Anna Fischer", "anna.fischer"),
    ("Bao Nguyen", "bao.nguyen"),
    ("Carla Jiménez", "carla.jimenez"),
    ("Dmitri Orlov", "dmitri.orlov"),
    ("Eve O'Neil", "eve.oneil"),
    ("Farid Haddad", "farid.haddad"),
    ("Greta Lindqvist", "greta.lindqvist"),
    ("Hiro Tanaka", "hiro.tanaka"),
)
_DOMAINS = ("example.com", "mail.example.net", "example.org")
TYPICAL = (1500, 3000, 4000, 6000, 9000, 20_000, 60_000)
_WEIGHTS = (22, 24, 20, 14, 11, 6, 3)


def message(number: int, octets: int = 4096, seed: int = 1) -> bytes:
    """A message of about *octets*; large ones carry an attachment."""
    rng = random.Random(f"{seed}/{number}")
    head = _header(rng, number, seed)
    room = octets - len(head) - 120
    if room > 24_000:
        return head + _mixed(rng, number, room)
    if room > 2_200 and number % 5 < 3:
        return head + _alternative(rng, number, room)
    return head + _plain(rng, room)


def typical(number: int, seed: int = 1) -> bytes:
    """A message whose size is drawn as sizes in a mailbox are."""
    rng = random.Random(f"size/{seed}/{number}")
    return message(number, rng.choices(TYPICAL, _WEIGHTS)[0], seed)


@functools.lru_cache(maxsize=32)
def pool(octets: int, seed: int = 1, count: int = POOL) -> tuple[bytes, ...]:
    """*count* messages to be sent over and over: making them must not be what is measured."""
    return tuple(message(number, octets, seed) for number in range(count))


def _header(rng: random.Random, number: int, seed: int) -> bytes:
    name, local = rng.choice(_PEOPLE)
    other, other_local = rng.choice(_PEOPLE)
    domain = rng.choice(_DOMAINS)
    date = _EPOCH + datetime.timedelta(minutes=7 * number)
    sent = date.strftime("%a, %d %b %Y %H:%M:%S +0000")
    thread, place = divmod(number, 4)
    topic = random.Random(f"thread/{seed}/{thread}")
    subject = " ".join(topic.choices(_WORDS, k=topic.randint(2, 7)))
    lines = [
        f"Return-Path: <{local}@{domain}>",
        f"Received: from mx{number % 5}.{domain} (mx.{domain} [192.0.2.{number % 250}])",
        f"\tby mx.example.org with ESMTPS id {rng.getrandbits(48):012x};",
        f"\t{sent}",
        f"DKIM-Signature: v=1; a=rsa-sha256; d={domain}; s=k1; h=from:to:subject:date;",
        f"\tbh={_token(rng, 33)}=; b={_token(rng, 64)}",
        f"Date: {sent}",
        f"From: {_phrase(name)} <{local}@{domain}>",
        f"To: {_phrase(other)} <{other_local}@example.org>, team{number % 7}@example.org",
        f"Subject: {_phrase('Re: ' * bool(place) + subject)}",
        f"Message-ID: <{thread}.{place}.bench@{domain}>",
        *_references(thread, place, domain),
        f"X-Mailer: Bench {number % 9}",
        "MIME-Version: 1.0",
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def _references(thread: int, place: int, domain: str) -> list[str]:
    if not place:
        return []
    before = [f"<{thread}.{n}.bench@{domain}>" for n in range(place)]
    return [f"In-Reply-To: {before[-1]}", "References: " + "\r\n\t".join(before)]


def _phrase(text: str) -> str:
    if text.isascii():
        return text if text.replace(" ", "").isalnum() else text.replace("'", "")
    return f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?="


def _token(rng: random.Random, octets: int) -> str:
    return base64.b64encode(rng.randbytes(octets)).decode()


def _text(rng: random.Random, room: int, wrap: str = "") -> bytes:
    """Lines of words, about *room* octets; *wrap* is an HTML element for each."""
    lines = []
    while room > 0:
        line = " ".join(rng.choices(_WORDS, k=10))
        if wrap:
            line = f'<{wrap} style="margin:0">{line}</{wrap}>'
        lines.append(line.encode())
        room -= len(lines[-1]) + 2
    return b"\r\n".join(lines) + b"\r\n"


def _plain(rng: random.Random, room: int) -> bytes:
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    return head + _text(rng, room)


def _html(rng: random.Random, room: int) -> bytes:
    head = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    return head + b"<html><body>\r\n" + _text(rng, room - 40, "p") + b"</body></html>\r\n"


def _alternative(rng: random.Random, number: int, room: int) -> bytes:
    parts = (_plain(rng, room // 3), _html(rng, room - room // 3))
    return _multipart("alternative", f"=_alt_{number}", parts)


def _mixed(rng: random.Random, number: int, room: int) -> bytes:
    attached = base64.encodebytes(rng.randbytes((room - 2_500) * 57 // 78)).replace(b"\n", b"\r\n")
    head = (
        b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="report.pdf"\r\n\r\n'
    )
    parts = (_alternative(rng, number, 2_400), head + attached)
    return _multipart("mixed", f"=_mix_{number}", parts)


def _multipart(kind: str, boundary: str, parts: tuple[bytes, ...]) -> bytes:
    mark = boundary.encode()
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
    return head + b"".join(b"--%b\r\n%b" % (mark, part) for part in parts) + b"--%b--\r\n" % mark
