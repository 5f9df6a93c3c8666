"""What is said of a TLS handshake that failed, whichever way the system tells it."""

from __future__ import annotations

import ssl

import pytest

from mailhub.directory.wire import tls_reason


@pytest.mark.parametrize(
    "failure",
    [
        ssl.SSLZeroReturnError(6, "TLS/SSL connection has been closed (EOF) (_ssl.c:992)"),
        ssl.SSLEOFError(8, "EOF occurred in violation of protocol (_ssl.c:992)"),
        ssl.SSLError(1, "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred (_ssl.c:992)"),
        ConnectionResetError(104, "Connection reset by peer"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_server_that_hangs_up_is_told_as_such(failure: Exception) -> None:
    said = tls_reason(failure, "ldap.example.org")
    assert said.startswith("the server hung up during the TLS handshake")
    assert 'tls = "starttls"' in said
