"""A program of the tests: log-ins of many people at once through a reactor and the helper process.

Reads a directory from its standard input, tells when half the log-ins are through, waits for a
line, goes on; then kills the helper and asks again.  Prints what came of it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from twisted.internet import reactor, task  # noqa: TID251 - a program of its own
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.threads import deferToThread

from mailhub.config.options import DirectoryConfig, DirectoryGroups
from mailhub.directory.directory import Directories, Directory
from mailhub.metrics import Metrics
from mailhub.net.agenda import Agenda
from tests.directory.people import password

HALF = 250


async def outcome(directory: Directory, login: str, secret: str) -> str:
    try:
        return type(await directory.prove(login, secret)).__name__
    except Exception as refused:
        return type(refused).__name__


def wave(directory: Directory, people: int, start: int, *, hostile: int) -> Deferred[Any]:
    """HALF right passwords, *hostile* wrong ones, as many unknown names."""
    names = [f"p{(start + n) % people:03}" for n in range(HALF)]
    asked = [outcome(directory, name, password(name)) for name in names]
    asked += [outcome(directory, f"p{n + 250:03}", "guess") for n in range(hostile)]
    asked += [outcome(directory, f"x{n}", "guess") for n in range(hostile)]
    return DeferredList([Deferred.fromCoroutine(each) for each in asked])


async def run(settings: dict[str, Any]) -> None:
    people = settings.pop("people")
    groups = DirectoryGroups(**settings.pop("groups"))
    for key in ("tls_ca", "bind_password_file"):
        settings[key] = Path(settings[key])
    for key in ("servers", "domains"):
        settings[key] = tuple(settings[key])
    config = DirectoryConfig(**settings, groups=groups)
    directories = Directories(reactor, Agenda(reactor), [config], Metrics())
    directories.start()
    (directory,) = directories.all
    results = [value for _, value in await wave(directory, people, 0, hostile=25)]
    print("halfway", flush=True)
    second = wave(directory, people, HALF, hostile=25)
    await deferToThread(sys.stdin.readline)
    results += [value for _, value in await second]
    died = await after_the_helper_died(directories, directory)
    await directories.stop()
    print(json.dumps({"outcomes": Counter(results), "after_helper_died": died}), flush=True)


async def after_the_helper_died(directories: Directories, directory: Directory) -> list[str]:
    asked = Deferred.fromCoroutine(outcome(directory, "alice", password("alice")))
    assert directories.helper is not None
    assert directories.helper.pid is not None
    os.kill(directories.helper.pid, signal.SIGKILL)
    first, second = await asked, "LogInUnavailable"
    while second == "LogInUnavailable":  # it is being started
        await task.deferLater(reactor, 0.05, lambda: None)
        second = await outcome(directory, "alice", password("alice"))
    return [first, second]


if __name__ == "__main__":
    task.react(lambda _: Deferred.fromCoroutine(run(json.loads(sys.stdin.readline()))))
