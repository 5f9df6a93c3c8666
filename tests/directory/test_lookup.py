"""People in a real OpenLDAP: found, proved, refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailhub.config.options import DirectoryAttributes, DirectoryConfig, DirectoryGroups
from mailhub.directory.troubles import Kind, Refused, Trouble, Verdict
from mailhub.model.directory import Person, Standing
from tests.directory.asking import Asking
from tests.directory.people import (
    BASE,
    BLIND,
    COUNT,
    GROUPS,
    HOSTILE,
    NESTED,
    PEOPLE,
    SMALL,
    dn,
    entry_id,
    password,
)


def names(person: Person | None) -> set[str]:
    assert person is not None
    return {group.name for group in person.groups}


# --- who is not let in --------------------------------------------------------------------


@pytest.mark.parametrize(
    "login",
    [
        pytest.param("", id="nothing"),
        pytest.param("   ", id="blanks"),
        pytest.param("*", id="a star"),
        pytest.param("ali*", id="a star after letters"),
        pytest.param("alice)(uid=*", id="a filter"),
        pytest.param("alice)(|(uid=*", id="another filter"),
        pytest.param("alice\x00", id="a NUL"),
        pytest.param("alice\n", id="a line's end"),
        pytest.param("\\2a", id="an escape"),
        pytest.param("a" * 5000, id="a long one"),
        pytest.param(dn("alice"), id="a DN"),
    ],
)
def test_what_is_no_name_is_nobody(asking: Asking, corp: DirectoryConfig, login: str) -> None:
    assert asking.refused(corp, login, password("alice")) is Verdict.NOBODY


def test_an_empty_password_never_leaves_the_house(asking: Asking, corp: DirectoryConfig) -> None:
    assert asking.refused(corp, "alice", "") is Verdict.WRONG
    assert asking.heard.operations == []


def test_a_wrong_password_is_wrong(asking: Asking, corp: DirectoryConfig) -> None:
    assert asking.refused(corp, "alice", "guess") is Verdict.WRONG
    assert asking.prove(corp, "alice", password("alice")).dn == dn("alice")


def test_several_entries_of_one_name_are_refused_and_told(
    asking: Asking, corp: DirectoryConfig
) -> None:
    assert asking.refused(corp, "twin", password("twin")) is Verdict.UNCLEAR
    assert ("bind", "ok") not in asking.heard.operations
    assert "twin is more than one entry" in asking.heard.reasons()
    assert asking.by_login(corp, "twin") is None
    with pytest.raises(Refused, match="several entries"):  # mail for it waits
        asking.by_address(corp, "twin@example.org")


def test_the_same_notice_is_not_given_twice(asking: Asking, corp: DirectoryConfig) -> None:
    for _ in range(3):
        asking.refused(corp, "twin", password("twin"))
    assert asking.heard.names().count("directory.notice") == 1


def test_who_must_change_the_password_is_told_only_after_the_right_one(
    asking: Asking, corp: DirectoryConfig
) -> None:
    assert asking.refused(corp, "must", "guess") is Verdict.WRONG
    assert asking.refused(corp, "must", password("must")) is Verdict.EXPIRED


def test_who_is_locked_out_stays_outside(asking: Asking, corp: DirectoryConfig) -> None:
    assert asking.refused(corp, "locked", password("locked")) is Verdict.LOCKED
    found = asking.by_login(corp, "locked")
    assert found is not None
    assert found.standing is Standing.DISABLED


def test_the_servers_own_lock_out_is_seen(asking: Asking, corp: DirectoryConfig) -> None:
    heedless = replace(corp, lockout_counter="none")
    for _ in range(3):
        asking.refused(heedless, "guessed", "guess")
    assert asking.refused(corp, "guessed", password("guessed")) is Verdict.LOCKED
    found = asking.by_login(corp, "guessed")
    assert found is not None
    assert found.standing is Standing.LOCKED


# --- who is ----------------------------------------------------------------------------


@pytest.mark.parametrize("uid", [*HOSTILE, "argon", "p001", "nomail"])
def test_any_name_and_any_password_scheme_works(
    asking: Asking, corp: DirectoryConfig, uid: str
) -> None:
    person = asking.prove(corp, uid, password(uid))
    found = asking.by_id(corp, person.id)
    assert found is not None
    assert (found.id, found.dn) == (person.id, person.dn)


def test_a_person_is_what_the_entry_says(asking: Asking, corp: DirectoryConfig) -> None:
    attributes = DirectoryAttributes(quota="employeeNumber", protocols="employeeType")
    person = asking.prove(replace(corp, attributes=attributes), "alice", password("alice"))
    assert person.directory == "corp"
    assert person.id == entry_id(dn("alice"))
    assert person.addresses == ("alice@example.org", "a.liddell@example.org")
    assert person.name == "Person alice"
    assert person.quota_octets == 5 << 30
    assert person.protocols == frozenset({"imap", "pop3"})
    assert not any("password" in name for name in person.attributes)


def test_an_alias_leads_to_its_owner(asking: Asking, corp: DirectoryConfig) -> None:
    found = asking.by_address(corp, "A.Liddell@example.org")
    assert found is not None
    assert found.dn == dn("alice")
    assert asking.by_address(corp, "*@example.org") is None
    assert asking.by_address(corp, "nobody") is None


def test_no_id_is_not_guessed_at(asking: Asking, corp: DirectoryConfig) -> None:
    other = replace(corp, attributes=DirectoryAttributes(id="employeeNumber"))
    assert asking.refused(other, "p001", password("p001")) is Verdict.UNCLEAR
    assert "has no employeeNumber" in asking.heard.reasons()
    with pytest.raises(Refused, match="no usable employeeNumber"):  # mail for them waits
        asking.by_address(other, "p001@example.org")


# --- everybody ----------------------------------------------------------------------------


def test_everybody_is_read_page_by_page(asking: Asking, corp: DirectoryConfig) -> None:
    pages = asking.everybody(replace(corp, page_size=100, groups=DirectoryGroups(mode="none")))
    assert [len(page) for page in pages[:3]] == [100, 100, 100]
    people = {person.id for page in pages for person in page}
    assert len(people) == COUNT + len(HOSTILE) + len(("alice", "argon", "locked", "must")) + 3


def test_a_size_limit_is_never_taken_for_everybody(asking: Asking, corp: DirectoryConfig) -> None:
    with pytest.raises(Trouble) as trouble:
        asking.everybody(replace(corp, bind_dn=SMALL, groups=DirectoryGroups(mode="none")))
    assert trouble.value.kind is Kind.LIMIT


def test_a_page_that_is_asked_for_too_late_is_not_there(
    asking: Asking, corp: DirectoryConfig
) -> None:
    lookup = asking.lookup(corp)
    with pytest.raises(Trouble):
        lookup.page(b"whatever", lookup.deadline(), asking.steps)


# --- groups -------------------------------------------------------------------------------


def test_nested_groups_are_followed_and_a_cycle_ends(asking: Asking, corp: DirectoryConfig) -> None:
    assert names(asking.by_login(corp, "alice")) == {*NESTED, "only alice"}
    assert names(asking.by_login(corp, "comma")) == {*NESTED, "only comma"}
    assert names(asking.by_login(corp, "p001")) == set()


def test_groups_can_be_read_off_the_entry(asking: Asking, corp: DirectoryConfig) -> None:
    direct = replace(corp, groups=DirectoryGroups(mode="memberOf", base=GROUPS, nested="no"))
    assert names(asking.by_login(direct, "alice")) == {"team", "only alice"}
    nested = replace(corp, groups=DirectoryGroups(mode="memberOf", base=GROUPS, nested="yes"))
    assert names(asking.by_login(nested, "alice")) == {*NESTED, "only alice"}
    assert names(asking.by_login(direct, "umlaut")) == {"team"}
    assert asking.heard.events == []


def test_who_is_in_no_group_is_no_trouble(asking: Asking, corp: DirectoryConfig) -> None:
    read_off = replace(corp, groups=DirectoryGroups(mode="memberOf", base=GROUPS))
    assert names(asking.by_login(read_off, "p001")) == set()
    assert asking.heard.events == []


def test_groups_are_never_silently_empty(asking: Asking, corp: DirectoryConfig) -> None:
    students = replace(
        corp, user_base=f"ou=students,{PEOPLE}", groups=DirectoryGroups(mode="memberOf")
    )
    assert names(asking.by_login(students, "p001")) == set()
    assert "nobody has the attribute memberOf" in asking.heard.reasons()


def test_bounds_of_nesting_are_told(asking: Asking, corp: DirectoryConfig) -> None:
    shallow = replace(corp, groups=DirectoryGroups(base=GROUPS, max_depth=1))
    assert names(asking.by_login(shallow, "alice")) == {"team", "only alice", "department"}
    assert "groups beyond 1 levels" in asking.heard.reasons()


def test_what_groups_lead_to_is_remembered(asking: Asking, corp: DirectoryConfig) -> None:
    asking.by_login(corp, "alice")
    before = len(asking.filters())
    asking.by_login(corp, "alice")
    assert len(asking.filters()) == before + 2  # the entry, and its direct groups


# --- configurations -----------------------------------------------------------------------


def test_a_template_makes_the_name_and_the_owner_reads_the_entry(
    asking: Asking, corp: DirectoryConfig
) -> None:
    own = replace(
        corp,
        mode="template-bind",
        dn_template=f"uid={{local}},{PEOPLE}",
        bind_dn="",
        bind_password_file=None,
        groups=DirectoryGroups(mode="none"),
    )
    assert asking.prove(own, "alice@example.org", password("alice")).dn == dn("alice")
    assert asking.refused(own, "alice", "guess") is Verdict.WRONG
    assert asking.refused(own, f"x,{PEOPLE}", password("alice")) is Verdict.WRONG


def test_who_cannot_be_looked_for_is_not_gone(asking: Asking, corp: DirectoryConfig) -> None:
    own = replace(corp, mode="template-bind", dn_template=f"uid={{local}},{PEOPLE}", user_base="")
    own = replace(own, groups=DirectoryGroups(mode="none"))
    assert asking.prove(own, "alice", password("alice")).dn == dn("alice")
    assert asking.by_address(own, "alice@example.org") is None
    for ask in (lambda: asking.by_id(own, entry_id(dn("alice"))), lambda: asking.everybody(own)):
        with pytest.raises(Trouble, match="only proves passwords"):
            ask()


def test_two_entries_of_one_id_are_no_answer(asking: Asking, corp: DirectoryConfig) -> None:
    shared = replace(corp, attributes=DirectoryAttributes(id="objectClass"))
    with pytest.raises(Trouble, match="several entries"):
        asking.by_id(shared, "inetOrgPerson")


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        pytest.param(
            {"user_base": f"ou=no,{BASE}"},
            Kind.BASE,
            f"noSuchObject (32) (searching ou=no,{BASE})",
            id="no such base",
        ),
        pytest.param(
            {"groups": DirectoryGroups(base=f"ou=no,{BASE}")},
            Kind.BASE,
            f"noSuchObject (32) (searching ou=no,{BASE})",
            id="no such base of groups",
        ),
        pytest.param({"bind_dn": BLIND}, Kind.BASE, "noSuchObject", id="no rights"),
        pytest.param({"bind_dn": f"cn=no,{BASE}"}, Kind.BIND, "invalidCredentials", id="bind"),
        pytest.param({"tls_ca": None}, Kind.TLS, "CA that is not trusted", id="unknown CA"),
        pytest.param({"tls_server_name": "x.org"}, Kind.TLS, "another name", id="other name"),
        pytest.param({"servers": ("ldaps://no.invalid",)}, Kind.NAME, "resolve", id="no host"),
        pytest.param({"servers": ("ldaps://127.0.0.1:1",)}, Kind.CONNECT, "refused", id="no port"),
    ],
)
def test_a_mistake_is_never_taken_for_a_wrong_password(
    asking: Asking, corp: DirectoryConfig, change: dict[str, object], kind: Kind, text: str
) -> None:
    trouble = asking.trouble(replace(corp, **change))  # type: ignore[arg-type]
    assert trouble.kind is kind
    assert text in str(trouble)
