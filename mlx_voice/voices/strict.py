"""JSON that other people wrote, read into frozen dataclasses: nothing unknown, missing or bent."""

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def load(text: str | bytes) -> Any:
    """Parse strictly: UTF-8, no key twice, no NaN. Whatever is wrong is a ValueError."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON at line {error.lineno}") from error
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def parse(kind: type[T], value: Any, where: str = "") -> T:
    """`value` as a `kind`; a ValueError names the place by its keys, as in `features.mel.704.frames`."""
    result: T = _parse(kind, value, where)
    return result


def _parse(kind: Any, value: Any, where: str) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if kind is object:
        return value
    if origin in (Union, types.UnionType):
        return None if value is None else _parse(next(a for a in args if a is not type(None)), value, where)
    if is_dataclass(kind):
        return _object(kind, value, where)
    if origin is tuple:
        return tuple(_parse(args[0], v, f"{where}[{i}]") for i, v in enumerate(_expect(list, value, where)))
    if origin is Mapping:
        return {k: _parse(args[1], v, _join(where, k)) for k, v in _expect(dict, value, where).items()}
    if kind is float and type(value) is int:
        return float(value)
    return _expect(kind, value, where)


def _object(kind: Any, value: Any, where: str) -> Any:
    given = _expect(dict, value, where)
    known = {field.name: field for field in fields(kind)}
    for key in given:
        if key not in known:
            raise ValueError(f"unknown key {_join(where, key)!r}")
    hints = get_type_hints(kind)
    for name, field in known.items():
        if name not in given and field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"no key {_join(where, name)!r}")
    parsed = {key: _parse(hints[key], item, _join(where, key)) for key, item in given.items()}
    try:
        return kind(**parsed)
    except ValueError as error:
        raise ValueError(f"{error} in {where!r}" if where else str(error)) from error


def _expect(kind: Any, value: Any, where: str) -> Any:
    if type(value) is not kind:
        names = {str: "text", int: "a whole number", float: "a number", bool: "true or false", list: "a list"}
        raise ValueError(f"not {names.get(kind, 'an object')} at {where or 'its top'!r}")
    if kind is str and any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError(f"half a character at {where!r}")
    return value


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands there twice")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
