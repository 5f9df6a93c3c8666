"""BODY from BODYSTRUCTURE (RFC 9051 7.5.2)."""

from __future__ import annotations

import pytest

from mailhub.mime.structure import without_extensions


@pytest.mark.parametrize(
    ("structure", "body"),
    [
        (
            b'("text" "plain" NIL NIL NIL "7bit" 1 2 NIL NIL NIL NIL)',
            b'("text" "plain" NIL NIL NIL "7bit" 1 2)',
        ),
        (
            b'("TEXT" "x" ("a" "b)") NIL NIL "7bit" 1 2 NIL ("inline" NIL) ("a" "b") NIL)',
            b'("TEXT" "x" ("a" "b)") NIL NIL "7bit" 1 2)',
        ),
        (
            b'("image" "png" ("a" {3}\r\n")() "<i>" {2}\r\n)( "7bit" 1 "md5" NIL NIL NIL)',
            b'("image" "png" ("a" {3}\r\n")() "<i>" {2}\r\n)( "7bit" 1)',
        ),
        (
            b'({4}\r\ntext "x" NIL NIL NIL "7bit" 1 NIL NIL NIL NIL)',
            b'({4}\r\ntext "x" NIL NIL NIL "7bit" 1)',
        ),
        (
            b'(("a" "b" NIL NIL NIL "7bit" 1 NIL NIL NIL NIL)("a" "\\"" NIL NIL NIL "7bit" 2'
            b' NIL NIL NIL NIL) "mixed" ("boundary" "x") NIL NIL NIL)',
            b'(("a" "b" NIL NIL NIL "7bit" 1)("a" "\\"" NIL NIL NIL "7bit" 2) "mixed")',
        ),
        (
            b'("message" "RFC822" NIL NIL NIL "7bit" 1 (NIL "s" ((NIL NIL "a" "b")) NIL NIL NIL'
            b' NIL NIL NIL NIL) ("text" "x" NIL NIL NIL "7bit" 1 2 NIL NIL NIL NIL) 3 NIL NIL NIL'
            b" NIL)",
            b'("message" "RFC822" NIL NIL NIL "7bit" 1 (NIL "s" ((NIL NIL "a" "b")) NIL NIL NIL'
            b' NIL NIL NIL NIL) ("text" "x" NIL NIL NIL "7bit" 1 2) 3)',
        ),
        (
            b'("message" "delivery-status" NIL NIL NIL "7bit" 1 NIL NIL NIL NIL)',
            b'("message" "delivery-status" NIL NIL NIL "7bit" 1)',
        ),
    ],
)
def test_extension_data_is_left_out(structure: bytes, body: bytes) -> None:
    assert without_extensions(structure) == body
