"""ENVELOPE and BODYSTRUCTURE read back by the grammar of RFC 9051 9, and nothing else.

Strings come out as bytes, numbers as int, NIL as None, lists as lists.  Whatever the grammar
does not allow is an AssertionError.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

Value = Any

_QUOTED = re.compile(rb'"((?:[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]|\\["\\])*)"')
_LITERAL = re.compile(rb"\{(\d+)\}\r\n")
_NUMBER = re.compile(rb"\d+")


def parse(text: bytes) -> list[Value]:
    """The one parenthesised list that *text* is."""
    value, end = read_value(text, 0)
    assert end == len(text), text[end:]
    assert isinstance(value, list)
    return value


def read_value(text: bytes, at: int) -> tuple[Value, int]:
    if text[at : at + 1] == b"(":
        return _list(text, at + 1)
    if text.startswith(b"NIL", at):
        return None, at + 3
    if (quoted := _QUOTED.match(text, at)) is not None:
        return re.sub(rb"\\(.)", rb"\1", quoted[1]), quoted.end()
    if (literal := _LITERAL.match(text, at)) is not None:
        end = literal.end() + int(literal[1])
        data = text[literal.end() : end]
        assert len(data) == int(literal[1])
        assert b"\0" not in data
        return data, end
    number = _NUMBER.match(text, at)
    assert number is not None, text[at : at + 40]
    return int(number[0]), number.end()


def _list(text: bytes, at: int) -> tuple[list[Value], int]:
    found: list[Value] = []
    while text[at : at + 1] != b")":
        if found and not (text[at : at + 1] == b"(" and text[at - 1 : at] == b")"):
            assert text[at : at + 1] == b" ", text[at - 20 : at + 20]
            at += 1
        value, at = read_value(text, at)
        found.append(value)
    assert found, "no list of the grammar is empty"
    return found, at + 1


def envelope(text: bytes) -> list[Value]:
    """The ten fields of an ENVELOPE, checked."""
    return check_envelope(parse(text))


def check_envelope(fields: list[Value]) -> list[Value]:
    assert len(fields) == 10
    date, subject, *lists, in_reply_to, message_id = fields
    for text in (date, subject, in_reply_to, message_id):
        assert text is None or isinstance(text, bytes)
    for addresses in lists:
        assert addresses is None or isinstance(addresses, list)
        for address in addresses or ():
            assert len(address) == 4
            assert all(text is None or isinstance(text, bytes) for text in address)
    return fields


def bodystructure(text: bytes, extensions: bool = True) -> list[Value]:
    """The nested lists of a BODYSTRUCTURE (or, without *extensions*, a BODY), checked."""
    return check_body(parse(text), extensions)


def check_body(body: list[Value], extensions: bool) -> list[Value]:
    if isinstance(body[0], list):
        children = [value for value in body if isinstance(value, list)][: _leading_lists(body)]
        for child in children:
            check_body(child, extensions)
        rest = body[len(children) :]
        assert isinstance(rest[0], bytes)
        assert len(rest) == (5 if extensions else 1)
        if extensions:
            check_parameters(rest[1])
            check_extension(rest[2:])
        return body
    return _check_leaf(body, extensions)


def _leading_lists(body: list[Value]) -> int:
    return next(i for i, value in enumerate(body) if not isinstance(value, list))


def _check_leaf(body: list[Value], extensions: bool) -> list[Value]:
    main, sub, parameters, identity, description, encoding, octets = body[:7]
    assert isinstance(main, bytes)
    assert isinstance(sub, bytes)
    check_parameters(parameters)
    assert identity is None or isinstance(identity, bytes)
    assert description is None or isinstance(description, bytes)
    assert isinstance(encoding, bytes)
    assert isinstance(octets, int)
    rest = body[7:]
    if main.lower() == b"text":
        assert isinstance(rest.pop(0), int)
    elif main.lower() == b"message" and sub.lower() in (b"rfc822", b"global"):
        check_envelope(rest.pop(0))
        check_body(rest.pop(0), extensions)
        assert isinstance(rest.pop(0), int)
    assert len(rest) == (4 if extensions else 0)
    if extensions:
        assert rest[0] is None or isinstance(rest[0], bytes)
        check_extension(rest[1:])
    return body


def check_parameters(parameters: Value) -> None:
    if parameters is not None:
        assert len(parameters) % 2 == 0
        assert all(isinstance(text, bytes) for text in parameters)


def check_extension(rest: Sequence[Value]) -> None:
    disposition, language, location = rest
    if disposition is not None:
        kind, parameters = disposition
        assert isinstance(kind, bytes)
        check_parameters(parameters)
    assert language is None or isinstance(language, bytes | list)
    assert location is None or isinstance(location, bytes)
