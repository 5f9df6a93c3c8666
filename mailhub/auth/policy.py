"""What a client whose secret is right must also fulfil.

Every checker comes through here after the secret was proved, so none of them tells a stranger that
an account exists.  In this order: the account is enabled; whom to act as; the protocols that the
directory allows the person; the rules of the configuration (:mod:`mailhub.rules`).  Who acts as
somebody else (:mod:`.masters`) is held to what holds for themselves.
"""

from __future__ import annotations

from mailhub.auth.masters import NO_MASTERS, Masters
from mailhub.interfaces import ILocalAccounts, LogInDisabled, LogInForbidden
from mailhub.model.mail import Client, StoredCredentials
from mailhub.model.policy import Decision, Terms, over
from mailhub.model.steps import UNHEARD, Hearer
from mailhub.rules import NO_RULES, Rules, subject_of


class Policy:
    """Decides for every mechanism; *accounts* tells whom somebody asks to act as."""

    def __init__(
        self, accounts: ILocalAccounts, rules: Rules = NO_RULES, masters: Masters = NO_MASTERS
    ) -> None:
        self._accounts = accounts
        self.masters = masters
        self._rules = rules

    async def authorise(
        self,
        stored: StoredCredentials,
        client: Client | None,
        authorization: str = "",
        steps: Hearer = UNHEARD,
    ) -> Terms:
        """Raises LogInDisabled, LogInForbidden.

        *client* None: credentials that know none (Twisted's own); a restriction to protocols or
        networks cannot be met without.  *authorization*: whom to act as, empty: oneself.
        """
        if not stored.enabled:
            raise LogInDisabled(f"{stored.address} is disabled")
        other = await self._other(stored, authorization, steps) if authorization else None
        if stored.directory:
            groups = tuple(sorted(group.name for group in stored.groups))
            steps.add("belongs to", directory=stored.directory, groups=groups)
        _keep_to(stored.protocols, client, f"directory {stored.directory}", steps)
        decision = self._rules.decide(subject_of(stored))
        rule = decision.rules.get
        _keep_to(decision.protocols, client, f"policy {rule('protocols')}", steps)
        _come_from(decision, client, steps)
        if decision.max_connections is not None:
            about = f"policy {rule('max_connections')}"
            steps.add("policy", decided_by=about, max_connections=decision.max_connections)
        if other is None:
            return Terms(decision.max_connections)
        means = f"master user {stored.address}"
        return Terms(decision.max_connections, means, other.account, stored.address)

    async def _other(
        self, stored: StoredCredentials, authorization: str, steps: Hearer
    ) -> StoredCredentials | None:
        """Whose account is meant; None: the client's own."""
        other = await self._accounts.credentials(authorization)
        if other is None or other.account != stored.account:
            self.masters.check(stored, other, authorization)
        assert other is not None
        steps.add("act as", name=authorization, account=other.address)
        return None if other.account == stored.account else other


def _keep_to(
    protocols: frozenset[str] | None, client: Client | None, decided_by: str, steps: Hearer
) -> None:
    if protocols is None:
        return
    allowed = client is not None and client.protocol in protocols
    told = tuple(sorted(protocols))
    steps.add("policy", decided_by=decided_by, protocols=told, outcome=_word(allowed))
    if not allowed:
        used = client.protocol if client is not None else "an unknown protocol"
        raise LogInForbidden(f"{decided_by} allows {' and '.join(told) or 'nothing'}, not {used}")


def _come_from(decision: Decision, client: Client | None, steps: Hearer) -> None:
    if client is None:
        if decision.networks:
            raise LogInForbidden("a policy allows some networks, not an unknown address")
        return
    networks = decision.networks.get(client.protocol)
    if networks is None:
        return
    decided_by = f"policy {decision.rules[over(client.protocol)]}"
    allowed = decision.allows_network(client.protocol, client.address)
    told = tuple(map(str, networks))
    steps.add("policy", decided_by=decided_by, networks=told, outcome=_word(allowed))
    if not allowed:
        where = client.address or "a Unix socket"
        raise LogInForbidden(f"{decided_by} allows {', '.join(told) or 'nowhere'}, not {where}")


def _word(allowed: bool) -> str:
    return "allowed" if allowed else "refused"
