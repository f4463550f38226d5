"""Schemas as files: YAML to read and edit, JSON, and the schema files of others.

In YAML a field that stands in a column is declared, unless `inferred` names it: that is how
`dump_schema` marks what was guessed. Take a name from that list when you have checked the value.
"""

from __future__ import annotations

import datetime
import difflib
import json
from pathlib import Path
from typing import Any

import pydantic
import yaml

from twinset.errors import InputError, SchemaError
from twinset.table.atomic import atomic_write
from twinset.table.schema import Column, Format, Kind, Personal, Role, Schema
from twinset.table.schema_interop import is_frictionless, is_sdv, read_frictionless, read_sdv
from twinset.table.yaml import load_yaml, read_small

__all__ = ["dump_schema", "load_schema", "save_schema", "schema_from_data"]

_MOST_LEVELS = 500
_EPOCH = datetime.datetime(1970, 1, 1)
_ORDER = ("name", "kind", "role", "nullable", "unique", "low", "high", "sentinels", "categories",
          "format", "personal", "keep", "dtype", "inferred", "reason")  # fmt: skip
_NEVER_INFERRED = frozenset({"name", "dtype", "reason"})
_HEADER = """\
# Schema of a table, written by twinset: read it, correct it, and pass it as --schema.
# A field named in `inferred` was guessed; take its name from that list once it is checked.
# Fields: kind, role, nullable, unique, low, high, sentinels, categories, format, personal, keep.
# Lists of more than 500 inferred categories are left out; they are found again in the data.
"""


class _Dumper(yaml.SafeDumper):
    """Lists of plain values on one line, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _flow(dumper: yaml.SafeDumper, data: list[Any]) -> yaml.Node:
    flow = all(not isinstance(v, (dict, list)) for v in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=flow)


_Dumper.add_representer(list, _flow)


def dump_schema(schema: Schema) -> str:
    """Schema as YAML text, one block per column, with the reason of each guess."""
    blocks = []
    for column in schema.columns:
        text = yaml.dump(
            [_plain(column)], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
        )
        blocks.append(text)
    return _HEADER + f"version: {schema.version}\ncolumns:\n" + "".join(blocks)


def save_schema(schema: Schema, path: Path) -> None:
    """Write a schema as YAML, or as JSON if the file's name ends so."""
    if path.suffix.lower() == ".json":
        data = {"version": schema.version, "columns": [_plain(c) for c in schema.columns]}
        text = json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n"
    else:
        text = dump_schema(schema)
    atomic_write(path, text)


def _plain(column: Column) -> dict[str, Any]:
    """Return the fields of a column that differ from their defaults, in reading order."""
    data = column.model_dump(mode="json", exclude_defaults=True)
    data.setdefault("kind", column.kind.value)
    declared = set(data.pop("declared", []))
    if len(data.get("categories") or ()) > _MOST_LEVELS and "categories" not in declared:
        del data["categories"]  # found again in the data; the file stays readable
    for field in ("low", "high"):
        if field in data:
            data[field] = _shown(data[field], column.kind)
    if "sentinels" in data:
        data["sentinels"] = [_shown(v, column.kind) for v in data["sentinels"]]
    inferred = [f for f in _ORDER if f in data and f not in declared | _NEVER_INFERRED]
    if inferred:
        data["inferred"] = inferred
    return {field: data[field] for field in _ORDER if field in data}


def _shown(value: float, kind: Kind) -> Any:
    """Return a bound as people write it: a date for dates, a whole number without a point."""
    if kind in (Kind.DATE, Kind.DATETIME):
        seconds = value * 86_400 if kind is Kind.DATE else value
        try:
            moment = _EPOCH + datetime.timedelta(seconds=seconds)
        except OverflowError:
            return value
        return moment.date() if kind is Kind.DATE else moment
    return int(value) if value == int(value) else value


def _number(value: Any, kind: Kind | None) -> Any:
    """Return a bound as number: the inverse of `_shown`; what cannot be one stays as it is."""
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            return value
    if isinstance(value, datetime.datetime):
        seconds = (value.replace(tzinfo=None) - _EPOCH).total_seconds()
        return seconds // 86_400 if kind is Kind.DATE else seconds
    if isinstance(value, datetime.date):
        days = (value - _EPOCH.date()).days
        return days * 86_400 if kind is Kind.DATETIME else days
    return value


def load_schema(path: Path | str) -> Schema:
    """Read a schema: ours (YAML or JSON), SDV metadata or a Frictionless Table Schema.

    Parameters
    ----------
    path
        File; it may describe only some columns of a table.

    Raises
    ------
    SchemaError, InputError
        With the column and field that is wrong, what was found, what is allowed, and a hint.
    """
    path = Path(path)
    if path.suffix.lower() == ".json":
        return schema_from_data(_load_json(path), path.name)
    return schema_from_data(load_yaml(path), path.name)


def _load_json(path: Path) -> Any:
    try:
        return json.loads(read_small(path, most=16))
    except (ValueError, RecursionError) as error:
        line = "bytes"
        if isinstance(error, json.JSONDecodeError):
            line = f"line {error.lineno}: {error.msg}"
        raise InputError(str(path), got=line, allowed="JSON") from None


def schema_from_data(data: Any, source: str) -> Schema:
    """Build a schema from parsed YAML or JSON; `source` names it in errors."""
    made = _schema_from_data(data, source)
    for column in made.columns:
        if column.low is not None and column.high is not None and column.low > column.high:
            raise SchemaError(
                f"{source}: column {column.name!r}, low",
                got="a bound above high",
                allowed="at most high",
            )
    return made


def _schema_from_data(data: Any, source: str) -> Schema:
    if is_sdv(data):
        return read_sdv(data, source)
    if is_frictionless(data):
        return read_frictionless(data, source)
    if isinstance(data, list):
        data = {"columns": data}
    if not isinstance(data, dict) or not isinstance(data.get("columns"), list):
        raise SchemaError(
            source,
            got="no list called columns",
            allowed="a twinset schema, SDV metadata or a Frictionless Table Schema",
            hint="`twinset schema DATA --out schema.yaml` writes one",
        )
    _check_keys(source, data, ("version", "columns"))
    if data.get("version", 1) != 1:
        raise SchemaError(f"{source}: version", got=repr(data["version"]), allowed="1")
    columns = [_column(item, place, source) for place, item in enumerate(data["columns"], 1)]
    return Schema(columns=tuple(columns))


def _check_keys(where: str, data: dict[Any, Any], known: tuple[str, ...]) -> None:
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            raise SchemaError(
                where,
                got=f"field {key!r}",
                allowed=", ".join(known),
                hint=f"did you mean {near[0]}?" if near else "",
            )


def _column(item: Any, place: int, source: str) -> Column:
    """One column, with its declared fields marked."""
    where = f"{source}: column {place}"
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise SchemaError(where, got="no name", allowed="a mapping with a name", hint="- name: age")
    where = f"{source}: column {item['name']!r}"
    _check_keys(where, item, (*_ORDER, "declared"))
    fields = {k: v for k, v in item.items() if k != "inferred"}
    inferred = _names(where, item.get("inferred", []), "inferred")
    if "declared" not in fields:
        stated = set(fields) - set(inferred) - _NEVER_INFERRED
        fields["declared"] = frozenset(stated)
    else:
        fields["declared"] = frozenset(_names(where, fields["declared"], "declared"))
    kind = Kind.DATETIME if fields.get("kind") == "datetime" else Kind.DATE
    for field in {"low", "high"} & set(fields):
        fields[field] = _number(fields[field], kind)
    if isinstance(fields.get("sentinels"), list):
        fields["sentinels"] = [_number(v, kind) for v in fields["sentinels"]]
    if isinstance(fields.get("format"), dict):
        _check_keys(f"{where}, format", fields["format"], tuple(Format.model_fields))
    if isinstance(fields.get("categories"), list):
        fields["categories"] = [_label(where, v) for v in fields["categories"]]
    try:
        return Column.model_validate(fields)
    except pydantic.ValidationError as error:
        raise _explained(where, error) from None


def _names(where: str, value: Any, field: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise SchemaError(f"{where}, {field}", allowed="a list of field names")
    _check_keys(f"{where}, {field}", dict.fromkeys(value), _ORDER)
    return value


def _label(where: str, value: Any) -> str:
    """Return a category as text; YAML turns unquoted yes, 1 and dates into other things."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise SchemaError(
            f"{where}, categories",
            got=f"a {type(value).__name__}",
            allowed="texts",
            hint="write categories such as 'yes', '1.0' and '2020-01-01' in quotes",
        )
    return str(value)


def _explained(where: str, error: pydantic.ValidationError) -> SchemaError:
    first = error.errors(include_url=False, include_input=False)[0]
    path = [str(p) for p in first["loc"]]
    choices = {"kind": Kind, "role": Role, "personal": Personal}
    field = path[0] if path else ""
    if field in choices:
        allowed = ", ".join(c.value for c in choices[field])
        return SchemaError(f"{where}, {field}", got="another word", allowed=allowed)
    return SchemaError(
        f"{where}, {'.'.join(path)}", got=first["msg"][:1].lower() + first["msg"][1:]
    )
