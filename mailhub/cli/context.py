"""What every command is given: its options, the data directory, the ways to fail.

Commands work beside a running server: they open the same files under the same locks, and ring the
bell after each commit.  Run by root, a command first becomes the user who owns the data directory,
because a file that root makes there would be closed to the server.
"""

from __future__ import annotations

import functools
import json
import os
import pwd
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Concatenate, ParamSpec

import click

from mailhub.cli.control import NoServer, ServerRefused, ask
from mailhub.cli.output import Output, Row
from mailhub.config.load import SYSTEM_FILE, embedded_config, load
from mailhub.config.options import Config
from mailhub.config.problems import ConfigError
from mailhub.model.errors import Refusal, Unavailable
from mailhub.rules import Rules
from mailhub.store.hub.bell import Bell
from mailhub.store.hub.database import BUSY_TIMEOUT_MS, HubFile
from mailhub.store.hub.datadir import DataDir

P = ParamSpec("P")

EX_REFUSED = 1
EX_TEMPFAIL = 75  # sysexits.h: trying again later may help


class Failed(click.ClickException):
    """A command that did not do what was asked: one line on standard error."""

    def __init__(self, message: str, exit_code: int = EX_REFUSED, *, as_json: bool = False) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance
        self._as_json = as_json

    def show(self, file: IO[Any] | None = None) -> None:
        text = json.dumps({"error": self.message}) if self._as_json else f"mailhub: {self.message}"
        click.echo(text, file=file, err=True)


class Cli:
    """Opens what a command touches, when it does, and closes it at the end."""

    def __init__(self, config: Path | None, data_dir: Path | None, *, as_json: bool) -> None:
        self._config_file = config
        self._data_dir = data_dir
        self.out = Output(as_json=as_json)
        self.user = os.environ.get("SUDO_USER") or _user_name()
        self._open = ExitStack()

    @cached_property
    def config(self) -> Config:
        """Of --config, or the system's, or the embedded set-up's.  Raises ConfigError."""
        file = self._config_file
        if file is None and self._data_dir is None and SYSTEM_FILE.exists():
            file = SYSTEM_FILE
        if file is not None:
            return load(file)
        return embedded_config(self._data_dir or Path("var"))

    @cached_property
    def rules(self) -> Rules:
        """The ``[[policy]]`` rules of the configuration."""
        return Rules(self.config.policies)

    @cached_property
    def data(self) -> DataDir:
        """The data directory, which must be there already.  Raises UnusableDataDir."""
        data = DataDir(self._data_dir or self.config.data_dir)
        become_owner(data.path)
        data.check()
        return data

    @cached_property
    def new_data(self) -> DataDir:
        """The data directory, made if need be: for the first command of a new server."""
        data = DataDir(self._data_dir or self.config.data_dir)
        become_owner(data.path)
        data.prepare()
        self.data = data
        return data

    @cached_property
    def hub(self) -> HubFile:
        hub = HubFile.open(self.data.hub_db, busy_timeout_ms=BUSY_TIMEOUT_MS)
        self._open.callback(hub.close)
        return hub

    @cached_property
    def bell(self) -> Bell:
        bell = Bell.open(self.data.bell)
        self._open.callback(bell.stop)
        return bell

    def done(self, sentence: str, row: Row, *, password: str = "") -> None:
        """Say what has been done, here and in the log of the running server.

        Only here the *password* that was made.
        """
        if password:
            self.out.done(f"{sentence}, password: {password}", {**row, "password": password})
        else:
            self.out.done(sentence, row)
        action = click.get_current_context().command_path
        try:
            ask(self.data, "admin", action=action, user=self.user, outcome=sentence)
        except (NoServer, ServerRefused, Unavailable):
            return  # it is done; without a server there is no log to tell

    def keep(self, close: Callable[[], object]) -> None:
        """Call *close* at the end, before what was opened earlier is closed."""
        self._open.callback(close)

    def now(self) -> int:
        return int(time.time())

    def __enter__(self) -> Cli:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()


def options(command: Callable[Concatenate[Cli, P], None]) -> Callable[..., None]:
    """Give a command --json, --config and --data-dir, and a Cli as its first argument.

    ``mailhub --data-dir DIR account list`` means what ``mailhub account list --data-dir DIR`` does.
    """

    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @click.option(
        "--config",
        type=click.Path(path_type=Path),
        help=f"Configuration file.  [default: {SYSTEM_FILE} if it exists]",
    )
    @click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        help="Data directory.  [default: what the configuration says, or ./var]",
    )
    @functools.wraps(command)
    def run(
        as_json: bool, config: Path | None, data_dir: Path | None, *args: Any, **kwargs: Any
    ) -> None:
        before_noun = click.get_current_context().find_root().params
        config = config or before_noun.get("config")
        data_dir = data_dir or before_noun.get("data_dir")
        try:
            with Cli(config, data_dir, as_json=as_json) as cli:
                command(cli, *args, **kwargs)
        except ConfigError as error:
            raise Failed(str(error), as_json=as_json) from error
        except Unavailable as error:
            raise Failed(str(error), EX_TEMPFAIL, as_json=as_json) from error
        except Refusal as error:
            raise Failed(str(error), as_json=as_json) from error
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise Failed(_os_error(error), as_json=as_json) from error

    return run


def become_owner(path: Path) -> None:
    """If root: be the user who owns *path* from now on."""
    if os.geteuid() != 0 or not path.exists():
        return
    owner = path.stat()
    if owner.st_uid == 0:
        return
    try:
        os.initgroups(pwd.getpwuid(owner.st_uid).pw_name, owner.st_gid)
    except KeyError:
        os.setgroups([owner.st_gid])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _os_error(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason
