"""The pages for monitoring."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from mailhub.metrics import Metrics
from mailhub.net.monitor import make_site
from tests.events import Events
from tests.net.world import Socket


class Browser:
    def __init__(self) -> None:
        self.metrics = Metrics()
        self.ready: Deferred[str | None] = Deferred()
        self._site = make_site(Clock(), self.metrics, lambda: self.ready)

    def get(self, path: str) -> Socket:
        protocol = self._site.buildProtocol(None)
        transport = Socket("127.0.0.1")
        protocol.makeConnection(transport)
        protocol.dataReceived(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        return transport


def test_a_living_process_says_so() -> None:
    answer = Browser().get("/healthz").value()

    assert answer.startswith(b"HTTP/1.0 200")
    assert answer.endswith(b"\r\n\r\nalive\n")


def test_readiness_is_what_the_check_says() -> None:
    for problem, status in ((None, b"200"), ("no space", b"503")):
        browser = Browser()
        answer = browser.get("/readyz")
        assert answer.value() == b""
        browser.ready.callback(problem)

        assert answer.value().startswith(b"HTTP/1.0 " + status)
        assert answer.value().endswith(f"\r\n\r\n{problem or 'ready'}\n".encode())


def test_a_check_that_fails_is_not_ready_and_logged(events: Events) -> None:
    browser = Browser()
    answer = browser.get("/readyz")
    browser.ready.errback(ZeroDivisionError())

    assert answer.value().startswith(b"HTTP/1.0 503")
    assert events["error"]["log_failure"].check(ZeroDivisionError)


def test_metrics_are_in_prometheus_form() -> None:
    browser = Browser()
    browser.metrics.connection_opened("imap")
    answer = browser.get("/metrics").value()

    assert b"text/plain; version=" in answer
    assert b'mailhub_connections_open{protocol="imap"} 1.0' in answer


def test_other_pages_are_not_there() -> None:
    assert Browser().get("/etc/passwd").value().startswith(b"HTTP/1.0 404")
