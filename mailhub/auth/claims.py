"""What an access token says, judged: by whom it is, for whom, until when, for what.

The same for a token with a signature and for what a provider tells of one that is asked
about.  Nothing here asks anybody.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mailhub.config.options import OauthConfig
from mailhub.interfaces import BadToken
from mailhub.model.steps import Hearer

Claims = Mapping[str, Any]
MAX_SHOWN = 200
"""Characters of a value, and names, in a step."""
MAX_AUDIENCE = 10
"""Of those whom a token is for, in a step."""


def judge(provider: OauthConfig, claims: Claims, now: float, steps: Hearer) -> None:
    """Raises BadToken.  That the issuer has said this is proved already."""
    _issued_by(provider, claims, steps)
    _for_us(provider, claims, steps)
    _in_time(provider, claims, now, steps)
    _with_scope(provider, claims, steps)
    if "cnf" in claims:  # RFC 7800: only who has a certain key may use it
        raise BadToken("the token is bound to a key (cnf), which a bearer does not prove")


def login_name(provider: OauthConfig, claims: Claims, steps: Hearer) -> str:
    """Raises BadToken."""
    for claim in provider.claims:
        value = claims.get(claim)
        if value is None:
            continue
        if not isinstance(value, str) or not value:
            raise BadToken(f"the claim {claim} is no name: {_short(value)}")
        if claim == "email" and claims.get("email_verified", True) not in (True, "true"):
            raise BadToken(f"the provider has not verified the address {_short(value)}")
        steps.add("mapping", claim=claim, log_in_name=_short(value))
        return value
    told = " or ".join(provider.claims)
    steps.add("mapping", outcome=f"no {told}")
    raise BadToken(f"the token has no claim {told}")


def tell(claims: Claims, steps: Hearer) -> None:
    """The names of all claims; values only of those that are judged."""
    names = sorted(map(_short, claims))[:MAX_SHOWN]
    steps.add("claims", names=names)


def _issued_by(provider: OauthConfig, claims: Claims, steps: Hearer) -> None:
    issuer = claims.get("iss")
    good = issuer == provider.issuer or (issuer is None and bool(provider.introspection_url))
    steps.add("issuer", given=_short(issuer) or "not told", outcome=_word(good))
    if not good:
        raise BadToken(f"issued by {_short(issuer)}, not by {provider.issuer}")


def _for_us(provider: OauthConfig, claims: Claims, steps: Hearer) -> None:
    if not provider.audience:
        return
    given = claims.get("aud")
    audience = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    good = any(each in provider.audience for each in audience if isinstance(each, str))
    shown = [_short(each) for each in audience[:MAX_AUDIENCE]]
    steps.add("audience", given=shown, wanted=provider.audience, outcome=_word(good))
    if not good:
        told = ", ".join(shown) or "nobody"
        raise BadToken(f"the token is for {told}, not for {' or '.join(provider.audience)}")


def _in_time(provider: OauthConfig, claims: Claims, now: float, steps: Hearer) -> None:
    ends = _moment(claims, "exp")
    begins = _moment(claims, "nbf")
    issued = _moment(claims, "iat")
    skew = provider.clock_skew
    problem = ""
    if ends is None and not provider.introspection_url:
        problem = "the token never ends (no exp)"
    elif ends is not None and now >= ends + skew:
        problem = f"the token expired {now - ends:.0f} s ago"
    elif begins is not None and now < begins - skew:
        problem = f"the token is not good before {begins - now:.0f} s have passed"
    elif issued is not None and now < issued - skew:
        problem = f"the token is from the future by {issued - now:.0f} s"
    left = f"{ends - now:.0f} s" if ends is not None else "not told"
    steps.add("time", ends_in=left, outcome=problem or "good")
    if problem:
        raise BadToken(problem)


def _moment(claims: Claims, name: str) -> float | None:
    """Raises BadToken."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadToken(f"the claim {name} is no time: {_short(value)}")
    try:
        moment = float(value)
    except OverflowError:
        moment = math.inf
    if not math.isfinite(moment):
        raise BadToken(f"the claim {name} is no time: {_short(value)}")
    return moment


def _with_scope(provider: OauthConfig, claims: Claims, steps: Hearer) -> None:
    if not provider.scopes:
        return
    given: set[str] = set()
    for name in ("scope", "scp"):  # RFC 8693 4.2; what Entra ID and Okta say
        value = claims.get(name)
        words = value.split() if isinstance(value, str) else value
        if isinstance(words, list):
            given.update(word for word in words if isinstance(word, str))
    missing = [scope for scope in provider.scopes if scope not in given]
    told = sorted(map(_short, given))[:MAX_SHOWN]
    steps.add("scope", given=told, wanted=provider.scopes, outcome=_word(not missing))
    if missing:
        text = f"the token has not the scope {' '.join(missing)}"
        raise BadToken(text, status="insufficient_scope")


def _short(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."


def _word(good: bool) -> str:
    return "good" if good else "refused"
