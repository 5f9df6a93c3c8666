"""``IDirectory`` over LDAP: a directory of the configuration, asked through the helper process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from mailhub.config.ldap import PAGE_SECONDS
from mailhub.config.options import DirectoryConfig
from mailhub.directory.process import Helper, HelperFailed
from mailhub.directory.troubles import Kind, Refused, Trouble, Verdict
from mailhub.interfaces import (
    BadCredentials,
    IDirectory,
    KeptBack,
    LockedOut,
    LogInDisabled,
    LogInForbidden,
    LogInRefused,
    LogInUnavailable,
    NoSuchPerson,
    PasswordNeeded,
    SecretExpired,
    Unproved,
)
from mailhub.log import event
from mailhub.metrics import Metrics
from mailhub.model.directory import NO_PAST, Past, People, Person, PersonId
from mailhub.model.errors import CannotAdopt, Unavailable
from mailhub.model.steps import UNHEARD, Hearer
from mailhub.net.agenda import Agenda
from mailhub.net.output import delay

TELL_AGAIN_SECONDS = 60.0
MAX_PAD_SECONDS = 2.0
_REFUSALS: dict[Verdict, type[LogInRefused]] = {
    Verdict.NOBODY: NoSuchPerson,
    Verdict.WRONG: BadCredentials,
    Verdict.UNCLEAR: Unproved,
    Verdict.LOCKED: LockedOut,
    Verdict.KEPT_BACK: KeptBack,
    Verdict.DISABLED: LogInDisabled,
    Verdict.EXPIRED: SecretExpired,
    Verdict.FORBIDDEN: LogInForbidden,
}
_WITHOUT_BIND = frozenset({Verdict.NOBODY, Verdict.UNCLEAR, Verdict.KEPT_BACK})


class Asker(Protocol):
    """Whoever asks the servers: the helper process, or :mod:`.inplace`."""

    @property
    def binds(self) -> Mapping[str, float]:
        """How long a bind usually takes, by directory."""

    def ask(
        self, directory: DirectoryConfig, method: str, seconds: float, steps: Hearer, *args: object
    ) -> Deferred[Any]:
        """The value of the Lookup's *method*.  Raises Refused, Trouble."""


@implementer(IDirectory)
class Directory:
    """One ``[[directory]]``."""

    def __init__(self, config: DirectoryConfig, helper: Asker, clock: IReactorTime) -> None:
        self.name = config.name
        self._config = config
        self._helper = helper
        self._clock = clock
        self._tell_again = 0.0
        self._domains = frozenset(domain.casefold() for domain in config.domains)

    def serves(self, domain: str) -> bool:
        return not domain or not self._domains or domain.casefold() in self._domains

    async def prove(
        self, login: str, password: str, steps: Hearer = UNHEARD, past: Past = NO_PAST
    ) -> Person:
        if not password:
            raise BadCredentials("an empty password is an anonymous bind; not sent")
        seconds = self._config.request_timeout
        try:
            person: Person = await self._ask("prove", seconds, steps, login, password, past)
        except (Trouble, Unavailable) as trouble:
            is_unseen = isinstance(trouble, Trouble) and trouble.kind is Kind.UNSEEN
            refusal = PasswordNeeded if is_unseen else LogInUnavailable
            raise refusal(f"directory {self.name}: {trouble}") from trouble
        except Refused as refused:
            if refused.verdict in _WITHOUT_BIND:
                await self._take_as_long_as_a_bind()
            detail = f"directory {self.name}: {refused}"
            raise _REFUSALS[refused.verdict](detail) from refused
        return person

    async def by_login(self, login: str, steps: Hearer = UNHEARD) -> Person | None:
        return await self._find("by_login", steps, login)

    async def by_address(self, address: str, steps: Hearer = UNHEARD) -> Person | None:
        return await self._find("by_address", steps, address)

    async def by_id(self, person: PersonId, steps: Hearer = UNHEARD) -> Person | None:
        return await self._find("by_id", steps, person)

    async def page(self, cookie: bytes | None, steps: Hearer = UNHEARD) -> People:
        people: People = await self._available("page", PAGE_SECONDS, steps, cookie)
        return people

    async def _find(self, method: str, steps: Hearer, what: str) -> Person | None:
        """Raises CannotAdopt (of an address, when it is not clear whose it is), Unavailable."""
        try:
            person: Person | None = await self._available(
                method, self._config.request_timeout, steps, what
            )
        except Refused as unclear:
            raise CannotAdopt(f"directory {self.name}: {unclear}") from unclear
        return person

    async def _available(
        self, method: str, seconds: float, steps: Hearer, *arguments: object
    ) -> Any:
        try:
            return await self._ask(method, seconds, steps, *arguments)
        except Trouble as trouble:
            self._tell(method, trouble)
            raise Unavailable("The directory cannot be asked now, try again later") from trouble

    def _tell(self, method: str, trouble: Trouble) -> None:
        """An event; in an outage each delivery would write one, so now and then is enough."""
        now = self._clock.seconds()
        if now >= self._tell_again:
            self._tell_again = now + TELL_AGAIN_SECONDS
            fields = {"directory": self.name, "question": method, "reason": str(trouble)}
            event("directory.unavailable", level="warn", **fields)

    async def _ask(self, method: str, seconds: float, steps: Hearer, *arguments: object) -> Any:
        try:
            return await self._helper.ask(self._config, method, seconds, steps, *arguments)
        except HelperFailed as crash:
            event("error", level="error", what=f"directory {self.name}, {method}: {crash}")
            raise Unavailable("Internal error") from crash

    async def _take_as_long_as_a_bind(self) -> None:
        """Nobody shall learn from the time whether a name exists."""
        usual = min(self._helper.binds.get(self.name, 0.0), MAX_PAD_SECONDS)
        if usual:
            await delay(self._clock, usual)


class Directories:
    """All directories of a server, and their helper process."""

    def __init__(
        self,
        reactor: IReactorTime,
        agenda: Agenda,
        configs: Sequence[DirectoryConfig],
        metrics: Metrics,
        attempts: Path | None = None,
    ) -> None:
        """*attempts*: the file of :mod:`.attempts`, when several processes ask."""
        self.helper = Helper(reactor, agenda, configs, metrics, attempts) if configs else None
        self.all: Sequence[Directory] = (
            [Directory(config, self.helper, reactor) for config in configs]
            if self.helper is not None
            else []
        )

    def start(self) -> None:
        """Start the helper, so that the first log-in does not wait for it."""
        if self.helper is not None:
            self.helper.start()

    def stop(self) -> Deferred[None]:
        if self.helper is not None:
            return self.helper.stop()
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done
