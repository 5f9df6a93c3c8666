"""Portal and factories of a server, put together as docs/embedding.rst tells everybody to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from twisted.cred.portal import Portal
from twisted.internet.interfaces import IProtocolFactory

from mailhub.auth.apppasswords import AppPasswords
from mailhub.auth.bearer import BearerChecker
from mailhub.auth.external import ExternalChecker
from mailhub.auth.hashing import HashingThreads
from mailhub.auth.kerberos import GssapiChecker
from mailhub.auth.masters import Masters
from mailhub.auth.policy import Policy
from mailhub.auth.portal import load_secret, make_checkers, make_portal
from mailhub.auth.realm import MailRealm
from mailhub.auth.recipients import RuledAddressBook
from mailhub.auth.tokens import make_providers
from mailhub.config.options import Config, OauthConfig, TlsConfig
from mailhub.delivery.delivery import Delivery
from mailhub.embed import IMAP4Factory, LMTPFactory, POP3Factory
from mailhub.interfaces import IAddressBook
from mailhub.mtapolicy.protocol import PolicyFactory
from mailhub.net.fetch import Fetcher
from mailhub.net.host import Host
from mailhub.net.monitor import make_site
from mailhub.net.selfsigned import ensure_certificate
from mailhub.rules import Rules
from mailhub.service.engine import Engine
from mailhub.service.people import People
from mailhub.store.hub.datadir import DataDir
from mailhub.store.roots import QuotaRoots


def tls_config(config: Config, data: DataDir) -> TlsConfig:
    """As configured; without a certificate, one of a private CA, made at the first start."""
    if config.tls.certificates:
        return config.tls
    return replace(config.tls, certificates=(ensure_certificate(data.tls, config.hostname),))


def make_login(
    config: Config, engine: Engine, host: Host, hashing: HashingThreads, people: People
) -> Portal:
    """Who may log in: local accounts and the directories' people, as far as the rules let them."""
    policy = Policy(people.accounts, Rules(config.policies), Masters(config.auth))
    checkers = make_checkers(
        engine.hub,
        config.auth,
        host.reactor,
        hashing,
        load_secret(engine.data.path / "scram.key"),
        policy,
        people.passwords(host.reactor, host.shared),
        [AppPasswords(people.accounts, engine.hub)],
        host.shared,
    )
    if config.oauth:
        providers = make_providers(
            config.oauth, partial(_fetcher, host), host.reactor.seconds, host.metrics
        )
        checkers.append(BearerChecker(people.accounts, policy, providers))
    if config.gssapi.keytab is not None:
        arguments = people.accounts, policy, hashing, config.gssapi, host.hostname
        checkers.append(GssapiChecker(*arguments))
    if config.tls.client_ca is not None:
        checkers.append(ExternalChecker(people.accounts, policy))
    return make_portal(MailRealm(engine.store, engine.hub.record_login), checkers)


def _fetcher(host: Host, provider: OauthConfig) -> Fetcher:
    return Fetcher(host.reactor, provider.timeout, provider.tls_ca)


def address_book(config: Config, people: People) -> IAddressBook:
    """Whom mail is for, as far as the rules let it."""
    rules = Rules(config.policies)
    if not rules.about_delivery:
        return people.book
    return RuledAddressBook(people.book, people.accounts, rules)


def factories(
    config: Config, engine: Engine, host: Host, portal: Portal, people: People
) -> Mapping[str, IProtocolFactory]:
    """What each protocol of a ``[[listener]]`` is served with."""
    delivery = Delivery(
        address_book(config, people),
        engine.store,
        config=config.delivery,
        hostname=host.hostname,
        metrics=host.metrics,
    )
    roots = QuotaRoots(engine.hub, engine.store, config.auth.administrators)
    return {
        "imap": IMAP4Factory(
            portal, config=config.imap, host=host, auth=config.auth, quota_roots=roots
        ),
        "pop3": POP3Factory(portal, config=config.pop3, host=host, auth=config.auth),
        "lmtp": LMTPFactory(delivery, config=config.lmtp, host=host),
        "policy": PolicyFactory(delivery, host),
        "metrics": make_site(host.reactor, host.metrics, engine.not_ready),
    }
