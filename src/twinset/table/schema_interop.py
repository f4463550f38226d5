"""Schemas of other tools: SDV metadata and Frictionless Table Schema, read as declared columns.

Written from their public documentation: "Metadata" of docs.sdv.dev (sdtypes, V1 of one and of
several tables), and the Table Schema and Data Package standards of specs.frictionlessdata.io.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pydantic

from twinset.errors import SchemaError
from twinset.table.inference.words import word_set
from twinset.table.schema import Column, Format, Kind, Personal, Role, Schema

__all__ = ["is_frictionless", "is_sdv", "read_frictionless", "read_sdv"]

_PERSONAL: dict[str, tuple[Personal, str]] = {
    "email": (Personal.EMAIL, "email"),
    "phone_number": (Personal.PHONE, "phone_number"),
    "ssn": (Personal.NATIONAL_ID, "ssn"),
    "name": (Personal.NAME, "name"),
    "first_name": (Personal.NAME, "first_name"),
    "last_name": (Personal.NAME, "last_name"),
    "address": (Personal.ADDRESS, "street_address"),
    "street_address": (Personal.ADDRESS, "street_address"),
    "ipv4_address": (Personal.IP, "ipv4"),
    "ipv6_address": (Personal.IP, "ipv6"),
    "credit_card_number": (Personal.CARD, "credit_card_number"),
    "iban": (Personal.IBAN, "iban"),
    "url": (Personal.URL, "url"),
    "mac_address": (Personal.OTHER, "mac_address"),
    "user_agent_string": (Personal.OTHER, "user_agent"),
    "license_plate": (Personal.OTHER, "license_plate"),
    "vin": (Personal.OTHER, "vin"),
}
_PLACES = word_set(
    "city country country_code administrative_unit state state_abbr postcode latitude "
    "longitude job company language_code"
)


def is_sdv(data: Any) -> bool:
    """Whether parsed JSON is SDV metadata."""
    if not isinstance(data, dict):
        return False
    if isinstance(data.get("tables"), dict):
        return True
    columns = data.get("columns")
    if not isinstance(columns, dict):
        return False
    return all(isinstance(c, dict) and "sdtype" in c for c in columns.values())


def is_frictionless(data: Any) -> bool:
    """Whether parsed JSON is a Table Schema, a data resource or a data package."""
    if not isinstance(data, dict):
        return False
    fields = isinstance(data.get("fields"), list)
    schema = data.get("schema")
    return (
        fields
        or isinstance(data.get("resources"), list)
        or (isinstance(schema, dict) and isinstance(schema.get("fields"), list))
    )


def _only(tables: list[Any], source: str, what: str) -> Any:
    if len(tables) != 1:
        raise SchemaError(
            source,
            got=f"{len(tables)} {what}",
            allowed="one",
            hint="keep the one that describes this table",
        )
    return tables[0]


def _made(make: Callable[[], Column], where: str) -> Column:
    """Make a column; SchemaError where the file gives something that cannot be."""
    try:
        return make()
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(p) for p in first["loc"])
        raise SchemaError(f"{where}, {field}", got=first["msg"]) from None


def read_sdv(data: dict[str, Any], source: str) -> Schema:
    """Read SDV metadata of one table; SchemaError names what cannot be read."""
    if isinstance(data.get("tables"), dict):
        data = _only(list(data["tables"].values()), source, "tables")
    keys = data.get("primary_key")
    primary = {keys} if isinstance(keys, str) else set(keys or ())
    sequence = data.get("sequence_key")
    columns = []
    for name, given in (data.get("columns") or {}).items():
        where = f"{source}: column {name!r}"
        column = _made(lambda n=name, g=given, w=where: _sdv_column(n, g, w), where)  # type: ignore[misc]
        if name in primary and len(primary) == 1:
            column = _stated(column, role=Role.KEY, unique=True, kind=Kind.IDENTIFIER)
        elif name == sequence:
            column = _stated(column, role=Role.UNIT, kind=Kind.IDENTIFIER)
        columns.append(column)
    return Schema(columns=tuple(columns))


def _stated(column: Column, **fields: Any) -> Column:
    """Return a column with further fields that count as declared."""
    given = {f: getattr(column, f) for f in column.model_fields_set}
    return Column(**{**given, **fields})


def _sdv_column(name: str, given: dict[str, Any], where: str) -> Column:
    """Return one column of SDV metadata as a declared column."""
    sdtype = given.get("sdtype")
    if sdtype == "numerical":
        shape = str(given.get("computer_representation", ""))
        if shape.startswith(("Int", "UInt")):
            return Column(name=name, kind=Kind.INTEGER)
        # without a representation it is left to inference whether the numbers are whole
        return Column(name=name, kind=Kind.REAL) if shape else Column(name=name)
    if sdtype == "categorical" and isinstance(given.get("order"), list):
        levels = tuple(map(str, given["order"]))
        return Column(name=name, kind=Kind.ORDINAL, categories=levels)
    if sdtype in ("categorical", "boolean"):
        return Column(name=name, kind=Kind.CATEGORY if sdtype == "categorical" else Kind.BOOLEAN)
    if sdtype == "datetime":
        return _moment(name, given.get("datetime_format"))
    if sdtype == "id":
        pattern = given.get("regex_format")
        form: dict[str, Any] = {"format": Format(pattern=pattern)} if pattern else {}
        return Column(name=name, kind=Kind.IDENTIFIER, **form)
    return _sdv_personal(name, sdtype, where, pii=bool(given.get("pii", False)))


def _sdv_personal(name: str, sdtype: Any, where: str, *, pii: bool) -> Column:
    """Return a column of one of the concepts that SDV makes by faker."""
    if sdtype in _PERSONAL:
        personal, provider = _PERSONAL[sdtype]
        kind = Kind.TEXT if personal in (Personal.NAME, Personal.ADDRESS) else Kind.IDENTIFIER
        return Column(name=name, kind=kind, personal=personal, format=Format(provider=provider))
    if sdtype in _PLACES and not pii:
        return Column(name=name)
    if sdtype in ("unknown", "text") or sdtype in _PLACES:
        return Column(name=name, kind=Kind.TEXT)
    if isinstance(sdtype, str) and re.fullmatch(r"[a-z_0-9]+", sdtype):
        personal = Personal.OTHER
        return Column(name=name, kind=Kind.TEXT, personal=personal, format=Format(provider=sdtype))
    raise SchemaError(where, got=f"sdtype {sdtype!r}", allowed="an sdtype of SDV's metadata")


def _moment(name: str, pattern: str | None) -> Column:
    """Date or datetime, by its strftime pattern."""
    if not pattern:
        return Column(name=name)
    clock = any(f"%{c}" in pattern for c in "HIMST")
    kind = Kind.DATETIME if clock else Kind.DATE
    return Column(name=name, kind=kind, format=Format(date_format=pattern))


def read_frictionless(data: dict[str, Any], source: str) -> Schema:
    """Read a Table Schema, or that of the single resource of a data package."""
    if isinstance(data.get("resources"), list):
        data = _only(data["resources"], source, "resources")
    if not isinstance(data.get("fields"), list):
        data = data.get("schema") or {}
    fields = data.get("fields")
    if not isinstance(fields, list):
        raise SchemaError(source, got="no fields", allowed="a Table Schema with fields")
    keys = data.get("primaryKey")
    primary = {keys} if isinstance(keys, str) else set(keys or ())
    nulls = tuple(
        m if isinstance(m, str) else m.get("value", "") for m in data.get("missingValues", [""])
    )
    columns = []
    for place, field in enumerate(fields, 1):
        if not isinstance(field, dict) or not isinstance(field.get("name"), str):
            raise SchemaError(
                f"{source}: field {place}", got="no name", allowed="a name and a type"
            )
        where = f"{source}: field {field['name']!r}"
        column = _made(lambda f=field, w=where: _field(f, nulls, w), where)  # type: ignore[misc]
        if field["name"] in primary and len(primary) == 1:
            column = _stated(column, role=Role.KEY, unique=True, kind=Kind.IDENTIFIER)
        columns.append(column)
    return Schema(columns=tuple(columns))


def _field(field: dict[str, Any], nulls: tuple[str, ...], where: str) -> Column:
    """Return one field of a Table Schema as a declared column."""
    name, kind = field["name"], field.get("type", "any")
    limits = field.get("constraints") or {}
    given: dict[str, Any] = {"name": name}
    form: dict[str, Any] = {"nulls": nulls} if nulls != ("",) else {}
    if limits.get("required") is True:
        given["nullable"] = False
    if limits.get("unique") is True:
        given["unique"] = True
    levels = limits.get("enum") or field.get("categories")
    if isinstance(levels, list) and kind in ("string", "integer", "any"):
        labels = [str(v.get("value") if isinstance(v, dict) else v) for v in levels]
        kind_of = Kind.ORDINAL if field.get("categoriesOrdered") else Kind.CATEGORY
        given |= {"kind": kind_of, "categories": tuple(labels)}
    elif kind in _READERS:
        given |= _READERS[kind](field, limits, form)
    elif kind not in ("any", "geopoint"):
        raise SchemaError(where, got=f"type {kind!r}", allowed=f"any, {', '.join(_READERS)}")
    if form:
        given["format"] = Format(**form)
    return Column(**given)


def _number(field: dict[str, Any], limits: dict[str, Any], form: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"kind": Kind.REAL if field.get("type") == "number" else Kind.INTEGER}
    for key, bound in (("minimum", "low"), ("maximum", "high")):
        if isinstance(limits.get(key), (int, float)):
            out[bound] = float(limits[key])
    if field.get("decimalChar") == ",":
        form["comma"] = True
    if field.get("groupChar"):
        form["thousands"] = field["groupChar"]
    return out


def _boolean(field: dict[str, Any], _: dict[str, Any], form: dict[str, Any]) -> dict[str, Any]:
    for key, spelled in (("trueValues", "true"), ("falseValues", "false")):
        if field.get(key):
            form[spelled] = field[key][0]
    return {"kind": Kind.BOOLEAN}


def _dated(field: dict[str, Any], _: dict[str, Any], form: dict[str, Any]) -> dict[str, Any]:
    kind, pattern = field["type"], field.get("format", "default")
    if kind == "yearmonth":
        form["date_format"] = "%Y-%m"
        return {"kind": Kind.DATE}
    if "%" in str(pattern):
        form["date_format"] = pattern
    elif kind == "date" and pattern == "default":
        form["date_format"] = "%Y-%m-%d"
    return {"kind": Kind(kind)}


def _string(field: dict[str, Any], limits: dict[str, Any], form: dict[str, Any]) -> dict[str, Any]:
    known = {"email": ("email", Personal.EMAIL), "uri": ("url", Personal.URL)}
    if field.get("format") in known:
        form["provider"], personal = known[field["format"]]
        return {"kind": Kind.IDENTIFIER, "personal": personal}
    if field.get("format") == "uuid":
        form["pattern"] = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
        return {"kind": Kind.IDENTIFIER}
    if limits.get("pattern") and limits.get("unique"):
        form["pattern"] = limits["pattern"]
        return {"kind": Kind.IDENTIFIER}
    return {}


_READERS: dict[str, Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], dict[str, Any]]] = {
    "string": _string,
    "number": _number,
    "integer": _number,
    "year": _number,
    "boolean": _boolean,
    "date": _dated,
    "datetime": _dated,
    "time": _dated,
    "yearmonth": _dated,
    "duration": lambda *_: {"kind": Kind.DURATION},
}
