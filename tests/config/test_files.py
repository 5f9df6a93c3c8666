"""What a configuration expects of the disk."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from mailhub.config.check import advise
from mailhub.config.files import check_files
from mailhub.config.options import Certificate, Config, Listener, LogConfig, TlsConfig

TODAY = datetime.now(UTC)


def write_pair(
    folder: Path,
    name: str = "mail",
    ends: datetime = TODAY + timedelta(days=90),
    encryption: KeySerializationEncryption | None = None,
) -> Certificate:
    """A self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}.example.org")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(TODAY - timedelta(days=900))
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    pair = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    pair.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    pair.key.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    )
    return pair


def told(config: Config) -> dict[str, str]:
    found: dict[str, str] = {}
    check_files(config, lambda key, text, _hint: found.update({key: text}))
    return found


def with_certificate(folder: Path, certificate: Certificate) -> Config:
    return Config(data_dir=folder, tls=TlsConfig((certificate,)))


def test_a_certificate_with_its_key_is_good(tmp_path: Path) -> None:
    assert told(with_certificate(tmp_path, write_pair(tmp_path))) == {}


def test_a_missing_file_is_told_for_each_of_the_two(tmp_path: Path) -> None:
    absent = Certificate(tmp_path / "a.pem", tmp_path / "a.key")
    assert told(with_certificate(tmp_path, absent)) == {
        "tls.certificate[1].certificate": f"{tmp_path}/a.pem: no such file or directory",
        "tls.certificate[1].key": f"{tmp_path}/a.key: no such file or directory",
    }


def test_a_key_of_another_certificate_is_told(tmp_path: Path) -> None:
    pair = Certificate(write_pair(tmp_path, "one").certificate, write_pair(tmp_path, "other").key)
    (text,) = told(with_certificate(tmp_path, pair)).values()
    assert "is not the key of" in text


def test_a_file_without_a_certificate_is_told(tmp_path: Path) -> None:
    pair = write_pair(tmp_path)
    pair.certificate.write_text("hello")
    assert list(told(with_certificate(tmp_path, pair))) == ["tls.certificate[1].certificate"]


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_file_without_a_key_is_told(tmp_path: Path, content: bytes) -> None:
    pair = write_pair(tmp_path)
    pair.key.write_bytes(content)
    assert list(told(with_certificate(tmp_path, pair))) == ["tls.certificate[1].key"]


def test_a_key_with_a_passphrase_is_told(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, encryption=BestAvailableEncryption(b"secret"))
    assert list(told(with_certificate(tmp_path, pair))) == ["tls.certificate[1].key"]


def test_an_expired_certificate_is_a_warning(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, ends=TODAY - timedelta(days=1))
    config = with_certificate(tmp_path, pair)
    assert told(config) == {}
    assert any("expired on" in line for line in advise(config))


def test_a_certificate_that_soon_expires_is_a_warning(tmp_path: Path) -> None:
    config = with_certificate(tmp_path, write_pair(tmp_path, ends=TODAY + timedelta(days=3)))
    assert any("expires on" in line for line in advise(config))


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    assert list(told(Config(data_dir=tmp_path / "var"))) == ["data_dir"]


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert told(Config(data_dir=tmp_path / "file" / "a" / "b")) == {
        "data_dir": f"{tmp_path}/file is not a folder"
    }


def test_a_data_folder_that_may_not_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    assert list(told(Config(data_dir=tmp_path / "a" / "b"))) == ["data_dir"]


def test_a_log_file_or_socket_in_a_missing_folder_is_told(tmp_path: Path) -> None:
    config = Config(
        data_dir=tmp_path,
        log=LogConfig(file=tmp_path / "none" / "log"),
        listeners=(Listener("lmtp", f"unix:{tmp_path}/none/lmtp"),),
    )
    assert list(told(config)) == ["log.file", "listener[1].address"]
