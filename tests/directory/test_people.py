"""What entries of different products say: addresses, quota, protocols, standing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailhub.config.options import DirectoryAttributes, DirectoryConfig
from mailhub.config.presets import in_full
from mailhub.directory.codes import Result, refuse_person
from mailhub.directory.ids import spelt
from mailhub.directory.people import addresses_of, id_of, person_of
from mailhub.directory.probe import product
from mailhub.directory.standing import standing_of
from mailhub.directory.troubles import Refused, Verdict
from mailhub.directory.wire import Entry, is_administrative
from mailhub.model.directory import Person, PersonId, Standing
from mailhub.model.steps import Steps

NOW = 1_800_000_000.0
AD_PAST, AD_FUTURE = 130_000_000_000_000_000, 140_000_000_000_000_000


def entry(**attributes: str | list[str]) -> Entry:
    return Entry(
        "cn=x",
        {
            name.lower().replace("_", "-"): tuple(
                value.encode() for value in ([values] if isinstance(values, str) else values)
            )
            for name, values in attributes.items()
        },
    )


# --- addresses ------------------------------------------------------------------------------

PLAIN = DirectoryAttributes(login="uid", address="mail", aliases=("alias", "proxyAddresses"))


@pytest.mark.parametrize(
    ("found", "addresses"),
    [
        pytest.param(entry(), (), id="none"),
        pytest.param(entry(mail="a@x.org"), ("a@x.org",), id="one"),
        pytest.param(entry(mail=["b@x.org", "a@x.org"]), ("a@x.org", "b@x.org"), id="sorted"),
        pytest.param(
            entry(mail=["a@x.org", "jo@x.org"], uid="jo"), ("jo@x.org", "a@x.org"), id="log-in name"
        ),
        pytest.param(
            entry(mail="a@x.org", alias=["c@x.org", "b@x.org"]),
            ("a@x.org", "b@x.org", "c@x.org"),
            id="aliases",
        ),
        pytest.param(
            entry(mail="a@x.org", proxyAddresses=["smtp:a@x.org", "SMTP:b@x.org", "X500:/o=x"]),
            ("b@x.org", "a@x.org"),
            id="Exchange",
        ),
        pytest.param(entry(mail=["A@x.org", "a@X.org"]), ("A@x.org",), id="the same twice"),
        pytest.param(entry(mail=["", "a", "@x", "a b@x", "a@x\r\n"]), ("a@x",), id="unusable"),
        pytest.param(entry(alias="a@x.org"), ("a@x.org",), id="only an alias"),
    ],
)
def test_addresses_have_an_order(found: Entry, addresses: tuple[str, ...]) -> None:
    assert addresses_of(found, PLAIN, Steps()) == addresses


def test_what_was_ignored_is_a_step() -> None:
    steps = Steps()
    addresses_of(entry(mail="a b@x"), PLAIN, steps)
    assert [step.what for step in steps.taken] == ["addresses ignored"]


# --- quota and protocols ----------------------------------------------------------------------


TOLD: list[str] = []


def person(**attributes: str | list[str]) -> Person:
    """What is told of it is in TOLD."""
    named = DirectoryAttributes(
        id="id",
        address="mail",
        name="cn",
        quota="quota",
        quota_messages="number",
        protocols="service",
    )
    config = in_full(DirectoryConfig("x", attributes=named))
    TOLD.clear()
    tell = lambda what, text: TOLD.append(text)  # noqa: E731
    return person_of(entry(**attributes), PersonId("1"), frozenset(), config, Steps(), tell)


@pytest.mark.parametrize(
    ("said", "octets"),
    [
        ("0", 0),
        ("1000", 1000),
        ("5G", 5 << 30),
        ("5 GB", 5 << 30),
        ("10 MiB", 10 << 20),
        (["1M", "2M"], 2 << 20),
        (["much", "1k"], 1024),
        ("-5", None),
        ("1.5G", None),
        ("9" * 40, None),
        ([], None),
    ],
)
def test_a_quota_is_a_number_with_a_unit(said: str | list[str], octets: int | None) -> None:
    assert person(quota=said).quota_octets == octets
    unclear = said in ("-5", "1.5G", "9" * 40) or "much" in said
    assert ["not a number like 5G" in text for text in TOLD] == [True] * unclear


@pytest.mark.parametrize(
    ("said", "protocols"),
    [
        ([], None),
        ("none", frozenset()),
        ("IMAP", frozenset({"imap"})),
        (["imap, pop3", "lmtp"], frozenset({"imap", "pop3", "lmtp"})),
    ],
)
def test_protocols_are_words(said: str | list[str], protocols: frozenset[str] | None) -> None:
    assert person(service=said).protocols == protocols


def test_secrets_are_never_shown() -> None:
    shown = person(mail="a@x", userPassword="{SSHA}x", sambaNTPassword="y", krbPrincipalKey="z")
    assert set(shown.attributes) == {"mail"}


def test_what_is_endless_is_cut() -> None:
    endless = person(cn="x" * 1_000_000, quota="9" * 1_000_000)
    assert len(endless.name) == 500
    assert len(TOLD[0]) < 300


@pytest.mark.parametrize(
    ("values", "spelling"),
    [
        ([], None),
        (["A-B"], "a-b"),
        (["a", "b"], None),
        ([""], None),
        (["\x00"], None),
    ],
)
def test_an_id_is_one_value_in_lower_case(values: list[str], spelling: str | None) -> None:
    config = DirectoryConfig("x", attributes=DirectoryAttributes(id="entryUUID"))
    assert id_of(entry(entryUUID=values), config) == spelling


def test_a_guid_of_the_wrong_length_is_none_that_is_binary() -> None:
    assert spelt("objectGUID", b"abc") == "abc"


# --- standing -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product_", "found", "standing"),
    [
        ("ppolicy", entry(), Standing.ACTIVE),
        ("ppolicy", entry(pwdAccountLockedTime="000001010000Z"), Standing.DISABLED),
        ("ppolicy", entry(pwdAccountLockedTime="20260101000000Z"), Standing.LOCKED),
        ("ppolicy", entry(pwdReset="TRUE"), Standing.PASSWORD_MUST_CHANGE),
        ("ppolicy", entry(pwdReset="FALSE"), Standing.ACTIVE),
        ("ppolicy", entry(pwdEndTime="20200101000000Z"), Standing.EXPIRED),
        ("ppolicy", entry(pwdEndTime="20990101000000.5Z"), Standing.ACTIVE),
        ("ppolicy", entry(pwdEndTime="soon"), Standing.ACTIVE),
        ("nsAccountLock", entry(nsAccountLock="TRUE"), Standing.DISABLED),
        ("nsAccountLock", entry(nsAccountLock="true"), Standing.DISABLED),
        ("nsAccountLock", entry(nsAccountLock="false"), Standing.ACTIVE),
        ("nsAccountLock", entry(krbPrincipalExpiration="20200101000000Z"), Standing.EXPIRED),
        ("active-directory", entry(userAccountControl="512"), Standing.ACTIVE),
        ("active-directory", entry(userAccountControl="514"), Standing.DISABLED),
        ("active-directory", entry(accountExpires=str(AD_PAST)), Standing.EXPIRED),
        ("active-directory", entry(accountExpires=str(AD_FUTURE)), Standing.ACTIVE),
        ("active-directory", entry(accountExpires="0"), Standing.ACTIVE),
        ("active-directory", entry(accountExpires=str((1 << 63) - 1)), Standing.ACTIVE),
        ("active-directory", entry(accountExpires="never"), Standing.ACTIVE),
        ("active-directory", entry(lockoutTime="0"), Standing.ACTIVE),
        ("active-directory", entry(lockoutTime=str(AD_PAST)), Standing.LOCKED),
        (
            "active-directory",  # asked for and not readable
            entry(lockoutTime=str(AD_PAST), msDS_User_Account_Control_Computed=[]),
            Standing.LOCKED,
        ),
        ("ppolicy", entry(pwdStartTime="29991231235959Z"), Standing.DISABLED),
        (
            "active-directory",  # the lock-out has passed, lockoutTime stays until the next log-in
            entry(lockoutTime=str(AD_PAST), msDS_User_Account_Control_Computed="0"),
            Standing.ACTIVE,
        ),
        ("active-directory", entry(msDS_User_Account_Control_Computed="16"), Standing.LOCKED),
        (
            "active-directory",
            entry(msDS_User_Account_Control_Computed="8388608"),
            Standing.PASSWORD_EXPIRED,
        ),
        ("active-directory", entry(pwdLastSet="0"), Standing.PASSWORD_MUST_CHANGE),
        ("active-directory", entry(pwdLastSet="0", userAccountControl="66048"), Standing.ACTIVE),
        ("none", entry(nsAccountLock="TRUE"), Standing.ACTIVE),
    ],
)
def test_each_product_says_it_in_its_own_way(
    product_: str, found: Entry, standing: Standing
) -> None:
    config = DirectoryConfig("x", standing=product_)  # type: ignore[arg-type]
    assert standing_of(found, config, NOW) is standing


@pytest.mark.parametrize(
    ("value", "standing"),
    [("disabled", Standing.DISABLED), ("DISABLED", Standing.DISABLED), ("active", Standing.ACTIVE)],
)
def test_an_attribute_of_ones_own_disables(value: str, standing: Standing) -> None:
    config = DirectoryConfig("x", standing="none")
    own = replace(config, attributes=DirectoryAttributes(disabled="accountStatus"))
    assert standing_of(entry(accountStatus=value), own, NOW) is standing


# --- products, as recorded ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "preset"),
    [
        (entry(vendorName="389 Project", vendorVersion="389-Directory/2.3.1"), "389ds"),
        (entry(vendorName="389 Project", ipaDomainLevel="1"), "freeipa"),
        (entry(vendorName="LLDAP", vendorVersion="lldap_0.5.0"), "lldap"),
        (entry(objectClass=["top", "OpenLDAProotDSE"]), "openldap"),
        (entry(supportedCapabilities="1.2.840.113556.1.4.800"), "active-directory"),
        (entry(vendorName="Novell, Inc."), "custom"),
        (entry(), "custom"),
    ],
)
def test_a_product_is_known_by_its_root_entry(root: Entry, preset: str) -> None:
    assert product(root)[0] == preset


def test_389ds_tells_of_a_disabled_account_before_it_looks_at_the_password() -> None:
    answer = Result(53, "unwillingToPerform", "Account inactivated. Contact system administrator.")
    with pytest.raises(Refused) as refused:
        refuse_person(answer)
    assert refused.value.verdict is Verdict.LOCKED  # nothing was proved


def test_referrals_to_where_nobody_is_are_known() -> None:
    assert is_administrative("ldap://corp.example/CN=Configuration,DC=corp,DC=example")
    assert is_administrative("ldaps://ForestDnsZones.corp/DC=ForestDnsZones,DC=corp")
    assert not is_administrative("ldap://child.corp.example/DC=child,DC=corp,DC=example")
