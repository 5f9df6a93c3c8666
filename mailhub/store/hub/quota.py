"""Limits, and which source they come from.

For every resource by itself the strongest source that says something counts:

1. the administrator, about the account (``mailhub quota set``, SETQUOTA)
2. the directory: an attribute of the person
3. a ``[[policy]]`` rule, by group or otherwise; never stored, it holds as long as it is there
4. the administrator, about the accounts of the domain
5. ``[[quota.domain]]`` of the configuration
6. ``[quota]`` of the configuration
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailhub.config.options import QuotaConfig, QuotaDomain
from mailhub.model.errors import NoSuchAccount
from mailhub.model.mail import AccountId
from mailhub.model.policy import Decision
from mailhub.model.quota import RESOURCES, FolderRule, Limits, Quota
from mailhub.rules import NO_RULES, Rules, subject_of
from mailhub.store.hub import accounts, credentials, domains
from mailhub.store.hub.addresses import split
from mailhub.store.hub.database import Tx

ADMINISTRATOR, DIRECTORY = "administrator", "directory"
SOURCES = (ADMINISTRATOR, DIRECTORY)
"""That are kept about one account, the strongest first."""
ACCOUNT, TOTAL = "account", "total"
"""Scopes of what is said about a domain."""

_COLUMNS = ", ".join(RESOURCES)


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody's limits: ``source`` for people."""

    source: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Sources:
    """All that is said about an account, the strongest first; and about its domain's total."""

    domain: str
    account: tuple[Said, ...]
    total: tuple[Said, ...]

    def limit(self, resource: str) -> tuple[int, str]:
        """The limit that holds, and who says so."""
        return _strongest(self.account, resource)

    def total_limit(self, resource: str) -> tuple[int, str]:
        return _strongest(self.total, resource)


def _strongest(said: Sequence[Said], resource: str) -> tuple[int, str]:
    for one in said:
        value: int | None = getattr(one.limits, resource)
        if value is not None:
            return value, one.source
    return 0, "nobody"


# --- reading ------------------------------------------------------------------------------


def version(tx: Tx) -> int:
    """Changes whenever a limit may have changed."""
    row = tx.execute("SELECT version FROM quota_version").fetchone()
    assert row is not None
    return int(row[0])


def sources(tx: Tx, account: AccountId, config: QuotaConfig, rules: Rules = NO_RULES) -> Sources:
    """Raises NoSuchAccount."""
    row = tx.execute(
        "SELECT number, domain FROM account JOIN address ON address.account = account.number"
        " AND is_primary WHERE id = ?",
        (account,),
    ).fetchone()
    if row is None:
        raise NoSuchAccount
    number, domain = int(row[0]), str(row[1])
    mine = _kept(tx, number)
    if rules.about_quota:
        stored = credentials.of_id(tx, account)
        mine += [] if stored is None else _of_rules(rules.decide(subject_of(stored)))
    return _together(tx, domain, mine, config)


def sources_if(
    tx: Tx, address: str, config: QuotaConfig, decision: Decision, directory: Limits
) -> Sources:
    """What would hold for whoever is, or would be, called *address*, under another configuration.

    *decision* is that of its rules; *directory* what a directory says, if there is no account yet.
    """
    local, domain = split(address)
    row = tx.execute(
        "SELECT account FROM address WHERE domain = ? AND local = ? AND is_primary", (domain, local)
    ).fetchone()
    mine = [Said(DIRECTORY, directory)] if row is None else _kept(tx, int(row[0]))
    return _together(tx, domain, [*mine, *_of_rules(decision)], config)


def _kept(tx: Tx, number: int) -> list[Said]:
    said = tx.execute(
        f"SELECT source, detail, {_COLUMNS} FROM quota_limit WHERE account = ?", (number,)
    )
    own = {source: Said(_named(source, detail), Limits(*rest)) for source, detail, *rest in said}
    return [own[source] for source in SOURCES if source in own]


def _of_rules(decision: Decision) -> list[Said]:
    """Each limit may be another rule's."""
    said = {
        "quota_octets": Limits(octets=decision.quota_octets),
        "quota_messages": Limits(messages=decision.quota_messages),
    }
    return [Said(f"policy {decision.rules[name]}", what) for name, what in said.items() if what]


def _together(tx: Tx, domain: str, mine: Sequence[Said], config: QuotaConfig) -> Sources:
    return Sources(
        domain,
        (*mine, *_of_domain(tx, domain, ACCOUNT), *_configured(config, domain)),
        (*_of_domain(tx, domain, TOTAL), *_configured_total(config, domain)),
    )


def domain_sources(tx: Tx, domain: str, config: QuotaConfig) -> Sources:
    """What holds for an account of *domain* that nothing else is said about.

    Raises NoSuchDomain.
    """
    return _together(tx, domains.get(tx, domain).name, (), config)


def _named(source: str, detail: str) -> str:
    return f"{source} ({detail})" if detail else source


def _of_domain(tx: Tx, domain: str, scope: str) -> list[Said]:
    rows = tx.execute(
        f"SELECT detail, {_COLUMNS} FROM quota_domain WHERE domain = ? AND scope = ?",
        (domain, scope),
    )
    return [
        Said(_named("domain", detail or ADMINISTRATOR), Limits(*rest)) for detail, *rest in rows
    ]


def _configured(config: QuotaConfig, domain: str) -> list[Said]:
    found = [
        Said("configuration of the domain", Limits(**_given(section)))
        for section in config.domains
        if section.name == domain
    ]
    return [*found, Said("configuration", Limits(**{r: getattr(config, r) for r in RESOURCES}))]


def _given(section: QuotaDomain) -> dict[str, int | None]:
    return {resource: getattr(section, resource) for resource in RESOURCES}


def _configured_total(config: QuotaConfig, domain: str) -> list[Said]:
    return [
        Said("configuration of the domain", Limits(section.total_octets, section.total_messages))
        for section in config.domains
        if section.name == domain
    ]


def effective(found: Sources, config: QuotaConfig) -> Quota:
    """What holds, of all that is said."""

    def limit(resource: str) -> int:
        return found.limit(resource)[0]

    return Quota(
        octets=limit("octets"),
        messages=limit("messages"),
        mailboxes=limit("mailboxes"),
        mailbox_messages=limit("mailbox_messages"),
        message_octets=limit("message_octets"),
        grace=config.grace,
        folders=tuple(FolderRule(f.name, f.extra_percent, f.ignore) for f in config.folders),
        total_octets=found.total_limit("octets")[0],
        total_messages=found.total_limit("messages")[0],
        warn=tuple(sorted(_warn(found.domain, config))),
    )


def _warn(domain: str, config: QuotaConfig) -> tuple[int, ...]:
    own = (each.warn for each in config.domains if each.name == domain)
    return next((warn for warn in own if warn is not None), config.warn)


def total_of(limits: Limits) -> Quota:
    """A domain's total as if it were one account's."""
    return Quota(octets=limits.octets or 0, messages=limits.messages or 0)


# --- setting ------------------------------------------------------------------------------


def said_by(tx: Tx, account: AccountId, source: str) -> Limits:
    """What *source* says about the account.  Raises NoSuchAccount."""
    row = tx.execute(
        f"SELECT {_COLUMNS} FROM quota_limit WHERE account = ? AND source = ?",
        (accounts.get(tx, account).number, source),
    ).fetchone()
    return Limits(*row) if row else Limits()


def set_limits(
    tx: Tx, account: AccountId, source: str, limits: Limits, now: int, detail: str = ""
) -> None:
    """From now on *source* says *limits*, and nothing else, about the account.

    Writes nothing when it has said so before, so a directory may call this at every look-up.
    Raises NoSuchAccount.
    """
    number = accounts.get(tx, account).number
    if not limits:
        tx.execute("DELETE FROM quota_limit WHERE account = ? AND source = ?", (number, source))
        return
    tx.execute(
        f"INSERT INTO quota_limit (account, source, detail, changed, {_COLUMNS})"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        " ON CONFLICT DO UPDATE SET detail = ?3, changed = ?4, octets = ?5, messages = ?6,"
        " mailboxes = ?7, mailbox_messages = ?8, message_octets = ?9"
        " WHERE (detail, octets, messages, mailboxes, mailbox_messages, message_octets)"
        " IS NOT (?3, ?5, ?6, ?7, ?8, ?9)",
        (number, source, detail, now, *_values(limits)),
    )


def domain_limits(tx: Tx, domain: str, scope: str) -> Limits:
    """What the administrator says about the domain in *scope*.  Raises NoSuchDomain."""
    row = tx.execute(
        f"SELECT {_COLUMNS} FROM quota_domain WHERE domain = ? AND scope = ?",
        (domains.get(tx, domain).name, scope),
    ).fetchone()
    return Limits(*row) if row else Limits()


def set_domain_limits(
    tx: Tx, domain: str, scope: str, limits: Limits, now: int, detail: str = ""
) -> None:
    """Raises NoSuchDomain."""
    name = domains.get(tx, domain).name
    if scope == TOTAL and not domain_limits(tx, name, TOTAL):
        # Without a total nobody made sure that the sums are complete.
        tx.execute("UPDATE domain SET usage_read = '' WHERE name = ?", (name,))
    tx.execute("DELETE FROM quota_domain WHERE domain = ? AND scope = ?", (name, scope))
    if limits:
        tx.execute(
            f"INSERT INTO quota_domain (domain, scope, detail, changed, {_COLUMNS})"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (name, scope, detail, now, *_values(limits)),
        )


def forget_sums(tx: Tx, config: QuotaConfig) -> None:
    """Of domains that have no total (any more), whose sums nobody keeps exact meanwhile."""
    configured = {d.name for d in config.domains if d.total_octets or d.total_messages}
    for (name,) in tx.execute(
        "SELECT name FROM domain WHERE usage_read <> ''"
        " AND name NOT IN (SELECT domain FROM quota_domain WHERE scope = ?)",
        (TOTAL,),
    ).fetchall():
        if name not in configured:
            tx.execute("UPDATE domain SET usage_read = '' WHERE name = ?", (name,))


def with_limits(present: Limits, changes: dict[str, int | None]) -> Limits:
    """*present* with some resources changed; None: no longer said."""
    return replace(present, **changes)


def _values(limits: Limits) -> tuple[int | None, ...]:
    return tuple(getattr(limits, resource) for resource in RESOURCES)
