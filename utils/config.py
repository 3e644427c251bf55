"""YAML configs: `_base_` files, `--opts` overrides, and typed checking against dataclasses."""

import dataclasses
import json
import os
import types
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, Union

import yaml

from utils.errors import UserError
from utils.files import read_text
from utils.registry import suggestion

T = TypeVar("T")

# Far above what configs need, and far below what keeps a machine busy.
MOST_BYTES, MOST_NODES, MOST_DEPTH, MOST_BASES = 1 << 18, 50_000, 40, 100


class _Loader(yaml.SafeLoader):
    """Builds mappings, lists, text, numbers, booleans and null; what aliases repeat counts as often as it stands."""

    yaml_constructors = {
        tag: build
        for tag, build in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in ("null", "bool", "int", "float", "str", "seq", "map")
    }

    def __init__(self, stream: str):
        super().__init__(stream)
        self.depth = self.nodes = 0
        self.sizes: dict[yaml.Node | None, int] = {}

    def fetch_flow_collection_start(self, TokenClass: type) -> None:
        if self.flow_level > MOST_DEPTH:  # the scanner looks far ahead, and ever slower
            raise yaml.YAMLError(f"it is nested more than {MOST_DEPTH} deep")
        super().fetch_flow_collection_start(TokenClass)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        alias, before = self.check_event(yaml.AliasEvent), self.nodes
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise yaml.YAMLError(f"it is nested more than {MOST_DEPTH} deep")
        node = super().compose_node(parent, index)
        self.depth -= 1
        if alias and node not in self.sizes:
            raise yaml.YAMLError("an alias stands within what it stands for")
        self.nodes += self.sizes[node] if alias else 1
        if self.nodes > MOST_NODES:
            raise yaml.YAMLError(f"it has more than {MOST_NODES} values")
        if not alias:
            self.sizes[node] = self.nodes - before
        return node


def _parse_yaml(text: str) -> Any:
    """Parse YAML; whatever is wrong with it is a YAMLError."""
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError:
        raise
    except Exception as error:  # the constructors of tags like !!int '' raise nearly anything
        raise yaml.YAMLError(f"{type(error).__name__} {error}"[:200]) from None


def read_yaml(path: str | os.PathLike) -> dict:
    """Read one YAML mapping of plain values.

    Raises:
        UserError: if the file is missing, is not YAML, or does not hold a mapping.
    """
    try:
        content = _parse_yaml(read_text(path, MOST_BYTES))
    except FileNotFoundError:
        raise UserError(f"config file not found: {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"config file {path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise UserError(f"config file {path} is not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise UserError(f"config file {path} must hold a mapping of keys to values, not {type(content).__name__}")
    return content


def merge(base: Mapping, over: Mapping) -> dict:
    """Return `base` with the keys of `over` on top.

    Mappings merge, unless the one on top holds `_delete_: true`; all else is replaced, and so is `_base_`.
    """
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, Mapping):
            below = merged.get(key)
            if key == "_base_" or value.get("_delete_") or not isinstance(below, Mapping):
                below = {}
            value = merge(below, {name: item for name, item in value.items() if name != "_delete_"})
        merged[key] = value
    return merged


def resolve_bases(
    node: Any, where: str, home: Path, trail: tuple[Path, ...] = (), read: list[Path] | None = None
) -> Any:
    """Put the content of every `_base_: file.yaml` in its place.

    At the top level of a file the base is a config that the file's own keys override. Below it (the released
    `dataset.train: {_base_: file, others: {...}}`) `_base_` becomes the content of the file.
    A mapping with `_delete_: true` keeps nothing of what the base has in its place.
    Paths are looked for from the working directory first, then from the folder of the file that names them.

    Args:
        node: what a file holds, or a part of it.
        where: dotted path of that part.
        home: folder of the file.
        trail: the files that lead to this one, with it.
        read: all base files so far.

    Raises:
        UserError: if a base file is missing, damaged, or includes itself, or there are more than `MOST_BASES`.
    """
    if not isinstance(node, Mapping):
        return node
    node, read = dict(node), [] if read is None else read
    base = node.get("_base_")
    resolved = {
        key: resolve_bases(value, f"{where}.{key}" if where else str(key), home, trail, read)
        for key, value in node.items()
        if key != "_base_"
    }
    if base is None:
        return resolved
    if isinstance(base, str):
        found = next((p for p in (Path(base), home / base) if os.path.isfile(p)), None)
        key = f"{where}._base_" if where else "_base_"
        if found is None:
            raise UserError(f"{key}: base file not found: {base} (looked in {Path.cwd()} and {home})")
        found = found.resolve()
        if found in trail:
            raise UserError(f"{key}: {base} includes itself")
        read.append(found)
        if len(read) > MOST_BASES:
            raise UserError(f"{key}: {base} is one base file too many, at most {MOST_BASES} may be read")
        base = resolve_bases(read_yaml(found), "", found.parent, trail + (found,), read)
    elif isinstance(base, Mapping):
        base = resolve_bases(base, where, home, trail, read)
    else:
        raise UserError(f"{f'{where}.' if where else ''}_base_ must name a file, got {_show(base)}")
    return {"_base_": base, **resolved} if where else merge(base, resolved)


def apply_opts(config: dict, opts: Sequence[str], optional: Collection[str] = ()) -> dict:
    """Override keys with `a.b=value` strings; values are parsed as YAML.

    Args:
        config: changed in place.
        opts: the overrides.
        optional: top-level sections that a config may leave out.

    Raises:
        UserError: if an entry has no `=` or no YAML value, or its section does not stand in the config.
    """
    for entry in opts:
        dotted, sign, text = entry.partition("=")
        if not sign or not dotted:
            raise UserError(f"--opts takes key=value, got '{entry}'")
        try:
            value = _parse_yaml(text)
        except yaml.YAMLError:
            raise UserError(f"--opts {dotted}: '{text}' is not a YAML value") from None
        *parents, last = dotted.split(".")
        node = config
        if parents and parents[0] in optional:
            config.setdefault(parents[0], {})
        for depth, part in enumerate(parents):
            if not isinstance(node.get(part), dict):
                at = ".".join(parents[:depth]) or "the config"
                raise UserError(f"--opts {dotted}: {at} has no section '{part}'{suggestion(part, node)}")
            node = node[part]
        node[last] = value
    return config


def load_config(path: str | os.PathLike, opts: Sequence[str] = (), optional: Collection[str] = ()) -> dict:
    """Read a config file, resolve its `_base_` files and apply overrides.

    Args:
        path: the YAML file.
        opts: `a.b=value` overrides, applied last.
        optional: top-level sections that they may add.

    Raises:
        UserError: for a missing or damaged file, a missing base, or a malformed override.
    """
    home = Path(path).resolve()
    try:
        config = resolve_bases(read_yaml(path), "", home.parent, (home,))
    except RecursionError:
        raise UserError(f"config file {path} and its base files are nested too deep") from None
    return apply_opts(config, opts, optional)


def flatten(node: Mapping, prefix: str = "") -> Iterator[str]:
    """A config as overrides: `a.b=value`."""
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}={json.dumps(value)}"


def changed_keys(before: Mapping, after: Mapping) -> list[str]:
    """Dotted keys in which two configs differ."""
    return sorted({entry.partition("=")[0] for entry in {*flatten(before)} ^ {*flatten(after)}})


def parse(schema: type[T], values: Mapping, where: str) -> T:
    """Check a mapping against a dataclass and build it.

    The fields of the dataclass are the known keys, their annotations the types, their defaults the defaults. A schema's
    `ALIASES` are keys that stand here and belong into a field that is a dataclass itself: {key: field}.

    Args:
        schema: the dataclass; fields may themselves be dataclasses.
        values: what the config holds.
        where: dotted path of `values` in the config, for messages.

    Raises:
        UserError: for an unknown key (naming the nearest known one), a missing key, or a value of the wrong type.
    """
    if not isinstance(values, Mapping):
        raise UserError(f"config section '{where}' must be a mapping, got {_show(values)}")
    known: Any = schema
    fields = {field.name: field for field in dataclasses.fields(known) if field.init}
    hints, aliases = typing.get_type_hints(schema), getattr(schema, "ALIASES", {})
    for key in values:
        if key not in fields and key not in aliases:
            raise UserError(f"unknown config key '{_join(where, key)}'{suggestion(key, {**fields, **aliases})}")
    built = {}
    for name, field in fields.items():
        here = {key: values[key] for key, owner in aliases.items() if owner == name and key in values}
        if here:
            inner = typing.get_type_hints(hints[name])
            here = {key: _convert(inner[key], value, _join(where, key)) for key, value in here.items()}
            nested = values.get(name, {})
            if isinstance(nested, Mapping) and (twice := here.keys() & nested.keys()):
                key = min(twice)
                raise UserError(f"config keys '{_join(where, key)}' and '{_join(where, name)}.{key}' are the same one")
            nested = {**nested, **here} if isinstance(nested, Mapping) else nested
            built[name] = parse(hints[name], nested, _join(where, name) if name in values else where)
        elif name in values:
            built[name] = _convert(hints[name], values[name], _join(where, name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise UserError(f"missing config key '{_join(where, name)}'")
    try:
        return schema(**built)
    except ValueError as error:
        raise UserError(f"config section '{where}': {error}" if where else str(error)) from None


def _join(where: str, key: Any) -> str:
    return f"{where}.{key}" if where else str(key)


def _show(value: Any) -> str:
    text = repr(value)
    return f"{text[:80]}{'...' * (len(text) > 80)} ({type(value).__name__})"


def _convert(hint: Any, value: Any, where: str) -> Any:
    """Check one value against one annotation; numbers written as YAML 1.1 strings ('5e-4') become floats."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        (hint,) = [arg for arg in args if arg is not type(None)]
        return _convert(hint, value, where)
    if origin is typing.Literal:
        if value not in args:
            raise UserError(f"config key '{where}' must be one of {', '.join(map(repr, args))}, got {_show(value)}")
        return value
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return parse(hint, value, where)
    if origin is list:
        if not isinstance(value, (list, tuple)):
            raise UserError(f"config key '{where}' must be a list, got {_show(value)}")
        return [_convert(args[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if hint is dict or origin is dict:
        if not isinstance(value, Mapping):
            raise UserError(f"config key '{where}' must be a mapping, got {_show(value)}")
        return value
    if hint is float and not isinstance(value, bool):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            pass
    elif hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    elif hint in (str, bool) and isinstance(value, hint):
        return value
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    raise UserError(f"config key '{where}' must be {names.get(hint, hint)}, got {_show(value)}")
