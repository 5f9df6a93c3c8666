"""Whether a message has what people call an attachment.

A part that says so, and any part that is neither text nor belongs to the text: not the images of
a multipart/related, not signatures, not the machine-readable parts of reports.
"""

from __future__ import annotations

from mailhub.mime.tree import Kind, Node

_SIGNATURES = frozenset(
    (
        "application/pgp-signature",
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
        "application/pgp-encrypted",
    )
)
_PARTS_OF_THE_WHOLE = frozenset(
    (
        "multipart/related",
        "multipart/report",
        "multipart/alternative",
        "multipart/encrypted",
        "multipart/digest",
    )
)


def has_attachment(root: Node) -> bool:
    """Messages inside are attachments themselves; what they hold does not count."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.kind is Kind.MULTIPART:
            waiting += node.children
        elif _is_attachment(node):
            return True
    return False


def _is_attachment(node: Node) -> bool:
    media = node.media
    if media in _SIGNATURES:
        return False
    disposition = node.content.disposition
    if disposition is not None:
        kind, parameters = disposition
        if kind.lower() == b"attachment":
            return True
        if kind.lower() == b"inline":
            return _has_file_name(parameters) and not media.startswith(("text/", "image/"))
    if media.startswith("text/"):
        return disposition is not None and _has_file_name(disposition[1])
    return node.parent is None or node.parent.content.type.media not in _PARTS_OF_THE_WHOLE


def _has_file_name(parameters: tuple[tuple[bytes, bytes], ...]) -> bool:
    return any(name.lower().startswith(b"filename") for name, _ in parameters)
