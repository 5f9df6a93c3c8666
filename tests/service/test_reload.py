"""What a reload can change, and what it says it cannot."""

from __future__ import annotations

import dataclasses

import pytest

from mailhub.config.options import Config
from mailhub.service.reload import NEEDS_RESTART, RELOADED


def test_every_section_is_either_reloaded_or_needs_a_restart() -> None:
    sections = {field.name for field in dataclasses.fields(Config)} - {"embedded"}
    whole = {name for name in NEEDS_RESTART if "." not in name}
    assert whole | set(RELOADED) == sections
    assert whole & set(RELOADED) == set()


@pytest.mark.parametrize("name", NEEDS_RESTART)
def test_every_option_that_needs_a_restart_exists(name: str) -> None:
    value: object = Config()
    for part in name.split("."):
        assert hasattr(value, part)
        value = getattr(value, part)
