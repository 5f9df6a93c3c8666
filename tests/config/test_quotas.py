"""What the quotas of a configuration must keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailhub.config.options import AuthConfig, Config, QuotaConfig, QuotaDomain, QuotaFolder
from mailhub.config.quotas import check_quotas, quota_warnings


def told(config: Config) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    check_quotas(config, lambda key, text, _hint: found.append((key, text)))
    return found


@pytest.mark.parametrize(
    ("quota", "key", "text"),
    [
        (QuotaConfig(folders=(QuotaFolder(""),)), "quota.folder[1].name", "empty"),
        (QuotaConfig(folders=(QuotaFolder("\\Trush"),)), "quota.folder[1].name", "no special use"),
        (QuotaConfig(folders=(QuotaFolder("a//b"),)), "quota.folder[1].name", "no mailbox"),
        (
            QuotaConfig(folders=(QuotaFolder("a", 5, ignore=True),)),
            "quota.folder[1].extra_percent",
            "does not count",
        ),
        (QuotaConfig(domains=(QuotaDomain("@x.org"),)), "quota.domain[1].name", "no domain"),
        (QuotaConfig(domains=(QuotaDomain("X.org"),)), "quota.domain[1].name", "no domain"),
        (
            QuotaConfig(domains=(QuotaDomain("x.org"), QuotaDomain("x.org"))),
            "quota.domain[2].name",
            "already",
        ),
        (QuotaConfig(warn=(0, 80)), "quota.warn", "not 1 to 100"),
        (
            QuotaConfig(domains=(QuotaDomain("x.org", warn=(101,)),)),
            "quota.domain[1].warn",
            "not 1 to 100",
        ),
        (QuotaConfig(webhook="http://x/"), "quota.webhook", "has no quota.webhook_secret_file"),
        (QuotaConfig(webhook_secret_file=Path("x")), "quota.webhook_secret_file", "is not used"),
        (QuotaConfig(warning_template=Path("no such file")), "quota.warning_template", "no such"),
    ],
)
def test_what_cannot_be_meant_is_named(quota: QuotaConfig, key: str, text: str) -> None:
    ((where, what),) = told(Config(quota=quota))
    assert where == key
    assert text in what


def test_the_key_of_the_webhook_is_nobody_else_s(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    quota = QuotaConfig(webhook="ftp://x/", webhook_secret_file=secret)
    secret.write_text("x\n")
    secret.chmod(0o644)
    (_, url), (_, mode) = told(Config(quota=quota))
    assert "no http or https URL" in url
    assert "open to everybody" in mode
    secret.write_text("\n")
    secret.chmod(0o600)
    assert "is empty" in told(Config(quota=quota))[1][1]


@pytest.mark.parametrize(
    ("template", "text"),
    [(b"Subject: {user}\n\n", "{user}, which nothing"), (b"Subject: \xff\n\n", "utf-8")],
)
def test_a_wrong_template_is_refused_before_it_is_used(
    tmp_path: Path, template: bytes, text: str
) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(template)
    ((where, what),) = told(Config(quota=QuotaConfig(warning_template=path)))
    assert where == "quota.warning_template"
    assert text in what


def test_administrators_are_addresses() -> None:
    assert told(Config(auth=AuthConfig(administrators=("alice",))))[0][0] == "auth.administrators"


def test_limits_that_are_probably_not_meant_are_warned_of() -> None:
    domains = (QuotaDomain("x.org", octets=10**12, total_octets=10**10),)
    first, second = quota_warnings(Config(quota=QuotaConfig(octets=5, domains=domains)))
    assert first.startswith("quota.octets is less than one message")
    assert "one account may keep more than all together" in second
