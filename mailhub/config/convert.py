"""From what TOML holds to the dataclasses of :mod:`.options`: names, types and ranges.

Driven by the annotations of the dataclasses, so a new option needs nothing here.  Every mistake
is reported and replaced by the default (an empty value where there is none), and conversion
goes on.  A field that is a tuple of
dataclasses is an array of tables, named in the singular: ``[[listener]]`` fills ``listeners``.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from mailhub.config.options import Range
from mailhub.config.problems import did_you_mean, shown

Report = Callable[[str, str, str], None]
"""Called with full option name, what is wrong, hint."""

T = TypeVar("T")


class Invalid(Exception):
    """A value that its option cannot have: what is wrong, and a hint."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint


def options_of(cls: type[Any]) -> dict[str, tuple[dataclasses.Field[Any], Any]]:
    """The options of a section: name in a file to the field and its type."""
    hints = get_type_hints(cls, include_extras=True)
    return {
        _name_in_file(field, hints[field.name]): (field, hints[field.name])
        for field in dataclasses.fields(cls)
        if field.metadata.get("in_file", True)
    }


def _name_in_file(field: dataclasses.Field[Any], hint: Any) -> str:
    singular = field.name.removesuffix("s") if is_array(hint) else field.name
    return str(field.metadata.get("name", singular))


def is_array(hint: Any) -> bool:
    """Whether the option is an array of tables."""
    return get_origin(hint) is tuple and dataclasses.is_dataclass(get_args(hint)[0])


class Converter:
    """Converts one file's table; relative paths are taken from *base*, the file's folder."""

    def __init__(self, report: Report, base: Path) -> None:
        self._report = report
        self._base = base

    def table(self, cls: type[T], table: Mapping[str, Any], prefix: str = "") -> T:
        """An instance of the dataclass with what *table* says."""
        options = options_of(cls)
        values: dict[str, Any] = {}
        for key, value in table.items():
            name = f"{prefix}{key}"
            if key not in options:
                self._report(name, "unknown option", did_you_mean(key, options))
                continue
            field, hint = options[key]
            try:
                values[field.name] = self._value(hint, value, name)
            except Invalid as mistake:
                self._report(name, mistake.text, mistake.hint)
        for key, (field, hint) in options.items():
            if field.name not in values and not _has_default(field):
                values[field.name] = Path() if hint is Path else ""
                if key not in table:
                    self._report(f"{prefix}{key}", "is missing", "")
        return cls(**values)

    def _value(self, hint: Any, value: Any, name: str) -> Any:
        if is_array(hint):
            return self._array(get_args(hint)[0], value, name)
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, Mapping):
                raise Invalid(f"{shown(value)} is not a section", f"write [{name}]")
            return self.table(hint, value, f"{name}.")  # type: ignore[arg-type]
        return self._scalar(hint, value)

    def _array(self, cls: Any, value: Any, name: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or not all(isinstance(v, Mapping) for v in value):
            raise Invalid("is a list of sections", f"write [[{name}]] above each")
        return tuple(self.table(cls, v, f"{name}[{n}].") for n, v in enumerate(value, 1))

    def _scalar(self, hint: Any, value: Any) -> Any:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Annotated:
            number = self._scalar(arguments[0], value)
            _in_range(number, *(a for a in arguments[1:] if isinstance(a, Range)))
            return number
        if origin is Literal:
            return _choice(arguments, value)
        if origin in (Union, types.UnionType):
            return self._either([a for a in arguments if a is not type(None)], value)
        if origin is tuple:
            if not isinstance(value, list):
                raise Invalid(f"{shown(value)} is not a list", f"write [{shown(value)}]")
            return tuple(self._scalar(arguments[0], item) for item in value)
        if hint is Path:
            return self._base / _plain(str, value)
        return _plain(hint, value)

    def _either(self, hints: list[Any], value: Any) -> Any:
        """Words or a number; just one thing when the other is None, which is: not given."""
        for words in (hint for hint in hints if get_origin(hint) is Literal):
            if value in get_args(words):
                return value
        return self._scalar(hints[-1], value)


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return (
        field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    )


_NAMES = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


def _plain(kind: type, value: Any) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:  # a bool is an int to isinstance
        hint = "write it in quotes" if kind is str else ""
        if kind in (int, float) and isinstance(value, str):
            hint = "numbers stand without quotes; sizes are octets, times are seconds"
        elif kind is bool and isinstance(value, str):
            hint = "without quotes"
        raise Invalid(f"{shown(value)} is not {_NAMES[kind]}", hint)
    return value


def _in_range(number: float, limits: Range) -> None:
    if not limits.least <= number <= limits.most:  # false for nan as well
        bounds = f"at least {limits.least:g}"
        if limits.most != float("inf"):
            bounds += f" and at most {limits.most:g}"
        raise Invalid(f"{number:.15g} is out of range", bounds)


def _choice(choices: tuple[Any, ...], value: Any) -> Any:
    if value not in choices:
        names = ", ".join(f'"{choice}"' for choice in choices)
        hint = did_you_mean(value, choices) if isinstance(value, str) else ""
        raise Invalid(f"{shown(value)} is not one of {names}", hint)
    return value
