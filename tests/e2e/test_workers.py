"""Several workers: to clients they are one server, whichever of them dies."""

from __future__ import annotations

import contextlib
import imaplib
import itertools
import os
import poplib
import re
import select
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mailhub.cli.control import ask
from mailhub.store.hub import accounts
from mailhub.store.hub.database import HubFile
from tests.config.test_files import write_pair
from tests.e2e.clients import deliver
from tests.e2e.server import PATIENCE_SECONDS, LiveServer, Login, MailhubProcess
from tests.e2e.test_life import get, served_name
from tests.harness import message

OPTIONS = """
[auth]
plaintext = "loopback"
failure_delay = 0
throttle_attempts = 3

[limits]
max_connections_per_account = 4

[pop3]
login_delay = 0
"""


_numbers = itertools.count(1)


def with_workers(folder: Path, number: int = 2, options: str = OPTIONS) -> LiveServer:
    return LiveServer(folder, options, before=f"workers = {number}\n")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with two workers, for tests that leave it as it is."""
    live = with_workers(tmp_path_factory.mktemp("pair"))
    try:
        yield live
    finally:
        assert live.process.stop() == -signal.SIGTERM


@pytest.fixture
def own(tmp_path: Path) -> Iterator[LiveServer]:
    """One whose workers a test may kill."""
    live = with_workers(tmp_path)
    try:
        yield live
    finally:
        live.process.stop()


@pytest.fixture
def login(pair: LiveServer) -> Login:
    return pair.add_account(f"user{next(_numbers)}@example.org", "secret")


def workers(server: LiveServer) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = ask(server.data, "status")["workers"]
    return told


def sessions(server: LiveServer, login: Login) -> list[int]:
    """The worker of each session of an account."""
    return [
        each["worker"] for each in ask(server.data, "sessions") if each["account"] == login.user
    ]


def connect(server: LiveServer) -> imaplib.IMAP4:
    return imaplib.IMAP4("127.0.0.1", server.port("imap", "starttls"), timeout=PATIENCE_SECONDS)


def imap(server: LiveServer, login: Login) -> imaplib.IMAP4:
    client = connect(server)
    client.login(login.user, login.password)
    return client


def in_both(server: LiveServer, login: Login) -> list[imaplib.IMAP4]:
    """Four sessions of an account, at least one in each worker: they take turns.

    On a busy machine all may meet one that was quicker each time; then once more.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        clients = [imap(server, login) for _ in range(4)]
        if set(sessions(server, login)) == {0, 1}:
            return clients
        assert time.monotonic() < deadline, "one worker gets all connections"
        for client in clients:
            client.logout()
        until(lambda: not sessions(server, login))


def until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, "it has not happened"
        select.select([], [], [], 0.01)


def replaced(server: LiveServer, before: list[dict[str, Any]]) -> bool:
    """Whether another process has the place of each that is not there any more, and serves."""
    now = workers(server)
    return all(a["serves"] for a in now) and [a["restarts"] for a in now] != [
        b["restarts"] for b in before
    ]


# --- taking turns -------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2, 3])
def test_connections_that_come_at_once_are_spread_over_the_workers(
    tmp_path: Path, number: int
) -> None:
    live = with_workers(tmp_path, number)
    with contextlib.ExitStack() as stack:
        stack.callback(live.process.stop)
        address = ("127.0.0.1", live.port("imap", "starttls"))
        clients = [stack.enter_context(socket.create_connection(address)) for _ in range(60)]
        assert all(client.recv(4) == b"* OK" for client in clients)
        counts = [worker["connections"] for worker in workers(live)]
    assert sum(counts) == 60
    assert min(counts) > 60 / number / 4, counts  # who is busy is passed over


def test_unix_sockets_and_ipv6_and_proxy_headers_are_served_by_all(tmp_path: Path) -> None:
    listeners = f"""
[[listener]]
protocol = "lmtp"
address = "unix:{tmp_path}/lmtp"
mode = "0600"
[[listener]]
protocol = "imap"
address = "[::1]:0"
[[listener]]
protocol = "imap"
address = "127.0.0.1:0"
tls = "none"
proxy = true
"""
    live = LiveServer(tmp_path, OPTIONS, listeners, before="workers = 2\n")
    try:
        for protocol, tls, proxy in (
            *(("lmtp", "none", b""), ("imap", "none", b"")),
            ("imap", "none", b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\n"),
        ):
            _seen_by_all(live, protocol, tls, proxy)
    finally:
        assert live.process.stop() == -signal.SIGTERM
    assert not (tmp_path / "lmtp").exists()


def _seen_by_all(live: LiveServer, protocol: str, tls: str, proxy: bytes) -> None:
    wanted = "unix:" if protocol == "lmtp" else "[::1]" if not proxy else "127.0.0.1"
    address = next(
        str(each["address"])
        for each in live.listeners
        if each["address"].startswith(wanted) and each["tls"] == tls
        if each["protocol"] == protocol
    )
    with contextlib.ExitStack() as stack:
        for _ in range(6):
            client = stack.enter_context(_open(address))
            client.sendall(proxy)
            assert client.recv(1)
        assert {each["worker"] for each in ask(live.data, "sessions")} == {0, 1}
        if proxy:
            assert {each["address"] for each in ask(live.data, "sessions")} == {"192.0.2.7"}
    until(lambda: not ask(live.data, "sessions"))


def _open(address: str) -> socket.socket:
    if address.startswith("unix:"):
        client = socket.socket(socket.AF_UNIX)
        client.connect(address.removeprefix("unix:"))
        return client
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE_SECONDS)


# --- one worker's changes are another's news ----------------------------------------------


def idle(client: imaplib.IMAP4) -> None:
    client.send(b"i IDLE\r\n")
    assert client.readline().startswith(b"+ ")


@pytest.mark.parametrize("wake_ups", ["arrive", "are lost"])
def test_idle_sessions_of_all_workers_hear_of_a_delivery(
    pair: LiveServer, login: Login, wake_ups: str
) -> None:
    clients = in_both(pair, login)
    names = list(pair.data.run.glob("bell.*"))
    assert len(names) == 2
    with contextlib.ExitStack() as stack:
        if wake_ups == "are lost":
            for name in names:
                hidden = name.rename(name.with_name(f"hidden{name.suffix}"))
                stack.callback(hidden.rename, name)
        for client in clients:
            client.select("INBOX")
            idle(client)
        for number in range(1, 4):
            deliver(pair, login, message())
            for client in clients:
                while b"EXISTS" not in (line := client.readline()):
                    assert line
                assert line.startswith(b"* %d EXISTS" % number)
    for client in clients:
        client.send(b"DONE\r\n")
        client.shutdown()


def test_flags_and_expunges_of_one_worker_are_seen_by_the_other(
    pair: LiveServer, login: Login
) -> None:
    deliver(pair, login, message(), message())
    clients = in_both(pair, login)
    for client in clients:
        client.select("INBOX")
    clients[0].store("1", "+FLAGS", "\\Deleted")
    clients[0].expunge()
    for client in clients[1:]:
        while "EXPUNGE" not in client.untagged_responses:
            client.noop()
        assert client.fetch("1", "UID")[1] == [b"1 (UID 2)"]
        client.logout()
    clients[0].logout()


# --- what holds for the whole server ------------------------------------------------------


def pop3(server: LiveServer, login: Login) -> poplib.POP3:
    client = poplib.POP3("127.0.0.1", server.port("pop3", "starttls"), timeout=PATIENCE_SECONDS)
    client.user(login.user)
    client.pass_(login.password)
    return client


def test_a_maildrop_is_locked_for_the_pop3_sessions_of_all_workers(
    pair: LiveServer, login: Login
) -> None:
    first = pop3(pair, login)
    for _ in range(4):
        with pytest.raises(poplib.error_proto, match=r"\[IN-USE\]"):
            pop3(pair, login)
    first.quit()
    pop3(pair, login).quit()


def test_the_connections_of_an_account_are_counted_together(pair: LiveServer, login: Login) -> None:
    clients = in_both(pair, login)
    for _ in range(4):
        with pytest.raises(imaplib.IMAP4.error, match=r"of this account \(4 from 127.0.0.1\)"):
            imap(pair, login)
    clients.pop().logout()
    until(lambda: len(sessions(pair, login)) == 3)
    clients.append(imap(pair, login))
    for client in clients:
        client.logout()


def test_wrong_passwords_are_counted_together_and_the_right_one_clears_them(
    pair: LiveServer, login: Login
) -> None:
    client = connect(pair)
    for number in range(2):
        with pytest.raises(imaplib.IMAP4.error):
            client.login(login.user, f"wrong {number}")
    for _ in range(4):
        imap(pair, login).logout()  # right: starts afresh
    for number in range(3):
        client = connect(pair)
        with pytest.raises(imaplib.IMAP4.error):
            client.login(login.user, f"wrong {number}")
        client.shutdown()
    for _ in range(4):
        with pytest.raises(imaplib.IMAP4.error):
            imap(pair, login)
    assert "TooManyAttempts" in pair.process.log.until("TooManyAttempts")


def test_limits_of_the_server_and_of_an_address_and_login_delay_count_together(
    tmp_path: Path,
) -> None:
    options = OPTIONS.replace("login_delay = 0", "login_delay = 1000")
    limits = "[limits]\nmax_connections_per_address = 5\nmax_connections = 7\n"
    live = with_workers(tmp_path, options=options.replace("[limits]\n", limits))
    try:
        ann = live.add_account("ann@example.org", "secret")
        pop3(live, ann).quit()
        for _ in range(4):
            with pytest.raises(poplib.error_proto, match="before you log in again"):
                pop3(live, ann)
        until(lambda: not ask(live.data, "sessions"))
        port = live.port("imap", "starttls")
        with contextlib.ExitStack() as stack:

            def greeting(source: str) -> bytes:
                client = socket.create_connection(("127.0.0.1", port), 30, (source, 0))
                return stack.enter_context(client).recv(200)

            here = [greeting("127.0.0.1") for _ in range(9)]
            assert [each.startswith(b"* OK") for each in here] == [True] * 5 + [False] * 4
            assert b"from your address 127.0.0.1 (limit 5)" in here[-1]
            there = [greeting("127.0.0.2") for _ in range(5)]
            assert [each.startswith(b"* OK") for each in there] == [True] * 2 + [False] * 3
            assert b"to this server" in there[-1]
    finally:
        live.process.stop()


def count(server: LiveServer, series: str) -> float:
    """The value of a metric, ``name{labels}``."""
    status, text = get(server, "/metrics")
    assert status == 200
    found = re.search(rf"^mailhub_{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


OPEN = 'connections_open{protocol="imap"}'
OK = 'logins_total{mechanism="password",outcome="ok",protocol="imap"}'


def test_every_worker_shows_the_sums_of_all(pair: LiveServer, login: Login) -> None:
    opened = count(pair, OPEN)
    clients = in_both(pair, login)
    assert len({count(pair, OK) for _ in range(4)}) == 1
    assert [count(pair, OPEN) - opened for _ in range(4)] == [4] * 4
    assert all(get(pair, "/readyz") == (200, "ready\n") for _ in range(4))
    for client in clients:
        client.logout()
    until(lambda: count(pair, OPEN) == opened)
    for worker in "01":
        assert count(pair, f'worker_up{{worker="{worker}"}}') == 1
        delays = f'reactor_delay_seconds_count{{worker="{worker}"}}'
        until(partial(lambda name: count(pair, name) > 0, delays))


def test_sessions_are_shown_and_ended_wherever_they_are(pair: LiveServer, login: Login) -> None:
    clients = in_both(pair, login)
    found = [each for each in ask(pair.data, "sessions") if each["account"] == login.user]
    assert len({each["id"] for each in found}) == 4
    for each in found:
        assert "IMAP4rev1" in ask(pair.data, "dump", id=each["id"])
    with pytest.raises(Exception, match="there is no such session"):
        ask(pair.data, "dump", id="nobody")
    last = next(each["id"] for each in found if each["port"] == clients[-1].sock.getsockname()[1])
    assert ask(pair.data, "end", id=last) == 1
    _says_goodbye(clients.pop())
    until(lambda: len(sessions(pair, login)) == 3)
    assert ask(pair.data, "end", account=_account(pair, login)) == 3
    for client in clients:
        _says_goodbye(client)
    until(lambda: not sessions(pair, login))


def _says_goodbye(client: imaplib.IMAP4) -> None:
    assert client.readline().startswith(b"* BYE")
    client.shutdown()


def _account(server: LiveServer, login: Login) -> str:
    with contextlib.closing(HubFile.open(server.data.hub_db)) as hub, hub.read() as tx:
        return accounts.find(tx, login.user).id


# --- dying --------------------------------------------------------------------------------


def test_a_killed_worker_is_replaced_and_the_others_serve_on(own: LiveServer) -> None:
    ann = own.add_account("ann@example.org", "secret")
    clients = in_both(own, ann)
    before, counted = workers(own), count(own, OK)
    where = sessions(own, ann)
    os.kill(before[0]["pid"], signal.SIGKILL)
    said = own.process.log.until("worker.ended").splitlines()[-1]
    assert "worker 0" in said
    assert "was killed by SIGKILL; another one in" in said
    until(lambda: replaced(own, before))
    assert count(own, OPEN) == where.count(1)
    assert count(own, OK) == counted
    assert count(own, 'worker_starts_total{worker="0"}') == 2
    alive = []
    for client in clients:
        with contextlib.suppress(imaplib.IMAP4.abort, OSError):
            client.noop()
            alive.append(client)
    assert len(alive) == where.count(1)
    for client in alive:
        client.logout()
    until(lambda: not sessions(own, ann))
    for client in in_both(own, ann):
        client.logout()
    assert count(own, OK) >= counted + 4


def test_a_worker_that_is_asked_to_end_says_goodbye_and_is_replaced(own: LiveServer) -> None:
    ann = own.add_account("ann@example.org", "secret")
    clients = in_both(own, ann)
    before, there = workers(own), in_worker(own, 1)
    os.kill(before[1]["pid"], signal.SIGTERM)
    for client in clients:
        if client.sock.getsockname()[1] in there:
            _says_goodbye(client)
        else:
            assert client.noop()[0] == "OK"
    until(lambda: replaced(own, before))
    assert workers(own)[0]["pid"] == before[0]["pid"]


def in_worker(server: LiveServer, worker: int) -> set[int]:
    """The clients' ports."""
    return {each["port"] for each in ask(server.data, "sessions") if each["worker"] == worker}


def test_a_worker_that_does_not_last_is_started_again_ever_later(own: LiveServer) -> None:
    pauses = []
    for _ in range(3):
        before = workers(own)
        os.kill(before[0]["pid"], signal.SIGKILL)
        said = own.process.log.until("worker.ended")
        pauses.append(float(re.findall(r"another one in ([\d.]+) s", said)[-1]))
        until(partial(replaced, own, before))
    assert pauses == sorted(set(pauses))


def test_workers_can_be_replaced_after_the_process_that_makes_them_has_died(
    own: LiveServer,
) -> None:
    before = workers(own)
    template = _parent_of(before[0]["pid"])
    assert template != own.process.process.pid
    os.kill(template, signal.SIGKILL)
    os.kill(before[0]["pid"], signal.SIGKILL)
    until(lambda: replaced(own, before))
    assert _parent_of(workers(own)[0]["pid"]) not in (template, own.process.process.pid)


def _parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_when_the_parent_is_killed_its_workers_end_and_make_room(own: LiveServer) -> None:
    address = ("127.0.0.1", own.port("imap", "starttls"))
    own.config.write_text(own.config.read_text().replace(":0", f":{address[1]}", 1))
    pids = [worker["pid"] for worker in workers(own)]
    client = connect(own)
    own.process.process.kill()
    own.process.process.wait()
    assert client.readline().startswith(b"* BYE")
    client.shutdown()
    own.start()
    assert own.port("imap", "starttls") == address[1]
    connect(own).logout()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def test_all_processes_end_with_the_server(own: LiveServer) -> None:
    pids = [worker["pid"] for worker in workers(own)]
    assert own.process.stop() == -signal.SIGTERM
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not own.data.control_socket.exists()


# --- starting and reloading ---------------------------------------------------------------


def test_what_keeps_a_worker_from_serving_ends_the_start_in_one_line(tmp_path: Path) -> None:
    live = with_workers(tmp_path)
    live.process.stop()
    live.data.hub_db.write_bytes(b"no database" * 1000)
    for name in ("hub.db-wal", "hub.db-shm"):
        (live.data.path / name).unlink(missing_ok=True)
    process = MailhubProcess(tmp_path, "--config", live.config)
    assert process.wait() == os.EX_UNAVAILABLE
    told = [line for line in process.log.rest().splitlines() if line.startswith("mailhub: ")]
    assert len(told) == 1
    assert "hub.db is damaged" in told[0]


def test_all_workers_get_new_certificates_and_limits_and_connections_stay(
    own: LiveServer,
) -> None:
    ann = own.add_account("ann@example.org", "secret")
    clients = in_both(own, ann)
    pair = write_pair(own.folder, "fresh")
    text = own.config.read_text().replace("per_account = 4", "per_account = 5")
    certificate = f'[[tls.certificate]]\ncertificate = "{pair.certificate}"\nkey = "{pair.key}"\n'
    own.config.write_text(text.replace("workers = 2", "workers = 3") + certificate)
    told = ask(own.data, "reload")
    assert told == [
        "certificates read again",
        "a restart is needed for workers",
        "new connections get the new tls, limits",
    ]
    assert {served_name(own) for _ in range(6)} == {"CN=fresh.example.org"}
    clients.append(imap(own, ann))
    before = workers(own)
    os.kill(before[0]["pid"], signal.SIGKILL)
    until(lambda: replaced(own, before))
    assert {served_name(own) for _ in range(6)} == {"CN=fresh.example.org"}
    assert len(workers(own)) == 2


def test_tls_is_served_by_all(pair: LiveServer, login: Login) -> None:
    trust = ssl.create_default_context(cafile=str(pair.ca))
    port = pair.port("imap", "implicit")
    met: set[int] = set()

    def both_met() -> bool:
        client = imaplib.IMAP4_SSL("localhost", port, ssl_context=trust)
        client.login(login.user, login.password)
        met.update(sessions(pair, login))
        client.logout()
        return met == {0, 1}

    until(both_met)
    assert met == {0, 1}
