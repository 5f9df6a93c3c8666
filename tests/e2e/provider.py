"""A provider of access tokens: keys and introspection over TLS, with what can go wrong there."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.auth.issuer import jwks
from tests.net.certificates import Authority

CA = Authority.make("provider CA")
SERVER_USE = (ExtendedKeyUsageOID.SERVER_AUTH,)


class Provider:
    """``answer`` is called with the handler of each request, and may be exchanged."""

    def __init__(self, folder: Path, host: str = "localhost") -> None:
        issued = CA.issue(x509.DNSName(host), uses=SERVER_USE)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*issued.write(folder, "provider"))
        self.ca = folder / "provider-ca.pem"
        self.ca.write_bytes(CA.issued.pem)
        self.answer: Callable[[Any], None] = self.well
        self.active: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self.over = threading.Event()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.requests.append((self.path, self.headers.get("Authorization", "")))
                provider.answer(self)

            do_POST = do_GET  # noqa: N815 - http.server's name

            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads it."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that do not trust us, or hang up."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.url = f"https://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def well(self, request: Any) -> None:
        if request.command == "GET":
            self.send(request, jwks())
            return
        form = parse_qs(request.rfile.read(int(request.headers["Content-Length"])).decode())
        told = self.active.get(form["token"][0])
        self.send(request, json.dumps({"active": told is not None, **(told or {})}).encode())

    def send(self, request: Any, body: bytes, code: int = 200, **headers: str) -> None:
        request.send_response(code)
        request.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    def until_the_end(self, request: Any) -> None:
        """As HTTP/1.0: the answer is over when the connection is."""
        form = parse_qs(request.rfile.read(int(request.headers["Content-Length"])).decode())
        request.send_response(200)
        request.end_headers()
        request.wfile.write(json.dumps({"active": True, **self.active[form["token"][0]]}).encode())

    # --- what can go wrong ----------------------------------------------------------------

    def silent(self, request: Any) -> None:
        self.over.wait(30)

    def slow(self, request: Any) -> None:
        """An octet now and then, for ever."""
        request.send_response(200)
        request.end_headers()
        while not self.over.wait(0.1):
            request.wfile.write(b" ")

    def endless(self, request: Any) -> None:
        request.send_response(200)
        request.end_headers()
        while not self.over.is_set():
            request.wfile.write(b" " * 65536)

    def elsewhere(self, request: Any) -> None:
        self.send(request, b"", 302, Location=f"{self.url}/elsewhere")

    def broken(self, request: Any) -> None:
        self.send(request, b"<html>", 503)

    def cut_short(self, request: Any) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(b"{")
        request.connection.close()
