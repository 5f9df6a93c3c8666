"""How many FETCH lines a second are made from rows, without the store: one core, 100,000 messages.

    python -m benchmarks.fetch_render [--messages 100000] [--seconds 1]

The best slice counts: this measures the code, not what else the machine does.
"""

from __future__ import annotations

import argparse
import random
import time
from array import array

from benchmarks.mime import header, text
from mailhub.imap.fetch.plan import Batch, Plan, columns_of, columns_of_flags
from mailhub.imap.fetch.run import FLAGS_PER_SLICE, ROWS_PER_SLICE
from mailhub.imap.fetch_items import UID, parse_items
from mailhub.imap.view import View
from mailhub.imap.wire.events import Framed
from mailhub.imap.wire.reader import Reader
from mailhub.mime.commonfields import pack
from mailhub.mime.scanner import analyse
from mailhub.model.mail import Field, FlagRows, Rows

THUNDERBIRD = (
    "(UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID"
    " Priority X-Priority References Newsgroups In-Reply-To Content-Type Reply-To Received)])"
)
FETCHES = [
    ("(UID FLAGS)", 1_500_000),
    ("(UID FLAGS MODSEQ)", 0),
    ("FAST", 0),
    ("(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)", 250_000),
    ("FULL", 0),
    ("(BODY.PEEK[HEADER.FIELDS (Subject From Date)])", 200_000),
    (THUNDERBIRD, 0),
    ("BODY.PEEK[HEADER]", 0),
    ("BODY.PEEK[]", 80_000),
    ("BODY.PEEK[1]", 0),
    ("BODY.PEEK[]<0.2048>", 0),
]
"""What is fetched, and the target in lines a second (0: none)."""

KEYWORDS = ("$Forwarded", "$label1", "NonJunk")
MASKS = (0, 0, 1, 1, 1, 1, 3, 5, 9, 33, 129)


def plan_of(items: str) -> Plan:
    asked = parse_items(Reader(Framed(items.encode())))
    return Plan([UID, *(a.item for a in asked)])


def kinds(rng: random.Random) -> list[dict[Field, object]]:
    """The stored values of some messages of 4 KB."""
    found: list[dict[Field, object]] = []
    for n in range(50):
        content = "Content-Type: text/plain; charset=utf-8\n"
        data = (header(rng, n, content) + text(rng, 2_500)).replace("\n", "\r\n").encode()
        analysis = analyse(data)
        found.append(
            {
                Field.DATE: 1_600_000_000 + rng.randrange(10**8),
                Field.ZONE: rng.choice((0, 60, -480)),
                Field.SIZE: len(data),
                Field.ENVELOPE: analysis.envelope,
                Field.BODYSTRUCTURE: analysis.bodystructure,
                Field.PARTS: analysis.parts,
                Field.HEADER: data[: analysis.header_octets],
                Field.FIELDS: pack(data[: analysis.header_octets]),
                Field.REST: data[analysis.header_octets :],
            }
        )
    return found


def flag_batches(view: View, rng: random.Random) -> list[Batch]:
    masks = [rng.choice(MASKS) for _ in view.uids]
    found = []
    for start in range(0, len(view), FLAGS_PER_SLICE):
        part = slice(start, start + FLAGS_PER_SLICE)
        found.append(columns_of_flags(FlagRows(view.uids[part], masks[part], masks[part])))
    return [batch._replace(keywords=KEYWORDS) for batch in found]


def row_batches(view: View, rng: random.Random, plan: Plan) -> list[Batch]:
    """One slice; of content a slice holds about 256 KiB."""
    stored = kinds(rng)
    count = 64 if Field.REST in plan.fields else ROWS_PER_SLICE
    messages = [
        stored[i % len(stored)] | {Field.FLAGS: rng.choice(MASKS), Field.MODSEQ: i}
        for i in range(count)
    ]
    columns = [[message[field] for message in messages] for field in plan.fields]
    batch = columns_of(Rows(view.uids[:count], columns, None), plan.fields)
    return [batch._replace(keywords=KEYWORDS)]


def lines_per_second(view: View, batches: list[Batch], plan: Plan, seconds: float) -> float:
    best = 0.0
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for batch in batches:
            began = time.perf_counter()
            plan.lines(view.numbers(batch.uids), batch)
            best = max(best, len(batch.uids) / (time.perf_counter() - began))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description="FETCH lines a second, without the store.")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    rng = random.Random(1)
    view = View(array("I", range(200_000, 200_000 + options.messages)))
    for items, target in FETCHES:
        plan = plan_of(items)
        batches = flag_batches(view, rng) if plan.flags_only else row_batches(view, rng, plan)
        rate = lines_per_second(view, batches, plan, options.seconds)
        verdict = "" if not target else "ok" if rate >= target else f"BELOW {target:,}"
        print(f"{rate:>12,.0f} lines/s  {items[:70]:70}  {verdict}")


if __name__ == "__main__":
    main()
