"""Passwords that would lock somebody out of the directory are not sent there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from mailhub.config.options import DirectoryConfig, DirectoryGroups
from mailhub.directory.attempts import Attempts
from mailhub.directory.counting import PRODUCTS, is_locked, refuse_to_send, surely_right
from mailhub.directory.diagnosis import Diagnosis
from mailhub.directory.lockout import domain_of
from mailhub.directory.lookup import Lookup
from mailhub.directory.servers import Deadline
from mailhub.directory.troubles import Refused, Trouble, Verdict
from mailhub.directory.watching import Nobody
from mailhub.directory.wire import Entry
from mailhub.model.directory import NO_PAST, Past, Standing
from mailhub.model.steps import UNHEARD
from tests.directory.asking import Asking
from tests.directory.people import BASE, PEOPLE, password

NOW = 1_800_000_000.0
"""2027-01-15 08:00:00 UTC."""
AD_NOW = int((NOW + 11_644_473_600) * 10_000_000)
RECENT, LONG_AGO = "20270115075900Z", "20270115060000Z"


def entry(**values: str | list[str]) -> Entry:
    found: dict[str, tuple[bytes, ...]] = {}
    for name, value in values.items():
        several = value if isinstance(value, list) else [value]
        found[name.replace("_", "-").lower()] = tuple(each.encode() for each in several)
    return Entry("uid=alice,dc=example,dc=org", found)


# --- what the products say ----------------------------------------------------------------

PPOLICY = {"pwdLockout": "TRUE", "pwdMaxFailure": "3", "pwdFailureCountInterval": "1800"}
DS = {"passwordLockout": "on", "passwordMaxFailure": "3", "passwordUnlock": "off"}
IPA = {"krbPwdMaxFailure": "6", "krbPwdFailureCountInterval": "60", "krbPwdLockoutDuration": "600"}
AD = {"lockoutThreshold": "5", "lockOutObservationWindow": "-18000000000"}
PSO = {"msDS_LockoutThreshold": "5", "msDS_LockoutObservationWindow": "-18000000000"}


@pytest.mark.parametrize(
    ("product", "policy", "person", "counted"),
    [
        pytest.param("ppolicy", PPOLICY, {}, (3, 0), id="nothing counted"),
        pytest.param(
            "ppolicy",
            PPOLICY,
            {"pwdFailureTime": [RECENT, "20270115075900.123456Z", LONG_AGO]},
            (3, 2),
            id="failures that are too old",
        ),
        pytest.param(
            "ppolicy",
            {**PPOLICY, "pwdFailureCountInterval": "0"},
            {"pwdFailureTime": [RECENT, LONG_AGO]},
            (3, 2),
            id="failures that are never too old",
        ),
        pytest.param(
            "ppolicy", PPOLICY, {"pwdFailureTime": ["yesterday"]}, (3, 1), id="what is no time"
        ),
        pytest.param(
            "ppolicy", {**PPOLICY, "pwdLockout": "FALSE"}, {}, (0, 0), id="nobody is locked out"
        ),
        pytest.param("ppolicy", {"pwdLockout": "TRUE"}, {}, (0, 0), id="no number"),
        pytest.param("389ds", DS, {"passwordRetryCount": "2"}, (3, 2), id="389"),
        pytest.param(
            "389ds",
            DS,
            {"passwordRetryCount": "2", "retryCountResetTime": LONG_AGO},
            (3, 0),
            id="389, over",
        ),
        pytest.param(
            "389ds", {**DS, "passwordLockout": "off"}, {}, (0, 0), id="389, nobody is locked out"
        ),
        pytest.param(
            "freeipa",
            IPA,
            {"krbLoginFailedCount": "4", "krbLastFailedAuth": "20270115075930Z"},
            (6, 4),
            id="FreeIPA",
        ),
        pytest.param(
            "freeipa",
            IPA,
            {"krbLoginFailedCount": "4", "krbLastFailedAuth": LONG_AGO},
            (6, 0),
            id="FreeIPA, over",
        ),
        pytest.param(
            "active-directory",
            AD,
            {"badPwdCount": "4", "badPasswordTime": str(AD_NOW - 600_000_000)},
            (5, 4),
            id="Active Directory",
        ),
        pytest.param(
            "active-directory",
            PSO,
            {"badPwdCount": "4", "badPasswordTime": str(AD_NOW - 20_000_000_000)},
            (5, 0),
            id="a password settings object, over",
        ),
        pytest.param(
            "active-directory",
            AD,
            {"badPwdCount": "many", "badPasswordTime": "9" * 400},
            (5, 0),
            id="what is no number",
        ),
    ],
)
def test_each_product_counts_in_its_own_way(
    product: str, policy: Mapping[str, str], person: Mapping[str, str], counted: tuple[int, int]
) -> None:
    limits = PRODUCTS[product].limits(entry(**policy))
    assert (limits.most, PRODUCTS[product].failures(entry(**person), limits, NOW)) == counted


@pytest.mark.parametrize(
    ("most", "failures", "past", "verdict"),
    [
        pytest.param(3, 0, NO_PAST, None, id="nothing wrong yet"),
        pytest.param(3, 1, NO_PAST, None, id="two short"),
        pytest.param(3, 2, NO_PAST, Verdict.KEPT_BACK, id="one short"),
        pytest.param(3, 3, NO_PAST, Verdict.KEPT_BACK, id="more than lock now"),
        pytest.param(3, 2, Past(right=NOW - 100), Verdict.KEPT_BACK, id="right before the change"),
        pytest.param(3, 0, Past(wrong=NOW + 30), None, id="wrong before, and forgotten"),
        pytest.param(9, 1, Past(wrong=NOW + 30), Verdict.WRONG, id="wrong before, and counted"),
        pytest.param(9, 1, Past(wrong=NOW - 100), None, id="wrong before the change"),
        pytest.param(2, 0, Past(wrong=NOW + 30), Verdict.WRONG, id="wrong before, and few may be"),
        pytest.param(2, 0, NO_PAST, None, id="few may be"),
        pytest.param(1, 0, NO_PAST, None, id="the first locks, and one is needed"),
    ],
)
def test_what_would_lock_is_kept_back(
    most: int, failures: int, past: Past, verdict: Verdict | None
) -> None:
    product = PRODUCTS["ppolicy"]
    limits = product.limits(entry(pwdLockout="TRUE", pwdMaxFailure=str(most)))
    person = entry(pwdFailureTime=[RECENT] * failures, pwdChangedTime="20270115075900Z")
    if verdict is None:
        refuse_to_send(product, person, limits, past, NOW)
        return
    counts = f"{failures} wrong passwords, and {most} lock"
    with pytest.raises(Refused, match=counts) as refused:
        refuse_to_send(product, person, limits, past, NOW)
    assert refused.value.verdict is verdict


def test_who_is_locked_out_is_left_to_the_directory() -> None:
    product = PRODUCTS["ppolicy"]
    limits = product.limits(entry(**PPOLICY, pwdLockoutDuration="300"))
    for since, still in ((RECENT, True), (LONG_AGO, False), ("000001010000Z", True)):
        person = entry(pwdFailureTime=[RECENT] * 3, pwdAccountLockedTime=since)
        refuse_to_send(product, person, limits, NO_PAST, NOW)
        assert is_locked(person, limits, NOW) is still


@pytest.mark.parametrize(
    ("past", "sure"),
    [
        (NO_PAST, False),
        (Past(right=NOW + 120), True),
        (Past(right=NOW - 120), False),
        (Past(right=NOW + 120, wrong=NOW + 180), False),
    ],
)
def test_what_was_right_after_the_change_is_right(past: Past, sure: bool) -> None:
    assert surely_right(PRODUCTS["ppolicy"], entry(pwdChangedTime="20270115080000Z"), past) is sure
    changed = entry(pwdLastSet=str(AD_NOW))
    assert surely_right(PRODUCTS["active-directory"], changed, past) is sure


@pytest.mark.parametrize(
    ("dn", "domain"),
    [
        ("CN=alice,OU=a,DC=corp,DC=example", "DC=corp,DC=example"),
        (r"CN=x\,dc=evil,OU=a, dc=corp,dc=example", " dc=corp,dc=example"),
        (r"cn=x\\,dc=corp", "dc=corp"),
        ("uid=a,dc=x,o=y", ""),
        ("", ""),
    ],
)
def test_a_domain_is_the_end_of_a_name(dn: str, domain: str) -> None:
    assert domain_of(dn) == domain


# --- a server that locks people out -------------------------------------------------------


def standing(asking: Asking, corp: DirectoryConfig, uid: str) -> Standing:
    found = asking.by_login(corp, uid)
    assert found is not None
    return found.standing


def test_guessing_ends_one_short_and_the_owner_gets_in(
    asking: Asking, corp: DirectoryConfig
) -> None:
    verdicts = [asking.refused(corp, "p200", f"guess {n}") for n in range(5)]
    assert verdicts == [Verdict.WRONG] * 2 + [Verdict.KEPT_BACK] * 3
    assert asking.refused(corp, "p200", password("p200")) is Verdict.KEPT_BACK
    assert asking.heard.operations.count(("bind", "refused")) == 2
    facts = asking.steps.taken[-1].facts
    assert (facts["policy"], facts["locks after"], facts["counted"]) == (
        f"cn=default,ou=policies,{BASE}",
        3,
        2,
    )
    assert standing(asking, corp, "p200") is Standing.ACTIVE
    asking.prove(corp, "p200", password("p200"), Past(right=time.time()))
    asking.prove(corp, "p200", password("p200"))  # the count begins anew


def test_a_forgotten_phone_leaves_its_owner_the_attempts(
    asking: Asking, corp: DirectoryConfig
) -> None:
    assert asking.refused(corp, "p201", "last year's") is Verdict.WRONG
    for _ in range(3):
        past = Past(wrong=time.time())
        assert asking.refused(corp, "p201", "last year's", past) is Verdict.WRONG
    assert asking.heard.operations.count(("bind", "refused")) == 1
    assert asking.prove(corp, "p201", password("p201")).id


def test_many_at_once_by_several_names_in_several_processes_end_one_short(
    asking: Asking, corp: DirectoryConfig, tmp_path: Path
) -> None:
    helpers = [Lookup(corp, asking.heard, Attempts(tmp_path / "attempts")) for _ in range(2)]
    guesses = [(n, name) for n in range(12) for name in ("p202", "P202", "p202@example.org")]

    def guess(n: int, name: str) -> Verdict:
        try:
            lookup = helpers[n % 2]
            lookup.prove(name, f"{name} {n}", NO_PAST, lookup.deadline(), UNHEARD)
        except Refused as refused:
            return refused.verdict
        raise AssertionError("let in")

    with ThreadPoolExecutor(8) as threads:
        verdicts = list(threads.map(lambda each: guess(*each), guesses))
    for helper in helpers:
        helper.close()
    assert verdicts.count(Verdict.WRONG) == 2
    assert verdicts.count(Verdict.KEPT_BACK) == len(guesses) - 2
    assert standing(asking, corp, "p202") is Standing.ACTIVE


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (f"cn=nowhere,{BASE}", "noSuchObject"),
        ("what is no DN", "invalidDNSyntax"),
        (f"ou=policies,{BASE}", "is not there, or may not be read"),
    ],
)
def test_a_policy_that_cannot_be_read_is_told_once_and_guessed_at_by_nobody(
    asking: Asking, corp: DirectoryConfig, policy: str, told: str
) -> None:
    lost = replace(corp, lockout_policy=policy)
    for _ in range(2):
        asking.prove(lost, "alice", password("alice"))
    assert asking.heard.names().count("directory.notice") == 1
    assert told in asking.heard.reasons()
    assert [s.what for s in asking.steps.taken if s.what == "lock-out"] == ["lock-out"] * 2


def test_whoever_sends_no_password_sees_the_count(asking: Asking, corp: DirectoryConfig) -> None:
    lookup = Lookup(corp, Nobody())
    for _ in range(2):
        asking.refused(corp, "p203", "guess")
    lookup.recognise("p203", lookup.deadline(), asking.steps)
    lookup.close()
    step = next(s for s in reversed(asking.steps.taken) if s.what == "lock-out")
    assert step.facts["counted"] == 2
    assert step.facts["outcome"] == "only a password known to be right is sent"


def test_a_service_account_sees_the_count_of_whom_a_template_names(
    asking: Asking, corp: DirectoryConfig
) -> None:
    own = replace(corp, mode="template-bind", dn_template=f"uid={{local}},{PEOPLE}", user_base="")
    own = replace(own, groups=DirectoryGroups(mode="none"))
    verdicts = [asking.refused(own, "p204", f"guess {n}") for n in range(4)]
    assert verdicts == [Verdict.WRONG] * 2 + [Verdict.KEPT_BACK] * 2
    assert asking.heard.operations.count(("bind", "refused")) == 2
    assert asking.prove(own, "p204", password("p204"), Past(right=time.time())).id
    assert asking.refused(own, "nobody at all", "guess") is Verdict.WRONG
    assert asking.refused(own, "locked", "guess") is Verdict.LOCKED


def test_without_a_service_account_it_is_said_that_nobody_sees_the_count(
    corp: DirectoryConfig,
) -> None:
    own = replace(corp, mode="template-bind", dn_template=f"uid={{local}},{PEOPLE}", user_base="")
    alone = replace(own, bind_dn="", bind_password_file=None)
    told = [finding for finding in Diagnosis(alone).run() if finding.about == "lock-out"]
    assert [finding.level for finding in told] == ["warning"]
    assert "10 different wrong ones" in told[0].hint
    assert not any(finding.about == "lock-out" for finding in Diagnosis(own).run())


# --- one after the other ------------------------------------------------------------------


def test_one_person_is_tried_by_one_process_at_a_time(tmp_path: Path) -> None:
    here, there = Attempts(tmp_path / "attempts"), Attempts(tmp_path / "attempts")
    before = time.monotonic()
    with here.turn("alice", Deadline(before + 10)) as turn:
        assert not turn.since(before)
        turn.note()
        for other in (here, there):
            with (
                pytest.raises(Trouble, match="being tried"),
                other.turn("alice", Deadline(time.monotonic() + 0.01)),
            ):
                pass
        with there.turn("bob", Deadline(time.monotonic() + 10)) as another:
            assert not another.since(before)
    with there.turn("alice", Deadline(time.monotonic() + 10)) as turn:
        assert turn.since(before)
        assert not turn.since(time.monotonic())
