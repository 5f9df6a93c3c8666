"""Reading mailhub.toml: what is wrong is told completely, with place and remedy."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mailhub.config.load import embedded_config, load, parse
from mailhub.config.options import Config
from mailhub.config.problems import ConfigError, Problem

FILE = Path("mailhub.toml")


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        parse(text, FILE)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            "[imap]\nlistne = 1",
            "mailhub.toml:2: imap.listne: unknown option",
            id="nothing like it",
        ),
        pytest.param(
            "[imap]\nmaxline = 9000",
            'mailhub.toml:2: imap.maxline: unknown option (did you mean "max_line"?)',
            id="a misspelt option",
        ),
        pytest.param(
            "[imaap]\nmax_line = 9000",
            'mailhub.toml:1: imaap: unknown option (did you mean "imap"?)',
            id="a misspelt section",
        ),
        pytest.param(
            "data_dir = 5",
            "mailhub.toml:1: data_dir: 5 is not a string (write it in quotes)",
            id="a number for a path",
        ),
        pytest.param(
            '[imap]\nmax_line = "64k"',
            'mailhub.toml:2: imap.max_line: "64k" is not a whole number '
            "(numbers stand without quotes; sizes are octets, times are seconds)",
            id="a size with a unit",
        ),
        pytest.param(
            "[imap]\nmax_bad_commands = true",
            "mailhub.toml:2: imap.max_bad_commands: true is not a whole number",
            id="a truth value is no number",
        ),
        pytest.param(
            "[limits]\nlogin_timeout = nan",
            "mailhub.toml:2: limits.login_timeout: nan is out of range (at least 1)",
            id="not a number at all",
        ),
        pytest.param(
            "[imap]\nidle_heartbeat = 1800",
            "mailhub.toml:2: imap.idle_heartbeat: 1800 is out of range "
            "(at least 1 and at most 1740)",
            id="out of range",
        ),
        pytest.param(
            '[log]\nlevel = "warning"',
            'mailhub.toml:2: log.level: "warning" is not one of "debug", "info", "warn", "error" '
            '(did you mean "warn"?)',
            id="not one of the choices",
        ),
        pytest.param(
            'imap = "yes"',
            'mailhub.toml:1: imap: "yes" is not a section (write [imap])',
            id="a value for a section",
        ),
        pytest.param(
            '[listener]\nprotocol = "imap"',
            "mailhub.toml:1: listener: is a list of sections (write [[listener]] above each)",
            id="one listener written as a section",
        ),
        pytest.param(
            '[imap]\nhidden_capabilities = "IDLE"',
            'mailhub.toml:2: imap.hidden_capabilities: "IDLE" is not a list (write ["IDLE"])',
            id="one value for a list",
        ),
        pytest.param(
            "embedded = true",
            "mailhub.toml:1: embedded: unknown option",
            id="the embedded set-up cannot be configured",
        ),
    ],
)
def test_a_mistake_is_told_with_line_option_and_remedy(text: str, told: str) -> None:
    assert problems(text) == [told]


def test_every_mistake_of_a_file_is_told_at_once_in_the_files_order() -> None:
    told = problems(
        'hostname = "-"\n[imap]\nmax_line = 1\n[[listener]]\naddress = "localhost"\n'
        '[[listener]]\nprotocol = "pop"\naddress = "*:110"\n[pop3]\nexpire = "never"\n'
    )
    assert [line.split(": ")[:2] for line in told] == [
        ["mailhub.toml:1", "hostname"],
        ["mailhub.toml:3", "imap.max_line"],
        ["mailhub.toml:4", "listener[1].protocol"],
        ["mailhub.toml:5", "listener[1].address"],
        ["mailhub.toml:7", "listener[2].protocol"],
        ["mailhub.toml:10", "pop3.expire"],
    ]


def test_text_that_is_not_toml_is_told_with_its_place() -> None:
    (told,) = problems("[imap\nmax_line = 1")
    assert told.startswith("mailhub.toml: is not TOML: ")
    assert "line 1" in told


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file or directory"):
        load(tmp_path / "none.toml")


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    path = tmp_path / "latin1.toml"
    path.write_bytes(b'hostname = "b\xfccher"')
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load(path)


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "mailhub.toml"
    path.write_text("")
    assert load(path) == dataclasses.replace(Config(), data_dir=tmp_path / "var")


def test_a_relative_path_is_taken_from_the_files_folder(tmp_path: Path) -> None:
    path = tmp_path / "mailhub.toml"
    path.write_text('data_dir = "mail"\n[log]\nfile = "mailhub.log"\n')
    config = load(path)
    assert config.data_dir == tmp_path / "mail"
    assert config.log.file == tmp_path / "mailhub.log"


def test_a_problem_without_a_place_still_reads_well() -> None:
    assert str(Problem("imap.max_line", "is odd")) == "imap.max_line: is odd"


def test_the_embedded_set_up_is_on_loopback_only_and_offers_every_protocol(tmp_path: Path) -> None:
    config = embedded_config(tmp_path)
    assert [(ln.protocol, ln.address, ln.tls) for ln in config.listeners] == [
        ("imap", "127.0.0.1:1143", "starttls"),
        ("imap", "127.0.0.1:1993", "implicit"),
        ("pop3", "127.0.0.1:1110", "starttls"),
        ("pop3", "127.0.0.1:1995", "implicit"),
        ("lmtp", "127.0.0.1:1024", "none"),
        ("metrics", "127.0.0.1:1080", "none"),
    ]
    assert config.auth.plaintext == "loopback"


def test_the_ports_of_the_embedded_set_up_can_be_moved_together(tmp_path: Path) -> None:
    addresses = [listener.address for listener in embedded_config(tmp_path, 40_000).listeners]
    assert addresses[0] == "127.0.0.1:41143"
    assert addresses[-1] == "127.0.0.1:41080"


@pytest.mark.parametrize("option", ["lockout_passwords = 61", "lockout_passwords = -1"])
def test_no_more_is_promised_than_is_remembered(tmp_path: Path, option: str) -> None:
    with pytest.raises(ConfigError, match="at least 0 and at most 60"):
        parse(f'[[directory]]\nname = "corp"\n{option}\n', tmp_path / "mailhub.toml")
