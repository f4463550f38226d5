"""Registry: name -> class, imported only when asked for.

A generator, metric or attack is one file in its room, named as its registered name; the class in it
has that name in its `name` attribute. Plug-ins of other packages come by entry points of the groups
``twinset.generators``, ``twinset.metrics`` and ``twinset.attacks``.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import typing
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

import pydantic

from twinset.errors import InputError, MissingExtraError, TwinsetError
from twinset.protocols import Measure, capabilities
from twinset.table.yaml import read_yaml

__all__ = [
    "Room",
    "attack_words",
    "built_in",
    "capabilities_of",
    "configure",
    "describe",
    "load",
    "measures",
    "measures_of",
    "names",
]

Room = Literal["generators", "metrics", "attacks"]


def built_in(room: Room) -> list[str]:
    """Names that twinset itself brings."""
    package = importlib.import_module(f"twinset.{room}")
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name[0] != "_")


def _outside(room: Room) -> Mapping[str, EntryPoint]:
    return {e.name: e for e in entry_points(group=f"twinset.{room}")}


def names(room: Room) -> list[str]:
    """Names known in a room, built in first; nothing is imported."""
    own = built_in(room)
    return own + sorted(set(_outside(room)) - set(own))


def load(room: Room, name: str) -> type[Any]:
    """Return the class registered under `name`; InputError lists the known names."""
    if name in built_in(room):
        try:
            module = importlib.import_module(f"twinset.{room}.{name}")
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith("twinset"):
                raise
            raise MissingExtraError(error.name, _extra_of(error.name)) from None
        found = [
            c
            for c in vars(module).values()
            if isinstance(c, type) and c.__module__ == module.__name__ and _name_of(c) == name
        ]
        if len(found) != 1:
            raise RuntimeError(f"twinset.{room}.{name} must define one class named {name!r}")
        return found[0]
    outside = _outside(room)
    if name in outside:
        try:
            plugin: type[Any] = outside[name].load()
        except Exception as error:  # noqa: BLE001 - other people's module may raise anything
            raise InputError(
                f"{room[:-1]} {name!r} of another package",
                got=f"it cannot be imported ({type(error).__name__})",
                hint=f"mend or remove {outside[name].module.partition('.')[0]}",
            ) from None
        if room == "generators":
            _check_generator(plugin, name)
        return plugin
    raise InputError(f"{room[:-1]} {name!r} is not known", allowed=", ".join(names(room)))


def _check_generator(cls: type[Any], name: str) -> None:
    """Refuse a generator that was written for twinset 0.1, and say what has changed."""
    missing = [n for n in ("fit", "from_state", "model", "name") if not hasattr(cls, n)]
    if not missing and "context" in inspect.signature(cls.fit).parameters:
        return
    raise InputError(
        f"generator {name!r} of another package",
        got=f"a class without {', '.join(missing or ['context'])}: it was written for twinset 0.1",
        allowed="fit(table, *, context), a model with sample(n, *, rng), and `model`, its class",
        hint="docs/plugins.md says what changed in 0.2",
    )


def capabilities_of(generator: str) -> tuple[str, ...]:
    """What the models of a registered generator declare: given, where, log_prob."""
    return capabilities(load("generators", generator).model)


def _name_of(cls: type[Any]) -> object:
    return vars(cls).get("name")


def _extra_of(package: str) -> str:
    extras = {"sqlalchemy": "db", "psycopg": "db"}
    return extras.get(package.partition(".")[0], "dev")


def configure(room: Room, name: str, options: Mapping[str, Any] | None = None) -> Any:
    """Return an instance with `options` set; text values are read as YAML ("5", "true", "[a, b]").

    Raises
    ------
    InputError
        If an option does not exist or its value is refused.
    """
    cls = load(room, name)
    known = {f.name: f for f in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else {}
    values: dict[str, Any] = {}
    for key, value in (options or {}).items():
        if key not in known:
            raise InputError(f"option {key!r} of {name}", allowed=", ".join(known) or "no options")
        if isinstance(value, str):
            value = read_yaml(value, f"option {key!r} of {name}")
        values[key] = _option(cls, key, value)
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"options of {name}", got=str(error)) from None


def _option(cls: type[Any], key: str, value: Any) -> Any:
    """Return the value as the type that the class states for its option.

    Raises
    ------
    InputError
        If it is of another type.
    """
    try:
        hint = typing.get_type_hints(cls)[key]
        made: Any = pydantic.TypeAdapter(hint).validate_python(value)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InputError(f"option {key!r} of {_name_of(cls)}", got=first["msg"]) from None
    except (NameError, KeyError, pydantic.errors.PydanticUserError):
        return value  # a plug-in's type that only type checkers know
    return made


def describe(room: Room) -> list[tuple[str, str]]:
    """Each name with the first line of its docstring."""
    rows = []
    for name in names(room):
        try:
            doc = load(room, name).__doc__ or ""
        except InputError as error:
            doc = str(error)
        rows.append((name, doc.strip().partition("\n")[0]))
    return rows


def measures_of(metric: str) -> tuple[Measure, ...]:
    """Return what a registered metric declares; without a declaration, its own name."""
    cls = load("metrics", metric)
    return tuple(getattr(cls, "measures", ())) or (Measure(name=metric),)


@cache
def measures() -> Mapping[str, Measure]:
    """Return what all registered metrics declare, by name; the first to declare a name has it.

    A plug-in that cannot be imported declares nothing here: whoever runs it is told why.
    """
    found: dict[str, Measure] = {}
    for name in names("metrics"):
        try:
            declared = measures_of(name)
        except TwinsetError:
            continue
        for measure in declared:
            found.setdefault(measure.name, measure)
    return found


@cache
def attack_words(name: str) -> tuple[str, str]:
    """Return an attack's title, and what it does in plain words.

    One that declares neither has its name and the first line of its docstring.
    """
    title = name.replace("_", " ").capitalize()
    try:
        cls = load("attacks", name)
    except TwinsetError:  # a plug-in of another machine
        return title, ""
    said = (cls.__doc__ or "").strip().partition("\n")[0].replace("`", "")
    return getattr(cls, "title", title), getattr(cls, "meaning", said)
