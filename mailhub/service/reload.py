"""SIGHUP: what a changed configuration changes without a restart.

Certificates, limits and the settings of protocols and log-in apply to connections from now on;
open ones keep what they came in with.  :mod:`.changes` says what needs a restart.
"""

from __future__ import annotations

from mailhub.config.options import Config
from mailhub.net.tls import BadCertificate
from mailhub.service.changes import changed, kept, waiting
from mailhub.service.running import Running
from mailhub.service.serving import factories, make_login, tls_config


def apply(running: Running, config: Config) -> list[str]:
    """Use *config* as far as that is possible; returns what happened, in sentences.

    Raises BadCertificate: then everything stays as it was.
    """
    old = running.config
    contexts = running.host.tls
    if contexts is None:
        raise BadCertificate("the server was started without TLS")
    unkept, config = waiting(old, config), kept(old, config)
    with running.data.setting_up():  # a private certificate may be renewed
        contexts.reload(tls_config(config, running.data))
    told = ["certificates read again"]
    if unkept:
        told.append(f"a restart is needed for {', '.join(unkept)}")
    if names := changed(old, config):
        told.append(f"new connections get the new {', '.join(names)}")
    _serve(running, config)
    return told


def _about_login(config: Config) -> object:
    return config.auth, config.oauth, config.gssapi, config.policies, config.tls.client_ca


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
