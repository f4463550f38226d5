"""Progress on standard error: a line a phase with a bar and the time left."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from twinset.progress import Event, listen

__all__ = ["shown"]


@contextlib.contextmanager
def shown(*, quiet: bool) -> Iterator[None]:
    """Show the phases that run inside the block, unless `quiet`."""
    if quiet:
        yield
        return
    if not sys.stderr.isatty():
        with listen(_line):
            yield
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bars = Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=30),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    tasks: dict[str, int] = {}

    def update(event: Event) -> None:
        if event.phase not in tasks:
            tasks[event.phase] = bars.add_task(event.phase, total=event.total)
        bars.update(tasks[event.phase], completed=event.done, total=event.total)  # type: ignore[arg-type]

    with bars, listen(update):
        yield


def _line(event: Event) -> None:
    """Without a terminal: one line when a phase is done."""
    if event.finished:
        sys.stderr.write(f"{event.phase}: {event.seconds:.1f} s\n")
