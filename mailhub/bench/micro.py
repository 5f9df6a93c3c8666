"""The workloads with which servers are compared, and what each needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailhub.bench import changing, crowd, filing, reading
from mailhub.bench.setting import Figure, Setting, prepare
from mailhub.bench.steps import BenchError

BUSY = 0.85
"""A client process that computes for so much of the time is what has been measured."""


@dataclass(frozen=True, slots=True)
class Workload:
    name: str
    title: str
    unit: str
    run: Callable[[Setting], Figure]
    needs: str = ""
    less_is_better: bool = False
    big: bool = False
    protocol: str = "imap"


WORKLOADS = (
    # First: memory that a server has taken for other work, it uses again for idle connections.
    Workload("idle", "idle connection, memory", "KiB", crowd.idle, "IDLE", True),
    Workload("log-in", "connect + LOGIN + LOGOUT, 50 at once", "/s", crowd.log_in),
    Workload("select", "SELECT, first of a session", "ms", reading.select_first, "", True, True),
    Workload("select-again", "SELECT, repeated", "ms", reading.select_again, "", True, True),
    Workload("fetch-flags", "FETCH 1:* (UID FLAGS)", "/s", reading.fetch_flags, big=True),
    Workload("fetch-list", "FETCH 1:* ENVELOPE BODYSTRUCTURE", "/s", reading.fetch_list, big=True),
    Workload("fetch-fields", "FETCH 1:* HEADER.FIELDS (8)", "/s", reading.fetch_fields, big=True),
    Workload("fetch-bodies", "UID FETCH 1:5000 BODY[]", "MB/s", reading.fetch_bodies, big=True),
    Workload(
        "random-bodies", "single random BODY[], 16 at once", "/s", reading.random_bodies, big=True
    ),
    Workload("search-since", "SEARCH SINCE", "ms", reading.search_received, "", True, True),
    Workload("search-sent", "SEARCH SENTSINCE", "ms", reading.search_since, "", True, True),
    Workload("search-flags", "SEARCH UNSEEN FLAGGED", "ms", reading.search_flags, "", True, True),
    Workload("search-subject", "SEARCH SUBJECT", "ms", reading.search_subject, "", True, True),
    Workload("sort", "SORT (REVERSE DATE)", "ms", reading.sort, "SORT", True, True),
    Workload("append", "APPEND 4 KB, 1 connection", "/s", filing.append_one),
    Workload("append-50", "APPEND 4 KB, 50 at once", "/s", filing.append_many),
    Workload("lmtp", "LMTP 4 KB, 1 connection", "/s", filing.lmtp_one, protocol="lmtp"),
    Workload("lmtp-50", "LMTP 4 KB, 50 at once", "/s", filing.lmtp_many, protocol="lmtp"),
    Workload(
        "lmtp-recipients",
        "LMTP one message to 50, deliveries",
        "/s",
        filing.lmtp_recipients,
        protocol="lmtp",
    ),
    Workload("store", "UID STORE 1:* +FLAGS.SILENT", "/s", changing.store, big=True),
    Workload("copy", "COPY, up to 10,000", "/s", changing.copy, big=True),
    Workload("move", "MOVE, up to 10,000", "/s", changing.move, "MOVE", big=True),
    Workload("expunge", "EXPUNGE, up to 10,000", "/s", changing.expunge, "MOVE", big=True),
    Workload(
        "changedsince",
        "resynchronise by CHANGEDSINCE",
        "ms",
        changing.changed_since,
        "CONDSTORE",
        True,
        True,
    ),
    Workload("qresync", "resynchronise by QRESYNC", "ms", changing.qresync, "QRESYNC", True, True),
    Workload("pop3", "POP3 log-in + 200 RETR, 20 at once", "/s", crowd.collect, protocol="pop3"),
    Workload("mix", "mix of 100 clients, commands", "/s", crowd.mix),
)
BY_NAME = {workload.name: workload for workload in WORKLOADS}


def chosen(names: Sequence[str]) -> list[Workload]:
    """The workloads of these names, or all.  Raises BenchError for one that is not known."""
    unknown = [name for name in names if name not in BY_NAME]
    if unknown:
        raise BenchError(f"no workload {unknown[0]}; known are {', '.join(BY_NAME)}")
    return [workload for workload in WORKLOADS if not names or workload.name in names]


def make_ready(setting: Setting, workloads: Sequence[Workload]) -> None:
    """The mail that *workloads* read."""
    prepare(setting, big=any(workload.big for workload in workloads))


def reason_to_skip(setting: Setting, workload: Workload) -> str:
    if not setting.target.has(workload.protocol):
        return f"no {workload.protocol.upper()} port given"
    if workload.needs and not _advertised(setting, workload.needs):
        return f"{workload.needs} is not advertised"
    return ""


def _advertised(setting: Setting, capability: str) -> bool:
    if capability in setting.capabilities:
        return True
    # QRESYNC includes CONDSTORE, and IMAP4rev2 has IDLE and MOVE (RFC 7162 3.2.3, RFC 9051 E).
    whole = {"CONDSTORE": "QRESYNC", "IDLE": "IMAP4REV2", "MOVE": "IMAP4REV2"}
    return whole.get(capability, capability) in setting.capabilities
