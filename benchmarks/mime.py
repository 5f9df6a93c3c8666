"""How fast messages are analysed on one core: MB/s on large ones, messages/s on small ones.

    python -m benchmarks.mime [--seconds 2] [--profile]

The messages are made up, the same in every run, and of the usual kinds: small text mail with the
trace and signature headers of today, multipart/alternative, and 100 KB with attachments.
"""

from __future__ import annotations

import argparse
import base64
import cProfile
import pstats
import random
import textwrap
import time
from collections.abc import Callable, Sequence

from mailhub.mime.fields import select_fields
from mailhub.mime.scanner import Scanner, analyse

TEXT = (
    "the meeting is on Thursday at ten please bring your notes and the draft of the budget for"
    " next year we have to decide about the new office before the end of this month thanks"
)
WORDS = TEXT.split()


def header(rng: random.Random, n: int, content: str) -> str:
    signature = base64.b64encode(rng.randbytes(256)).decode()
    return (
        f"Return-Path: <bounce-{n}@lists.example.com>\n"
        f"Delivered-To: alice@example.org\n"
        f"Received: from mx{n % 5}.example.com (mx{n % 5}.example.com [192.0.2.{n % 250}])\n"
        f"\tby mail.example.org (Postfix) with ESMTPS id {rng.getrandbits(48):x}\n"
        f"\tfor <alice@example.org>; Mon,  7 Feb 2022 21:52:25 -0800 (PST)\n"
        f"Received: by app{n % 9}.example.com; Mon, 07 Feb 2022 21:52:22 -0800\n"
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1;\n"
        f"\th=from:to:subject:date:message-id; bh={signature[:44]};\n"
        + "".join(f"\t {line}\n" for line in textwrap.wrap("b=" + signature, 70))
        + f"Authentication-Results: mail.example.org; dkim=pass header.d=example.com; spf=pass\n"
        f"Date: Mon, {n % 28 + 1} Feb 2022 21:52:25 -0800\n"
        f'From: "Sender Number {n % 50}" <sender{n % 50}@example.com>\n'
        f"To: Alice Example <alice@example.org>, Bob <bob{n % 7}@example.org>\n"
        f"Cc: team@example.net\n"
        f"Subject: Re: [budget] =?utf-8?q?Gr=C3=BC=C3=9Fe?= and message number {n}\n"
        f"Message-ID: <{n}.{rng.getrandbits(64):x}@example.com>\n"
        f"In-Reply-To: <{n - 1}.parent@example.com>\n"
        f"References: <{n - 2}.a@example.com>\n <{n - 1}.parent@example.com>\n"
        f"X-Mailer: Example Mail 4.2\n"
        f"MIME-Version: 1.0\n{content}\n"
    )


def text(rng: random.Random, octets: int) -> str:
    words = [rng.choice(WORDS) for _ in range(octets // 5)]
    return textwrap.fill(" ".join(words), 72)[:octets] + "\n"


def plain(n: int) -> bytes:
    """About 3 KB."""
    rng = random.Random(n)
    content = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit\n"
    return wire(header(rng, n, content) + text(rng, 1600))


def alternative(n: int) -> bytes:
    """About 4 KB."""
    rng = random.Random(n)
    mark = f"=_{rng.getrandbits(64):x}"
    words = text(rng, 800)
    return wire(
        header(rng, n, f'Content-Type: multipart/alternative; boundary="{mark}"\n')
        + f"--{mark}\nContent-Type: text/plain; charset=utf-8\n\n{words}\n"
        f"--{mark}\nContent-Type: text/html; charset=utf-8\n"
        f"Content-Transfer-Encoding: quoted-printable\n\n<p>{words}</p>\n--{mark}--\n"
    )


def large(n: int) -> bytes:
    """About 100 KB: text, HTML and two attachments."""
    rng = random.Random(n)
    mark = f"=_{rng.getrandbits(64):x}"
    attachments = "".join(
        f"--{mark}\nContent-Type: application/pdf; name=report{i}.pdf\n"
        f"Content-Disposition: attachment; filename=report{i}.pdf\n"
        f"Content-Transfer-Encoding: base64\n\n"
        f"{base64.encodebytes(rng.randbytes(31_000)).decode()}\n"
        for i in range(2)
    )
    return wire(
        header(rng, n, f'Content-Type: multipart/mixed; boundary="{mark}"\n')
        + f"--{mark}\nContent-Type: text/plain; charset=utf-8\n\n{text(rng, 3000)}\n"
        f"--{mark}\nContent-Type: text/html\n\n<html><p>{text(rng, 10_000)}</p></html>\n"
        f"{attachments}--{mark}--\n"
    )


def wire(message: str) -> bytes:
    return message.replace("\n", "\r\n").encode()


def measure(messages: Sequence[bytes], seconds: float, work: Callable[[bytes], object]) -> str:
    done = octets = 0
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        for message in messages:
            work(message)
        done += len(messages)
        octets += sum(map(len, messages))
    elapsed = time.perf_counter() - start
    return f"{done / elapsed:9,.0f} messages/s {octets / elapsed / 1e6:8.1f} MB/s"


def in_slices(message: bytes) -> None:
    scanner = Scanner()
    for position in range(0, len(message), 16_384):
        scanner.feed(message[position : position + 16_384])
    scanner.finish()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    kinds = {
        "plain text": [plain(n) for n in range(200)],
        "alternative": [alternative(n) for n in range(200)],
        "100 KB": [large(n) for n in range(20)],
    }
    for name, messages in kinds.items():
        average = sum(map(len, messages)) / len(messages)
        label = f"{name} ({average / 1000:.1f} KB)"
        print(f"{label:24} {measure(messages, arguments.seconds, analyse)}")
    print(f"{'100 KB in slices':24} {measure(kinds['100 KB'], arguments.seconds, in_slices)}")
    names = frozenset(b"from to cc subject date message-id references content-type".split())
    headers = [message[: message.index(b"\r\n\r\n") + 4] for message in kinds["plain text"]]
    select = measure(headers, arguments.seconds / 2, lambda block: select_fields(block, names))
    print(f"{'8 fields of a header':24} {select}")
    if arguments.profile:
        with cProfile.Profile() as profile:
            for message in kinds["plain text"] + kinds["alternative"]:
                analyse(message)
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
