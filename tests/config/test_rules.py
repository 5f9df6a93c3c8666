"""What options must keep among themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailhub.config.options import (
    AuthConfig,
    Config,
    DeliveryConfig,
    ImapConfig,
    Limits,
    Listener,
    LmtpConfig,
    Pop3Config,
    TlsConfig,
)
from mailhub.config.rules import check_rules, warnings


def told(config: Config) -> dict[str, str]:
    found: dict[str, str] = {}
    check_rules(config, lambda key, text, _hint: found.update({key: text}))
    return found


IMAP = Listener("imap", "127.0.0.1:143", "starttls")


@pytest.mark.parametrize(
    ("config", "key"),
    [
        pytest.param(Config(hostname="mail server"), "hostname", id="a space in the host name"),
        pytest.param(
            Config(listeners=(replace(IMAP, mode="0999"),)), "listener[1].mode", id="not octal"
        ),
        pytest.param(
            Config(listeners=(replace(IMAP, proxy_from=("10.0.0.1/8",)),)),
            "listener[1].proxy_from",
            id="host bits in a network",
        ),
        pytest.param(
            Config(listeners=(Listener("metrics", "*:9143"),)),
            "listener[1].address",
            id="metrics for everybody",
        ),
        pytest.param(
            Config(listeners=(Listener("metrics", "127.0.0.1:9143", tls="implicit"),)),
            "listener[1].tls",
            id="metrics with TLS",
        ),
        pytest.param(
            Config(listeners=(Listener("metrics", "127.0.0.1:9143", proxy=True),)),
            "listener[1].proxy",
            id="metrics with a PROXY header",
        ),
        pytest.param(
            Config(listeners=(IMAP, Listener("pop3", "localhost:143"))),
            "listener[2].address",
            id="an address used twice",
        ),
        pytest.param(Config(tls=TlsConfig(ciphers="NONSENSE")), "tls.ciphers", id="no cipher"),
        pytest.param(
            Config(auth=AuthConfig(default_domain="@example.org")),
            "auth.default_domain",
            id="an address for a domain",
        ),
        pytest.param(
            Config(lmtp=LmtpConfig(default_domain="a b")), "lmtp.default_domain", id="a space"
        ),
        pytest.param(
            Config(delivery=DeliveryConfig(recipient_delimiter="@")),
            "delivery.recipient_delimiter",
            id="the at sign as delimiter",
        ),
        pytest.param(Config(pop3=Pop3Config(expire="30d")), "pop3.expire", id="days with a unit"),
        pytest.param(
            Config(imap=ImapConfig(hidden_capabilities=("IMAP4REV1",))),
            "imap.hidden_capabilities",
            id="the protocol itself hidden",
        ),
        pytest.param(
            Config(imap=ImapConfig(hidden_capabilities=("idle now",))),
            "imap.hidden_capabilities",
            id="no capability",
        ),
        pytest.param(
            Config(imap=ImapConfig(max_line=65536, max_command=9000)),
            "imap.max_command",
            id="a command shorter than its line",
        ),
    ],
)
def test_what_cannot_work_is_told(config: Config, key: str) -> None:
    assert list(told(config)) == [key]


@pytest.mark.parametrize(
    "uidl_format",
    [
        pytest.param("{uidvalidity}", id="without the UID"),
        pytest.param("{uid} {uidvalidity}", id="a space"),
        pytest.param("{uid:080}", id="more than 70 characters"),
        pytest.param("{uidl}", id="an unknown name"),
        pytest.param("{uid", id="a brace missing"),
        pytest.param("{uid:08q}", id="an unknown conversion"),
        pytest.param("{uid.real.x}", id="an attribute"),
        pytest.param("ü{uid}", id="not ASCII"),
        pytest.param("{0}", id="a position"),
    ],
)
def test_a_uidl_format_must_give_ids_that_pop3_allows(uidl_format: str) -> None:  # 1939 7
    assert list(told(Config(pop3=Pop3Config(uidl_format=uidl_format)))) == ["pop3.uidl_format"]


@pytest.mark.parametrize("uidl_format", ["{uid}", "{uidvalidity}.{uid}", "UID{uid}-{uidvalidity}"])
def test_formats_of_other_servers_can_be_written(uidl_format: str) -> None:
    assert told(Config(pop3=Pop3Config(uidl_format=uidl_format))) == {}


def test_listeners_on_any_free_port_do_not_collide() -> None:
    free = Listener("imap", "127.0.0.1:0", "starttls")
    assert told(Config(listeners=(free, free))) == {}


@pytest.mark.parametrize(
    ("config", "part"),
    [
        pytest.param(
            Config(listeners=(Listener("imap", "127.0.0.1:143"),)),
            "nobody can log in",
            id="no TLS and no clear passwords",
        ),
        pytest.param(
            Config(
                listeners=(Listener("pop3", "*:110", "starttls"),),
                auth=AuthConfig(plaintext="always"),
            ),
            "in clear over the network",
            id="clear passwords",
        ),
        pytest.param(
            Config(listeners=(Listener("lmtp", "*:24"),)), "deliver mail to anybody", id="open LMTP"
        ),
        pytest.param(
            Config(listeners=(IMAP,), limits=Limits(idle_timeout=60)), "9051 5.4", id="IMAP timeout"
        ),
        pytest.param(
            Config(listeners=(IMAP,), limits=Limits(pop3_idle_timeout=60)),
            "1939 3",
            id="POP3 timeout",
        ),
        pytest.param(Config(), "nothing is served", id="no listener"),
    ],
)
def test_what_is_probably_not_meant_is_said(config: Config, part: str) -> None:
    assert told(config) == {}
    (warning,) = warnings(config)
    assert part in warning


def test_a_usual_configuration_gives_no_warning() -> None:
    assert list(warnings(Config(listeners=(IMAP,)))) == []
