"""What an ``[[oauth]]`` must keep, and what is odd about it.

Whether the provider answers is not asked here; ``mailhub explain token`` asks.
"""

from __future__ import annotations

import ipaddress
import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from mailhub.config.convert import Report
from mailhub.config.options import Config, OauthConfig
from mailhub.config.problems import shown

Tell = Callable[[str, str, str], None]
"""Called with an option of the provider, what is wrong, hint."""
_SOURCES = ("jwks_url", "jwks_file", "introspection_url")


def check_oauth(config: Config, report: Report) -> None:
    """Report everything about the providers of *config* that cannot work."""
    names: dict[str, int] = {}
    issuers: dict[str, int] = {}
    for number, provider in enumerate(config.oauth, 1):

        def tell(key: str, text: str, hint: str, number: int = number) -> None:
            report(f"oauth[{number}].{key}", text, hint)

        if not provider.name.strip():
            tell("name", "is empty", "for the log: keycloak, say")
        if names.setdefault(provider.name, number) != number:
            tell("name", f"{shown(provider.name)} is oauth[{names[provider.name]}] already", "")
        if not provider.issuer:
            hint = '"issuer" in the document at .well-known/openid-configuration'
            tell("issuer", "is missing", hint)
        elif issuers.setdefault(provider.issuer, number) != number:
            first = issuers[provider.issuer]
            tell("issuer", f"{shown(provider.issuer)} is that of oauth[{first}] already", "")
        _check_source(provider, tell)
        _check_urls(provider, tell)
        _check_client(provider, tell)
        _check_claims(provider, tell)
        _check_files(provider, tell)


def _check_source(provider: OauthConfig, tell: Tell) -> None:
    given = [key for key in _SOURCES if getattr(provider, key)]
    if not given:
        hint = "jwks_url, jwks_file, or introspection_url"
        tell("jwks_url", "nothing says how tokens are verified", hint)
    for key in given[1:]:
        tell(key, f"there is {given[0]} already", "one of the two")
    if not provider.audience and not provider.introspection_url:
        text = "is missing: tokens that were issued for any other service would be taken"
        tell("audience", text, 'what "aud" is in tokens for mail: ["mail"], say')


def _check_urls(provider: OauthConfig, tell: Tell) -> None:
    for key in ("jwks_url", "introspection_url", "discovery_url"):
        url = getattr(provider, key)
        if url and (problem := _url_problem(url)):
            tell(key, f"{shown(url)} {problem}", "https://host/path")


def _url_problem(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as bad:
        return f"is no URL: {bad}"
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or " " in url:
        return "is no https URL"
    if parts.username is not None:
        return "has a user name: client_id and client_secret_file are for that"
    if parts.scheme == "http" and not _is_here(host):
        return "is in clear, which is for this machine only"
    return ""


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_client(provider: OauthConfig, tell: Tell) -> None:
    path = provider.client_secret_file
    if not provider.introspection_url:
        if provider.client_id:
            tell("client_id", "is not used without introspection_url", "")
        if path is not None:
            tell("client_secret_file", "is not used without introspection_url", "")
        return
    if not provider.client_id:
        text = "is missing: providers answer only to whom they know"
        tell("client_id", text, "of the client that was made for mailhub there")
    if path is None:
        tell("client_secret_file", "is missing", "a file with the client's secret")
    else:
        _check_secret(path, tell)


def _check_secret(path: Path, tell: Tell) -> None:
    key = "client_secret_file"
    try:
        mode, secret = path.stat().st_mode, path.read_text("utf-8").split("\n", 1)[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        tell(key, _why(path, error), "")
        return
    if mode & stat.S_IRWXO:
        tell(key, f"{path} is open to everybody", f"chmod o= {path}")
    elif not secret:
        tell(key, f"{path} is empty", "")


def _check_claims(provider: OauthConfig, tell: Tell) -> None:
    if not provider.claims or not all(provider.claims):
        tell("claims", "names no claim, so no token would be anybody's", '["email"], say')
    if not provider.algorithms and not provider.introspection_url:
        tell("algorithms", "is empty, so no signature would do", '["RS256"], say')
    for scope in provider.scopes:
        if not scope or " " in scope:
            tell("scopes", f"{shown(scope)} is not one scope", '["imap", "pop"], say')
    for domain in provider.domains:
        if not domain or "@" in domain or domain != domain.lower():
            hint = "in lower case, without @; international ones as xn--"
            tell("domains", f"{shown(domain)} is no domain", hint)


def _check_files(provider: OauthConfig, tell: Tell) -> None:
    if provider.jwks_file is not None:
        _check_keys(provider.jwks_file, tell)
    if provider.tls_ca is None:
        return
    if provider.jwks_file is not None:
        tell("tls_ca", "is not used with jwks_file", "")
        return
    try:
        x509.load_pem_x509_certificates(provider.tls_ca.read_bytes())
    except OSError as error:
        tell("tls_ca", _why(provider.tls_ca, error), "")
    except ValueError:
        tell("tls_ca", f"{provider.tls_ca} holds no PEM certificate", "")


def _check_keys(path: Path, tell: Tell) -> None:
    try:
        said = json.loads(path.read_bytes())
    except OSError as error:
        tell("jwks_file", _why(path, error), "")
        return
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("keys"), list) or not said["keys"]:
        tell("jwks_file", f"{path} holds no JWK set", '{"keys": [...]}')


def _why(path: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{path}: {reason.lower()}"


def oauth_warnings(config: Config) -> Iterator[str]:
    """What works, but is probably not meant."""
    asked = [each.name for each in config.oauth if each.introspection_url]
    if len(asked) > 1:
        told = " and ".join(asked)
        yield f"oauth: tokens that do not name their issuer are refused, {told} could be asked"
    for provider in config.oauth:
        if not provider.audience and not provider.scopes:
            yield f"oauth {provider.name}: tokens for any other service are taken (no audience)"


def describe_oauth(provider: OauthConfig) -> str:
    """What it does, in a sentence."""
    how = (
        f"it is asked about them at {provider.introspection_url}"
        if provider.introspection_url
        else f"its keys are in {provider.jwks_file or provider.jwks_url}"
    )
    whose = f" of {', '.join(provider.domains)}" if provider.domains else ""
    return f"access tokens of {provider.issuer} log people{whose} in; {how}"
