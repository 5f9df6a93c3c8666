"""389 Directory Server as ``etc/ldap`` and the preset set it up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import ldap3
import pytest

from mailhub.config.options import DirectoryConfig, DirectoryGroups
from mailhub.directory.diagnosis import Diagnosis
from mailhub.directory.probe import probe
from mailhub.directory.troubles import Verdict
from mailhub.model.directory import Past, Person, Standing
from tests.directory.asking import Asking
from tests.directory.ds389 import BASE, GROUPS, PEOPLE, SECRET, SERVICE, DirectoryServer
from tests.directory.people import password

COMMA = rf"cn=Smith\, John (x) #1,{PEOPLE}"
NESTED = ("team", "department", "division")
"""Groups, each in the next, and the last in the first."""
POLICY = f"cn=strict,cn=nsPwPolicyContainer,{PEOPLE}"


def person(uid: str, dn: str = "", **more: Any) -> tuple[str, Mapping[str, Any]]:
    classes = ["inetOrgPerson", "mailRecipient", "nsMemberOf"]
    values = {"uid": uid, "cn": uid, "sn": uid, "mail": f"{uid}@example.org"}
    secret = {"userPassword": password(uid)}
    return dn or f"uid={uid},{PEOPLE}", {"objectClass": classes, **values, **secret, **more}


def group(name: str, *members: str) -> tuple[str, Mapping[str, Any]]:
    return f"cn={name},{GROUPS}", {"objectClass": ["groupOfNames"], "cn": name, "member": members}


def everybody() -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield person("alice", mailAlternateAddress=["info@example.org", "sales@example.org"])
    yield person("comma", COMMA, cn="Smith, John (x) #1")
    yield person("disabled", nsAccountLock="true")
    for uid in ("changing", "guessed", "locked", "moving", "strict"):
        yield person(uid)
    yield f"ou=abroad,{BASE}", {"objectClass": ["organizationalUnit"]}
    yield group(NESTED[0], COMMA, f"cn={NESTED[-1]},{GROUPS}")
    for inner, outer in zip(NESTED, NESTED[1:], strict=False):
        yield group(outer, f"cn={inner},{GROUPS}")
    yield f"cn=nsPwPolicyContainer,{PEOPLE}", {"objectClass": ["nsContainer"]}
    limits = {"passwordLockout": "on", "passwordMaxFailure": "2"}
    yield POLICY, {"objectClass": ["ldapSubentry", "passwordPolicy"], **limits}


@pytest.fixture(scope="module")
def ds(tmp_path_factory: pytest.TempPathFactory, tls: Path) -> Iterator[DirectoryServer]:
    server = DirectoryServer(tmp_path_factory.mktemp("ds"), tls)
    server.start()
    try:
        server.fill(everybody())
        yield server
    finally:
        server.kill()


@pytest.fixture
def corp(ds: DirectoryServer, tmp_path: Path) -> DirectoryConfig:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET + "\n")
    return DirectoryConfig(
        "corp",
        servers=(ds.secure,),
        preset="389ds",
        tls_ca=ds.ca,
        bind_dn=SERVICE,
        bind_password_file=secret,
        user_base=BASE,
        groups=DirectoryGroups(base=GROUPS),
    )


def found(asking: Asking, corp: DirectoryConfig, login: str) -> Person:
    person = asking.by_login(corp, login)
    assert person is not None
    return person


@pytest.mark.parametrize("protection", ["ldaps", "starttls"])
def test_what_etc_ldap_says_is_enough(
    ds: DirectoryServer, corp: DirectoryConfig, protection: Any
) -> None:
    url = ds.secure if protection == "ldaps" else ds.plain
    findings = list(Diagnosis(replace(corp, servers=(url,), tls=protection)).run())
    assert {finding.level for finding in findings} == {"ok"}, findings
    assert "after 3 wrong passwords, by cn=config" in str(findings)
    assert "sales@example.org is found" in str(findings)


def test_whoever_keeps_no_dates_of_changes_is_told(
    ds: DirectoryServer, corp: DirectoryConfig
) -> None:
    for value, level in (("off", "warning"), ("on", "ok")):
        with ds.manager() as manager:
            dated = {"passwordTrackUpdateTime": [(ldap3.MODIFY_REPLACE, [value])]}
            manager.modify("cn=config", dated)
        told = [finding for finding in Diagnosis(corp).run() if finding.about == "lock-out"]
        assert [finding.level for finding in told] == [level]


def test_a_policy_of_which_only_the_name_may_be_read_is_not_taken_for_none(
    ds: DirectoryServer, corp: DirectoryConfig
) -> None:
    with ds.manager() as manager:
        manager.search("cn=config", "(objectClass=*)", ldap3.BASE, attributes=["aci"])
        rights = manager.response[0]["raw_attributes"]["aci"]
        names = [right.replace(b"passwordLockout ||", b"sn ||") for right in rights]
        manager.modify("cn=config", {"aci": [(ldap3.MODIFY_REPLACE, names)]})
        told = [finding for finding in Diagnosis(corp).run() if finding.about == "lock-out"]
        manager.modify("cn=config", {"aci": [(ldap3.MODIFY_REPLACE, rights)]})
    assert [finding.level for finding in told] == ["warning"]
    assert "cn=config: passwordLockout may not be read" in told[0].text


def test_it_is_recognised(ds: DirectoryServer, corp: DirectoryConfig) -> None:
    guess = probe(replace(corp, preset="custom", user_base=""))
    assert guess.directory.preset == "389ds"


def test_a_cycle_of_groups_ends(asking: Asking, corp: DirectoryConfig) -> None:
    assert {group.name for group in found(asking, corp, "comma").groups} == set(NESTED)
    assert asking.prove(corp, "comma", password("comma")).id


def test_everybody_comes_page_by_page(asking: Asking, corp: DirectoryConfig) -> None:
    pages = asking.everybody(replace(corp, page_size=3))
    assert [len(page) for page in pages] == [3, 3, 2]
    assert len({person.id for page in pages for person in page}) == 8


def test_the_disabled_stay_outside(asking: Asking, corp: DirectoryConfig) -> None:
    assert found(asking, corp, "disabled").standing is Standing.DISABLED
    assert asking.refused(corp, "disabled", password("disabled")) is Verdict.LOCKED


def test_another_name_in_another_place_is_the_same_person(
    ds: DirectoryServer, asking: Asking, corp: DirectoryConfig
) -> None:
    before = found(asking, corp, "moving")
    with ds.manager() as manager:
        manager.modify_dn(before.dn, "uid=moved", new_superior=f"ou=abroad,{BASE}")
    after = found(asking, corp, "moved")
    assert (after.id, after.dn) == (before.id, f"uid=moved,ou=abroad,{BASE}")
    assert asking.by_id(corp, before.id) == after


def test_guessing_ends_one_short_and_the_owner_gets_in(
    asking: Asking, corp: DirectoryConfig
) -> None:
    verdicts = [asking.refused(corp, "guessed", f"guess {n}") for n in range(4)]
    assert verdicts == [Verdict.WRONG] * 2 + [Verdict.KEPT_BACK] * 2
    assert asking.refused(corp, "guessed", password("guessed")) is Verdict.KEPT_BACK
    assert asking.prove(corp, "guessed", password("guessed"), Past(right=1e10)).id
    assert asking.prove(corp, "guessed", password("guessed")).id  # the count begins anew


def test_what_worked_before_the_change_is_a_guess(
    ds: DirectoryServer, asking: Asking, corp: DirectoryConfig
) -> None:
    with ds.manager() as manager:
        new = {"userPassword": [(ldap3.MODIFY_REPLACE, ["a new one"])]}
        manager.modify(f"uid=changing,{PEOPLE}", new)
    for n in range(2):
        asking.refused(corp, "changing", f"guess {n}")
    old = Past(right=1.0)
    assert asking.refused(corp, "changing", password("changing"), old) is Verdict.KEPT_BACK


def test_a_locked_person_is_left_to_the_directory(
    ds: DirectoryServer, asking: Asking, corp: DirectoryConfig
) -> None:
    elsewhere = ldap3.Server("127.0.0.1", ds.port, get_info=ldap3.NONE)
    for _ in range(3):
        assert not ldap3.Connection(elsewhere, f"uid=locked,{PEOPLE}", "guess").bind()
    assert asking.refused(corp, "locked", password("locked")) is Verdict.LOCKED


def test_somebody_s_own_policy_counts(
    ds: DirectoryServer, asking: Asking, corp: DirectoryConfig
) -> None:
    with ds.manager() as manager:
        own = {"pwdpolicysubentry": [(ldap3.MODIFY_REPLACE, [POLICY])]}
        manager.modify(f"uid=strict,{PEOPLE}", own)
    assert asking.refused(corp, "strict", "guess") is Verdict.WRONG
    assert asking.refused(corp, "strict", "another guess") is Verdict.KEPT_BACK
