"""Doing what a warning brings about, as often as it takes.

Tasks are rows of the hub, so a restart loses none, and of several processes one does each.  What
fails is tried again after a minute, then twice as long each time, for about a day; a mail that
cannot be filed because the account is full meanwhile is dropped: its owner knows by then.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from mailhub import log
from mailhub.config.letters import DEFAULT, BadTemplate, check_template, letter
from mailhub.config.options import QuotaConfig
from mailhub.interfaces import IMailStore, Incoming
from mailhub.model.errors import NoSuchAccount, OverQuota, Refusal, Unavailable
from mailhub.model.names import INBOX
from mailhub.store.hub import crossings
from mailhub.store.hub.crossings import Task
from mailhub.store.hub.hub import Hub
from mailhub.warnings.webhook import NotTaken, Webhook

LOOK_SECONDS = 2.0
AT_ONCE = 20
FIRST_RETRY_SECONDS = 60
MOST_ATTEMPTS = 11
"""A minute doubled ten times is 17 hours."""


class Tasks:
    """*clock* gives seconds since 1970."""

    def __init__(
        self,
        reactor: Any,
        hub: Hub,
        store: IMailStore,
        config: QuotaConfig,
        hostname: str,
        clock: Callable[[], float],
    ) -> None:
        self._reactor = reactor
        self._hub = hub
        self._store = store
        self.config = config
        """May be replaced."""
        self._hostname = hostname
        self._clock = clock
        self._looking: LoopingCall | None = None

    def start(self, reactor: IReactorTime) -> None:
        self._looking = LoopingCall(self._look)
        self._looking.clock = reactor
        self._looking.start(LOOK_SECONDS, now=False)

    def stop(self) -> None:
        if self._looking is not None and self._looking.running:
            self._looking.stop()

    def _look(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.do_due()).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        log.failure("error", failure, what="quota warnings")

    async def do_due(self) -> None:
        """Everything that is due now."""
        now = int(self._clock())
        try:
            if not await self._hub.read(crossings.due, now):
                return
            tasks = await self._hub.write(crossings.take, now, AT_ONCE)
        except Unavailable:
            return
        # Posts may take long: they wait for each other at most, and letters do not wait for them.
        posts = [Deferred.fromCoroutine(self._do(t)) for t in tasks if t.kind == "webhook"]
        for task in tasks:
            if task.kind != "webhook":
                await self._do(task)
        await gatherResults(posts)

    async def _do(self, task: Task) -> None:
        problem = ""
        try:
            await (self._mail(task) if task.kind == "mail" else self._post(task))
        except (OverQuota, NoSuchAccount) as final:
            problem, task_over = str(final), True
        except Exception as trouble:
            if not isinstance(trouble, Refusal | NotTaken | OSError | BadTemplate):
                log.failure("error", Failure(), what="a quota warning")
            problem, task_over = str(trouble), task.attempts >= MOST_ATTEMPTS
        else:
            task_over = True
        if problem:
            level: log.Level = "error" if task_over else "warn"
            about = {"kind": task.kind, "account": json.loads(task.body)["account"]}
            log.event("quota.not_told", level=level, reason=problem, **about)
        if task_over:
            await self._hub.write(crossings.done, task.id)
        else:
            wait = FIRST_RETRY_SECONDS * 2 ** (task.attempts - 1)
            await self._hub.write(crossings.later, task.id, int(self._clock()) + wait)

    async def _mail(self, task: Task) -> None:
        path = self.config.warning_template
        template = DEFAULT if path is None else _template(path)
        facts = json.loads(task.body)
        data = letter(template, self._shown(facts), self._clock())
        account = await self._store.account(task.account)
        staging = account.stage(len(data))
        await staging.write(data)
        staged = await staging.finish()
        try:
            await account.append(INBOX, [Incoming(staged)])
        finally:
            staged.release()

    async def _post(self, task: Task) -> None:
        config = self.config
        if not config.webhook or config.webhook_secret_file is None:
            return  # it was taken out of the configuration meanwhile
        webhook = Webhook(self._reactor, config.webhook, config.webhook_secret_file)
        facts = {"event": "quota.warning", **json.loads(task.body)}
        await webhook.post(json.dumps(facts), int(self._clock()))

    def _shown(self, facts: dict[str, Any]) -> dict[str, str]:
        """Of the limit that the account is nearest to."""
        by_octets = facts["octet_limit"] and (
            100 * facts["octets"] // facts["octet_limit"] >= facts["percent"]
        )
        if by_octets:
            used, limit = _megabytes(facts["octets"]), _megabytes(facts["octet_limit"])
        else:
            used, limit = f"{facts['messages']}", f"{facts['message_limit']} messages"
        return {
            "account": facts["account"],
            "percent": str(facts["percent"]),
            "used": used,
            "limit": limit,
            "hostname": self._hostname,
        }


def _template(path: Path) -> str:
    """It may have changed since the configuration was read.  Raises OSError, BadTemplate."""
    try:
        text = path.read_text("utf-8")
        check_template(text)
    except (BadTemplate, UnicodeDecodeError) as error:
        raise BadTemplate(f"{path} {error}") from error
    return text


def _megabytes(octets: int) -> str:
    return f"{octets / (1 << 20):,.1f} MB"
