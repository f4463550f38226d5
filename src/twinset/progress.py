"""One stream of progress events, and the time limit that is checked on it.

A long step says ``with phase("fit", total=15) as step: step.advance()``. Who listens (a terminal,
a file of events, a test) is set around the call with `listen`; the steps themselves do not know.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from twinset.errors import StoppedError

__all__ = [
    "Event",
    "Phase",
    "check_time",
    "listen",
    "phase",
    "seconds_left",
    "time_limit",
    "unheard",
]


@dataclass(frozen=True)
class Event:
    """A moment of a phase: `done` of `total` units of work after `seconds`."""

    phase: str
    done: float
    total: float
    seconds: float
    detail: str = ""
    finished: bool = False

    @property
    def seconds_left(self) -> float | None:
        """Linear estimate of the time left, in seconds; None before any work is done."""
        if self.done <= 0 or self.total <= 0:
            return None
        return self.seconds * max(self.total - self.done, 0) / self.done


Listener = Callable[[Event], None]
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("_listeners", default=())
_deadline: ContextVar[float | None] = ContextVar("_deadline", default=None)


@contextlib.contextmanager
def listen(listener: Listener) -> Iterator[None]:
    """Send the events raised inside the block to `listener` as well."""
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Tell nobody of the phases inside the block: they are parts of one that is told."""
    token = _listeners.set(())
    try:
        yield
    finally:
        _listeners.reset(token)


@contextlib.contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `StoppedError` at the next check inside the block after `seconds`.

    Of limits inside each other the one that ends first holds; None sets none.
    """
    mine = None if seconds is None else time.monotonic() + seconds
    token = _deadline.set(min((d for d in (_deadline.get(), mine) if d is not None), default=None))
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left() -> float | None:
    """Seconds until the time limit around this call; None without one."""
    deadline = _deadline.get()
    return None if deadline is None else deadline - time.monotonic()


def check_time() -> None:
    """Raise `StoppedError` if the time limit around this call has passed."""
    deadline = _deadline.get()
    if deadline is not None and time.monotonic() > deadline:
        raise StoppedError("the time limit has passed; finished work is kept")


@dataclass
class Phase:
    """A running phase; call `advance` after each unit of work."""

    name: str
    total: float
    done: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def advance(self, by: float = 1.0, detail: str = "") -> None:
        """Count `by` units as done, tell the listeners, and check the time limit."""
        self.done += by
        self._tell(detail)
        check_time()

    def _tell(self, detail: str = "", *, finished: bool = False) -> None:
        elapsed = time.monotonic() - self.started
        event = Event(self.name, self.done, self.total, elapsed, detail, finished)
        for listener in _listeners.get():
            listener(event)


@contextlib.contextmanager
def phase(name: str, total: float = 1.0) -> Iterator[Phase]:
    """Announce a phase of `total` units of work."""
    check_time()
    running = Phase(name, total)
    running._tell()
    yield running
    running.done = running.total
    running._tell(finished=True)
