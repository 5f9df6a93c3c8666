"""SIGHUP: what a changed configuration changes without a restart.

Certificates, limits and the settings of protocols and log-in apply to connections from now on;
open ones keep what they came in with.  What the store and the sockets stand on needs a restart,
and saying so is better than doing half of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from mailhub.config.options import Config
from mailhub.net.tls import BadCertificate
from mailhub.service.running import Running
from mailhub.service.serving import factories, make_login, tls_config

RELOADED = ("tls", "imap", "pop3", "lmtp", "limits", "auth", "policies", "quota")
NEEDS_RESTART = (
    "data_dir",
    "hostname",
    "listeners",
    "store",
    "delivery",
    "log",
    "directories",
    "pop3.uidl_format",
    "auth.default_domain",
    "lmtp.default_domain",
)


def apply(running: Running, config: Config) -> list[str]:
    """Use *config* as far as that is possible; returns what happened, in sentences.

    Raises BadCertificate: then everything stays as it was.
    """
    old = running.config
    contexts = running.host.tls
    if contexts is None:
        raise BadCertificate("the server was started without TLS")
    contexts.reload(tls_config(config, running.data))
    told = ["certificates read again"]
    waiting = [name for name in NEEDS_RESTART if _value(old, name) != _value(config, name)]
    if waiting:
        told.append(f"a restart is needed for {', '.join(waiting)}")
    if changed := list(_changed(old, config)):
        told.append(f"new connections get the new {', '.join(changed)}")
    _serve(running, config)
    return told


def _about_login(config: Config) -> object:
    return config.auth, config.policies, config.tls.client_ca


def _serve(running: Running, config: Config) -> None:
    parts, host = running.engine.parts, running.host
    if _about_login(config) != _about_login(running.config):
        running.portal = make_login(config, parts, host, running.hashing, running.people)
    if (config.quota, config.policies) != (running.config.quota, running.config.policies):
        running.quotas.use(config)
    host.limits = config.limits
    host.connections.limits = config.limits
    running.sockets.exchange(factories(config, parts, host, running.portal, running.people))
    running.config = config


def _changed(old: Config, new: Config) -> Iterator[str]:
    for section in RELOADED:
        if getattr(old, section) != getattr(new, section):
            yield section


def _value(config: Config, name: str) -> object:
    value: object = config
    for part in name.split("."):
        value = getattr(value, part)
    return value
