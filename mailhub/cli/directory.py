"""``mailhub directory``: what a directory is set up to do, and whether it does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from mailhub.cli.context import Cli, Failed, options
from mailhub.cli.directories import configured
from mailhub.cli.leavers import COMMANDS
from mailhub.cli.output import counted, printable
from mailhub.config.ldap import split_server
from mailhub.config.options import DirectoryConfig
from mailhub.config.presets import PRESETS, written_out
from mailhub.config.templates import BadTemplate
from mailhub.directory.diagnosis import Diagnosis, prove
from mailhub.directory.findings import Finding
from mailhub.directory.probe import default_tls, probe, section
from mailhub.directory.troubles import Trouble


@click.group("directory")
def group() -> None:
    """The directories that people are looked up in."""


for command in COMMANDS:
    group.add_command(command)


@group.command()
@click.argument("name", required=False)
@click.option("--preset", type=click.Choice(sorted(PRESETS)), help="Of a product instead.")
@options
def show(cli: Cli, name: str | None, preset: str | None) -> None:
    """Print every option of a directory with what its preset stands for."""
    if preset is not None:
        chosen: Sequence[DirectoryConfig] = [DirectoryConfig("example", preset=preset)]  # type: ignore[arg-type]
    else:
        chosen = configured(cli, name)
    full = [written_out(directory) for directory in chosen]
    if cli.out.as_json:
        cli.out.json([asdict(directory) for directory in full])
        return
    cli.out.lines(section(directory, everything=True) for directory in full)


@group.command()
@click.argument("name", required=False)
@click.option("--user", help="Look this log-in name up, and print each step.")
@click.option("--password", is_flag=True, help="Ask for the user's password and prove it.")
@options
def check(cli: Cli, name: str | None, user: str | None, password: bool) -> None:
    """Try TLS, bind, base, paging, groups and a look-up on every server of a directory."""
    if password and user is None:
        raise click.UsageError("--password needs --user")
    chosen = configured(cli, name)
    if user is None:
        found = (f for directory in chosen for f in Diagnosis(directory).run())
    else:
        secret = click.prompt("Password", hide_input=True, err=True) if password else None
        found = (f for directory in chosen for f in prove(directory, user, secret))
    _tell(cli, found)


@group.command("probe")
@click.argument("url")
@click.option("--name", default="corp", show_default=True, help="Of the directory.")
@click.option("--tls-ca", type=click.Path(path_type=Path, exists=True, resolve_path=True))
@click.option("--plain", is_flag=True, help="Without TLS: passwords cross the network in clear.")
@click.option("--bind-dn", default="", help="Who searches.")
@click.option(
    "--bind-password-file", type=click.Path(path_type=Path, exists=True, resolve_path=True)
)
@click.option("--base", default="", help="Below which people are, if the guess is wrong.")
@options
def probe_command(
    cli: Cli,
    url: str,
    name: str,
    tls_ca: Path | None,
    plain: bool,
    bind_dn: str,
    bind_password_file: Path | None,
    base: str,
) -> None:
    """Guess the product of the LDAP server at URL and print a [[directory]] for it."""
    if bool(bind_dn) != bool(bind_password_file):
        raise click.UsageError("--bind-dn and --bind-password-file belong together")
    try:
        split_server(url)
        directory = DirectoryConfig(
            name,
            servers=(url,),
            tls="none-i-understand" if plain else default_tls(url),
            tls_ca=tls_ca,
            bind_dn=bind_dn,
            bind_password_file=bind_password_file,
            user_base=base,
        )
        found = probe(directory)
    except BadTemplate as bad:
        raise Failed(f"{bad} ({bad.hint})", as_json=cli.out.as_json) from bad
    except Trouble as trouble:
        raise Failed(f"{url}: {trouble}", as_json=cli.out.as_json) from trouble
    if cli.out.as_json:
        cli.out.json({"notes": found.notes, **asdict(found.directory)})
        return
    cli.out.lines(f"# {printable(note)}" for note in found.notes)
    cli.out.lines([section(found.directory)])


def _tell(cli: Cli, found: Iterable[Finding]) -> None:
    errors = 0
    rows = []
    for finding in found:
        errors += finding.level == "error"
        rows.append(asdict(finding))
        if not cli.out.as_json:
            hint = f" ({finding.hint})" if finding.hint else ""
            line = f"{finding.level:<8} {finding.about:<11} {finding.text}{hint}"
            cli.out.lines([printable(line)])
    if cli.out.as_json:
        cli.out.json(rows)
    if errors:
        raise Failed(f"{counted(errors, 'problem')} found", as_json=cli.out.as_json)
