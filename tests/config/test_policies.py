"""``[[policy]]``: every mistake is named, and what can never decide anything is warned of."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from mailhub.config.check import advise, describe
from mailhub.config.load import parse
from mailhub.config.problems import ConfigError

LISTENER = '[[listener]]\nprotocol = "imap"\naddress = "127.0.0.1:0"\ntls = "implicit"\n'


def rule(text: str, name: str = "staff") -> str:
    return f'{LISTENER}[[policy]]\nname = "{name}"\n{text}\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('networks = ["10.0.0.1/8"]', 'networks: "10.0.0.1/8": 10.0.0.1/8 has host bits set'),
        ('networks = ["10.0.0.1/8"]', '(write "10.0.0.0/8")'),
        ('networks = ["here"]', "10.0.0.0/8, say"),
        ('protocols = ["imap", "smtp"]', '"smtp" is not one of "imap", "pop3"'),
        ('protocols = "imap"', 'write ["imap"]'),
        ("max_connections = -1", "out of range"),
        ('delivery = "no"', 'is not one of "accept", "refuse"'),
        ("", "says nothing about anything"),
        ('over = ["pop3"]\nprotocols = []', "over: says for which protocols networks holds"),
        ('over = ["smtp"]\nnetworks = []', '"smtp" is not one of "imap", "pop3"'),
        ('groups = ["staff"]', "says nothing about anything"),
        ('protocols = []\ndirectories = ["corp"]', '"corp" is no directory'),
        ('protocols = []\ndomains = ["@example.org"]', "without an @"),
        ('protocols = []\naccounts = ["alice"]', "is not an address"),
        ('protocols = []\ngroups = ["cn=a,b"]', "is not a distinguished name"),
        ('protocols = []\ngroup = ["a"]', 'did you mean "groups"?'),
    ],
)
def test_mistakes_are_named(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as bad:
        parse(rule(text), Path("mailhub.toml"))
    assert told in str(bad.value)


def test_names_are_given_and_different() -> None:
    text = LISTENER + '[[policy]]\nprotocols = []\n[[policy]]\nname = ""\nprotocols = []\n'
    with pytest.raises(ConfigError) as bad:
        parse(text, Path("mailhub.toml"))
    assert "policy[1].name: is missing" in str(bad.value)
    assert "policy[2].name: is empty" in str(bad.value)
    again = '[[policy]]\nname = "staff"\nprotocols = []\n'
    with pytest.raises(ConfigError, match=r"policy\[2\].name: \"staff\" is policy\[1\] already"):
        parse(rule("protocols = []") + again, Path("mailhub.toml"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'protocols = ["imap"]\n[[policy]]\nname = "late"\naccounts = ["a@b.c"]\nprotocols = []',
            "policy late: a rule for everybody above it has decided protocols",
        ),
        (
            'networks = []\nover = ["imap"]\n[[policy]]\nname = "late"\nnetworks = []\n'
            'over = ["imap"]',
            "policy late: a rule for everybody above it has decided networks",
        ),
        ('groups = ["x"]\ndelivery = "refuse"', "policy staff: nobody is in a group"),
        ("networks = []", "policy staff: networks is empty"),
        ("protocols = []", "policy staff: protocols is empty"),
    ],
)
def test_what_is_probably_not_meant_is_warned_of(text: str, told: str) -> None:
    config = parse(rule(text), Path("mailhub.toml"))
    assert any(line.startswith(told) for line in advise(config))


def test_a_rule_about_the_other_protocol_is_not_said_in_vain() -> None:
    text = 'networks = []\nover = ["imap"]\n[[policy]]\nname = "late"\nnetworks = ["::/0"]'
    for more in ("", '\nover = ["pop3"]'):
        config = parse(rule(text + more), Path("mailhub.toml"))
        assert not any("late" in line for line in advise(config))


def test_a_rule_is_described_in_a_sentence() -> None:
    text = 'domains = ["a.example"]\nprotocols = ["imap"]\nmax_connections = 0\ndelivery = "refuse"'
    plan = describe(parse(rule(text), Path("mailhub.toml")))
    assert (
        "policy staff (domains: a.example): log-in over imap, any number of connections,"
        " mail is refused"
    ) in plan


def test_the_example_of_the_documentation_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "policy.rst").read_text()
    example = page.partition("A rule has conditions and settings::\n")[2].partition("\nWhom a")[0]
    directory = (
        '[[directory]]\nname = "corp"\nservers = ["ldaps://ldap.example.org"]\n'
        'preset = "openldap"\nuser_base = "dc=example,dc=org"\n'
    )
    config = parse(LISTENER + directory + textwrap.dedent(example), Path("mailhub.toml"))
    assert [rule.name for rule in config.policies] == [
        "boardroom",
        "contractors",
        "leavers",
        "POP3 in the office only",
    ]
    told = [line for line in advise(config) if line.startswith("policy")]
    assert told == ["policy leavers: protocols is empty, so nobody it matches can log in"]
