"""``mailhub policy``: what the rules of a configuration allow whom, and what a change would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from mailhub.auth.effects import Change, Effect, Effects, changes
from mailhub.cli.context import Cli, Failed, options
from mailhub.cli.output import Row, counted, printable
from mailhub.config.load import load
from mailhub.config.options import Config, DirectoryConfig, PolicyRule
from mailhub.config.policies import describe_policy
from mailhub.directory.lookup import Lookup
from mailhub.directory.troubles import Trouble
from mailhub.directory.watching import Nobody
from mailhub.model.directory import Person, Standing
from mailhub.model.policy import Subject
from mailhub.model.quota import Limits
from mailhub.model.steps import UNHEARD
from mailhub.rules import Rules, subject_of
from mailhub.store.hub import accounts, credentials, identities, quota
from mailhub.store.hub.addresses import canonical, canonical_domain, split
from mailhub.store.hub.database import Tx
from mailhub.store.hub.errors import BadAddress


@click.group("policy")
def group() -> None:
    """The [[policy]] rules: whom they allow what."""


@group.command()
@click.argument("account", required=False)
@options
def show(cli: Cli, account: str | None) -> None:
    """Print what holds for an ACCOUNT and what decided it; without one, the rules in order."""
    if account is None:
        _show_rules(cli)
        return
    with cli.hub.read() as tx:
        subject = _of_account(tx, accounts.find(tx, account).address)
        effect = _Plan(cli.config).effect(tx, _Person(subject))
    rows: list[Row] = [
        {"setting": name, "value": value, "decided_by": effect.by(name)}
        for name, value in effect.told().items()
    ]
    if cli.out.as_json:
        dns = sorted(group.dn for group in subject.groups)
        about = {"account": subject.address, "directory": subject.directory, "groups": dns}
        cli.out.json({**about, "settings": rows})
        return
    cli.out.rows(rows, ("setting", "value", "decided_by"))
    if subject.groups:
        groups = ", ".join(sorted(group.name for group in subject.groups))
        cli.out.lines(["", printable(f"groups: {groups}")])


def _show_rules(cli: Cli) -> None:
    with cli.hub.read() as tx:
        everybody = list(_of_hub(tx))
        plan = _Plan(cli.config)
        effects = [plan.effect(tx, _Person(subject)) for subject in everybody]
    for line in _matching_nobody(cli.config, everybody):
        cli.out.note(f"note: {line}")
    deciding = Counter[str]()
    for effect in effects:
        by = effect.decided_by.values()
        deciding.update({rule.name for rule in cli.config.policies if f"policy {rule.name}" in by})
    rows = [
        {"name": rule.name, "rule": describe_policy(rule), "decides_for": deciding[rule.name]}
        for rule in cli.config.policies
    ]
    if cli.out.as_json:
        cli.out.json(rows)
    elif not rows:
        cli.out.lines(["There is no [[policy]]: everybody may do everything"])
    else:
        cli.out.lines(
            f"{row['rule']} (decides for {counted(deciding[str(row['name'])], 'account')})"
            for row in rows
        )


def _matching_nobody(config: Config, everybody: Sequence[Subject]) -> Iterator[str]:
    """Conditions that nobody meets, by a mistake perhaps."""
    for rule in config.policies:
        conditions = [
            *(("groups", value, PolicyRule("", (value,))) for value in rule.groups),
            *(("domains", value, PolicyRule("", domains=(value,))) for value in rule.domains),
            *(("accounts", value, PolicyRule("", accounts=(value,))) for value in rule.accounts),
        ]
        for kind, value, alone in conditions:
            refusing = Rules([replace(alone, delivery="refuse")])
            if all(refusing.decide(subject).delivery for subject in everybody):
                yield f"policy {rule.name}: {kind}: no account here is matched by {value}"


@group.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--directory", is_flag=True, help="Also everybody in the directories, with today's groups."
)
@options
def diff(cli: Cli, file: Path, directory: bool) -> None:
    """Tell who would gain or lose what, were FILE the configuration."""
    planned = load(file)
    before, after = _Plan(cli.config), _Plan(planned)
    people = _everybody(cli, planned, directory=directory)
    with cli.hub.read() as tx:
        found = [
            (person, change)
            for person in people
            for change in changes(before.effect(tx, person), after.effect(tx, person))
        ]
    if cli.out.as_json:
        cli.out.json([_row(person, change) for person, change in found])
        return
    if found:
        cli.out.rows([_row(person, change) for person, change in found], COLUMNS)
    cli.out.note(_summary(len(people), [(p.subject.address, c) for p, c in found]))


COLUMNS = ("account", "change", "setting", "before", "after", "decided_by")


@dataclass(frozen=True, slots=True)
class _Person:
    subject: Subject
    has_account: bool = True
    said: Limits = Limits()
    """By the directory, if there is no account yet that keeps it."""


class _Plan:
    """A configuration, and all that it would come to for somebody."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._effects = Effects(config)
        self._rules = Rules(config.policies)

    def effect(self, tx: Tx, person: _Person) -> Effect:
        subject = person.subject
        decision, quotas = self._rules.decide(subject), self._config.quota
        sources = quota.sources_if(tx, subject.address, quotas, decision, person.said)
        octets, says_octets = sources.limit("octets")
        messages, says_messages = sources.limit("messages")
        effect = self._effects.of(subject)
        by = {"quota_octets": says_octets, "quota_messages": says_messages}
        return replace(
            effect,
            quota_octets=octets,
            quota_messages=messages,
            decided_by={**effect.decided_by, **by},
        )


def _row(person: _Person, change: Change) -> Row:
    about = {key: value for key, value in asdict(change).items() if key != "direction"}
    subject = person.subject
    return {
        "account": subject.address,
        "directory": subject.directory,
        "has_account": person.has_account,
        "change": change.direction,
    } | about


def _summary(number: int, found: Sequence[tuple[str, Change]]) -> str:
    losing = {address for address, change in found if "loses" in change.direction}
    gaining = {address for address, change in found if "gains" in change.direction}
    people = counted(number, "account")
    if not found:
        return f"Of {people} none would gain or lose anything"
    return f"Of {people} {len(losing)} would lose something, {len(gaining)} would gain something"


# --- everybody ----------------------------------------------------------------------------


def _everybody(cli: Cli, planned: Config, *, directory: bool) -> Sequence[_Person]:
    with cli.hub.read() as tx:
        people = {subject.address: _Person(subject) for subject in _of_hub(tx)}
    for config in planned.directories if directory else ():
        try:
            for person in _of_directory(config):
                own = _own_address(cli, person)
                address = own or _address(person, config)
                if address is not None and (own or address not in people):
                    subject = Subject(address, config.name, person.groups, person.protocols)
                    said = Limits(octets=person.quota_octets, messages=person.quota_messages)
                    people[address] = _Person(subject, own is not None, said)
        except Trouble as trouble:
            text = f"directory {config.name}: {trouble}"
            raise Failed(text, as_json=cli.out.as_json) from trouble
    if directory and not planned.directories:
        raise Failed("the configuration has no [[directory]]", as_json=cli.out.as_json)
    return list(people.values())


def _of_hub(tx: Tx) -> Iterator[Subject]:
    for account in accounts.all_accounts(tx):
        yield _of_account(tx, account.address)


def _of_account(tx: Tx, address: str) -> Subject:
    stored = credentials.of_login(tx, address, "")
    return Subject(address) if stored is None else subject_of(stored)


def _own_address(cli: Cli, person: Person) -> str | None:
    """Of the account that is the person's; None: there is none yet."""
    with cli.hub.read() as tx:
        identity = identities.of_person(tx, person.directory, person.id)
        return None if identity is None else accounts.get(tx, identity.account).address


def _address(person: Person, config: DirectoryConfig) -> str | None:
    """What an account of the person would be called."""
    served = {canonical_domain(domain) for domain in config.domains}
    for address in person.addresses:
        with suppress(BadAddress):
            own = canonical(address)
            if not served or split(own)[1] in served:
                return own
    return None


def _of_directory(config: DirectoryConfig) -> Iterator[Person]:
    """Everybody who may log in, page by page.  Raises Trouble."""
    lookup = Lookup(config, Nobody())
    try:
        cookie = None
        while True:
            page = lookup.page(cookie, lookup.page_deadline(), UNHEARD)
            yield from (p for p in page.people if p.standing is Standing.ACTIVE)
            cookie = page.cookie
            if cookie is None:
                return
    finally:
        lookup.close()
