from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.store.hub.addresses import (
    candidates,
    canonical,
    canonical_domain,
    display_domain,
    with_domain,
)
from mailhub.store.hub.errors import BadAddress


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "alice",
        "alice@",
        "@example.org",
        "a b@example.org",
        "a@b@example.org",
        ".a@example.org",
        "a.@example.org",
        "a..b@example.org",
        "a\0@example.org",
        "a\r\n@example.org",
        "a\u200b@example.org",
        "a\ud800@example.org",
        "<a@example.org>",
        "a,b@example.org",
        "a" * 65 + "@example.org",
        "a@[192.0.2.1]",
        "a@exa mple.org",
        "a@-example.org",
        "a@example..org",
        "a@" + "b" * 64 + ".org",
        "a@" + ".".join(["b" * 60] * 5),
        "a@xn--zzzzzzzz999",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        canonical(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Alice@Example.ORG", "alice@example.org"),
        (" alice@example.org ", "alice@example.org"),
        ("alice@example.org.", "alice@example.org"),
        ('"alice"@example.org', "alice@example.org"),
        ('"al\\ice"@example.org', "alice@example.org"),
        ("alice@BÜCHER.example", "alice@xn--bcher-kva.example"),
        ("alice@XN--BCHER-KVA.example", "alice@xn--bcher-kva.example"),
        ("ZOE\u0308@example.org", "zo\u00eb@example.org"),
        ("o'brien+x=y@example.org", "o'brien+x=y@example.org"),
        ("alice@localhost", "alice@localhost"),
        ("alice@my_host.internal", "alice@my_host.internal"),
    ],
)
def test_one_address_has_one_form(text: str, address: str) -> None:
    assert canonical(text) == address


@given(st.text(max_size=20), st.text(max_size=20))
def test_the_canonical_form_is_its_own(local: str, domain: str) -> None:
    try:
        address = canonical(f"{local}@{domain}")
    except BadAddress:
        return
    assert canonical(address) == address


@given(st.from_regex(r"[A-Za-z0-9]{1,10}(\.[A-Za-z0-9]{1,10}){0,3}", fullmatch=True))
def test_case_never_matters(name: str) -> None:
    assert canonical(f"{name}@{name}") == canonical(f"{name.upper()}@{name.lower()}")


def test_people_see_unicode_domains() -> None:
    assert display_domain(canonical_domain("Bücher.example")) == "bücher.example"
    assert display_domain("my_host.internal") == "my_host.internal"


@pytest.mark.parametrize(
    ("local", "delimiter", "pairs"),
    [
        ("Alice", "+", [("alice", "")]),
        ("Alice+News", "+", [("alice+news", ""), ("alice", "News")]),
        ("alice+a+b", "+", [("alice+a+b", ""), ("alice", "a+b")]),
        ("+alice", "+", [("+alice", "")]),
        ("alice+", "+", [("alice+", ""), ("alice", "")]),
        ("alice--news", "--", [("alice--news", ""), ("alice", "news")]),
        ("alice+news", "", [("alice+news", "")]),
        ('"alice+News"', "+", [("alice+news", ""), ("alice", "News")]),
    ],
)
def test_the_whole_is_tried_before_it_is_split(
    local: str, delimiter: str, pairs: list[tuple[str, str]]
) -> None:
    assert list(candidates(local, delimiter)) == pairs


def test_a_domain_is_added_only_where_there_is_none() -> None:
    assert with_domain("alice", "example.org") == "alice@example.org"
    assert with_domain("alice@x.example", "example.org") == "alice@x.example"
    assert with_domain("alice", "") == "alice"
