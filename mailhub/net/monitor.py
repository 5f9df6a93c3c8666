"""For monitoring: ``/metrics`` (Prometheus), ``/healthz`` (live) and ``/readyz`` (can take mail).

Plain HTTP without any access control: it is meant for loopback or a management network.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.http import Request
from twisted.web.pages import notFound
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Site

from mailhub import log
from mailhub.metrics import CONTENT_TYPE, Metrics

Ready = Callable[[], Awaitable[str | None]]
"""Says why the server is not ready, None when it is."""


def make_site(reactor: IReactorTime, metrics: Metrics, ready: Ready) -> Site:
    """The factory to listen with."""
    root = _Root()
    root.putChild(b"metrics", _Page(_exposition(metrics)))
    root.putChild(b"healthz", _Page(_live))
    root.putChild(b"readyz", _Page(_readiness(ready)))
    return _QuietSite(root, reactor)


class _QuietSite(Site):
    noisy = False

    def __init__(self, root: Resource, reactor: IReactorTime) -> None:
        Site.__init__(self, root, reactor=reactor)

    def log(self, request: Request) -> None:
        """Monitoring asks every few seconds; nobody wants to read that."""


class _Root(Resource):
    def __init__(self) -> None:
        Resource.__init__(self)

    def getChild(self, path: bytes, request: Request) -> IResource:
        return notFound()  # Twisted's own default is deprecated


class _Page(Resource):
    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, render: Callable[[Request], bytes | int]) -> None:
        Resource.__init__(self)
        self._render = render

    def render_GET(self, request: Request) -> bytes | int:
        return self._render(request)


def _live(request: Request) -> bytes:
    return _text(request, 200, "alive")


def _readiness(ready: Ready) -> Callable[[Request], int]:
    def failed(reason: Failure) -> str:
        log.failure("error", reason, what="the readiness check failed")
        return "the check itself failed"

    def render(request: Request) -> int:
        gone: list[Failure] = []
        request.notifyFinish().addErrback(gone.append)

        def answer(problem: str | None) -> None:
            if not gone:
                request.write(_text(request, 503 if problem else 200, problem or "ready"))
                request.finish()

        checking = Deferred.fromCoroutine(_await(ready()))
        checking.addErrback(failed).addCallback(answer)
        return NOT_DONE_YET

    return render


def _exposition(metrics: Metrics) -> Callable[[Request], bytes]:
    def render(request: Request) -> bytes:
        request.setHeader(b"content-type", CONTENT_TYPE.encode("ascii"))
        return metrics.render()

    return render


async def _await(awaitable: Awaitable[str | None]) -> str | None:
    return await awaitable


def _text(request: Request, status: int, text: str) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"text/plain; charset=utf-8")
    return text.encode("utf-8") + b"\n"
