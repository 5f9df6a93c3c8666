"""Address lists in all their forms, token by token (RFC 5322 3.2, 3.4 and the obsolete 4.4).

No input is refused: an unterminated quoted string, comment or angle bracket ends with the field,
and characters that have no place somewhere are taken as part of the word they stand in.
"""

from __future__ import annotations

import re

Parsed = tuple[bytes | None, bytes | None, bytes | None, bytes | None]

_TOKEN = re.compile(
    rb'[ \t]++|"((?:[^"\\]|\\.)*+)(?:"|\\?$)|(\()|(\[[^\]]*+\]?+)|([<>,:;@)\]])'
    rb'|((?:[^ \t"()\[\]<>,:;@\\]|\\.?)++)',
    re.DOTALL,
)
_COMMENT_MARK = re.compile(rb"[^()\\]++|\\.?|([()])", re.DOTALL)
_quoted_pair = re.compile(rb"\\(.)", re.DOTALL).sub

WORD, SPECIAL, SPACE, COMMENT = range(4)
Token = tuple[int, bytes]
GROUP_END: Parsed = (None, None, None, None)


def parse(text: bytes, limit: int) -> list[Parsed]:
    """About *limit* (name, route, mailbox, host); groups as RFC 9051 7.5.2 has them."""
    found: list[Parsed] = []
    tokens = _tokens(text)
    last_closing = max((i for i, t in enumerate(tokens) if t == (SPECIAL, b">")), default=-1)
    in_group = in_angle = False
    current: list[Token] = []
    for i, token in enumerate((*tokens, (SPECIAL, b","))):
        kind, mark = token
        if kind == SPECIAL and mark in (b"<", b">"):
            in_angle = mark == b"<" and i < last_closing  # what nothing closes ends at a comma
            current.append(token)
        elif in_angle or kind != SPECIAL or mark not in (b",", b";", b":"):
            current.append(token)
        else:
            if mark == b":":
                _start_group(_phrase(current), found, in_group)
            elif current:
                _finish(current, found)
            if mark == b";" and in_group:
                found.append(GROUP_END)
            in_group = mark == b":" or (in_group and mark == b",")
            current = []
            if len(found) >= limit:
                break
    if in_group:
        found.append(GROUP_END)
    return found


def _start_group(name: bytes, found: list[Parsed], in_group: bool) -> None:
    if in_group:
        found.append(GROUP_END)
    found.append((None, None, name, None))


def _tokens(text: bytes) -> list[Token]:
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None, "the alternatives cover every byte"
        position = match.end()
        quoted, comment, literal, special, word = match.groups()
        if quoted is not None:
            tokens.append((WORD, _unquote(quoted)))
        elif comment:
            body, position = _comment(text, position)
            tokens.append((COMMENT, body))
        elif special:
            tokens.append((SPECIAL, special))
        elif literal or word:
            tokens.append((WORD, _unquote(literal or word)))
        else:
            tokens.append((SPACE, b" "))
    return tokens


def _unquote(text: bytes) -> bytes:
    return _quoted_pair(rb"\1", text) if b"\\" in text else text


def _comment(text: bytes, start: int) -> tuple[bytes, int]:
    """The comment whose text starts at *start*, and where what follows it starts."""
    depth = 1
    for match in _COMMENT_MARK.finditer(text, start):
        if match[1]:
            depth += 1 if match[1] == b"(" else -1
            if not depth:
                return _unquote(text[start : match.start()]), match.end()
    return _unquote(text[start:]), len(text)


def _phrase(tokens: list[Token]) -> bytes:
    """Words as one text: as they stand, comments dropped, white space to single spaces."""
    joined = b"".join([b" " if kind in (SPACE, COMMENT) else text for kind, text in tokens])
    return b" ".join(joined.split())


def _finish(tokens: list[Token], found: list[Parsed]) -> None:
    """Turn the tokens between two commas into an address, if there is any."""
    marks = [text for kind, text in tokens if kind == SPECIAL]
    if b"<" in marks:
        start = tokens.index((SPECIAL, b"<"))
        ends = [i for i, token in enumerate(tokens) if token == (SPECIAL, b">") and i > start]
        inner = tokens[start + 1 : ends[0] if ends else None]
        route, spec = _split_route(inner)
        mailbox, host = _split_address(spec)
        name = _phrase([token for token in tokens[:start] if token != (SPECIAL, b">")])
        found.append((name or _last_comment(tokens), route, mailbox, host))
        return
    mailbox, host = _split_address(tokens)
    comment = _last_comment(tokens)
    if b"@" not in marks and b" " in mailbox:
        found.append((mailbox, None, b"", b""))
    elif mailbox or host or comment:
        found.append((comment, None, mailbox, host))


def _last_comment(tokens: list[Token]) -> bytes | None:
    """``a@b (Name)``: the form of before RFC 822, still written by some programs."""
    comments = [b" ".join(text.split()) for kind, text in tokens if kind == COMMENT]
    return (comments[-1] or None) if comments else None


def _split_route(tokens: list[Token]) -> tuple[bytes | None, list[Token]]:  # 5322 4.4 obs-route
    marks = [i for i, token in enumerate(tokens) if token == (SPECIAL, b":")]
    if not marks or not _compact(tokens).startswith(b"@"):
        return None, tokens
    return _compact(tokens[: marks[0]]), tokens[marks[0] + 1 :]


def _split_address(tokens: list[Token]) -> tuple[bytes, bytes]:
    ats = [i for i, token in enumerate(tokens) if token == (SPECIAL, b"@")]
    if not ats:
        return _phrase(tokens), b""
    return _local_part(tokens[: ats[-1]]), _compact(tokens[ats[-1] + 1 :])


def _local_part(tokens: list[Token]) -> bytes:
    """Space around dots is no part of it (5322 4.4), space in quotes is."""
    joined = b"".join([b" " if kind == SPACE else text for kind, text in tokens if kind != COMMENT])
    return joined.strip().replace(b" .", b".").replace(b". ", b".")


def _compact(tokens: list[Token]) -> bytes:
    return b"".join([text for kind, text in tokens if kind in (WORD, SPECIAL)])
