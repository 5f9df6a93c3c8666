"""Typed templates, DNs and filters: what is refused, and that nothing gets out of its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.config.ldap import ADDRESS_PLACES, LOGIN_PLACES
from mailhub.config.templates import (
    BadTemplate,
    check_dn,
    check_filter,
    escape_dn,
    escape_filter,
    parse_dn_template,
    parse_filter_template,
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("(uid=%s)", "%s is not replaced", id="percent s"),
        pytest.param("(uid=%u)", "%u is not replaced", id="percent u"),
        pytest.param("(uid=%{user})", "%{user} is not replaced", id="Dovecot"),
        pytest.param("(uid=%(user)s)", "%(user)s is not replaced", id="Python"),
        pytest.param("(uid=${user})", "${user} is not replaced", id="shell"),
        pytest.param("(uid=$user)", "$user is not replaced", id="short shell"),
        pytest.param("(uid={{user}})", "{{user}} is not replaced", id="moustache"),
        pytest.param("(uid=<user>)", "<user> is not replaced", id="pointed"),
        pytest.param("(uid=CHANGEME)", "CHANGEME is not replaced", id="to be changed"),
        pytest.param("(uid={user})", "{user} is not replaced", id="unknown"),
        pytest.param("(uid={})", "{} is not replaced", id="nameless"),
        pytest.param("(uid={0})", "{0} is not replaced", id="numbered"),
        pytest.param("(uid={login)", "without its partner", id="open"),
        pytest.param("(uid=login})", "without its partner", id="closed"),
        pytest.param("uid={login}", "in parentheses", id="bare"),
        pytest.param("(uid={login}", "never closed", id="not closed"),
        pytest.param("(&(a=b)(uid={login})", "never closed", id="inner only closed"),
        pytest.param("(uid={login}))", "follows the filter", id="closed twice"),
        pytest.param("(uid={login})(a=b)", "follows the filter", id="two"),
        pytest.param("(&)", "joins nothing", id="empty and"),
        pytest.param("(!(a=b)(c=d))", "takes one filter", id="not of two"),
        pytest.param("(uid)", "not a comparison", id="no value"),
        pytest.param("(=x)", "not a comparison", id="no attribute"),
        pytest.param("(u id=x)", "not a comparison", id="blank in the name"),
        pytest.param("(uid=a\\x)", "not a comparison", id="half an escape"),
        pytest.param("()", "not a comparison", id="nothing"),
        pytest.param("({login}=x)", "name of an attribute must be", id="a client's attribute"),
        pytest.param("(u{login}=x)", "name of an attribute must be", id="part of an attribute"),
        pytest.param("(a=b(c)", "parenthesis inside", id="parenthesis in a value"),
        pytest.param("(!" * 40 + "(a=b)" + ")" * 40, "more than 32", id="deep"),
    ],
)
def test_a_bad_filter_is_refused_with_the_reason(text: str, told: str) -> None:
    with pytest.raises(BadTemplate) as bad:
        parse_filter_template(text, LOGIN_PLACES)
    assert told in str(bad.value)


@pytest.mark.parametrize(
    "text",
    [
        "(uid={login})",
        "(&(objectClass=person)(|(uid={local})(mail={login})))",
        "(!(a=b))",
        "(mail=*)",
        "(cn=a*b*c)",
        "(a>=1)",
        "(a<=1)",
        "(a~=b)",
        "(memberOf:1.2.840.113556.1.4.1941:=cn=x,dc=y)",
        "(ou:dn:=people)",
        "(:dn:2.5.13.2:=x)",
        r"(cn=a\28b\29)",
        "(userCertificate;binary=*)",
        "(cn=Jürgen {local})",
        "(1.2.840.113556=x)",
    ],
)
def test_a_good_filter_is_taken(text: str) -> None:
    parse_filter_template(text, LOGIN_PLACES)


@pytest.mark.parametrize("text", ["", "people", "=x", "ou=a,,dc=b", "ou=a,dc", "ou=a;dc=b"])
def test_what_is_no_dn_is_refused(text: str) -> None:
    with pytest.raises(BadTemplate):
        check_dn(text)


@pytest.mark.parametrize(
    "text",
    [
        "dc=example,dc=org",
        "ou=",  # an empty value is one
        "cn=Smith\\, John,dc=x",
        "cn=Smith\\2c John, dc=x",
        "cn=a+uid=b,dc=x",
        "1.3.6.1.4=#04024869,dc=x",
        "CN=Jürgen,OU=Größe",
    ],
)
def test_a_dn_is_taken(text: str) -> None:
    check_dn(text)


def test_a_placeholder_is_suggested() -> None:
    with pytest.raises(BadTemplate) as bad:
        parse_filter_template("(mail={adress})", ADDRESS_PLACES)
    assert bad.value.hint == 'did you mean "address"?'


@given(st.text(max_size=40))
def test_whatever_a_person_types_stays_in_its_place_of_a_filter(login: str) -> None:
    template = parse_filter_template("(&(objectClass=person)(uid={login}))", LOGIN_PLACES)
    names = {"login": login, "local": "", "domain": ""}
    text = template.fill(names)
    check_filter(text)
    assert text.count("(") == 3
    assert "*" not in text


@given(st.text(min_size=1, max_size=40))
def test_whatever_a_person_types_stays_in_its_place_of_a_dn(login: str) -> None:
    template = parse_dn_template("uid={login},ou=people,dc=x", LOGIN_PLACES)
    text = template.fill({"login": login, "local": "", "domain": ""})
    check_dn(text)
    assert _unescaped(text.removeprefix("uid=").removesuffix(",ou=people,dc=x")) == login


@given(st.text(max_size=40))
def test_filters_are_escaped_without_loss(value: str) -> None:
    parts = escape_filter(value).split("\\")
    assert parts[0] + "".join(chr(int(part[:2], 16)) + part[2:] for part in parts[1:]) == value


def test_signs_of_a_dn_are_escaped() -> None:
    assert escape_dn("#a, b+c ") == "\\#a\\, b\\+c\\ "
    assert escape_dn(" ") == "\\ "


def test_a_bind_name_is_sent_as_it_is() -> None:
    template = parse_dn_template("{login}", LOGIN_PLACES)
    assert template.fill({"login": r"CORP\a,b"}) == r"CORP\a,b"


def _unescaped(text: str) -> str:
    """Octets of escapes, as RFC 4514 2.4 defines them."""
    octets, at = bytearray(), 0
    while at < len(text):
        if text[at] != "\\":
            octets += text[at].encode("utf-8", "surrogatepass")
            at += 1
        elif text[at + 1 : at + 3].isalnum() and len(text[at + 1 : at + 3]) == 2:
            octets.append(int(text[at + 1 : at + 3], 16))
            at += 3
        else:
            octets += text[at + 1].encode()
            at += 2
    return octets.decode("utf-8", "surrogatepass")
