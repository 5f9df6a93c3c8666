"""A storm of IMAP log-ins on a whole server whose people are in a directory: reactor's pauses.

    python -m benchmarks.storm [connections] [waves]

Starts slapd with the people of the tests and ``twist mailhub`` as it is by default, opens all
connections at once, logs in on each (in clear), and tells for each wave how long it took; at the
end the longest pause that the server has seen itself (``mailhub_reactor_longest_pause_seconds``:
at least so long, at most 10 ms more).  The first wave gives each person an account.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from mailhub.net.selfsigned import ensure_certificate
from tests.directory.people import COUNT, GROUPS, PEOPLE, SECRET, SERVICE, password
from tests.directory.slapd import Slapd
from tests.e2e.server import LiveServer

OPTIONS = """
[auth]
plaintext = "loopback"

[[directory]]
name = "corp"
preset = "openldap"
servers = ["{slapd.secure}"]
domains = ["example.org"]
tls_ca = "{slapd.ca}"
bind_dn = "{service}"
bind_password_file = "{secret}"
user_base = "{people}"

[directory.groups]
base = "{groups}"
"""


async def log_in(port: int, number: int) -> tuple[str, float]:
    """The answer, and the seconds that LOGIN took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()
    name = f"p{number % COUNT:03}"
    began = time.perf_counter()
    writer.write(f'a LOGIN {name} "{password(name)}"\r\n'.encode())
    answer = await reader.readline()
    took = time.perf_counter() - began
    writer.close()
    return answer.decode().split()[1], took


async def wave(port: int, connections: int) -> None:
    began = time.perf_counter()
    told = await asyncio.gather(*(log_in(port, n) for n in range(connections)))
    seconds = sorted(took for _, took in told)
    good = sum(answer == "OK" for answer, _ in told)
    print(
        f"{good} of {connections} log-ins in {time.perf_counter() - began:.2f} s,"
        f" half of them within {seconds[len(seconds) // 2]:.2f} s"
    )


def pauses(live: LiveServer) -> list[str]:
    url = f"http://{live.address('metrics', 'none')}/metrics"
    with urllib.request.urlopen(url) as answer:
        text = answer.read().decode()
    return re.findall(r"^mailhub_reactor_longest_pause.*$", text, re.MULTILINE)


def main(connections: int, waves: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ensure_certificate(folder / "tls")
        slapd = Slapd(folder / "slapd", folder / "tls")
        slapd.fill()
        slapd.start()
        secret = folder / "secret"
        secret.touch(mode=0o600)
        secret.write_text(SECRET)
        options = OPTIONS.format(
            slapd=slapd, service=SERVICE, secret=secret, people=PEOPLE, groups=GROUPS
        )
        live = LiveServer(folder, options)
        for _ in range(waves):
            asyncio.run(wave(live.port("imap", "starttls"), connections))
        print("\n".join(pauses(live)))
        live.process.stop()
        slapd.kill()


if __name__ == "__main__":
    main(*map(int, [*sys.argv[1:], *("500", "3")[len(sys.argv) - 1 :]]))
