"""What an account may keep, on every engine: what is refused, and what never is."""

from __future__ import annotations

import pytest

from mailhub.interfaces import IMailbox
from mailhub.model.errors import MessageTooLarge, NoSuchMailbox, OverQuota
from mailhub.model.flags import FlagChange
from mailhub.model.mail import SpecialUse, Usage
from mailhub.model.names import INBOX, mailbox_name
from mailhub.model.numbers import EVERYTHING, NumberSet
from mailhub.model.quota import FolderRule, Quota
from tests.harness import run
from tests.store.contract import MESSAGE, World, numbers, uids

N = mailbox_name
OCTETS = len(MESSAGE)


def usage(world: World) -> tuple[int, int]:
    found = run(world.account.usage())
    return found.octets, found.messages


def trash(world: World) -> IMailbox:
    run(world.account.create(N("Bin"), frozenset({SpecialUse.TRASH})))
    return world.mailbox("Bin")


# --- what is refused


def test_the_message_that_just_fits_is_filed_and_the_next_is_not(world: World) -> None:
    world.limit(Quota(octets=2 * OCTETS))
    world.append(MESSAGE)
    world.append(MESSAGE)

    with pytest.raises(OverQuota):
        world.append(b"\n")
    assert usage(world) == (2 * OCTETS, 2)


def test_one_octet_too_many_is_refused(world: World) -> None:
    world.limit(Quota(octets=OCTETS - 1))
    with pytest.raises(OverQuota):
        world.append(MESSAGE)
    assert usage(world) == (0, 0)
    assert run(world.mailbox().status()).uidnext == 1


def test_several_messages_are_filed_all_or_none(world: World) -> None:
    world.limit(Quota(octets=3 * OCTETS - 1))
    with pytest.raises(OverQuota):
        world.append(MESSAGE, MESSAGE, MESSAGE)
    assert usage(world) == (0, 0)


def test_messages_are_counted(world: World) -> None:
    world.limit(Quota(messages=2))
    world.append(MESSAGE, MESSAGE)
    with pytest.raises(OverQuota):
        world.append(MESSAGE)
    with pytest.raises(OverQuota):
        run(world.mailbox().copy(numbers((1, 1)), INBOX))


def test_a_copy_counts_as_much_as_the_message(world: World) -> None:
    world.limit(Quota(octets=3 * OCTETS))
    box = world.fill(2)
    run(world.account.create(N("work")))

    with pytest.raises(OverQuota):
        run(box.copy(EVERYTHING, N("work")))
    assert usage(world) == (2 * OCTETS, 2)
    run(box.copy(numbers((1, 1)), N("work")))
    assert usage(world) == (3 * OCTETS, 3)


def test_a_mailbox_holds_no_more_messages_than_it_may(world: World) -> None:
    world.limit(Quota(mailbox_messages=2))
    world.create("work")
    box = world.fill(2)
    with pytest.raises(OverQuota):
        world.append(MESSAGE)
    world.append(MESSAGE, to="work")
    with pytest.raises(OverQuota):
        run(box.copy(numbers((1, 2)), N("work")))
    run(box.copy(numbers((1, 1)), N("work")))


def test_a_message_may_be_too_large_for_an_account(world: World) -> None:
    world.limit(Quota(message_octets=OCTETS))
    world.append(MESSAGE)
    with pytest.raises(MessageTooLarge):
        world.append(MESSAGE + b"x")
    with pytest.raises(MessageTooLarge):
        run(world.account.check_room(INBOX, OCTETS + 1))


def test_mailboxes_are_counted_with_the_parents_that_are_made(world: World) -> None:
    world.limit(Quota(mailboxes=3))
    with pytest.raises(OverQuota):
        world.create("a/b/c")
    assert world.names() == ["INBOX"]
    world.create("a/b")
    with pytest.raises(OverQuota):
        world.create("c")
    with pytest.raises(OverQuota):
        run(world.account.rename(N("a/b"), N("c/d")))
    assert world.names() == ["INBOX", "a", "a/b"]
    run(world.account.rename(N("a/b"), N("c")))
    run(world.account.delete(N("a")))
    world.create("d")


def test_room_is_told_before_a_message_is_sent(world: World) -> None:
    world.limit(Quota(octets=2 * OCTETS, messages=5))
    world.append(MESSAGE)
    run(world.account.check_room(INBOX, OCTETS))
    with pytest.raises(OverQuota):
        run(world.account.check_room(INBOX, OCTETS + 1))
    with pytest.raises(OverQuota):
        run(world.account.check_room(INBOX, 5, 5))
    with pytest.raises(NoSuchMailbox):
        run(world.account.check_room(N("nowhere"), 1))


# --- what always works


def test_moving_deleting_and_expunging_work_when_full(world: World) -> None:
    box = world.fill(4)
    bin_ = trash(world)
    world.limit(Quota(octets=1, messages=1, mailboxes=1, mailbox_messages=1, message_octets=1))

    run(box.move(numbers((1, 2)), N("Bin")))
    assert usage(world) == (4 * OCTETS, 4)
    run(box.store(numbers((3, 3)), FlagChange.ADD, frozenset({"\\Deleted"})))
    assert list(run(box.expunge())) == [3]
    assert list(run(box.remove(numbers((4, 4))))) == [4]
    run(bin_.remove(numbers((1, 1))))
    run(world.account.rename(N("Bin"), N("Other")))
    run(world.account.delete(N("Other")))
    assert usage(world) == (0, 0)


def test_copying_to_the_trash_works_when_full(world: World) -> None:
    box, bin_ = world.fill(4), trash(world)
    world.limit(Quota(octets=4 * OCTETS, messages=4))

    run(box.copy(numbers((1, 4)), N("Bin")))
    run(box.remove(numbers((1, 4))))

    assert uids(bin_) == [1, 2, 3, 4]
    assert usage(world) == (4 * OCTETS, 4)


def test_the_trash_takes_no_more_copies_than_there_is_mail_elsewhere(world: World) -> None:
    box = world.fill(2)
    trash(world)
    world.limit(Quota(octets=2 * OCTETS))
    run(box.copy(numbers((1, 2)), N("Bin")))

    with pytest.raises(OverQuota):
        run(box.copy(numbers((1, 1)), N("Bin")))
    with pytest.raises(OverQuota):
        world.append(MESSAGE, to="Bin")


def test_a_limit_below_the_usage_refuses_new_mail_only(world: World) -> None:
    box = world.fill(3)
    world.limit(Quota(octets=OCTETS))
    with pytest.raises(OverQuota):
        world.append(MESSAGE)
    run(box.store(EVERYTHING, FlagChange.ADD, frozenset({"\\Seen"})))
    run(box.remove(numbers((1, 3))))
    world.append(MESSAGE)


def test_a_lifted_limit_counts_at_once(world: World) -> None:
    world.limit(Quota(octets=1))
    with pytest.raises(OverQuota):
        world.append(MESSAGE)
    world.limit(Quota())
    world.append(MESSAGE)


# --- rules


def test_with_a_grace_the_message_that_crosses_the_line_arrives(world: World) -> None:
    world.limit(Quota(octets=OCTETS + 1, grace=OCTETS))
    world.append(MESSAGE)
    world.append(MESSAGE)

    with pytest.raises(OverQuota):  # the line was crossed before
        world.append(b"\n")


def test_the_grace_is_no_larger_than_it_is(world: World) -> None:
    world.limit(Quota(octets=OCTETS + 1, grace=OCTETS - 2))
    world.append(MESSAGE)
    with pytest.raises(OverQuota):
        world.append(MESSAGE)
    world.limit(Quota(octets=OCTETS, grace=10 * OCTETS))
    with pytest.raises(OverQuota):  # exactly full is full
        world.append(MESSAGE)


def test_a_folder_may_exceed_the_limits(world: World) -> None:
    trash(world)
    world.create("Bin/old")
    rule = FolderRule("\\Trash", extra_percent=50)
    world.limit(Quota(octets=2 * OCTETS, messages=2, folders=(rule,)))
    world.fill(2)

    world.append(MESSAGE, to="Bin")
    with pytest.raises(OverQuota):
        world.append(MESSAGE, to="Bin")
    with pytest.raises(OverQuota):
        world.append(MESSAGE, to="Bin/old")


def test_an_ignored_folder_takes_everything_and_does_not_count(world: World) -> None:
    world.create("Archive/2001")
    world.create("Archived")
    world.limit(Quota(octets=OCTETS, folders=(FolderRule("Archive", ignore=True),)))

    world.append(MESSAGE, MESSAGE, to="Archive/2001")
    world.append(MESSAGE)
    with pytest.raises(OverQuota):
        world.append(MESSAGE, to="Archived")
    assert run(world.account.quota()).usage == Usage(OCTETS, 1)
    assert usage(world) == (3 * OCTETS, 3)


def test_the_first_rule_that_applies_counts(world: World) -> None:
    world.create("Bin")
    rules = (FolderRule("Bin", ignore=True), FolderRule("Bin", extra_percent=0))
    world.limit(Quota(octets=1, folders=rules))
    world.append(MESSAGE, to="Bin")


def test_the_status_tells_what_counts(world: World) -> None:
    limits = Quota(octets=1000, messages=5, mailboxes=9)
    world.limit(limits)
    world.fill(2)
    world.create("a/b")

    status = run(world.account.quota())

    assert (status.quota, status.usage) == (limits, Usage(2 * OCTETS, 2))
    assert (status.mailboxes, status.most_mailboxes) == (3, 10_000)


def test_nothing_to_copy_is_never_too_much(world: World) -> None:
    box = world.fill(1)
    world.limit(Quota(octets=1))
    run(box.copy(NumberSet.of(9), INBOX))
