"""Start mailhub (and Dovecot), print files that describe them to ``mailhub bench``, and wait.

python -m benchmarks.serve [--dovecot] [--accounts 50] [--extra 'TOML']
mailhub bench micro FILE
"""

from __future__ import annotations

import argparse
import contextlib
import signal

from benchmarks import servers


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dovecot", action="store_true", help="Dovecot as well (root)")
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--extra", default="", help="TOML, added to mailhub's configuration")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.ExitStack() as running:
        started = [running.enter_context(servers.mailhub(options.accounts, extra=options.extra))]
        if options.dovecot:
            started.append(running.enter_context(servers.dovecot(options.accounts)))
        for server in started:
            for tls in ("none", "implicit"):
                print(server.target(tls), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
