"""``mailhub explain token``: what would happen to an access token, step by step."""

from __future__ import annotations

import sys
import time

import click

from mailhub.auth.bearer import BearerChecker
from mailhub.auth.tokens import make_providers
from mailhub.cli.context import Cli, Failed, options
from mailhub.cli.fetching import WaitingFetcher
from mailhub.cli.store import immediate
from mailhub.cli.trial import PROTOCOLS, as_client, finish
from mailhub.cli.trying import Attempt
from mailhub.interfaces import LogInForbidden
from mailhub.model.mail import Client
from mailhub.model.steps import Steps
from mailhub.net.credentials import OauthBearer
from mailhub.net.login import plaintext_allowed
from mailhub.sasl.bearer import MAX_OCTETS, oauthbearer


class TokenAttempt(Attempt):
    """The same with a token instead of a password, proved with the provider's keys or word."""

    def _enter(self, login: str, password: str, client: Client) -> None:
        """*login*: whom to act as; empty: whoever the token is of."""
        if not plaintext_allowed(self._cli.config.auth, client):
            raise LogInForbidden("a token in clear over an unprotected connection")
        message = oauthbearer(password, login)
        exchange = OauthBearer(client, message, self._told, (), self._steps)
        immediate(self._checker().requestAvatarId(exchange))
        self._count(exchange.terms)

    async def _told(self, challenge: bytes) -> bytes:
        self._steps.add("challenge", text=challenge.decode("ascii"))
        return b"\x01"

    def _checker(self) -> BearerChecker:
        providers = make_providers(
            self._cli.config.oauth,
            lambda each: WaitingFetcher(each.timeout, each.tls_ca),
            time.monotonic,
        )
        return BearerChecker(self._people.accounts, self._policy, providers)


@click.command()
@click.option("--protocol", type=click.Choice(PROTOCOLS), help="[default: both]")
@click.option("--from-ip", default="127.0.0.1", show_default=True, help="Where the client is.")
@click.option("--no-tls", is_flag=True, help="As if the connection had no TLS.")
@click.option("--user", default="", help="Whom the client says it is.  [default: nothing]")
@options
def token(cli: Cli, protocol: str | None, from_ip: str, no_tls: bool, user: str) -> None:
    """Try a log-in with the access token on standard input and print every step.

    Nothing is changed by it.  Exit code: 0 let in, 1 refused, 75 not now.
    """
    if not cli.config.oauth:
        raise Failed("the configuration has no [[oauth]]", as_json=cli.out.as_json)
    given = sys.stdin.read(MAX_OCTETS + 1).strip()
    if not given:
        raise click.UsageError("there is no token on standard input")
    steps = Steps()
    attempt = TokenAttempt(cli, as_client(from_ip, no_tls), steps, prove=True)
    verdicts = attempt.run(user, given, [protocol] if protocol else PROTOCOLS)
    finish(cli, {"user": user, "from": from_ip}, steps, verdicts)
