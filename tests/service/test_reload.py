"""What a reload can change, and what it says it cannot."""

from __future__ import annotations

import dataclasses

import pytest

from mailhub.config.options import Config
from mailhub.service.changes import NEEDS_RESTART, RELOADED, changed, kept, waiting


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


def test_what_needs_a_restart_is_kept_and_the_rest_is_new() -> None:
    old = Config()
    new = dataclasses.replace(
        old,
        workers=7,
        hostname="new.example.org",
        pop3=dataclasses.replace(old.pop3, uidl_format="{uid}", login_delay=9),
    )
    used = kept(old, new)

    assert waiting(old, new) == ["workers", "hostname", "pop3.uidl_format"]
    assert (used.workers, used.hostname) == ("auto", "")
    assert used.pop3 == dataclasses.replace(old.pop3, login_delay=9)
    assert changed(old, used) == ["pop3"]
    assert waiting(old, used) == []
