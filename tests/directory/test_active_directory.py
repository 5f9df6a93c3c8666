"""Active Directory: a real domain of Samba's, and recorded answers for what it does not do."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from mailhub.config.options import DirectoryConfig, DirectoryGroups
from mailhub.directory import codes
from mailhub.directory.codes import Result
from mailhub.directory.diagnosis import Diagnosis
from mailhub.directory.ids import in_filter, spelt
from mailhub.directory.probe import probe
from mailhub.directory.ranges import completed
from mailhub.directory.troubles import Kind, Refused, Verdict
from mailhub.directory.wire import Answer, Ask, Entry
from mailhub.model.directory import NO_PAST, Past, PersonId, Standing
from tests.directory.asking import Asking
from tests.directory.samba import BASE, NESTED, PASSWORD, SERVICE, Domain, dn, shared_domain


@pytest.fixture(scope="session")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Domain]:
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    with shared_domain(base / "samba") as domain:
        yield domain


@pytest.fixture
def domain(samba: Domain, tmp_path: Path) -> DirectoryConfig:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(PASSWORD)
    return DirectoryConfig(
        "ad",
        servers=(samba.secure,),
        preset="active-directory",
        tls_ca=samba.ca,
        tls_server_name="localhost",
        bind_dn=SERVICE,
        bind_password_file=secret,
        user_base=BASE,
        netbios_domain="CORP",
    )


@pytest.mark.parametrize(
    "login",
    ["alice", "ALICE", "alice@corp.example", r"CORP\alice", r"corp\alice", "a.liddell@example.org"],
)
def test_a_person_logs_in_by_any_of_the_names(
    asking: Asking, domain: DirectoryConfig, login: str
) -> None:
    person = asking.prove(domain, login, PASSWORD)
    assert person.dn == dn("alice")
    assert str(uuid.UUID(person.id)) == person.id
    assert person.addresses == ("A.Liddell@example.org", "alice@example.org")


@pytest.mark.parametrize("login", [r"OTHER\alice", r"\alice", "CORP\\", r"CORP\alice\x", r"CORP\*"])
def test_another_domains_names_are_nobodys(
    asking: Asking, domain: DirectoryConfig, login: str
) -> None:
    assert asking.refused(domain, login, PASSWORD) is Verdict.NOBODY


@pytest.mark.parametrize(
    ("login", "password", "verdict"),
    [
        pytest.param("alice", "guess", Verdict.WRONG, id="wrong password"),
        pytest.param("nobody", PASSWORD, Verdict.NOBODY, id="no such user"),
        pytest.param("disabled", PASSWORD, Verdict.DISABLED, id="disabled"),
        pytest.param("disabled", "guess", Verdict.WRONG, id="disabled and wrong"),
        pytest.param("expired", PASSWORD, Verdict.DISABLED, id="account expired"),
        pytest.param("must", PASSWORD, Verdict.EXPIRED, id="password must be changed"),
    ],
)
def test_a_refusal_says_what_the_domain_controller_meant(
    asking: Asking, domain: DirectoryConfig, login: str, password: str, verdict: Verdict
) -> None:
    assert asking.refused(domain, login, password) is verdict


def test_a_lock_out_is_seen_and_said(asking: Asking, domain: DirectoryConfig) -> None:
    heedless = replace(domain, lockout_counter="none")
    for _ in range(3):
        asking.refused(heedless, "guessed", "guess")
    lookup = asking.lookup(domain)
    with pytest.raises(Refused, match="locked") as refused:
        lookup.prove("guessed", PASSWORD, NO_PAST, lookup.deadline(), asking.steps)
    assert refused.value.verdict is Verdict.LOCKED
    found = asking.by_login(domain, "guessed")
    assert found is not None
    assert found.standing is Standing.LOCKED


def test_nobody_is_locked_out_by_what_is_sent(asking: Asking, domain: DirectoryConfig) -> None:
    verdicts = [asking.refused(domain, "careless", f"guess {n}") for n in range(5)]
    assert verdicts == [Verdict.WRONG] * 2 + [Verdict.KEPT_BACK] * 3
    facts = asking.steps.taken[-1].facts
    assert (facts["policy"], facts["locks after"], facts["counted"]) == (BASE, 3, 2)
    found = asking.by_login(domain, "careless")
    assert found is not None
    assert found.standing is Standing.ACTIVE
    proved = Past(right=time.time() + 3600)  # after the password was set, whatever the clocks say
    assert asking.prove(domain, "careless", PASSWORD, proved).dn == dn("careless")
    assert asking.prove(domain, "careless", PASSWORD).dn == dn("careless")


@pytest.mark.parametrize(
    ("name", "standing"),
    [
        ("alice", Standing.ACTIVE),
        ("disabled", Standing.DISABLED),
        ("expired", Standing.EXPIRED),
        ("must", Standing.PASSWORD_MUST_CHANGE),
    ],
)
def test_standing_is_read_without_a_password(
    asking: Asking, domain: DirectoryConfig, name: str, standing: Standing
) -> None:
    found = asking.by_login(domain, name)
    assert found is not None
    assert found.standing is standing


def test_nested_groups_come_from_the_token(asking: Asking, domain: DirectoryConfig) -> None:
    first, second = (asking.by_login(domain, "alice") for _ in range(2))
    assert first is not None
    assert {group.name for group in first.groups} >= {*NESTED, "Domain Users"}
    assert second is not None
    assert second.groups == first.groups
    assert sum("objectSid" in str(text) for text in asking.filters()) == 1  # then remembered


def test_the_other_ways_to_groups_agree(asking: Asking, domain: DirectoryConfig) -> None:
    modes: tuple[Literal["memberOf", "search"], ...] = ("memberOf", "search")
    for mode in modes:
        groups = DirectoryGroups(mode=mode)
        found = asking.by_login(replace(domain, groups=groups), "alice")
        assert found is not None
        assert {group.name for group in found.groups} == set(NESTED)


def test_an_id_finds_its_owner(asking: Asking, domain: DirectoryConfig) -> None:
    person = asking.prove(domain, "alice", PASSWORD)
    found = asking.by_id(domain, person.id)
    assert found is not None
    assert found.dn == person.dn
    assert asking.by_id(domain, "not an id") is None


def test_everybody_is_read_in_pages(asking: Asking, domain: DirectoryConfig) -> None:
    pages = asking.everybody(replace(domain, page_size=4))
    assert [len(page) for page in pages] == [4, 3]


def test_people_may_bind_by_principal_name(asking: Asking, domain: DirectoryConfig) -> None:
    own = replace(domain, mode="template-bind", dn_template="{login}")
    assert asking.prove(own, "alice@corp.example", PASSWORD).dn == dn("alice")
    assert asking.prove(own, r"CORP\alice", PASSWORD).dn == dn("alice")
    assert asking.refused(own, "alice@corp.example", "guess") is Verdict.WRONG


def test_a_demand_for_encryption_is_reported_as_such(
    asking: Asking, domain: DirectoryConfig, samba: Domain
) -> None:
    clear = replace(domain, tls="none-i-understand", tls_ca=None, servers=(samba.plain,))
    trouble = asking.trouble(clear)
    assert trouble.kind is Kind.SIGNING
    assert 'tls = "ldaps"' in str(trouble)


def test_the_product_is_recognised_and_the_guess_works(
    domain: DirectoryConfig, samba: Domain
) -> None:
    asked = DirectoryConfig(
        "ad",
        servers=(samba.secure,),
        tls_ca=domain.tls_ca,
        tls_server_name="localhost",
        bind_dn=SERVICE,
        bind_password_file=domain.bind_password_file,
    )
    guessed = probe(asked).directory
    assert (guessed.preset, guessed.user_base) == ("active-directory", BASE)
    findings = list(Diagnosis(guessed).run())
    assert [finding for finding in findings if finding.level != "ok"] == []


# --- recorded -----------------------------------------------------------------------------

BIND_ERROR = "{code:08X}: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data {data}"


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        ("525", Verdict.NOBODY),
        ("52e", Verdict.WRONG),
        ("530", Verdict.FORBIDDEN),
        ("531", Verdict.FORBIDDEN),
        ("532", Verdict.EXPIRED),
        ("533", Verdict.DISABLED),
        ("701", Verdict.DISABLED),
        ("773", Verdict.EXPIRED),
        ("775", Verdict.LOCKED),
        ("57", Verdict.WRONG),
    ],
)
def test_sub_codes_are_told_apart(data: str, verdict: Verdict) -> None:
    message = BIND_ERROR.format(code=0x80090308, data=data) + ", v4563\x00"
    with pytest.raises(Refused) as refused:
        codes.refuse_person(Result(49, "invalidCredentials", message))
    assert refused.value.verdict is verdict
    assert "\x00" not in str(refused.value)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        pytest.param(
            Result(49, "invalidCredentials", BIND_ERROR.format(code=0x80090346, data="80090346")),
            "channel binding",
            id="channel binding",
        ),
        pytest.param(
            Result(8, "strongerAuthRequired", "00002028: LdapErr: DSID-0C09026A"),
            "signing",
            id="signing",
        ),
    ],
)
def test_what_the_server_demands_is_no_wrong_password(result: Result, text: str) -> None:
    with pytest.raises(Exception, match=text) as raised:
        codes.refuse_person(result)
    assert getattr(raised.value, "kind", None) is Kind.SIGNING


def test_a_guid_is_spelt_as_microsoft_does() -> None:
    octets = bytes.fromhex("00112233445566778899aabbccddeeff")
    spelling = spelt("objectGUID", octets)
    assert spelling == "33221100-5544-7766-8899-aabbccddeeff"
    assert spelling is not None
    assert (
        in_filter("objectGUID", spelling)
        == "(objectGUID=" + "".join(f"\\{octet:02x}" for octet in octets) + ")"
    )
    assert in_filter("objectGUID", PersonId("*")) is None


def test_a_long_attribute_is_fetched_piece_by_piece() -> None:
    def search(ask: Ask) -> Answer:
        asked.append(ask.attributes[0])
        start = int(ask.attributes[0].split("=")[1].split("-")[0])
        end = "*" if start == 4 else str(start + 1)
        values = [b"%d" % n for n in range(start, start + 2)]
        entry = Entry(ask.base, {f"memberof;range={start}-{end}": values})
        return Answer(Result(0, "success", ""), [entry], [], b"")

    asked: list[str] = []
    entry = Entry("cn=x", {"memberof": (), "memberof;range=0-1": (b"0", b"1"), "cn": (b"x",)})
    assert completed(entry, search).values == {
        "memberof": (b"0", b"1", b"2", b"3", b"4", b"5"),
        "cn": (b"x",),
    }
    assert asked == ["memberof;range=2-*", "memberof;range=4-*"]
