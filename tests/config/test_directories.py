"""What is told about a [[directory]] before anybody is asked."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailhub.config.convert import options_of
from mailhub.config.directories import check_directories, directory_warnings
from mailhub.config.load import parse
from mailhub.config.options import Config, DirectoryAttributes, DirectoryConfig, DirectoryGroups
from mailhub.config.presets import PRESETS, in_full, written_out
from mailhub.config.problems import ConfigError
from mailhub.net.selfsigned import ensure_certificate

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "directory.rst"
COMPLETION = """\
[[directory]]
name = "corp"
servers = ["ldaps://ldap.example.org"]
preset = "openldap"
user_base = "dc=example,dc=org"
"""


@pytest.fixture
def good(tmp_path: Path) -> DirectoryConfig:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("a password\n")
    ensure_certificate(tmp_path / "tls")
    return DirectoryConfig(
        "corp",
        servers=("ldaps://ldap.example.org",),
        preset="openldap",
        tls_ca=tmp_path / "tls" / "ca.pem",
        bind_dn="cn=mailhub,dc=example,dc=org",
        bind_password_file=secret,
        user_base="dc=example,dc=org",
    )


def told(*directories: DirectoryConfig) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    check_directories(
        Config(directories=directories), lambda key, text, hint: found.update({key: (text, hint)})
    )
    return {key.removeprefix("directory[1]."): value for key, value in found.items()}


Change = Callable[[DirectoryConfig, Path], DirectoryConfig]


def options(**changes: object) -> Change:
    return lambda directory, _: replace(directory, **changes)  # type: ignore[arg-type]


def attributes(**changes: object) -> Change:
    changed = replace(DirectoryAttributes(), **changes)  # type: ignore[arg-type]
    return lambda directory, _: replace(directory, attributes=changed)


def groups(**changes: object) -> Change:
    changed = replace(DirectoryGroups(), **changes)  # type: ignore[arg-type]
    return lambda directory, _: replace(directory, groups=changed)


def secret(text: bytes, mode: int = 0o600) -> Change:
    def changed(directory: DirectoryConfig, folder: Path) -> DirectoryConfig:
        path = folder / "other"
        path.write_bytes(text)
        path.chmod(mode)
        return replace(directory, bind_password_file=path)

    return changed


def authority(text: bytes) -> Change:
    def changed(directory: DirectoryConfig, folder: Path) -> DirectoryConfig:
        path = folder / "other.pem"
        path.write_bytes(text)
        return replace(directory, tls_ca=path)

    return changed


TEMPLATE = {"mode": "template-bind", "dn_template": "uid={local},dc=x"}
NO_FILE = Path("no such file")


@pytest.mark.parametrize(
    ("change", "key", "text", "hint"),
    [
        pytest.param(options(name="a b"), "name", "is not a name", "", id="name"),
        pytest.param(options(servers=()), "servers", "there is none", "ldaps://", id="no server"),
        pytest.param(
            options(servers=("ldap.x.org",)),
            "servers",
            "no scheme",
            "ldaps://ldap.x.org",
            id="host",
        ),
        pytest.param(
            options(servers=("ldapi:///x",)), "servers", "neither", "ldaps://host", id="ldapi"
        ),
        pytest.param(
            options(servers=("ldap://x.org",)), "servers", "in clear", "ldaps://x.org", id="clear"
        ),
        pytest.param(
            options(tls="starttls"), "servers", "from the start", 'tls = "ldaps"', id="starttls"
        ),
        pytest.param(
            options(tls="starttls", servers=("ldap://x.org:636",)),
            "servers",
            "636 is for TLS",
            "ldaps://x.org:636",
            id="starttls on 636",
        ),
        pytest.param(
            options(servers=("ldaps://",)), "servers", "not name a host", "", id="no host"
        ),
        pytest.param(
            options(servers=("ldaps://x.org:70000",)), "servers", "no possible port", "", id="port"
        ),
        pytest.param(
            options(servers=("ldaps://x.org/dc=x",)), "servers", "more than", "user_base", id="path"
        ),
        pytest.param(
            options(servers=("ldaps://<host>",)),
            "servers",
            "<host> is still",
            "",
            id="pointed host",
        ),
        pytest.param(options(tls_ca=NO_FILE), "tls_ca", "no such file", "", id="no CA file"),
        pytest.param(authority(b"x"), "tls_ca", "no PEM certificate", "BEGIN", id="no PEM"),
        pytest.param(
            options(tls="none-i-understand", servers=("ldap://x",)),
            "tls_ca",
            "is not used",
            "ldaps",
            id="a CA without TLS",
        ),
        pytest.param(
            options(bind_password_file=None),
            "bind_dn",
            "no bind_password_file",
            "anonymous",
            id="no password",
        ),
        pytest.param(
            options(bind_dn=""), "bind_password_file", "without a bind_dn", "", id="no name"
        ),
        pytest.param(
            options(bind_dn="mailhub"), "bind_dn", "not a distinguished name", "dc=", id="no DN"
        ),
        pytest.param(
            options(bind_dn="mailhub", preset="active-directory"),
            "bind_dn",
            "no bind name",
            "name@domain",
            id="no principal",
        ),
        pytest.param(
            options(bind_password_file=NO_FILE),
            "bind_password_file",
            "no such file",
            "",
            id="no password file",
        ),
        pytest.param(
            secret(b"x", 0o644), "bind_password_file", "open to everybody", "chmod", id="readable"
        ),
        pytest.param(secret(b"\n"), "bind_password_file", "is empty", "anonymous", id="empty file"),
        pytest.param(secret(b"\xff"), "bind_password_file", "not UTF-8", "", id="binary file"),
        pytest.param(options(user_base=""), "user_base", "is missing", "dc=", id="no base"),
        pytest.param(options(user_base="people"), "user_base", "not a dist", "", id="bad base"),
        pytest.param(
            options(user_base="dc=<domain>"),
            "user_base",
            "<domain> is still",
            "",
            id="pointed base",
        ),
        pytest.param(
            options(user_filter="(uid=%s)"), "user_filter", "%s is not replaced", "{login}", id="%s"
        ),
        pytest.param(options(user_filter="(uid=x)"), "user_filter", "everybody", "", id="no place"),
        pytest.param(
            options(address_filter="(mail={login})"),
            "address_filter",
            "{login} is not",
            "{address}",
            id="other place",
        ),
        pytest.param(
            options(people_filter="(mail=*"), "people_filter", "never closed", "", id="people"
        ),
        pytest.param(
            options(preset="custom"), "user_filter", "is missing", "{login}", id="custom, no filter"
        ),
        pytest.param(
            options(preset="custom"), "attributes.id", "is missing", "entryUUID", id="custom, no id"
        ),
        pytest.param(
            options(mode="template-bind"), "mode", "needs a dn_template", "uid=", id="no template"
        ),
        pytest.param(
            options(dn_template="uid={local},dc=x"),
            "dn_template",
            "is not used",
            "template-bind",
            id="template unused",
        ),
        pytest.param(
            options(mode="template-bind", dn_template="uid=x,dc=y"),
            "dn_template",
            "same person",
            "",
            id="template without a place",
        ),
        pytest.param(
            options(mode="template-bind", dn_template="uid=%u,dc=y"),
            "dn_template",
            "%u is not",
            "",
            id="template with %u",
        ),
        pytest.param(attributes(id="-"), "attributes.id", "is missing", "", id="no id"),
        pytest.param(attributes(name="a b"), "attributes.name", "not the name", "", id="attribute"),
        pytest.param(
            groups(mode="tokenGroups"), "groups.mode", "only Active", "search", id="token"
        ),
        pytest.param(groups(base="groups"), "groups.base", "not a dist", "", id="groups' base"),
        pytest.param(groups(filter="(member=x)"), "groups.filter", "neither", "", id="no member"),
        pytest.param(
            groups(filter="(memberUid={name})"),
            "groups.filter",
            "nothing can be nested",
            'nested = "no"',
            id="nested by name",
        ),
        pytest.param(
            options(request_timeout=1.0), "request_timeout", "less than", "5", id="impatient"
        ),
        pytest.param(options(domains=("a@b",)), "domains", "not a domain", "", id="domain"),
        pytest.param(
            options(servers=("ldaps://a:b@x.org",)), "servers", "user before", "bind_dn", id="user"
        ),
        pytest.param(
            options(people_filter="(uid={login})"),
            "people_filter",
            "{login} is not",
            "everybody",
            id="one person",
        ),
        pytest.param(
            options(lockout_policy="default"),
            "lockout_policy",
            "distinguished name",
            "",
            id="policy",
        ),
        pytest.param(
            options(lockout_policy="cn=x", lockout_counter="none"),
            "lockout_policy",
            "not used",
            "",
            id="policy of nothing",
        ),
        pytest.param(
            options(mode="template-bind", dn_template="{local}=x,dc=x"),
            "dn_template",
            "name of an attribute",
            "",
            id="attribute of a DN",
        ),
    ],
)
def test_a_mistake_is_named_with_what_to_write(
    good: DirectoryConfig, tmp_path: Path, change: Change, key: str, text: str, hint: str
) -> None:
    found = told(change(good, tmp_path))
    assert key in found, found
    assert text in found[key][0].lower() or text in found[key][0]
    assert hint in found[key][1]


def test_a_good_one_is_silent(good: DirectoryConfig) -> None:
    assert told(good) == {}
    assert list(directory_warnings(Config(directories=(good,)))) == []
    assert told(replace(good, **TEMPLATE)) == {}  # type: ignore[arg-type]


def test_two_of_one_name_are_refused(good: DirectoryConfig) -> None:
    assert "is directory[1] already" in told(good, good)["directory[2].name"][0]


def test_what_is_risky_is_said(good: DirectoryConfig) -> None:
    risky = replace(good, tls="none-i-understand", tls_ca=None, bind_dn="", bind_password_file=None)
    said = " ".join(directory_warnings(Config(directories=(risky,))))
    assert "cross the network in clear" in said
    assert "searched anonymously" in said


@pytest.mark.parametrize(
    ("name", "is_risky"), [("UID", True), ("mail", True), ("entryUUID", False)]
)
def test_an_id_that_can_be_changed_is_risky(
    good: DirectoryConfig, name: str, is_risky: bool
) -> None:
    named = replace(good, attributes=DirectoryAttributes(id=name))
    said = " ".join(directory_warnings(Config(directories=(named,))))
    assert (f"attributes.id is {name}" in said) == is_risky


def test_a_template_alone_leaves_some_things_undone(good: DirectoryConfig) -> None:
    alone = replace(good, bind_dn="", bind_password_file=None, user_base="", **TEMPLATE)  # type: ignore[arg-type]
    said = " ".join(directory_warnings(Config(directories=(alone,))))
    assert "groups are searched for anonymously" in said
    assert "what it counts before a lock-out cannot be read" in said
    assert "no mail is delivered" in said
    assert told(replace(alone, groups=DirectoryGroups(mode="none"))) == {}


@pytest.mark.parametrize("preset", sorted(set(PRESETS) - {"custom"}))
def test_every_preset_is_complete_and_right(good: DirectoryConfig, preset: str) -> None:
    directory = replace(good, preset=preset)  # type: ignore[arg-type]
    assert told(directory) == {}
    full = in_full(directory)
    assert "preset" not in (full.standing, full.groups.mode, full.groups.nested)
    assert in_full(full) == full


def test_a_given_option_goes_before_the_preset(good: DirectoryConfig) -> None:
    own = replace(
        good,
        user_filter="(cn={login})",
        attributes=DirectoryAttributes(name="displayName", login="-", aliases=("-",)),
    )
    full = in_full(own)
    assert full.user_filter == "(cn={login})"
    assert full.attributes.name == "displayName"
    assert (full.attributes.login, full.attributes.aliases) == ("", ())
    assert full.attributes.id == "entryUUID"
    assert full.groups.base == good.user_base


@pytest.mark.parametrize(
    ("preset", "changes", "key", "text"),
    [
        (
            "openldap",
            {"aliases": ("mailAlias", "other")},
            "address_filter",
            "(|(mail={address})(mailAlias={address})(other={address}))",
        ),
        ("openldap", {"address": "box"}, "address_filter", "(box={address})"),
        ("openldap", {"address": "box", "login": "cn"}, "user_filter", "(|(cn={login})(box={login"),
        ("openldap", {"address": "box"}, "people_filter", "(box=*)"),
        ("openldap", {"login": "-"}, "user_filter", "(uid={login})"),
        (
            "active-directory",
            {"aliases": ("proxyAddresses", "other")},
            "address_filter",
            "(|(|(mail={address})(other={address}))(proxyAddresses=smtp:{address}))",
        ),
    ],
)
def test_a_presets_filters_follow_the_attributes(
    good: DirectoryConfig, preset: Any, changes: dict[str, Any], key: str, text: str
) -> None:
    own = replace(good, preset=preset, attributes=DirectoryAttributes(**changes))
    assert text in getattr(in_full(own), key)
    assert told(own) == {}
    assert in_full(written_out(own)) == in_full(own)


def test_a_file_may_hold_several(tmp_path: Path) -> None:
    text = "\n".join(
        f'[[directory]]\nname = "{name}"\nservers = ["ldaps://{name}"]\npreset = "lldap"\n'
        f'user_base = "dc={name}"\n[directory.groups]\nmode = "none"\n'
        for name in ("one", "two")
    )
    config = parse(text, tmp_path / "mailhub.toml")
    assert [directory.groups.mode for directory in config.directories] == ["none", "none"]
    assert "directory" in options_of(Config)


def test_a_mistake_has_its_line(tmp_path: Path) -> None:
    text = '[[directory]]\nname = "x"\nservers = ["ldaps://x"]\npreset = "openldp"\n'
    with pytest.raises(ConfigError) as error:
        parse(text, tmp_path / "mailhub.toml")
    assert 'mailhub.toml:4: directory[1].preset: "openldp" is not one of' in str(error.value)
    assert 'did you mean "openldap"?' in str(error.value)
    assert len(error.value.problems) == 1  # nothing that the right preset would have said


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('base_dn = "dc=x"', '5: directory[1].base_dn: unknown option (did you mean "user_base"?)'),
        ("bind_password = 1", '5: directory[1].bind_password: unknown option (did you mean "bind_'),
        (
            '[directory.attributes]\nemail = "mail"',
            '6: directory[1].attributes.email: unknown option (did you mean "address"?)',
        ),
        ('[directory.groups]\nmode = "x"', '6: directory[1].groups.mode: "x" is not one of'),
    ],
)
def test_an_option_of_another_server_is_named_as_here(tmp_path: Path, line: str, told: str) -> None:
    text = f'[[directory]]\nname = "x"\nservers = ["ldaps://x"]\npreset = "openldap"\n{line}\n'
    with pytest.raises(ConfigError) as error:
        parse(text, tmp_path / "mailhub.toml")
    assert f"mailhub.toml:{told}" in str(error.value)


def examples() -> list[str]:
    """The sections in docs/directory.rst, those without a [[directory]] completed by one."""
    blocks = re.findall(
        r"^\.\. code-block:: toml\n\n((?:   .*\n|\n)+)", DOCUMENTATION.read_text(), re.MULTILINE
    )
    return [
        block if "[[directory]]" in block else f"{COMPLETION}{block}"
        for block in map(textwrap.dedent, blocks)
    ]


@pytest.mark.parametrize("text", examples())
def test_every_example_in_the_documentation_is_right(
    good: DirectoryConfig, tmp_path: Path, text: str
) -> None:
    text = re.sub(r'(bind_password_file = ").*"', rf'\1{good.bind_password_file}"', text)
    text = re.sub(r'(tls_ca = ").*"', rf'\1{good.tls_ca}"', text)
    assert len(parse(text, tmp_path / "mailhub.toml").directories) == 1
