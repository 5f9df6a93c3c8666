"""Finding the line of an option."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailhub.config.lines import lines_of


def test_every_form_we_write_is_found() -> None:
    text = 'a = 1\n\n[t]\n  b= 2\n# c = 3\n[[l]]\nx = 1\n[[l]]\nx = 2\n[t.u] # why\ny = "[z]"\n'
    text += "[l.v]\nx = 3\n"
    assert lines_of(text) == {
        "a": 1,
        "t": 3,
        "t.b": 4,
        "l[1]": 6,
        "l[1].x": 7,
        "l[2]": 8,
        "l[2].x": 9,
        "t.u": 10,
        "t.u.y": 11,
        "l[2].v": 12,
        "l[2].v.x": 13,
    }


@given(st.text(alphabet='[]=#ab."\n '))
def test_any_text_is_survived(text: str) -> None:
    count = len(text.splitlines())
    assert all(1 <= line <= count for line in lines_of(text).values())
