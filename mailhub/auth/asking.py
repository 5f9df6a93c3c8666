"""What asking a provider of access tokens costs, for the metrics."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from mailhub.metrics import Metrics
from mailhub.net.fetch import Fetching


class MeasuredFetching:
    """Asks as *fetcher* does.  Keys are got, questions about tokens are posted."""

    def __init__(
        self, fetcher: Fetching, provider: str, metrics: Metrics, clock: Callable[[], float]
    ) -> None:
        self._fetcher = fetcher
        self._provider = provider
        self._metrics = metrics
        self._clock = clock

    async def get(self, url: str) -> bytes:
        return await self._measured("keys", self._fetcher.get(url))

    async def post(self, url: str, form: Mapping[str, str], user: str, password: str) -> bytes:
        asked = self._fetcher.post(url, form, user, password)
        return await self._measured("introspection", asked)

    async def _measured(self, question: str, asked: Coroutine[Any, Any, bytes]) -> bytes:
        started, outcome = self._clock(), "failed"
        try:
            answer = await asked
            outcome = "ok"
        finally:
            seconds = self._clock() - started
            self._metrics.oauth_question(self._provider, question, outcome, seconds)
        return answer
