"""The text that a person sees of an HTML part, in pieces of any size.

For previews and searches, not for display: tags go, block elements and line breaks become white
space, character references are resolved, what scripts, styles and comments say is left out.
CSS that hides text is not looked at.
"""

from __future__ import annotations

import html
import re

_MAX_REFERENCE = 32
_MAX_TAG_NAME = 16
_tag = re.compile(r"<(?:(!--)|/?([A-Za-z][A-Za-z0-9]*)|[!?/])").match
_ENDS = {
    "comment": re.compile(r"-->"),
    "tag": re.compile(r">"),
    "script": re.compile(r"</script", re.IGNORECASE),
    "style": re.compile(r"</style", re.IGNORECASE),
    "title": re.compile(r"</title", re.IGNORECASE),
}
_LONGEST_END = len("</script")
# Elements that do not end a word; all others do.
_is_inline = re.compile(
    "a|abbr|acronym|b|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|label|mark|o|q|s|samp|small"
    "|span|strike|strong|sub|sup|tt|u|var|wbr"
).fullmatch


class HtmlText:
    """:meth:`feed` HTML, take text."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = ""  # what is being passed over: a key of _ENDS
        self._then = ""  # the element whose text follows the tag that is being passed over

    def feed(self, source: str, final: bool = False) -> str:
        data = self._held + source
        self._held = ""
        found: list[str] = []
        position = 0
        while position < len(data):
            if self._inside:
                position = self._skip(data, position)
                continue
            mark = data.find("<", position)
            end = len(data) if mark < 0 else mark
            if mark < 0 and not final:
                end = _reference_start(data, position)
            found.append(html.unescape(data[position:end]))
            if mark < 0:
                self._held = data[end:]
                break
            if len(data) - mark < _MAX_TAG_NAME and not final:
                self._held = data[mark:]
                break
            position = self._open(data, mark, found)
        return "".join(found)

    def _open(self, data: str, mark: int, found: list[str]) -> int:
        """Look at the ``<`` at *mark*; where to go on."""
        tag = _tag(data, mark)
        if tag is None:
            found.append("<")
            return mark + 1
        name = (tag[2] or "").lower()
        self._inside = "comment" if tag[1] else "tag"
        self._then = name if name in _ENDS and data[mark + 1] != "/" else ""
        if name and not _is_inline(name):
            found.append("\n")
        return tag.end()

    def _skip(self, data: str, position: int) -> int:
        end = _ENDS[self._inside].search(data, position)
        if end is None:
            self._held = data[max(position, len(data) - _LONGEST_END + 1) :]
            return len(data)
        if self._inside in ("comment", "tag"):
            self._inside, self._then = self._then, ""
        else:
            self._inside = "tag"  # the end tag itself, to its ">"
        return end.end()


def _reference_start(data: str, position: int) -> int:
    """Where a character reference that may not be complete begins, else the end."""
    mark = data.rfind("&", max(position, len(data) - _MAX_REFERENCE))
    return len(data) if mark < 0 or ";" in data[mark:] else mark
