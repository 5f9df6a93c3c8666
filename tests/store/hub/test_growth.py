"""Growth and the day at which something will be full."""

from __future__ import annotations

import pytest

from mailhub.model.mail import Usage
from mailhub.model.quota import Quota
from mailhub.store.hub import accounts, samples, usage
from mailhub.store.hub.database import HubFile
from mailhub.store.hub.growth import Growth, growth
from mailhub.store.hub.samples import DAILY, DAY_SECONDS, Sample
from tests.store.hub.conftest import NOW

TODAY = 20_000


def sample(ago: int, octets: int, messages: int = 0) -> Sample:
    return Sample(TODAY - ago, Usage(octets, messages))


@pytest.mark.parametrize(
    ("history", "used", "limit", "expected"),
    [
        ([], 100, 200, Growth(None, None, None)),
        ([sample(2, 0)], 100, 200, Growth(None, None, None)),
        ([sample(10, 0)], 100, 200, Growth(10.0, 0.0, TODAY + 10)),
        ([sample(40, 50), sample(20, 75)], 80, 100, Growth(1.0, 0.0, TODAY + 20)),
        ([sample(10, 200)], 100, 300, Growth(-10.0, 0.0, None)),
        ([sample(10, 0)], 100, 0, Growth(10.0, 0.0, None)),
        ([sample(10, 0)], 300, 200, Growth(30.0, 0.0, TODAY)),
        ([sample(30, 0)], 1, 10**9, Growth(1 / 30, 0.0, None)),
    ],
)
def test_growth_is_that_of_the_last_thirty_days(
    history: list[Sample], used: int, limit: int, expected: Growth
) -> None:
    found = growth(history, Usage(used, 0), Quota(octets=limit), TODAY)
    assert found == expected


def test_the_nearer_limit_counts() -> None:
    quota = Quota(octets=1000, messages=20)
    found = growth([sample(10, 0)], Usage(100, 10), quota, TODAY)
    assert found.full_day == TODAY + 10


def test_the_last_usage_of_a_day_is_kept_and_old_days_are_thinned_out(file: HubFile) -> None:
    with file.write() as tx:
        alice = accounts.add(tx, "alice@example.org", NOW)
        for day in range(200):
            moment = NOW + day * DAY_SECONDS
            for octets in (day, 10 * day):
                usage.correct(tx, alice.id, Usage(octets, 1), day)
                samples.note(tx, alice.id, moment)
        last = NOW // DAY_SECONDS + 199
        samples.thin(tx, NOW + 199 * DAY_SECONDS)
        kept = samples.of_account(tx, alice.number, 0)
    recent = [each for each in kept if each.day >= last - DAILY]
    assert len(recent) == DAILY + 1
    assert recent[-1] == Sample(last, Usage(1990, 1))
    assert {each.day % 7 for each in kept if each.day < last - DAILY} == {0}
