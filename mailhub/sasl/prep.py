"""SASLprep (RFC 4013): names and passwords in the form in which they are compared.

Characters that Unicode 3.2 did not know yet pass unchanged, also in stored secrets, where
RFC 4013 2.5 would refuse them: people do use today's characters, and both sides treat them alike.
"""

from __future__ import annotations

import stringprep
from unicodedata import ucd_3_2_0

_PROHIBITED = (  # 4013 2.3
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


class NotPreparable(ValueError):
    """The text contains what a name or password must not contain."""


def saslprep(text: str) -> str:
    """*text* prepared; the result may be empty.  Raises NotPreparable."""
    if text.isascii() and text.isprintable():
        return text
    mapped = "".join(_mapped(c) for c in text)
    prepared = ucd_3_2_0.normalize("NFKC", mapped)  # 4013 2.2
    for c in prepared:
        if any(prohibited(c) for prohibited in _PROHIBITED):
            raise NotPreparable("control, private or other special characters")
    _check_direction(prepared)
    return prepared


def _mapped(c: str) -> str:  # 4013 2.1
    if stringprep.in_table_c12(c):
        return " "
    return "" if stringprep.in_table_b1(c) else c


def _check_direction(text: str) -> None:  # 4013 2.4, 3454 6
    if not any(map(stringprep.in_table_d1, text)):
        return
    mixed = any(map(stringprep.in_table_d2, text))
    if mixed or not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
        raise NotPreparable("writing directions are mixed")
