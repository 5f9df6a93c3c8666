"""The first words of a message, as mailbox lists show them (RFC 8970).

Only the first texts are looked at, and of each only the beginning, which the scanner keeps while
it passes.  Quoted text of earlier messages is not told from the author's own.
"""

from __future__ import annotations

from mailhub.mime.charset import TextDecoder
from mailhub.mime.markup import HtmlText
from mailhub.mime.transfer import Decoder, UnknownEncoding
from mailhub.mime.tree import Kind, Node

MAX_CHARACTERS = 200  # 8970 3.2
MAX_CAPTURES = 4
PLAIN_OCTETS = 4 * 1024
HTML_OCTETS = 32 * 1024
"""HTML often starts with many kilobytes of styles."""
_STEP = 512
_IDENTITIES = frozenset((b"7bit", b"8bit", b"binary"))
_ASCII_AT_HEART = frozenset(("", "us-ascii", "utf-8", "iso-8859-1", "iso-8859-15", "windows-1252"))

# Invisible characters that newsletters pad their first lines with.
_INVISIBLE = {0xAD: None, 0x34F: None, 0x200B: None, 0x200C: None, 0x2060: None, 0xFEFF: None}
_INVISIBLE |= dict.fromkeys((*range(32), *range(127, 160)), " ")


def capture_limit(node: Node, captures: int) -> int:
    """How many octets of *node*'s body may be needed, *captures* others being kept already."""
    if node.opaque or node.kind is Kind.MESSAGE or captures >= MAX_CAPTURES:
        return 0
    disposition = node.content.disposition
    if disposition is not None and disposition[0].lower() == b"attachment":
        return 0
    media = node.content.type.media
    if media == "text/html":
        return HTML_OCTETS
    # Of a multipart the text before the first part, in case there is no part.
    return PLAIN_OCTETS if media == "text/plain" or media.startswith("multipart/") else 0


def preview(root: Node) -> str:
    """The beginning of the first text that is not blank; empty when there is none."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.captured:
            text = _text(node)
            if text:
                return text
        waiting.extend(reversed(node.children))
    return ""


def _text(node: Node) -> str:
    """At most MAX_CHARACTERS of what *node* shows, in steps, so that little is decoded."""
    captured = bytes(node.captured or b"")
    if (plain := _plain(captured[:_STEP], node)) is not None:
        return plain
    try:
        transfer = Decoder(node.content.encoding.decode("latin-1"))
    except UnknownEncoding:
        transfer = Decoder("binary")
    charset = TextDecoder(node.type.charset)
    markup = HtmlText() if node.media == "text/html" else None
    text = shown = ""
    for position in range(0, len(captured), _STEP):
        octets = transfer.feed(captured[position : position + _STEP])
        final = position + _STEP >= len(captured)
        piece = charset.feed(octets + transfer.finish() if final else octets)
        text += piece if markup is None else markup.feed(piece, final)
        shown = _shown(text)
        if len(shown) > MAX_CHARACTERS:
            break
    return shown[:MAX_CHARACTERS].rstrip()


def _shown(text: str) -> str:
    """*text* on one line, without what nobody sees; translate() costs most, seldom needed."""
    shown = " ".join(text.split())
    if shown.isprintable() and "\u034f" not in shown:  # a mark, hence "printable"
        return shown
    return " ".join(shown.translate(_INVISIBLE).split())


def _plain(beginning: bytes, node: Node) -> str | None:
    """The preview if ASCII says it all already, as it mostly does; None: look closer."""
    if (
        not beginning.isascii()
        or node.media != "text/plain"
        or node.content.encoding.lower() not in _IDENTITIES
        or node.type.charset not in _ASCII_AT_HEART
    ):
        return None
    shown = " ".join(beginning.decode("ascii").split())
    if len(shown) <= MAX_CHARACTERS or not shown.isprintable():
        return None
    return shown[:MAX_CHARACTERS].rstrip()
