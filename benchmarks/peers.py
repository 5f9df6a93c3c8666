"""mailhub beside Dovecot, in turn, TLS off and on; writes docs/benchmarks.rst.  make bench-peers

Dovecot is whichever comes first on PATH (2.3 or 2.4), or is installed from Debian's packages, as
root.  Smaller and quicker:

    make bench-peers BENCH="--messages 2000 --rounds 1 --seconds 1 --idle 200 --output -"
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import servers
from mailhub.bench.micro import WORKLOADS, chosen
from mailhub.bench.results import Row, as_json
from mailhub.bench.rounds import Plan, measure
from mailhub.bench.tables import number
from mailhub.bench.target import read_target

ROOT = Path(__file__).parents[1]
PACKAGES = ("dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd")
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
TLS = {"none": "Without TLS", "implicit": "With TLS"}

HEAD = """\
.. Written by make bench-peers: change benchmarks/peers.py instead.

Benchmarks
==========

mailhub and Dovecot in turn on one machine, the clients (``mailhub bench compare``) on the same
cores.  Each workload runs on one server and then on the other, {rounds}, the order changing;
figures are medians, the best in brackets.  A ratio above 1 means that mailhub is better.  Noise of
20 % between two runs is normal: read the ratios of one run, not figures of two.

- {date}, {cores} cores ({processor}), {memory:.0f} GiB, {system}, Python {python}
- {first}: its defaults
- {second}: sdbox, ``mail_fsync = always``, plain-text passwords, log-in processes in
  high-performance mode, mail processes kept for 100 sessions, idle sessions hibernate after a
  second.  Its defaults are 8 to 20 times slower at log-in.
- both: an ECDSA P-256 certificate, {accounts} accounts, {messages} messages in the mailbox that is
  read, rates over {seconds:g} s, {idle} idle connections (once, just after the start)

The configuration of both is in ``benchmarks/servers.py``.
"""
TAIL = """
Again
-----

::

    make bench-peers
    make bench-peers BENCH="--messages 2000 --rounds 1 --seconds 1 --idle 200 --output -"
    python -m benchmarks.serve --dovecot    # keeps both running, prints files for mailhub bench

What each workload does is said in :doc:`benchmarking`.
"""


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the servers must not stay
    _install()
    documents = {}
    with _inotify_instances(8192):
        for tls in options.tls or TLS:
            documents[tls] = _measured(options, tls)
            if options.json:
                Path(options.json).write_text(json.dumps(documents, indent=1))
    text = rst(documents)
    if options.output == "-":
        print(text)
    else:
        Path(options.output).write_text(text)
        print(options.output)


def _measured(options: argparse.Namespace, tls: str) -> dict[str, Any]:
    """Both servers, started anew: memory of idle connections is only seen before other work."""
    with servers.mailhub(options.accounts) as first, servers.dovecot(options.accounts) as second:
        targets = [read_target(server.target(tls)) for server in (first, second)]
        plan = _plan(options, tls)
        idle = [workload for workload in plan.workloads if workload.name == "idle"]
        rest = [workload for workload in plan.workloads if workload.name != "idle"]
        rows = measure(targets, replace(plan, workloads=idle, rounds=1), _say) if idle else []
        rows += measure(targets, replace(plan, workloads=rest), _say) if rest else []
        return _document(targets, rows, options)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--idle", type=int, default=2000)
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="repeatable")
    parser.add_argument("--tls", action="append", choices=tuple(TLS), help="default: all in turn")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--output", default=str(ROOT / "docs" / "benchmarks.rst"))
    options = parser.parse_args()
    chosen(options.only)  # a mistake is told before anything is started
    return options


def _plan(options: argparse.Namespace, tls: str) -> Plan:
    names = options.only or [w.name for w in WORKLOADS]
    # LMTP is spoken in clear, and for a command that takes long TLS makes no difference.
    plain = {"lmtp", "pop3"} if tls == "none" else {"pop3"}
    workloads = [w for w in chosen(names) if w.protocol == "imap" or w.protocol in plain]
    return Plan(
        workloads, options.rounds, options.messages, options.seconds, options.idle, erase=True
    )


def _document(targets: Sequence[Any], rows: Sequence[Row], options: Any) -> dict[str, Any]:
    return as_json(targets, rows, {k: v for k, v in vars(options).items() if k != "output"})


def _install() -> None:
    if shutil.which("dovecot") or Path("/usr/sbin/dovecot").exists():
        return
    if os.geteuid() != 0:
        raise SystemExit(f"Dovecot is missing, and only root can install {', '.join(PACKAGES)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
    install = ["apt-get", "install", "-qq", "--no-install-recommends", *PACKAGES]
    subprocess.run(install, check=True, env=environment, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def _inotify_instances(wanted: int) -> Iterator[None]:
    """Dovecot needs one for each idle process; without it, it looks once in 30 seconds."""
    before = INOTIFY.read_text()
    if int(before) >= wanted:
        yield
        return
    try:
        INOTIFY.write_text(str(wanted))
    except OSError as error:
        print(f"{INOTIFY} stays {before.strip()}: {error.strerror}", file=sys.stderr)
        yield
        return
    try:
        yield
    finally:
        INOTIFY.write_text(before)


# --- the page ---------------------------------------------------------------------------------


def rst(documents: dict[str, dict[str, Any]]) -> str:
    any_ = next(iter(documents.values()))
    machine, settings = any_["machine"], any_["settings"]
    first, second = (server["version"] for server in any_["servers"])
    rounds = settings["rounds"]
    head = HEAD.format(
        rounds="once" if rounds == 1 else f"{rounds} rounds",
        date=any_["time"][:10],
        memory=machine["memory_octets"] / 2**30,
        first=first,
        second=second,
        **{name: machine[name] for name in ("cores", "processor", "system", "python")},
        **{name: settings[name] for name in ("accounts", "seconds")},
        messages=f"{settings['messages']:,}",
        idle=f"{settings['idle']:,}",
    )
    tables = [_table(TLS[tls], document) for tls, document in documents.items()]
    return head + "".join(tables) + TAIL


def _table(title: str, document: dict[str, Any]) -> str:
    names = [server["name"] for server in document["servers"]]
    rows = [["workload", "unit", *names, "ratio"]]
    notes = []
    for workload in document["workloads"]:
        results = [workload["servers"][name] for name in names]
        rows.append([workload["title"], workload["unit"], *map(_cell, results), _ratio(workload)])
        rows += _details(workload["title"], results)
        notes += [
            f"- {workload['title']}, {name}: {result['skipped']}"
            for name, result in zip(names, results, strict=True)
            if "skipped" in result
        ]
        notes += [
            f"- {workload['title']}, {name}: {result['detail']['missed']:.0f} pushes never came"
            for name, result in zip(names, results, strict=True)
            if result.get("detail", {}).get("missed")
        ]
        if workload["limited_by_client"]:
            notes.append(f"- {workload['title']}: the client was the limit, not the servers")
    return "\n".join(["", title, "-" * len(title), "", *_simple(rows), "", *notes, ""])


def _cell(result: dict[str, Any]) -> str:
    if "skipped" in result:
        return "-"
    if result["best"] == result["median"]:
        return number(result["median"])
    return f"{number(result['median'])} ({number(result['best'])})"


def _ratio(workload: dict[str, Any]) -> str:
    return "-" if workload["ratio"] is None else f"{workload['ratio']:.2f}"


def _details(title: str, results: list[dict[str, Any]]) -> list[list[str]]:
    rows = []
    for key, label in (("p50_ms", "p50"), ("p99_ms", "p99")):
        values = [result.get("detail", {}).get(key) for result in results]
        if all(values):
            ratio = f"{values[1] / values[0]:.2f}"
            rows.append([f"... {label}", "ms", *map(number, values), ratio])
    return rows


def _simple(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    rule = "  ".join("=" * width for width in widths)
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return [rule, lines[0], rule, *lines[1:], rule]


if __name__ == "__main__":
    main()
