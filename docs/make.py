"""Writes the pages that are generated from the code; a test holds them equal.

python docs/make.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

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


PAGES = {"cli.md": cli_page}

if __name__ == "__main__":
    for page, make in PAGES.items():
        (DOCS / page).write_text(make(), encoding="utf-8")
