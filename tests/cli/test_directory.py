"""``mailhub directory``: show, check, probe, against a real OpenLDAP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailhub.cli import cli
from mailhub.config.load import load
from mailhub.net.selfsigned import ensure_certificate
from tests.directory.people import BASE, BLIND, PEOPLE, SECRET, SERVICE, SMALL, password
from tests.directory.slapd import Slapd


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    folder = tmp_path_factory.mktemp("cli-slapd")
    ensure_certificate(folder / "tls")
    server = Slapd(folder / "slapd", folder / "tls")
    server.fill()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.touch(mode=0o600)
    path.write_text(SECRET)
    return path


def run(*arguments: object, input: str | None = None) -> Result:  # noqa: A002 - click's name
    return CliRunner().invoke(cli, ["directory", *map(str, arguments)], input=input)


@pytest.fixture
def file(slapd: Slapd, secret: Path, tmp_path: Path) -> Path:
    """A configuration as ``probe`` writes it."""
    found = run(
        "probe", slapd.secure, "--tls-ca", slapd.ca, "--bind-dn", SERVICE,
        "--bind-password-file", secret,
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    path = tmp_path / "mailhub.toml"
    path.write_text(found.output)
    return path


def changed(file: Path, old: str, new: str) -> Path:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return file


def test_what_probe_writes_passes_the_check(file: Path) -> None:
    (directory,) = load(file).directories
    assert (directory.preset, directory.user_base) == ("openldap", PEOPLE)
    checked = run("check", "--config", file)
    assert checked.exit_code == 0, checked.output
    assert {line.split()[0] for line in checked.output.splitlines()} == {"ok"}
    assert "certificate and name verified" in checked.output
    assert "after 3 wrong passwords" in checked.output
    assert "p000@example.org is found" in checked.output


def test_probe_uses_starttls_where_there_is_no_other(slapd: Slapd) -> None:
    found = run("probe", slapd.plain, "--tls-ca", slapd.ca)
    assert found.exit_code == 0
    assert 'tls = "starttls"' in found.output
    assert "searched anonymously" in found.output


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ldap.example.org", "has no scheme"),
        ("ldaps://no.invalid", "does not resolve"),
        ("ldaps://127.0.0.1:1", "connection refused"),
    ],
)
def test_probe_says_why_it_cannot(url: str, told: str) -> None:
    found = run("probe", url)
    assert found.exit_code == 1
    assert told in found.output


def test_probe_trusts_no_unknown_ca(slapd: Slapd) -> None:
    assert "CA that is not trusted" in run("probe", slapd.secure).output


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param(SERVICE, f"cn=other,{BASE}", "or the DN, is wrong", id="bind"),
        pytest.param(SERVICE, BLIND, "may not see it", id="no rights"),
        pytest.param(SERVICE, SMALL, "lift the size limit", id="size limit"),
        pytest.param(
            f'user_base = "{PEOPLE}"', 'user_base = "dc=example,dc=com"',
            'did you mean "dc=example,dc=org"?', id="base",
        ),
        pytest.param(
            f'user_base = "{PEOPLE}"', f'user_base = "ou=groups,{BASE}"',
            "classes there: groupOfNames", id="no people",
        ),
        pytest.param(
            '"openldap"\n', '"openldap"\nuser_filter = "(cn={login})"\n', "does not find p000",
            id="filter",
        ),
        pytest.param(
            "[directory.groups]", '[directory.attributes]\nid = "o"\n[directory.groups]',
            "have no o: uid=p000", id="id",
        ),
        pytest.param(
            "[directory.groups]", '[directory.attributes]\naddress = "o"\n[directory.groups]',
            "nobody has o, attributes.address", id="address",
        ),
        pytest.param('"openldap"\n', '"openldap"\ntls_server_name = "x.org"\n', "another name",
            id="name",
        ),
        pytest.param(
            '"openldap"\n', '"openldap"\ndomains = ["x.org"]\n',
            "20 of 20 have no address in x.org: p000@example.org", id="domains",
        ),
        pytest.param(
            '"openldap"\n', '"openldap"\nstanding = "active-directory"\n',
            "nobody has userAccountControl", id="standing",
        ),
        pytest.param(
            '"openldap"\n',
            '"openldap"\nmode = "template-bind"\ndn_template = "uid={local},dc=x"\n',
            "it makes uid=p000,dc=x of 20 of 20", id="template",
        ),
        pytest.param(
            "[directory.groups]", '[directory.attributes]\nlogin = "cn;x"\n[directory.groups]',
            "have no cn;x", id="login",
        ),
        pytest.param(
            "[directory.groups]", '[directory.attributes]\nid = "objectClass"\n[directory.groups]',
            "20 of 20 have the same objectClass", id="the same id",
        ),
    ],
)  # fmt: skip
def test_the_check_names_the_mistake(file: Path, old: str, new: str, told: str) -> None:
    checked = run("check", "--config", changed(file, old, new))
    assert checked.exit_code == 1
    assert told in checked.output
    assert "error" in checked.output


@pytest.mark.parametrize(
    ("attribute", "told"),
    [
        ('quota = "sn"', "quota       sn of uid=p000"),
        ('protocols = "sn"', "is 'p000', no list of imap and pop3"),
        ('disabled = "employeeTipe"', "nobody has employeeTipe"),
        ('id = "uid"', "uid may change, or be given to somebody else"),
    ],
)
def test_an_attribute_that_says_something_else_is_named(
    file: Path, attribute: str, told: str
) -> None:
    text = f"[directory.attributes]\n{attribute}\n[directory.groups]"
    checked = run("check", "--config", changed(file, "[directory.groups]", text))
    assert checked.exit_code == 0
    assert f"warning  {attribute.split()[0]:<11} " in checked.output
    assert told in checked.output


def test_groups_are_never_silently_missing(file: Path) -> None:
    elsewhere = changed(file, f'base = "{BASE}"', f'base = "{PEOPLE}"')
    checked = run("check", "--config", elsewhere)
    assert f"there is none below {PEOPLE} that matches" in checked.output
    by_entry = changed(file, "[directory.groups]", '[directory.groups]\nmode = "memberOf"')
    assert "ok       groups      by memberOf" in run("check", "--config", by_entry).output
    students = changed(by_entry, f'user_base = "{PEOPLE}"', f'user_base = "ou=students,{PEOPLE}"')
    assert "nobody has the attribute memberOf" in run("check", "--config", students).output


def test_a_lock_out_policy_that_cannot_be_read_is_named(file: Path) -> None:
    lost = changed(file, '"openldap"\n', f'"openldap"\nlockout_policy = "cn=lost,{BASE}"\n')
    checked = run("check", "--config", lost)
    assert f"warning  lock-out    the lock-out policy cn=lost,{BASE}" in checked.output
    assert "lockout_policy or lockout_counter is wrong" in checked.output
    none = changed(file, "lockout_policy", 'lockout_counter = "none"\nlockout_policy')
    assert "lock-out" not in run("check", "--config", none).output


def test_a_port_without_tls_is_named(file: Path, slapd: Slapd) -> None:
    checked = run("check", "--config", changed(file, str(slapd.tls_port), str(slapd.port)))
    assert 'hung up during the TLS handshake; tls = "starttls"' in checked.output


def test_a_port_with_tls_is_named(file: Path, slapd: Slapd) -> None:
    starttls = changed(file, f'["{slapd.secure}"]', f'["ldap://127.0.0.1:{slapd.tls_port}"]')
    changed(starttls, 'preset = "openldap"', 'preset = "openldap"\ntls = "starttls"')
    checked = run("check", "--config", starttls)
    assert "the port may be for TLS from the start" in checked.output


def test_one_person_is_followed_step_by_step(file: Path) -> None:
    asked = ("check", "--config", file, "--user", "alice")
    found = run(*asked)
    assert found.exit_code == 0
    assert "(|(uid=alice)(mail=alice))" in found.output
    right = run(*asked, "--password", input=password("alice") + "\n")
    assert "alice is let in" in right.output
    assert password("alice") not in right.output
    wrong = run(*asked, "--password", input="guess\n")
    assert wrong.exit_code == 1
    assert "invalidCredentials" in wrong.output
    nobody = run("check", "--config", file, "--user", "x*")
    assert nobody.exit_code == 1
    assert r"uid=x\2a" in nobody.output


def test_findings_are_json_for_programs(file: Path) -> None:
    found = json.loads(run("check", "--config", file, "--json").output)
    assert {finding["level"] for finding in found} == {"ok"}


def test_show_prints_everything_in_a_form_that_can_be_used(file: Path, tmp_path: Path) -> None:
    shown = run("show", "corp", "--config", file)
    assert "user_filter = " in shown.output
    again = tmp_path / "again.toml"
    again.write_text(shown.output)
    assert load(again).directories[0].groups.nested == "yes"
    assert run("show", "--preset", "active-directory").output.count("objectGUID") == 1
    assert "no directory other, there is corp" in run("show", "other", "--config", file).output


def test_without_a_directory_the_way_to_one_is_told(tmp_path: Path) -> None:
    file = tmp_path / "mailhub.toml"
    file.write_text("")
    assert "mailhub directory probe" in run("check", "--config", file).output
