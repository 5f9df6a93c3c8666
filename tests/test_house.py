"""The house rules that a program can check."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(ROOT.glob("mailhub/**/*.py"))
TESTS = sorted(ROOT.glob("tests/**/*.py"))
MAX_MODULE_LINES = 500
MAX_FUNCTION_LINES = 50
REACTOR_MAY_BE_IMPORTED = {
    "mailhub/service/plugin.py",  # twist has chosen it by then
    "mailhub/service/standalone.py",  # the application has
    "mailhub/net/host.py",  # for a factory that is given no host
    "mailhub/service/worker.py",  # of a process that has none yet
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def everywhere(paths: list[Path]) -> Iterator[tuple[Path, ast.AST]]:
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            yield path, node


def test_every_module_says_what_it_is_for() -> None:
    silent = [name(path) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_modules_and_functions_stay_readable() -> None:
    long = [name(path) for path in MODULES if path.read_text().count("\n") > MAX_MODULE_LINES]
    for path, node in everywhere(MODULES):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                long.append(f"{name(path)}:{node.lineno} {node.name} has {lines} lines")
    assert long == []


def test_no_exception_is_swallowed() -> None:
    swallowed = [
        f"{name(path)}:{node.lineno}"
        for path, node in everywhere(MODULES)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or isinstance(node.body[0], ast.Pass))
    ]
    assert swallowed == []


def test_the_reactor_is_an_argument() -> None:
    importing = {
        name(path)
        for path, node in everywhere(MODULES)
        if isinstance(node, ast.ImportFrom) and node.module == "twisted.internet"
        if "reactor" in {alias.name for alias in node.names}
    }
    assert importing == REACTOR_MAY_BE_IMPORTED


def test_nothing_is_left_to_be_done() -> None:
    left = [
        f"{name(path)}:{token.start[0]} {token.string}"
        for path in MODULES
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
        if token.type == tokenize.COMMENT
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", token.string)
    ]
    assert left == []


def test_no_path_of_one_machine_is_written_down() -> None:
    paths = [
        f"{name(path)}:{node.lineno} {node.value}"
        for path, node in everywhere(MODULES + TESTS)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.match(r"/(home|root|work|tmp)/", node.value)
    ]
    assert paths == []


def test_no_test_sleeps() -> None:
    sleeping = [
        f"{name(path)}:{node.lineno}"
        for path, node in everywhere(TESTS)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep")
    ]
    assert sleeping == []


def test_the_layers_hold() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of what an installation gets."""
    folder = tmp_path_factory.mktemp("packaged")
    source, built = folder / "source", folder / "built"
    for part in ("mailhub", "twisted", "setup.cfg", "pyproject.toml", "README.rst", "LICENSE"):
        _copy(ROOT / part, source / part)
    subprocess.run(
        [sys.executable, "-c", BUILD, "build", "--build-lib", built],
        cwd=source,
        check=True,
        capture_output=True,
    )
    return {str(path.relative_to(built)) for path in built.rglob("*") if path.is_file()}


BUILD = "from setuptools import setup; setup()"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_file():
        target.write_bytes(source.read_bytes())
        return
    for path in source.iterdir():
        if path.name != "__pycache__":
            _copy(path, target / path.name)


def test_an_installation_gets_everything_that_is_not_a_cache(packaged: set[str]) -> None:
    wanted = {
        name(path)
        for folder in ("mailhub", "twisted")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc" and path.name[0] != "."
        if path.name != "dropin.cache"
    }
    assert wanted - packaged == set()
    assert "mailhub/py.typed" in packaged
    assert "twisted/plugins/mailhub_plugin.py" in packaged
    assert any(file.endswith(".sql") for file in packaged)


def test_an_installation_does_not_take_over_packages_of_twisted(packaged: set[str]) -> None:
    assert "twisted/__init__.py" not in packaged
    assert "twisted/plugins/__init__.py" not in packaged
    assert {file.split("/")[0] for file in packaged} == {"mailhub", "twisted"}
