"""Writes the pages that are generated from the code; a test holds them equal.

python docs/make.py
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import typer

from twinset import registry
from twinset.cli.app import app

DOCS = Path(__file__).parent

CLI_HEAD = """\
# Command line

Results go to standard output, progress to standard error. Exit codes: 0 done; 1 done, a gate
was missed; 2 the input or the call is wrong (one line says what, what was found, what is allowed,
and a hint); 3 interrupted or out of time, the same command goes on; 4 internal failure, failed
control, or disk full. `twinset --install-completion` adds completion to your shell.

DATA is a CSV (any delimiter, quoting, encoding, compression), Parquet, JSON lines or Excel file,
`-` for CSV on standard input, or a database URL with `--table`.
"""


def commands() -> dict[str, Any]:
    """Return the commands of the program by name."""
    found: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return found


def cli_page() -> str:
    """Content of cli.md."""
    return "\n".join([CLI_HEAD, *(_command(n, c) for n, c in commands().items())])


def _command(name: str, command: Any) -> str:
    params = [p for p in command.params if p.name != "help"]
    arguments = [p for p in params if p.param_type_name == "argument"]
    options = [p for p in params if p.param_type_name == "option"]
    usage = " ".join(["twinset", name, *(p.metavar or p.name for p in arguments)])
    lines = [f"## {name}", "", f"`{usage}`", "", str(command.help).strip(), ""]
    lines += ["| option | meaning |", "|---|---|"]
    lines += [f"| `{_spelled(p)}` | {_meaning(p)} |" for p in options]
    return "\n".join(lines) + "\n"


def _spelled(option: Any) -> str:
    value = "" if option.is_flag else f" {option.metavar or 'N'}"
    return f"{option.opts[0]}{value}".replace("|", "\\|")


def _meaning(option: Any) -> str:
    text = str(option.help).replace("|", "\\|")
    plain = isinstance(option.default, str | int | float) and not isinstance(option.default, bool)
    return f"{text} Default: {option.default}." if plain else text


def generators_page() -> str:
    """Content of generators.md: as written by hand, with the tables of options made anew."""
    text = (DOCS / "generators.md").read_text(encoding="utf-8")
    head, rest = text.split("<!-- begin options -->\n")
    tail = rest.split("<!-- end options -->")[1]
    tables = "\n".join(_options(name) for name in registry.built_in("generators"))
    return f"{head}<!-- begin options -->\n{tables}<!-- end options -->{tail}"


def _options(name: str) -> str:
    cls = registry.load("generators", name)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    if not fields:
        return f"### {name}\n\nNo options.\n"
    lines = [f"### {name}", "", "| option | default | meaning |", "|---|---|---|"]
    described = _parameters(cls.__doc__ or "")
    for names, text in described:
        defaults = ", ".join(f"`{_default(fields[n])}`" for n in names)
        options = ", ".join(f"`{n}`" for n in names)
        lines.append(f"| {options} | {defaults} | {text} |")
    missing = set(fields) - {n for names, _ in described for n in names}
    if missing:
        raise ValueError(f"{name}: not in the docstring: {', '.join(sorted(missing))}")
    return "\n".join(lines) + "\n"


def _default(field: Any) -> str:
    value = field.default
    if value is dataclasses.MISSING:
        value = field.default_factory()
    return "[]" if value == () else "null" if value is None else str(value)


def _parameters(doc: str) -> list[tuple[list[str], str]]:
    """Names and text of each entry under "Parameters" of a numpy docstring."""
    body = re.split(r"\n\s*Parameters\n\s*-+\n", doc)[1]
    entries: list[tuple[list[str], str]] = []
    margin = len(body) - len(body.lstrip())
    for line in body.splitlines():
        if not line.strip():
            break
        if len(line) - len(line.lstrip()) == margin:
            entries.append((line.strip().split(", "), ""))
        else:
            names, text = entries[-1]
            entries[-1] = (names, f"{text} {line.strip()}".strip().replace("``", "`"))
    return [(names, text.replace("|", "\\|")) for names, text in entries]


PAGES = {"cli.md": cli_page, "generators.md": generators_page}

if __name__ == "__main__":
    for page, make in PAGES.items():
        (DOCS / page).write_text(make(), encoding="utf-8")
