"""What a changed configuration gives or takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailhub.auth.effects import Change, Effects, changes
from mailhub.config.options import Config, Limits, PolicyRule
from mailhub.model.policy import Subject

ALICE = Subject("alice@example.org")
PLAIN = Config()


def with_rule(**said: object) -> Config:
    return Config(policies=(replace(PolicyRule("r"), **said),))  # type: ignore[arg-type]


def between(before: Config, after: Config, subject: Subject = ALICE) -> list[Change]:
    """Without those over POP3 that are the same as over IMAP."""
    found = list(changes(Effects(before).of(subject), Effects(after).of(subject)))
    imap = [replace(c, setting="") for c in found if c.setting == "networks over imap"]
    return [
        c for c in found if c.setting != "networks over pop3" or replace(c, setting="") not in imap
    ]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param(
            PLAIN,
            with_rule(protocols=("imap",)),
            Change("protocols", "imap, pop3", "imap", "loses", "policy r"),
            id="a protocol less",
        ),
        pytest.param(
            with_rule(protocols=("imap",)),
            with_rule(protocols=("pop3",)),
            Change("protocols", "imap", "pop3", "gains and loses", "policy r"),
            id="another protocol",
        ),
        pytest.param(
            with_rule(networks=("10.0.0.0/8",)),
            PLAIN,
            Change("networks over imap", "10.0.0.0/8", "everywhere", "gains", "no rule"),
            id="no rule any more",
        ),
        pytest.param(
            with_rule(networks=("10.0.0.0/8", "2001:db8::/32")),
            with_rule(networks=("10.1.0.0/16", "2001:db8::/32")),
            Change(
                "networks over imap",
                "10.0.0.0/8, 2001:db8::/32",
                "10.1.0.0/16, 2001:db8::/32",
                "loses",
                "policy r",
            ),
            id="a narrower network",
        ),
        pytest.param(
            with_rule(max_connections=0),
            PLAIN,
            Change(
                "max_connections",
                "no limit",
                "100",
                "loses",
                "limits.max_connections_per_account",
            ),
            id="a limit where there was none",
        ),
        pytest.param(
            PLAIN,
            Config(limits=Limits(max_connections_per_account=200)),
            Change("max_connections", "100", "200", "gains", "limits.max_connections_per_account"),
            id="an option that is no rule",
        ),
        pytest.param(
            PLAIN,
            with_rule(delivery="refuse"),
            Change("delivery", "accept", "refuse", "loses", "policy r"),
            id="no mail any more",
        ),
    ],
)
def test_a_change_is_told_with_its_direction(before: Config, after: Config, told: Change) -> None:
    assert between(before, after) == [told]


@pytest.mark.parametrize(
    "after",
    [
        with_rule(protocols=("pop3", "imap")),
        with_rule(networks=("0.0.0.0/1", "128.0.0.0/1", "::/0")),
        with_rule(max_connections=100),
        with_rule(delivery="accept"),
        with_rule(accounts=("bob@example.org",), protocols=()),
    ],
)
def test_what_comes_to_the_same_is_no_change(after: Config) -> None:
    assert between(PLAIN, after) == []


def test_networks_are_compared_for_each_protocol() -> None:
    after = with_rule(networks=("10.0.0.0/8",), over=("pop3",))
    assert between(PLAIN, after) == [
        Change("networks over pop3", "everywhere", "10.0.0.0/8", "loses", "policy r")
    ]
    imap_only = replace(after.policies[0], name="i", networks=None, over=(), protocols=("imap",))
    both = Config(policies=(*after.policies, imap_only))
    assert [c.setting for c in between(Config(policies=(imap_only,)), both)] == []


def test_the_details_of_a_forbidden_log_in_do_not_matter() -> None:
    before = with_rule(protocols=(), max_connections=3)
    assert between(before, with_rule(protocols=(), max_connections=5)) == []


def test_what_the_directory_says_is_part_of_the_effect() -> None:
    alice = Subject("alice@example.org", "corp", protocols=frozenset({"pop3"}))
    (change,) = between(PLAIN, with_rule(protocols=("imap",)), alice)
    assert (change.before, change.after, change.direction) == ("pop3", "none", "loses")
    assert change.decided_by == "policy r and directory corp"
