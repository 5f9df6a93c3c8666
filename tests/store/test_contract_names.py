"""CREATE, DELETE, RENAME, SUBSCRIBE and LIST on every engine."""

from __future__ import annotations

import pytest

from mailhub.model.errors import CannotDo, MailboxExists, MailboxGone, NoSuchMailbox
from mailhub.model.mail import MailboxEntry, SpecialUse
from mailhub.model.names import INBOX, mailbox_name
from mailhub.model.numbers import EVERYTHING
from mailhub.model.quota import Quota
from tests.harness import run
from tests.store.contract import World, contents, flags_of, uids

N = mailbox_name


def entry(world: World, name: str) -> MailboxEntry:
    return {e.name: e for e in run(world.account.mailboxes())}[N(name)]


def test_a_new_account_has_a_subscribed_inbox_and_nothing_else(world: World) -> None:
    assert world.names() == ["INBOX"]
    assert entry(world, "INBOX").subscribed


@pytest.mark.parametrize("method", ["status", "open", "delete"])
def test_a_mailbox_that_does_not_exist_is_refused(world: World, method: str) -> None:
    with pytest.raises(NoSuchMailbox):
        run(getattr(world.account, method)(N("nowhere")))


def test_mail_for_a_mailbox_that_does_not_exist_is_refused(world: World) -> None:
    with pytest.raises(NoSuchMailbox):
        world.append(b"Subject: x\r\n\r\n", to="nowhere")


def test_creating_what_exists_is_refused(world: World) -> None:
    world.create("work")

    with pytest.raises(MailboxExists):
        run(world.account.create(N("work")))
    with pytest.raises(MailboxExists):
        run(world.account.create(INBOX))


def test_creating_a_child_creates_its_parents(world: World) -> None:
    world.create("a/b/c")

    assert world.names() == ["INBOX", "a", "a/b", "a/b/c"]
    assert entry(world, "a/b").has_children
    assert not entry(world, "a/b/c").has_children


def test_a_special_use_is_kept(world: World) -> None:
    status = run(world.account.create(N("Sent"), frozenset({SpecialUse.SENT})))

    assert status.special_use == {SpecialUse.SENT}
    assert entry(world, "Sent").special_use == {SpecialUse.SENT}
    assert run(world.account.status(N("Sent"))).special_use == {SpecialUse.SENT}


def test_inbox_cannot_be_deleted(world: World) -> None:
    with pytest.raises(CannotDo):
        run(world.account.delete(INBOX))


def test_a_parent_can_be_deleted_and_its_children_stay(world: World) -> None:
    world.create("a/b")

    run(world.account.delete(N("a")))

    assert world.names() == ["INBOX", "a/b"]
    assert entry(world, "a") == MailboxEntry(N("a"), None, False, frozenset(), True)


def test_deleting_frees_the_space_and_keeps_the_subscription(world: World) -> None:
    world.create("work")
    run(world.account.subscribe(N("work")))
    world.fill(3, "work")

    run(world.account.delete(N("work")))

    assert run(world.account.usage()).messages == 0
    assert run(world.account.usage()).octets == 0
    assert entry(world, "work") == MailboxEntry(N("work"), None, True)


def test_an_open_mailbox_that_is_deleted_is_gone_for_good(world: World) -> None:
    box = world.create("work")
    world.fill(1, "work")

    run(world.account.delete(N("work")))
    again = world.create("work")

    with pytest.raises(MailboxGone):
        run(box.status())
    with pytest.raises(MailboxGone):
        run(box.flags(EVERYTHING))
    with pytest.raises(MailboxGone):
        run(box.expunge())
    assert uids(again) == []


def test_uidvalidity_never_repeats_for_a_name(world: World) -> None:
    seen = set()
    for _ in range(5):
        box = world.create("work")
        seen.add(run(box.status()).uidvalidity)
        run(world.account.delete(N("work")))

    assert len(seen) == 5


def test_renaming_keeps_identity_and_moves_everything_below(world: World) -> None:
    box = world.create("a/b")
    world.fill(2, "a/b")
    before = run(box.status())

    run(world.account.rename(N("a"), N("x/y")))

    assert world.names() == ["INBOX", "x", "x/y", "x/y/b"]
    after = run(box.status())
    assert after.name == "x/y/b"
    assert (after.id, after.object_id, after.uidvalidity) == (
        before.id,
        before.object_id,
        before.uidvalidity,
    )
    assert uids(world.mailbox("x/y/b")) == [1, 2]


def test_what_exists_only_as_a_parent_can_be_renamed(world: World) -> None:
    world.create("a/b")
    run(world.account.delete(N("a")))

    run(world.account.rename(N("a"), N("z")))

    assert world.names() == ["INBOX", "z/b"]


def test_subscriptions_move_along_with_a_rename(world: World) -> None:
    world.create("a/b")
    for name in ("a", "a/b", "a/gone"):
        run(world.account.subscribe(N(name)))

    run(world.account.rename(N("a"), N("z")))

    subscribed = {e.name for e in run(world.account.mailboxes()) if e.subscribed}
    assert subscribed == {"INBOX", "z", "z/b", "z/gone"}


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        pytest.param("nowhere", "x", NoSuchMailbox, id="the old name does not exist"),
        pytest.param("a", "b", MailboxExists, id="the new name exists"),
        pytest.param("a", "INBOX", MailboxExists, id="the new name is INBOX"),
        pytest.param("a", "a/below", CannotDo, id="below itself"),
        pytest.param("a", "a", MailboxExists, id="onto itself"),
    ],
)
def test_a_rename_that_cannot_be_is_refused(
    world: World, old: str, new: str, refusal: type[Exception]
) -> None:
    world.create("a")
    world.create("b")

    with pytest.raises(refusal):
        run(world.account.rename(N(old), N(new)))

    assert world.names() == ["INBOX", "a", "b"]


def test_renaming_inbox_moves_its_messages_and_leaves_it_empty(world: World) -> None:  # 9051 6.3.6
    world.create("INBOX/child")
    inbox = world.fill(2)
    before = run(inbox.status())

    run(world.account.rename(INBOX, N("old mail")))

    assert world.names() == ["INBOX", "INBOX/child", "old mail"]
    assert uids(inbox) == []
    assert run(inbox.status()).uidvalidity == before.uidvalidity
    assert run(inbox.status()).uidnext == before.uidnext
    assert len(uids(world.mailbox("old mail"))) == 2


def test_subscribing_is_idempotent_and_needs_no_mailbox(world: World) -> None:
    for _ in range(2):
        run(world.account.subscribe(N("later")))
    assert entry(world, "later") == MailboxEntry(N("later"), None, True)

    for _ in range(2):
        run(world.account.subscribe(N("later"), False))
    assert world.names() == ["INBOX"]


FOLDERS = ((N("Drafts"), SpecialUse.DRAFTS), (N("Sent"), SpecialUse.SENT))


def test_furnishing_makes_and_subscribes_what_is_missing_and_may_be_done_again(
    world: World,
) -> None:
    run(world.account.subscribe(INBOX, False))

    for _ in range(2):
        run(world.account.furnish(FOLDERS))

        assert world.names() == ["Drafts", "INBOX", "Sent"]
        assert all(entry(world, name).subscribed for name in world.names())
        assert entry(world, "Sent").special_use == {SpecialUse.SENT}


def test_furnishing_leaves_what_is_there_as_it_is(world: World) -> None:
    run(world.account.create(N("Gesendet"), frozenset({SpecialUse.SENT})))
    world.create("Drafts")

    run(world.account.furnish(FOLDERS))

    assert world.names() == ["Drafts", "Gesendet", "INBOX"]
    assert not entry(world, "Drafts").subscribed
    assert not entry(world, "Drafts").special_use


def test_furnishing_stops_at_the_limit_of_mailboxes(world: World) -> None:
    world.limit(Quota(mailboxes=2))

    run(world.account.furnish(FOLDERS))

    assert world.names() == ["Drafts", "INBOX"]
    assert entry(world, "Drafts").subscribed


def test_names_are_listed_in_order_with_any_characters(world: World) -> None:
    for name in ("zoë", "a b", "a", "%", "邮件/箱", "a,b", "*"):
        world.create(name)

    names = world.names()

    assert names == sorted(names)
    assert {"zoë", "a b", "%", "邮件", "邮件/箱", "a,b", "*"} <= set(names)


def test_the_same_message_in_two_mailboxes_has_one_emailid(world: World) -> None:
    world.create("work")
    inbox = world.fill(1)
    run(inbox.copy(EVERYTHING, N("work")))
    run(world.account.rename(N("work"), N("play")))

    assert contents(world.mailbox("play"), 1) == contents(inbox, 1)
    assert flags_of(world.mailbox("play"), 1) == set()
