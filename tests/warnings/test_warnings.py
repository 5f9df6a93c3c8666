"""Warnings: once for each crossing, by every way, as often as it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed

from mailhub.config.options import QuotaFolder
from mailhub.model.mail import Usage
from mailhub.model.quota import Limits
from mailhub.store.hub import accounts, quota
from mailhub.store.hub import usage as usages
from mailhub.warnings import tasks
from mailhub.warnings.tasks import FIRST_RETRY_SECONDS, MOST_ATTEMPTS
from mailhub.warnings.webhook import NotTaken
from tests.events import Events
from tests.harness import run
from tests.warnings.conftest import NOW, World


class Hook:
    """Stands for the other program: what it was sent; refuses while ``broken``."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.broken = False
        self.answer: Deferred[None] = succeed(None)
        """When it comes."""

    def __call__(self, reactor: Any, url: str, secret_file: Path) -> Hook:
        return self

    async def post(self, body: str, now: int) -> None:
        if self.broken:
            raise NotTaken("answered 500")
        self.sent.append(body)
        await self.answer


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Hook:
    hook = Hook()
    monkeypatch.setattr(tasks, "Webhook", hook)
    return hook


def test_nobody_is_warned_below_the_threshold(world: World, events: Events) -> None:
    world.file(7_999)
    assert "quota.warning" not in events.names()
    assert world.alert() == ""
    assert world.waiting() == []


def test_a_crossing_is_told_once(world: World, events: Events) -> None:
    world.file(8_000)
    world.file(10)
    assert events["quota.warning"]["percent"] == 80
    assert world.alert() == "Your mailbox is 80 % full"
    assert world.alert() == ""
    world.work()
    world.work()
    (letter,) = world.letters()
    assert b"Subject: Your mailbox is 80 % full\r\n" in letter
    assert b"To: alice@example.org\r\n" in letter
    assert b"Auto-Submitted: auto-generated\r\n" in letter
    assert world.waiting() == []


def test_the_next_threshold_is_another_crossing(world: World, events: Events) -> None:
    world.file(8_000)
    world.file(1_500)
    assert events.names().count("quota.warning") == 2
    assert world.alert() == "Your mailbox is 95 % full"


def test_only_after_falling_below_it_is_told_again(world: World, events: Events) -> None:
    world.use(warning_mail=False)
    world.file(9_500)
    world.empty()
    assert world.alert() == ""
    world.file(8_500)
    assert events.names().count("quota.warning") == 2


def test_an_old_usage_takes_no_crossing_back(world: World, events: Events) -> None:
    world.file(7_999)
    world.file(1)
    run(world.watch.look({world.alice: Usage(7_999, 1)}))
    world.file(1)
    assert events.names().count("quota.warning") == 1


def test_falling_to_a_lower_threshold_is_not_told(world: World, events: Events) -> None:
    world.use(warning_mail=False)
    world.file(9_500)
    assert world.alert()
    world.empty()
    world.file(8_000)
    world.file(1_500)
    world.empty()
    names = events.names().count("quota.warning")
    world.file(100)
    assert events.names().count("quota.warning") == names
    assert world.alert() == ""


def test_a_limit_that_is_lowered_is_a_crossing(world: World, events: Events) -> None:
    world.file(5_000)
    with world.engine.hub.file.write() as tx:
        for octets in (7_000, 6_500, 6_000):
            quota.set_limits(tx, world.alice, quota.ADMINISTRATOR, Limits(octets=octets), NOW)
        quota.set_domain_limits(tx, "example.org", quota.ACCOUNT, Limits(octets=1), NOW)
    run(world.watch.look_at_changes())
    assert events["quota.warning"]["percent"] == 83
    run(world.watch.look_at_changes())
    assert events.names().count("quota.warning") == 1
    assert world.alert() == "Your mailbox is 83 % full"


def test_so_it_is_when_the_domain_or_the_configuration_lowers_it(
    world: World, events: Events
) -> None:
    world.file(5_000)
    with world.engine.hub.file.write() as tx:
        account = Limits(octets=6_000)
        quota.set_domain_limits(tx, "example.org", quota.ACCOUNT, account, NOW)
    run(world.watch.look_at_changes())
    with world.engine.hub.file.write() as tx:
        quota.set_domain_limits(tx, "example.org", quota.ACCOUNT, Limits(), NOW)
    run(world.watch.look_at_changes())
    assert world.alert() == ""
    world.use(octets=5_500)
    run(world.watch.doubt_all())
    run(world.watch.look_at_changes())
    assert events.names().count("quota.warning") == 2
    assert world.alert() == "Your mailbox is 90 % full"


def test_without_limits_nobody_is_warned(world: World, events: Events) -> None:
    world.use(octets=0)
    world.file(9_999)
    assert "quota.warning" not in events.names()


def test_what_does_not_count_does_not_warn(world: World, events: Events) -> None:
    world.use(folders=(QuotaFolder("INBOX", ignore=True),))
    world.file(9_000)
    assert "quota.warning" not in events.names()


def test_messages_are_warned_of_too(world: World) -> None:
    with world.engine.hub.file.write() as tx:
        quota.set_limits(tx, world.alice, quota.ADMINISTRATOR, Limits(messages=1, octets=0), NOW)
    world.file(1)
    assert world.alert() == "Your mailbox is 100 % full"


def test_a_template_of_ones_own_is_used(world: World, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Subject: Voll: {percent} %\nFrom: Post <post@example.org>\n\nGrüße, {used}\n")
    world.use(warning_template=path)
    world.file(8_000)
    world.work()
    (letter,) = world.letters()
    assert b"From: Post <post@example.org>\r\n" in letter
    assert letter.count(b"From:") == 1
    assert b"Subject: Voll: 80 %\r\n" in letter


def test_a_template_that_cannot_be_read_is_tried_again(
    world: World, tmp_path: Path, events: Events
) -> None:
    world.use(warning_template=tmp_path / "gone.txt")
    world.file(8_000)
    world.work()
    assert "No such file" in events["quota.not_told"]["reason"]
    assert world.waiting() == [("mail", 1, FIRST_RETRY_SECONDS)]


def test_a_template_that_has_become_wrong_is_tried_again(
    world: World, tmp_path: Path, events: Events
) -> None:
    path = tmp_path / "letter.txt"
    world.use(warning_template=path)
    world.file(8_000)
    path.write_text("Subject: {nobody}\n\n")
    world.work()
    assert "{nobody}, which nothing replaces" in events["quota.not_told"]["reason"]
    assert world.waiting() == [("mail", 1, FIRST_RETRY_SECONDS)]
    path.write_bytes(b"Subject: \xff\n\n")
    world.now += FIRST_RETRY_SECONDS
    world.work()
    assert world.waiting() == [("mail", 2, 2 * FIRST_RETRY_SECONDS)]
    path.write_text("Subject: x\n\n")
    world.now += 2 * FIRST_RETRY_SECONDS
    world.work()
    assert len(world.letters()) == 1


def test_a_webhook_that_hangs_keeps_nobody_waiting(
    world: World, hook: Hook, tmp_path: Path
) -> None:
    world.use(webhook="http://x/", webhook_secret_file=tmp_path / "key")
    with world.engine.hub.file.write() as tx:
        bob = accounts.add(tx, "bob@example.org", NOW).id
        usages.correct(tx, bob, Usage(8_000, 1), 0)
    hook.answer = Deferred()
    world.file(8_000)
    run(world.watch.look({bob: Usage(8_000, 1)}))
    over: list[None] = []
    world.do_due().addCallback(over.append)
    assert len(world.letters()) == 1
    assert len(hook.sent) == 2
    assert over == []
    hook.answer.callback(None)
    assert len(over) == 1
    assert world.waiting() == []


def test_a_letter_that_does_not_fit_any_more_is_dropped(world: World, events: Events) -> None:
    world.file(9_999)
    world.work()
    assert world.letters() == []
    assert world.waiting() == []
    assert events["quota.not_told"]["kind"] == "mail"


def test_a_webhook_that_fails_is_tried_again_and_given_up_in_the_end(
    world: World, hook: Hook, tmp_path: Path, events: Events
) -> None:
    world.use(warning_mail=False, webhook="http://x/", webhook_secret_file=tmp_path / "key")
    hook.broken = True
    world.file(8_000)
    waits = []
    for _ in range(MOST_ATTEMPTS - 1):
        world.work()
        ((_, _, wait),) = world.waiting()
        waits.append(wait)
        world.now += wait
    assert waits[:3] == [60, 120, 240]
    world.work()
    assert world.waiting() == []
    levels = [e["log_level"].name for e in events if e.get("event") == "quota.not_told"]
    assert levels[-1] == "error"
    assert set(levels[:-1]) == {"warn"}


def test_a_webhook_that_recovers_is_told(world: World, hook: Hook, tmp_path: Path) -> None:
    world.use(warning_mail=False, webhook="http://x/", webhook_secret_file=tmp_path / "key")
    hook.broken = True
    world.file(8_000)
    world.work()
    hook.broken = False
    world.work()
    assert hook.sent == []
    world.now += FIRST_RETRY_SECONDS
    world.work()
    assert '"event": "quota.warning"' in hook.sent[0]
    assert '"percent": 80' in hook.sent[0]


def test_a_clock_that_ran_ahead_puts_nothing_off(world: World, hook: Hook, tmp_path: Path) -> None:
    world.use(warning_mail=False, webhook="http://x/", webhook_secret_file=tmp_path / "key")
    hook.broken = True
    world.file(8_000)
    world.now += 1e9
    world.work()
    hook.broken = False
    world.now -= 1e9
    world.work()
    assert len(hook.sent) == 1


def test_a_task_of_a_deleted_account_ends(world: World, events: Events) -> None:
    world.file(8_000)
    with world.engine.hub.file.write() as tx:
        accounts.delete(tx, world.alice, NOW)
    world.work()
    assert world.waiting() == []
