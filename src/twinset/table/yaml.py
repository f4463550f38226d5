"""YAML from strangers: safe tags only, at most 1 MB, no aliases; yes, no, on and off are words.

YAML 1.1 takes those four for booleans, by which a key ``on`` or a category ``no`` is lost.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from twinset.errors import InputError

__all__ = ["load_yaml", "read_small", "read_yaml"]

_BOOLEAN = "tag:yaml.org,2002:bool"


class _Loader(yaml.SafeLoader):
    """Safe loader that refuses aliases, which can expand without bound.

    Only true and false are booleans, as in YAML 1.2.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [r for r in resolvers if first not in "yYnNoO" or r[0] != _BOOLEAN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_yaml(path: Path) -> Any:
    """Content of a YAML file.

    Raises
    ------
    InputError
        If it cannot be read, is larger than 1 MB, uses aliases or is not YAML.
    """
    data = read_small(path, most=1)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(str(path), got="bytes that are not UTF-8") from None
    return read_yaml(text, str(path))


def read_small(path: Path, *, most: int) -> bytes:
    """Bytes of a file of at most so many MB; InputError if it cannot be read or is larger."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(str(path), got=str(error.strerror).lower()) from None
    if len(data) > most * 1_000_000:
        raise InputError(str(path), got=f"{len(data):,} bytes", allowed=f"at most {most} MB")
    return data


def read_yaml(text: str, what: str) -> Any:
    """Content of YAML text; InputError about `what` if it uses aliases or is not YAML."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: the 32nd of May
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        wrong = getattr(error, "problem", None) or str(error)
        raise InputError(what, got=f"{line}{wrong}", allowed="YAML without aliases") from None
