"""The directories of the configuration, as a command names them."""

from __future__ import annotations

from collections.abc import Sequence

from mailhub.cli.context import Cli, Failed
from mailhub.config.options import DirectoryConfig


def configured(cli: Cli, name: str | None) -> Sequence[DirectoryConfig]:
    """The directory of that name, or all.  Raises Failed."""
    known = cli.config.directories
    if not known:
        hint = "the configuration has no [[directory]]; mailhub directory probe writes one"
        raise Failed(hint, as_json=cli.out.as_json)
    chosen = [directory for directory in known if name in (None, directory.name)]
    if not chosen:
        names = ", ".join(directory.name for directory in known)
        raise Failed(f"no directory {name}, there is {names}", as_json=cli.out.as_json)
    return chosen
