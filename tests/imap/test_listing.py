"""Which names LIST returns: the examples of RFC 9051 6.3.9.8 and the table of 6.3.9.6."""

from __future__ import annotations

import pytest

from mailhub.imap.listing import SPECIAL_USE, SUBSCRIBED, Selection, listed
from mailhub.imap.patterns import Pattern
from mailhub.model.mail import MailboxEntry, MailboxId, SpecialUse
from mailhub.model.names import MailboxName, is_below


def names(existing: str, subscribed: str = "") -> list[MailboxEntry]:
    """An account's names as IAccount.mailboxes gives them."""
    exist, active = set(existing.split()), set(subscribed.split())
    above = {"/".join(n.split("/")[:level]) for n in exist for level in range(1, n.count("/") + 1)}
    return [
        MailboxEntry(
            MailboxName(name),
            MailboxId(1) if name in exist else None,
            name in active,
            frozenset([SpecialUse.SENT]) if name == "Sent" else frozenset(),
            any(is_below(other, name) for other in exist),
        )
        for name in sorted(exist | active | above)
    ]


def found(
    entries: list[MailboxEntry], *patterns: str, select: str = "", recursive: bool = False
) -> dict[str, tuple[bool, tuple[str, ...]]]:
    selection = Selection(tuple(map(Pattern, patterns)), frozenset(select.split()), recursive)
    return {one.entry.name: (one.chosen, one.childinfo) for one in listed(entries, selection)}


EXAMPLE_8 = names(
    "INBOX foo2 foo2/bar1 foo2/bar2 baz2 baz2/bar2 baz2/bar22 baz2/bar222 eps2 eps2/mamba "
    "qux2/bar2",
    "foo2/bar1 foo2/bar2 baz2/bar2 baz2/bar22 baz2/bar222 eps2 eps2/mamba qux2/bar2",
)


def test_recursivematch_adds_parents_whose_children_are_not_told() -> None:  # example 8
    answer = found(EXAMPLE_8, "*2", select=SUBSCRIBED, recursive=True)

    childinfo = (SUBSCRIBED,)
    assert answer == {
        "foo2": (False, childinfo),
        "foo2/bar2": (True, ()),
        "baz2/bar2": (True, ()),
        "baz2/bar22": (True, ()),
        "baz2/bar222": (True, ()),
        "eps2": (True, childinfo),
        "qux2/bar2": (True, ()),
    }


def test_childinfo_is_for_recursivematch_only() -> None:
    answer = found(EXAMPLE_8, "*2", select=SUBSCRIBED)

    assert "foo2" not in answer
    assert all(info == (True, ()) for info in answer.values())


@pytest.mark.parametrize(
    ("existing", "subscribed", "answer"),
    [
        ("", "", {}),
        ("Foo", "", {}),
        ("", "Foo", {"Foo": (True, ())}),
        ("Foo", "Foo", {"Foo": (True, ())}),
        ("", "Foo/Baz", {"Foo": (False, (SUBSCRIBED,))}),
        ("Foo", "Foo/Baz", {"Foo": (False, (SUBSCRIBED,))}),
        ("", "Foo Foo/Baz", {"Foo": (True, (SUBSCRIBED,))}),
        ("Foo", "Foo Foo/Baz", {"Foo": (True, (SUBSCRIBED,))}),
    ],
)
def test_the_table_of_childinfo(  # 9051 6.3.9.6, table 3
    existing: str, subscribed: str, answer: dict[str, object]
) -> None:
    entries = names(existing, subscribed)

    assert found(entries, "%", select=SUBSCRIBED, recursive=True) == answer


def test_a_parent_that_does_not_exist_shows_where_levels_are_asked_for() -> None:
    entries = names("music/rock/loud")

    assert set(found(entries, "*")) == {"music/rock/loud"}
    assert set(found(entries, "%")) == {"music"}
    assert set(found(entries, "%/%")) == {"music/rock"}
    assert set(found(entries, "music")) == {"music"}


def test_subscribed_names_need_not_exist() -> None:  # example 2
    entries = names("Fruit Fruit/Banana", "Fruit/Banana Fruit/Peach")

    assert set(found(entries, "*", select=SUBSCRIBED)) == {"Fruit/Banana", "Fruit/Peach"}
    assert set(found(entries, "*")) == {"Fruit", "Fruit/Banana"}


def test_a_name_is_told_once_whatever_the_number_of_patterns() -> None:
    assert list(found(names("a b"), "a", "%", "*")) == ["a", "b"]


def test_options_are_cumulative() -> None:
    entries = names("INBOX Sent x", "x")

    assert set(found(entries, "*", select=SPECIAL_USE)) == {"Sent"}
    assert set(found(entries, "*", select=f"{SPECIAL_USE} {SUBSCRIBED}")) == set()
