"""The realm, and the secret that is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.cred.checkers import ANONYMOUS
from zope.interface import Interface

from mailhub.auth.portal import load_secret
from mailhub.auth.realm import MailRealm
from mailhub.interfaces import IAccount, LogInForbidden, LogInRefused, LogInUnavailable
from mailhub.model.errors import Damaged, Unavailable
from mailhub.model.mail import AccountId
from tests.harness import run
from tests.memory_store import MemoryStore


def refusal_of(realm: MailRealm, avatar_id: bytes | tuple[()]) -> LogInRefused:
    async def enter() -> object:
        return await realm.requestAvatar(avatar_id, None, IAccount)

    with pytest.raises(LogInRefused) as refused:
        run(enter())
    return refused.value


def test_avatars_are_accounts_and_nothing_else() -> None:
    with pytest.raises(NotImplementedError):
        MailRealm(MemoryStore()).requestAvatar(b"alice", None, Interface)


def test_nobody_comes_in_anonymously() -> None:
    assert isinstance(refusal_of(MailRealm(MemoryStore()), ANONYMOUS), LogInForbidden)


@pytest.mark.parametrize("problem", [Unavailable, Damaged])
def test_mail_that_cannot_be_opened_now_is_not_the_users_fault(
    problem: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(account: AccountId) -> None:
        raise problem

    store = MemoryStore()
    monkeypatch.setattr(store, "account", fail)

    assert isinstance(refusal_of(MailRealm(store), b"alice"), LogInUnavailable)


def test_the_secret_survives_a_restart_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    secret = load_secret(path)

    assert len(secret) == 32
    assert load_secret(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_secret_cut_short_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"half")

    assert len(load_secret(path)) == 32
