"""How fast accounts and domains grow, and when they will be full: of daily samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailhub.model.mail import Usage
from mailhub.model.quota import Quota
from mailhub.store.hub.samples import Sample

WINDOW_DAYS = 30
LEAST_DAYS = 3
"""Of history, before a rate means anything."""
FAR_DAYS = 3650
"""A day later than that is not foreseen."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Per day, over the last WINDOW_DAYS; None: too little is known.

    ``full_day`` counts from 1970; None: not foreseen.
    """

    octets: float | None
    messages: float | None
    full_day: int | None


def growth(samples: Sequence[Sample], usage: Usage, quota: Quota, today: int) -> Growth:
    """*samples* from before the window on, by day; *usage* is today's."""
    start = today - WINDOW_DAYS
    before = [sample for sample in samples if sample.day <= start]
    first = before[-1] if before else (samples[0] if samples else None)
    if first is None:
        return Growth(None, None, None)
    days = today - max(first.day, start)
    if days < LEAST_DAYS:
        return Growth(None, None, None)
    octets = (usage.octets - first.usage.octets) / days
    messages = (usage.messages - first.usage.messages) / days
    left = [
        day
        for day in (
            _days_left(usage.octets, quota.octets, octets),
            _days_left(usage.messages, quota.messages, messages),
        )
        if day is not None
    ]
    return Growth(octets, messages, today + min(left) if left else None)


def _days_left(used: int, limit: int, rate: float) -> int | None:
    if not limit:
        return None
    if used >= limit:
        return 0
    if rate <= 0:
        return None
    days = (limit - used) / rate
    return int(days) if days <= FAR_DAYS else None
