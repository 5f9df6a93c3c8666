"""The hub as a server uses it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import apsw
import pytest
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from mailhub.config.options import AuthConfig, DeliveryConfig, LmtpConfig
from mailhub.interfaces import IAddressBook, ILocalAccounts
from mailhub.model.errors import AccountDisabled, Damaged, NoSuchAccount, Unavailable
from mailhub.model.mail import AccountId, Recipient, Usage, Verifier
from mailhub.store.hub import accounts, aliases, credentials, domains
from mailhub.store.hub.accounts import Account
from mailhub.store.hub.database import HubFile
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.hub import FLUSH_SECONDS, Hub
from mailhub.store.migrate import SchemaTooNew
from mailhub.store.runner import InlineRunner
from tests.events import Events
from tests.harness import run
from tests.store.hub.conftest import NOW

SECRET = (Verifier("argon2id", "old"),)


def make(data: DataDir, **configs: object) -> Hub:
    return Hub(
        data,
        InlineRunner(),
        make_verifiers=lambda password: (Verifier("argon2id", password),),
        **configs,  # type: ignore[arg-type]
    )


@pytest.fixture
def hub(data: DataDir, file: HubFile) -> Iterator[Hub]:
    hub = make(data)
    yield hub
    run(hub.stop())


@pytest.fixture
def alice(file: HubFile) -> Account:
    with file.write() as tx:
        alice = accounts.add(tx, "alice@example.org", NOW, verifiers=SECRET)
        aliases.add(tx, "post@example.org", alice.id, NOW)
    return alice


def test_the_hub_provides_its_interfaces(hub: Hub) -> None:
    verifyObject(ILocalAccounts, hub)
    verifyObject(IAddressBook, hub)


# --- recipients ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "nobody@example.org",
        "alice@example.net",
        "alice@",
        "@example.org",
        "a\ud800@example.org",
        "alice@\ud800",
        "alice@[192.0.2.1]",
        "alice\0@example.org",
        "x" * 100_000 + "@example.org",
        "+alice@example.org",
    ],
)
def test_nobody_is_found_for_a_strange_address(hub: Hub, alice: Account, address: str) -> None:
    assert run(hub.recipient(address)) is None


@pytest.mark.parametrize(
    ("address", "detail"),
    [
        ("alice@example.org", ""),
        ("ALICE@Example.Org", ""),
        ("post@example.org", ""),
        ("alice+News@example.org", "News"),
        ("post+a+b@example.org", "a+b"),
        ('"alice"@example.org', ""),
        ("alice", ""),
        ("alice+News", "News"),
    ],
)
def test_mail_finds_its_account(hub: Hub, alice: Account, address: str, detail: str) -> None:
    assert run(hub.recipient(address)) == Recipient(alice.id, "alice@example.org", detail)


def test_an_account_with_the_delimiter_in_its_name_comes_before_a_detail(
    hub: Hub, file: HubFile, alice: Account
) -> None:
    with file.write() as tx:
        plus = accounts.add(tx, "alice+news@example.org", NOW)
    found = run(hub.recipient("alice+News@example.org"))
    assert found == Recipient(plus.id, "alice+news@example.org", "")


def test_without_a_delimiter_there_are_no_details(data: DataDir, alice: Account) -> None:
    hub = make(data, delivery=DeliveryConfig(recipient_delimiter=""))
    assert run(hub.recipient("alice+news@example.org")) is None
    run(hub.stop())


def test_a_catch_all_gets_what_nobody_else_does(hub: Hub, file: HubFile, alice: Account) -> None:
    with file.write() as tx:
        domains.set_catch_all(tx, "example.org", alice.id)
        bob = accounts.add(tx, "bob@example.org", NOW)
    nobody = run(hub.recipient("nobody+x@example.org"))
    assert nobody == Recipient(alice.id, "alice@example.org", "")
    known = run(hub.recipient("bob@example.org"))
    assert known is not None
    assert known.account == bob.id


def test_a_name_without_a_domain_is_of_the_configured_domain_or_the_only_one(
    data: DataDir, file: HubFile, alice: Account, hub: Hub
) -> None:
    with file.write() as tx:
        domains.add(tx, "example.net", NOW)
    assert run(hub.recipient("alice")) is None
    configured = make(data, lmtp=LmtpConfig(default_domain="example.org"))
    found = run(configured.recipient("alice"))
    assert found is not None
    assert found.account == alice.id
    run(configured.stop())


def test_mail_for_whom_is_disabled_is_refused_as_such(
    hub: Hub, file: HubFile, alice: Account
) -> None:
    with file.write() as tx:
        accounts.set_enabled(tx, alice.id, False)
        domains.set_catch_all(tx, "example.org", accounts.add(tx, "b@example.org", NOW).id)
    for address in ("alice@example.org", "alice+x@example.org", "post@example.org"):
        with pytest.raises(AccountDisabled):
            run(hub.recipient(address))


@pytest.mark.parametrize("address", ["alice@example.org", "post@example.org"])
def test_mail_for_a_disabled_domain_is_refused(
    hub: Hub, file: HubFile, alice: Account, address: str
) -> None:
    with file.write() as tx:
        domains.set_enabled(tx, "example.org", False)
    with pytest.raises(AccountDisabled):
        run(hub.recipient(address))


def test_a_disabled_alias_is_refused_and_its_account_is_not(
    hub: Hub, file: HubFile, alice: Account
) -> None:
    with file.write() as tx:
        aliases.set_enabled(tx, "post@example.org", False)
    with pytest.raises(AccountDisabled):
        run(hub.recipient("post@example.org"))
    assert run(hub.recipient("alice@example.org")) is not None


# --- log-in -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "login",
    ["", "@", "nobody", "nobody@example.org", "post@example.org", "alice+x", "a\ud800", "a\0"],
)
def test_a_login_that_is_no_primary_address_has_no_credentials(
    hub: Hub, alice: Account, login: str
) -> None:
    assert run(hub.credentials(login)) is None


@pytest.mark.parametrize("login", ["alice", "ALICE", "alice@example.org", "Alice@EXAMPLE.org"])
def test_a_login_finds_its_credentials_in_any_case(hub: Hub, alice: Account, login: str) -> None:
    found = run(hub.credentials(login))
    assert found is not None
    assert (found.account, found.address, found.enabled) == (alice.id, "alice@example.org", True)
    assert found.verifiers == SECRET


def test_the_default_domain_of_log_ins_is_configured(
    data: DataDir, file: HubFile, alice: Account
) -> None:
    with file.write() as tx:
        domains.add(tx, "example.net", NOW)
    hub = make(data, auth=AuthConfig(default_domain="example.org"))
    assert run(hub.credentials("alice")) is not None
    run(hub.stop())


def test_credentials_say_that_an_account_or_its_domain_is_disabled(
    hub: Hub, file: HubFile, alice: Account
) -> None:
    with file.write() as tx:
        domains.set_enabled(tx, "example.org", False)
    found = run(hub.credentials("alice"))
    assert found is not None
    assert not found.enabled


def test_proved_passwords_get_new_verifiers(hub: Hub, alice: Account) -> None:
    run(hub.replace_verifiers(alice.id, "new"))
    found = run(hub.credentials("alice"))
    assert found is not None
    assert [verifier.data for verifier in found.verifiers] == ["new"]


def test_a_password_changed_meanwhile_is_not_undone(
    data: DataDir, file: HubFile, alice: Account
) -> None:
    changed = (Verifier("argon2id", "changed"),)

    def slowly(password: str) -> tuple[Verifier, ...]:
        with file.write() as tx:
            credentials.replace(tx, alice.number, changed)
        return (Verifier("argon2id", password),)

    hub = Hub(data, InlineRunner(), make_verifiers=slowly)
    run(hub.replace_verifiers(alice.id, "proved"))
    found = run(hub.credentials("alice"))
    assert found is not None
    assert found.verifiers == changed
    run(hub.stop())


def test_a_look_up_that_finds_the_file_locked_is_repeated_in_a_thread(
    hub: Hub, alice: Account
) -> None:
    inline = hub._inline._db

    def locked_once(*_: object) -> bool:
        inline.exec_trace = None
        raise apsw.BusyError

    inline.exec_trace = locked_once
    found = run(hub.credentials("alice"))
    assert found is not None
    assert found.account == alice.id


# --- what is recorded ---------------------------------------------------------------------


def test_usage_and_log_ins_are_written_together_now_and_then(hub: Hub, alice: Account) -> None:
    clock = Clock()
    hub.start(clock)
    hub.record_usage(alice.id, Usage(20, 2), 7)
    hub.record_usage(alice.id, Usage(10, 1), 6)
    hub.record_login(alice.id)
    assert hub.account(alice.id).usage == Usage(0, 0)
    clock.advance(FLUSH_SECONDS)
    assert hub.account(alice.id).usage == Usage(20, 2)
    assert hub.account(alice.id).last_login is not None


def test_what_was_recorded_is_written_at_the_end(data: DataDir, alice: Account) -> None:
    hub = make(data)
    hub.start(Clock())
    hub.record_usage(alice.id, Usage(20, 2), 7)
    run(hub.stop())
    again = make(data)
    assert again.account(alice.id).usage == Usage(20, 2)
    run(again.stop())


def test_what_could_not_be_written_is_written_later(
    data: DataDir, hub: Hub, file: HubFile, alice: Account
) -> None:
    hub.file.close()
    hub.file = HubFile.open(data.hub_db, busy_timeout_ms=0)
    hub.record_usage(alice.id, Usage(20, 2), 7)
    with file.write(), pytest.raises(Unavailable):
        run(hub.flush())
    run(hub.flush())
    assert hub.account(alice.id).usage == Usage(20, 2)


def test_a_flush_that_fails_is_told_and_tried_again(
    data: DataDir, hub: Hub, file: HubFile, alice: Account, events: Events
) -> None:
    hub.file.close()
    hub.file = HubFile.open(data.hub_db, busy_timeout_ms=0)
    clock = Clock()
    hub.start(clock)
    hub.record_usage(alice.id, Usage(20, 2), 7)
    with file.write():
        clock.advance(FLUSH_SECONDS)
    assert events["error"]["what"] == "usage is not yet in hub.db"
    clock.advance(FLUSH_SECONDS)
    assert hub.account(alice.id).usage == Usage(20, 2)


def test_an_account_is_new_until_something_was_recorded(hub: Hub, alice: Account) -> None:
    assert hub.is_new(alice.id)
    hub.record_usage(alice.id, Usage(20, 2), 7)
    assert not hub.is_new(alice.id)
    run(hub.flush())
    assert not hub.is_new(alice.id)


def test_what_the_command_line_changes_counts_at_once(
    hub: Hub, file: HubFile, alice: Account
) -> None:
    assert hub.account(alice.id).active
    with file.write() as tx:
        accounts.delete(tx, alice.id, NOW)
    with pytest.raises(NoSuchAccount):
        hub.account(alice.id)
    assert run(hub.recipient("alice@example.org")) is None
    assert run(hub.credentials("alice")) is None


def test_an_unknown_account_is_refused(hub: Hub) -> None:
    with pytest.raises(NoSuchAccount):
        hub.account(AccountId("00"))


# --- the file -----------------------------------------------------------------------------


def test_a_file_of_a_newer_program_is_refused_and_left_alone(data: DataDir) -> None:
    file = HubFile.open(data.hub_db)
    with file.write() as tx:
        tx.execute("PRAGMA user_version = 999")
    file.close()
    with pytest.raises(SchemaTooNew, match="newer"):
        HubFile.open(data.hub_db)


def test_a_file_that_is_no_database_is_damaged(data: DataDir) -> None:
    data.hub_db.write_bytes(b"not a database" * 1000)
    with pytest.raises(Damaged):
        HubFile.open(data.hub_db)


MAKE = """
import sys
from pathlib import Path
from mailhub.store.hub import domains
from mailhub.store.hub.database import HubFile
print("ready", flush=True)
sys.stdin.readline()
with HubFile.open(Path(sys.argv[1])).write() as tx:
    domains.add(tx, sys.argv[2], 1)
"""


def test_processes_that_make_the_file_at_once_do_not_hinder_each_other(data: DataDir) -> None:
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", MAKE, str(data.hub_db), f"{name}.example"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in "abcd"
    ]
    for maker in makers:
        assert maker.stdout
        assert maker.stdout.readline() == b"ready\n"
    for maker in makers:
        assert maker.stdin
        maker.stdin.write(b"\n")
        maker.stdin.flush()
    for maker in makers:
        maker.communicate()
    assert [maker.returncode for maker in makers] == [0, 0, 0, 0]
    file = HubFile.open(data.hub_db)
    with file.read() as tx:
        assert len(domains.all_domains(tx)) == 4
    file.close()


def test_only_its_owner_can_read_the_file(data: DataDir, file: HubFile) -> None:
    assert data.hub_db.stat().st_mode & 0o777 == 0o600
