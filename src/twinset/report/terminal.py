"""The first screen of a report for a terminal: 80 columns, readable without colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as Grid
from rich.text import Text

from twinset.report.view_model import AttackRow, Mark, Summary

if TYPE_CHECKING:  # it loads the room of audits, for which `twinset schema` does not wait
    from twinset.report.compared import Compared

__all__ = ["show", "show_compared"]

_SIGN = {"good": "+", "bad": "!", "unknown": "~"}
_COLOUR = {"good": "blue", "bad": "bold yellow", "unknown": "none"}


def show(summary: Summary, console: Console) -> None:
    """Print verdict, uses, gates, figures and the largest problems of `summary`."""
    _say(console, Text(summary.title, "bold"))
    if summary.lead:
        _say(console, Text(summary.lead))
    _head(console, "May I share it?")
    _say(console, Text(summary.verdict.text, f"bold {_COLOUR[summary.verdict.tone]}"))
    for text in (*summary.verdict_text, *summary.warnings):
        _say(console, Text(text), 2)
    if summary.uses:
        _head(console, "Is it useful, and for what?")
    for use in summary.uses:
        sign, colour = _SIGN[use.mark.tone], _COLOUR[use.mark.tone]
        _say(console, Text.assemble((f"{sign} {use.title}: ", "bold"), (use.mark.text, colour)))
        _say(console, Text(use.text), 2)
    if summary.gates:
        _head(console, f"Your limits (gates): {summary.gates_text}")
        console.print(_gates(summary))
    if summary.figures:
        _head(console, "The figures")
        console.print(_figures(summary))
    _problems(summary, console)
    if summary.tested:
        _head(console, "What attackers tried to learn")
    for text in summary.tested:
        _say(console, Text(f"- {text}"))
    if summary.not_tested:
        _head(console, "Not tested")
    for text in summary.not_tested:
        _say(console, Text(f"- {text}"))
    if summary.seconds:
        times = ", ".join(f"{name} {seconds:.1f}" for name, seconds in summary.seconds)
        console.print()
        _say(console, Text(f"Seconds: {times}"))


def show_compared(found: Compared, console: Console) -> None:
    """Print verdicts, then AUC and interval of each attack by generator, a group at a time."""
    _head(console, "Do they give people away?")
    for v in found.verdicts:
        _say(console, Text.assemble((f"{v.word}: ", "bold"), v.meaning))
    ranked = list(enumerate(found.rows))
    for group in sorted({r.group for r in found.rows}, reverse=True):
        _head(console, f"{group}: pairs ranked right (AUC; 0.5 is a guess; ! the strongest)")
        grid = _grid("attack", *found.names)
        for i, row in ranked:
            if row.group == group:
                marks = [found.strongest[j] == i for j in range(len(found.names))]
                grid.add_row(Text(row.title), *_cells(row, marks))
        console.print(grid)
    if found.against:
        _head(console, "Random records against others (AUC)")
        grid = _grid("of", "random", "these", "difference")
        for row in found.against:
            about = Text(f"{row.title}: {row.group}\n{row.meaning}")
            grid.add_row(about, *_cells(row, [False] * len(row.figures)))
        console.print(grid)


def _cells(row: AttackRow, marks: Sequence[bool]) -> list[Text]:
    cells = []
    for f, marked in zip(row.figures, marks, strict=True):
        text = "-" if f is None else f"{f.value}\n{f.interval}"
        cells.append(Text(f"! {text}" if marked else text, "bold" if marked else ""))
    return cells


def _say(console: Console, text: Text, indent: int = 0) -> None:
    console.print(Padding(text, (0, 0, 0, indent)), highlight=False)


def _head(console: Console, text: str) -> None:
    console.print()
    console.print(Rule(Text(text, "bold"), align="left", characters="-", style="none"))


def _judged(mark: Mark) -> Text:
    return Text(f"{_SIGN[mark.tone]} {mark.text}", _COLOUR[mark.tone])


def _grid(*names: str) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold", expand=True, padding=(0, 1))
    for name in names:
        grid.add_column(name, overflow="fold", ratio=3 if name in ("figure", "limit") else None)
    return grid


def _gates(summary: Summary) -> Grid:
    grid = _grid("limit", "bound", "value", "result")
    for g in summary.gates:
        grid.add_row(Text(g.name), Text(g.bound), Text(g.value), _judged(g.mark))
    return grid


def _figures(summary: Summary) -> Grid:
    grid = _grid("figure", "value", "interval", "compare", "good")
    for f in summary.figures:
        title = Text(f"{_SIGN[f.mark.tone]} {f.title}", _COLOUR[f.mark.tone])
        good = f.direction.removesuffix(" is better").replace("closer to", "near")
        grid.add_row(title, f.value, f.interval, f.reference, good)
    return grid


def _problems(summary: Summary, console: Console) -> None:
    _head(console, "The largest problems")
    if not summary.problems:
        _say(console, Text(summary.problems_text))
    grid = Grid.grid(padding=(0, 1))
    for p in summary.problems:
        grid.add_row(f"{p.rank}.", Text(f"{p.text} ({p.size})"))
    if summary.problems:
        console.print(grid)
