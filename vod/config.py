"""Strict loading of frozen dataclasses from YAML: data in, never code.

A dataclass is the truth about names, types and defaults; a YAML file only states what
differs from it. Unknown key, duplicate key or wrong type is one clear `ConfigError`.
"""

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from vod.errors import ConfigError

T = TypeVar("T")


class _UniqueKeyLoader(yaml.SafeLoader):
    """Safe YAML that refuses a key stated twice, where PyYAML keeps the last."""


def _unique_mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    values: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise ConfigError(f"line {line}: a key must be a plain word.")
        key = loader.construct_object(key_node)
        if key in values:
            raise ConfigError(f"line {line}: key '{key}' is stated twice.")
        values[key] = loader.construct_object(value_node, deep=True)
    return values


_UniqueKeyLoader.add_constructor(
    yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping
)


def nearest(name: str, known: Sequence[str]) -> str:
    """Say which known name was probably meant: ` Did you mean 'x'? Known: ...`."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"{hint} Known: {', '.join(known)}."


def load_config(
    schema: type[T], path: Path | None = None, overrides: Sequence[str] = ()
) -> T:
    """Build a config dataclass from a YAML file and `key.sub=value` overrides.

    Args:
        schema: a frozen dataclass; nested dataclasses become nested mappings.
        path: YAML file, or None for the defaults alone.
        overrides: `a.b=c` assignments; `c` is read as YAML.

    Returns:
        The checked config.

    Raises:
        ConfigError: naming the file, the dotted key and the nearest valid name.
    """
    values = _read_yaml(path) if path is not None else {}
    for override in overrides:
        _apply_override(values, override)
    sources = [str(path)] if path is not None else []
    sources += ["--set"] if overrides or path is None else []
    return from_mapping(schema, values, source=" with ".join(sources))


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read config {path}: {error}") from error
    try:
        values = yaml.load(text, Loader=_UniqueKeyLoader)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    # PyYAML lets the ValueError of a text like 2020-13-45, a date, pass through.
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold 'key: value' lines at its top level.")
    return values


def _apply_override(values: dict[str, Any], override: str) -> None:
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        raise ConfigError(f"--set expects key.sub=value, received '{override}'.")
    try:
        value = yaml.load(text, Loader=_UniqueKeyLoader)
    except ConfigError as error:
        raise ConfigError(f"--set {override}: {error}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"--set {override}: the value is not YAML.") from error
    *parents, leaf = dotted.split(".")
    for parent in parents:
        child = values.setdefault(parent, {})
        if not isinstance(child, dict):
            raise ConfigError(f"--set {override}: '{parent}' is not a group of keys.")
        values = child
    values[leaf] = value


def from_mapping(
    schema: type[T], values: Mapping[str, Any], *, source: str, prefix: str = ""
) -> T:
    """Build `schema` from plain values; see `load_config` for the rules."""
    hints = typing.get_type_hints(schema)
    names = [field.name for field in dataclasses.fields(schema)]  # type: ignore[arg-type]
    arguments = {}
    for key, value in values.items():
        dotted = f"{prefix}{key}"
        if key not in names:
            raise ConfigError(
                f"{source}: unknown key '{dotted}'.{nearest(str(key), names)}"
            )
        arguments[key] = _convert(hints[key], value, source=source, dotted=dotted)
    try:
        return schema(**arguments)
    except TypeError as error:
        where = f" in '{prefix[:-1]}'" if prefix else ""
        raise ConfigError(f"{source}: a key is missing{where}: {error}.") from error
    except ConfigError as error:
        raise ConfigError(f"{source}: {prefix}{error}") from error


def _convert(hint: Any, value: Any, *, source: str, dotted: str) -> Any:
    """Give `value` as the type that `hint` asks for, or raise a ConfigError."""
    origin = typing.get_origin(hint)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        return _convert_union(hint, value, source=source, dotted=dotted)
    if origin in (tuple, dict):
        return _convert_items(hint, value, source=source, dotted=dotted)
    if origin is typing.Literal:
        choices = typing.get_args(hint)
        if value in choices:
            return value
        if isinstance(value, str):
            known = nearest(value, [str(choice) for choice in choices])
            raise ConfigError(f"{source}: {dotted} cannot be '{value}'.{known}")
    elif isinstance(hint, type) and dataclasses.is_dataclass(hint):
        if isinstance(value, Mapping):
            return from_mapping(hint, value, source=source, prefix=f"{dotted}.")
    elif hint is float:
        if type(value) in (int, float) and math.isfinite(value):
            return float(value)
    elif type(value) is hint or (hint is Path and isinstance(value, str)):
        return hint(value)
    raise _wrong_type(hint, value, source=source, dotted=dotted)


def _convert_items(hint: Any, value: Any, *, source: str, dotted: str) -> Any:
    """Convert a tuple or dict field item by item."""
    items = typing.get_args(hint)
    if typing.get_origin(hint) is dict and isinstance(value, Mapping):
        return {
            key: _convert(items[1], element, source=source, dotted=f"{dotted}.{key}")
            for key, element in value.items()
        }
    if typing.get_origin(hint) is tuple and isinstance(value, (list, tuple)):
        if len(items) == 2 and items[1] is Ellipsis:
            items = (items[0],) * len(value)
        if len(items) == len(value):
            return tuple(
                _convert(item, element, source=source, dotted=f"{dotted}[{i}]")
                for i, (item, element) in enumerate(zip(items, value, strict=True))
            )
    raise _wrong_type(hint, value, source=source, dotted=dotted)


def _wrong_type(hint: Any, value: Any, *, source: str, dotted: str) -> ConfigError:
    generic = typing.get_origin(hint) is not None
    expected = str(hint).replace("typing.", "") if generic else hint.__name__
    advice = ""
    if hint is float and isinstance(value, str):
        advice = " (YAML reads 1e-3 as text: write 1.0e-3)"
    return ConfigError(
        f"{source}: {dotted} must be {expected}, received {value!r}{advice}."
    )


def _convert_union(hint: Any, value: Any, *, source: str, dotted: str) -> Any:
    options = typing.get_args(hint)
    if value is None and type(None) in options:
        return None
    others = [option for option in options if option is not type(None)]
    return _convert(others[0], value, source=source, dotted=dotted)


def to_mapping(config: Any) -> dict[str, Any]:
    """Give a config as plain JSON-ready values, to be written beside every result."""

    def plain(value: Any) -> Any:
        if isinstance(value, Path):
            return str(value)
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return value

    mapping: dict[str, Any] = plain(dataclasses.asdict(config))
    return mapping
