"""Certificates that clients show in a real handshake: whose they are, and whether to believe it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL

from mailhub.config.check import advise
from mailhub.config.files import check_files
from mailhub.config.options import Config, TlsConfig
from mailhub.model.mail import ClientCertificate
from mailhub.net.link import Entry
from mailhub.net.selfsigned import ensure_certificate
from mailhub.net.tls import BadCertificate, TlsContexts
from tests.net.certificates import DAY, NOW, UPN, Authority, Issued, email, upn
from tests.net.world import TlsClient, World

ALICE = email("alice@example.org")
CA = Authority.make()
STRANGER = Authority.make("another CA")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clients")
    (folder / "clients.pem").write_bytes(CA.issued.pem)
    ensure_certificate(folder)
    return folder


def config(folder: Path, **options: Any) -> TlsConfig:
    return TlsConfig((ensure_certificate(folder),), client_ca=folder / "clients.pem", **options)


def shown_to(
    config: TlsConfig, shown: Issued | None, highest: int = SSL.TLS1_3_VERSION
) -> ClientCertificate | None:
    world = World(tls=TlsContexts(config))
    story, transport = world.connect(Entry("implicit"))
    client = TlsClient(story, transport, shown=shown, highest=highest)
    assert client.read() == b"hello\r\n"
    return story.client.certificate


# --- not believed -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "problem"),
    [
        (STRANGER.issue(ALICE), "unable to get local issuer certificate"),
        (CA.issue(ALICE, ends=NOW - DAY), "expired"),
        (CA.issue(ALICE, uses=(ExtendedKeyUsageOID.SERVER_AUTH,)), "not for clients"),
        (STRANGER.issued, "self-signed"),
    ],
)
def test_the_handshake_goes_on_and_the_problem_is_told(
    folder: Path, shown: Issued, problem: str
) -> None:
    found = shown_to(config(folder), shown)
    assert found is not None
    assert problem in found.problem


def test_a_revoked_one_is_not_believed_and_an_old_list_believes_none(folder: Path) -> None:
    good, bad = CA.issue(ALICE), CA.issue(ALICE)
    path = folder / "revoked.crl"
    listed = config(folder, client_crl=path)

    def problem(shown: Issued) -> str:
        found = shown_to(listed, shown)
        assert found is not None
        return found.problem

    path.write_bytes(STRANGER.crl() + CA.crl(bad))
    assert "revoked" in problem(bad)
    assert problem(good) == ""
    path.write_bytes(STRANGER.crl())
    assert "CRL" in problem(good)
    path.write_bytes(CA.crl(due=NOW - DAY))
    assert "CRL has expired" in problem(good)
    assert any("was to be renewed" in line for line in advise(Config(tls=listed)))


@pytest.mark.parametrize("value", [b"\x05\x00", b"\x0c\x00", b"\x16\x01a", b"\x0c\x01\xff"])
def test_a_strange_upn_is_no_name(folder: Path, value: bytes) -> None:
    found = shown_to(config(folder), CA.issue(x509.OtherName(UPN, value), ALICE))
    assert found is not None
    assert found.names == ("alice@example.org",)


# --- believed -----------------------------------------------------------------------------


def test_without_a_certificate_nothing_changes(folder: Path) -> None:
    assert shown_to(config(folder), None) is None


def test_none_is_asked_for_without_a_ca(folder: Path) -> None:
    assert shown_to(TlsConfig((ensure_certificate(folder),)), CA.issue(ALICE)) is None


@pytest.mark.parametrize("highest", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_names_are_those_of_the_configuration_in_its_order(folder: Path, highest: int) -> None:
    shown = CA.issue(upn("al@corp.example"), ALICE, x509.DNSName("host.example"), common_name="ann")
    found = shown_to(config(folder), shown, highest)
    assert found == ClientCertificate("CN=ann", ("alice@example.org", "al@corp.example"))
    found = shown_to(config(folder, client_names=("cn", "upn")), shown, highest)
    assert found == ClientCertificate("CN=ann", ("ann", "al@corp.example"))


def test_intermediate_ones_come_from_the_client_or_are_trusted_themselves(folder: Path) -> None:
    between = Authority.make("between", above=CA)
    shown = between.issue(ALICE, uses=())
    found = shown_to(config(folder), shown)
    assert found is not None
    assert found.problem
    along = Issued(shown.certificate, shown.key, (between.issued.certificate,))
    assert shown_to(config(folder), along) == ClientCertificate(
        "CN=somebody", ("alice@example.org",)
    )
    (folder / "between.pem").write_bytes(between.issued.pem)
    alone = TlsConfig((ensure_certificate(folder),), client_ca=folder / "between.pem")
    found = shown_to(alone, shown)
    assert found is not None
    assert found.problem == ""


# --- files --------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["client_ca", "client_crl"])
@pytest.mark.parametrize("content", [None, b"", b"hello", b"-----BEGIN X509 CRL-----\nAAAA\n"])
def test_files_that_are_none_are_told_and_keep_what_was_loaded(
    folder: Path, tmp_path: Path, option: str, content: bytes | None
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    contexts = TlsContexts(config(folder))
    options: dict[str, Any] = {"client_ca": folder / "clients.pem", option: path}
    changed = TlsConfig((ensure_certificate(folder),), **options)
    with pytest.raises(BadCertificate, match="file"):
        contexts.reload(changed)
    told: dict[str, str] = {}
    check_files(
        Config(data_dir=folder, tls=changed), lambda key, text, _hint: told.update({key: text})
    )
    assert list(told) == [f"tls.{option}"]


def test_options_that_would_do_nothing_are_told(folder: Path) -> None:
    told: list[str] = []
    for tls in (TlsConfig(client_crl=folder / "x"), config(folder, client_names=())):
        check_files(Config(data_dir=folder, tls=tls), lambda key, *_: told.append(key))
    assert told == ["tls.client_crl", "tls.client_names"]
