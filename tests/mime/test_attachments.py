"""What counts as an attachment."""

from __future__ import annotations

import pytest

from mailhub.mime.scanner import analyse
from tests.mime.reading import crlf


def mixed(*parts: str, kind: str = "mixed") -> bytes:
    body = "".join(f"--b\nContent-Type: {part}\n\nx\n" for part in parts)
    return crlf(f"Content-Type: multipart/{kind}; boundary=b\n\n{body}--b--\n")


@pytest.mark.parametrize(
    "data",
    [
        mixed("text/plain", "application/pdf"),
        mixed("text/plain", "text/x-log\nContent-Disposition: attachment"),
        mixed("text/plain", "text/x-log\nContent-Disposition: x; filename=a.log"),
        mixed("text/plain", "image/png"),
        mixed("text/plain", "application/pdf\nContent-Disposition: inline; filename=a.pdf"),
        mixed("text/plain", "message/rfc822"),
        mixed("text/html", "image/png\nContent-Disposition: attachment", kind="related"),
        crlf("Content-Type: application/pdf\n\nx"),
    ],
)
def test_attachments(data: bytes) -> None:
    assert analyse(data).has_attachment


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Subject: x\r\n\r\nHello",
        mixed("text/plain", "text/html", kind="alternative"),
        mixed("text/plain", "text/calendar", kind="alternative"),
        mixed("text/html", "image/png", kind="related"),
        mixed("text/plain", "image/png\nContent-Disposition: inline; filename=a.png"),
        mixed("text/plain", "application/pgp-signature", kind="signed"),
        mixed("text/plain", "application/pkcs7-signature\nContent-Disposition: attachment"),
        mixed("text/plain", "message/delivery-status", "message/rfc822", kind="report"),
        mixed("message/rfc822", "message/rfc822", kind="digest"),
    ],
)
def test_no_attachments(data: bytes) -> None:
    assert not analyse(data).has_attachment
