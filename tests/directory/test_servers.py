"""Several servers: order, health, fail-over and fail-back, with real ones that are killed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from mailhub.config.options import DirectoryConfig
from mailhub.directory.frames import Question, Reply
from mailhub.directory.helper import answer
from mailhub.directory.lookup import Lookup
from mailhub.directory.servers import Deadline
from mailhub.directory.troubles import Kind, Trouble, Verdict
from mailhub.model.directory import NO_PAST, Person
from tests.directory.asking import Asking
from tests.directory.people import COUNT, password
from tests.directory.slapd import Slapd
from tests.directory.test_traps import Start, but, clear, ordinary  # noqa: F401 - a fixture
from tests.directory.unreliable import Between, Scripted, bound
from tests.e2e.server import PATIENCE_SECONDS, ROOT


@pytest.fixture
def other(tmp_path: Path, tls: Path) -> Iterator[Slapd]:
    """A second server with the same people."""
    server = Slapd(tmp_path / "other", tls)
    server.fill()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def both(corp: DirectoryConfig, other: Slapd, slapd: Slapd) -> DirectoryConfig:
    """The killable one first."""
    return replace(corp, servers=(other.secure, slapd.secure), retry_interval=0.1)


def asked(asking: Asking) -> object:
    """Which server was asked last."""
    return [step for step in asking.steps.taken if step.what == "bind"][-1].facts["server"]


def test_a_killed_server_is_left_and_taken_again(
    asking: Asking, both: DirectoryConfig, other: Slapd, slapd: Slapd
) -> None:
    asking.prove(both, "alice", password("alice"))
    assert asked(asking) == other.secure

    other.kill()
    asking.prove(both, "alice", password("alice"))
    assert asked(asking) == slapd.secure
    assert asking.heard.names() == ["directory.server_down"]
    asking.prove(both, "p001", password("p001"))
    assert asking.heard.names() == ["directory.server_down"]  # it is not asked again

    other.start()
    assert asking.heard.up.wait(PATIENCE_SECONDS)
    asking.prove(both, "alice", password("alice"))
    assert asked(asking) == other.secure
    assert asking.heard.names() == ["directory.server_down", "directory.server_up"]


def test_when_all_are_down_the_answer_comes_at_once_and_is_no_refusal(
    asking: Asking, corp: DirectoryConfig
) -> None:
    down = replace(corp, servers=("ldaps://127.0.0.1:1", "ldaps://127.0.0.1:2"), retry_interval=60)
    assert asking.trouble(down).kind is Kind.CONNECT
    trouble = asking.trouble(down)
    assert trouble.kind is Kind.WAITED
    assert "127.0.0.1:1" in str(trouble)
    assert asking.heard.names() == ["directory.server_down"] * 2


def test_a_server_that_hangs_is_left_after_three_questions(
    asking: Asking, corp: DirectoryConfig, slapd: Slapd
) -> None:
    between = Between(slapd.tls_port)
    servers = (f"ldaps://127.0.0.1:{between.port}", slapd.secure)
    slow = replace(corp, servers=servers, operation_timeout=0.2, retry_interval=0.1)
    slow = replace(slow, connect_timeout=0.3)
    asking.prove(slow, "alice", password("alice"))
    between.passing.clear()
    for uid in ("p000", "p001", "p002", "p003"):
        asking.prove(slow, uid, password(uid))  # the second server answers
    assert asking.heard.names() == ["directory.server_down"]
    between.passing.set()
    assert asking.heard.up.wait(PATIENCE_SECONDS)
    between.close()


def test_a_log_in_waits_once_for_a_server_that_hangs(
    asking: Asking, corp: DirectoryConfig, slapd: Slapd
) -> None:
    between = Between(slapd.tls_port)
    servers = (f"ldaps://127.0.0.1:{between.port}", slapd.secure)
    slow = replace(corp, servers=servers, operation_timeout=0.2, connect_timeout=0.3)
    asking.prove(slow, "alice", password("alice"))
    between.passing.clear()
    asking.prove(slow, "p004", password("p004"))
    between.close()
    failed = [step.facts["reason"] for step in asking.steps.taken if step.what == "server failed"]
    assert len(failed) == 1
    assert asking.heard.names() == []  # one that is slow for once is not left alone


def test_a_refused_service_account_is_not_tried_until_it_is_locked(
    asking: Asking,
    clear: Start,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    server = Scripted(but("bind", lambda m: bound(m, 49 if m.secret == "old" else 0)))
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("old")
    directory = replace(clear(server), bind_dn="cn=x", bind_password_file=secret)
    assert asking.trouble(directory).kind is Kind.BIND
    tried = len(server.requests)
    threading.Event().wait(5 * directory.retry_interval)
    assert asking.trouble(directory).kind is Kind.WAITED
    assert len(server.requests) == tried

    secret.write_text("new")
    assert asking.heard.up.wait(PATIENCE_SECONDS)
    assert asking.prove(directory, "alice", "secret of alice").id == "1"


def test_binds_and_searches_do_not_share_connections(asking: Asking, corp: DirectoryConfig) -> None:
    asking.prove(corp, "alice", password("alice"))
    assert [name for name, _ in asking.heard.operations].count("connect") == 2
    asking.prove(corp, "p001", password("p001"))
    assert [name for name, _ in asking.heard.operations].count("connect") == 2


# --- the helper process ---------------------------------------------------------------------


def reply(directory: DirectoryConfig, asking: Asking, method: str, *arguments: object) -> Reply:
    question = Question(7, directory.name, method, arguments, time.monotonic() + 10, heard=True)
    return answer(asking.lookup(directory), question, 0.5)


def test_the_helper_answers_questions_with_their_steps(
    asking: Asking, corp: DirectoryConfig
) -> None:
    right = reply(corp, asking, "prove", "alice", password("alice"), NO_PAST)
    assert isinstance(right.value, Person)
    assert (right.number, right.failure, right.waited) == (7, None, 0.5)
    assert {step.what for step in right.steps} >= {"search", "bind", "groups", "person"}
    assert password("alice") not in str(right.steps)
    wrong = reply(corp, asking, "prove", "alice", "guess", NO_PAST)
    assert getattr(wrong.failure, "verdict", None) is Verdict.WRONG
    crashed = reply(corp, asking, "no_such_question")
    assert "AttributeError" in str(crashed.failure)


def test_a_question_whose_time_is_over_is_not_begun(asking: Asking, corp: DirectoryConfig) -> None:
    late = Question(1, "corp", "prove", ("alice", "x", NO_PAST), time.monotonic() - 1)
    failure = answer(asking.lookup(corp), late, 16.0).failure
    assert isinstance(failure, Trouble)
    assert failure.kind is Kind.WAITED
    assert asking.heard.operations == []


def test_the_time_of_a_question_is_divided_among_servers(
    asking: Asking, corp: DirectoryConfig
) -> None:
    lookup: Lookup = asking.lookup(corp)
    with pytest.raises(Trouble) as trouble:
        lookup.prove("alice", "x", NO_PAST, Deadline(time.monotonic()), asking.steps)
    assert trouble.value.kind is Kind.TIMEOUT


def test_a_storm_of_log_ins_survives_the_death_of_a_server(
    both: DirectoryConfig, other: Slapd, tmp_path: Path
) -> None:
    """500 log-ins through a real reactor and helper, which dies as well in between."""
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.directory.storm", str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdin is not None
    assert program.stdout is not None
    settings = {key: value for key, value in asdict(both).items() if key not in ("attributes",)}
    program.stdin.write(json.dumps({"people": COUNT, **settings}, default=str) + "\n")
    program.stdin.flush()
    assert program.stdout.readline() == "halfway\n"
    other.kill()
    program.stdin.write("killed\n")
    program.stdin.flush()
    told = json.loads(program.stdout.readline())
    assert program.wait(PATIENCE_SECONDS) == 0
    assert told["outcomes"] == {"Person": 500, "BadCredentials": 50, "NoSuchPerson": 50}
    assert told["after_helper_died"] == ["LogInUnavailable", "Person"]
