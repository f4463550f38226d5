"""Worker processes that do numbered tasks one at a time, and can be killed when they hang.

A worker is a command that says "ready", reads a number per line, does the task and answers with a
line that begins with the number; it ends when its input does, so none outlives the caller for
longer than a task. Nothing but numbers and words goes through the pipes: what a task needs and
makes is in files.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass

from twinset.progress import check_time

__all__ = ["DIED", "LATE", "run_tasks"]

DIED, LATE = "died", "timed out"
_TICK = 0.2
_READY = b"ready"
_STARTING = 120.0  # a worker that has not said that it is ready may still load libraries
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(eq=False)
class _Worker:
    """A process and the task that it is at; `rest` is what it has said of a line."""

    process: subprocess.Popen[bytes]
    task: int = -1
    seconds: float = 0.0
    until: float = 0.0
    rest: bytes = b""
    ready: bool = False

    def start(self, task: int, seconds: float) -> None:
        self.task, self.seconds = task, seconds
        self.until = time.monotonic() + seconds + (0.0 if self.ready else _STARTING)
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # found dead at the next look
            self.process.stdin.write(f"{task}\n".encode())
            self.process.stdin.flush()

    def end(self) -> None:
        """Kill the process and all that it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.process.wait()


def run_tasks(
    command: Sequence[str],
    tasks: Iterable[int],
    *,
    workers: int,
    seconds: float,
) -> Generator[tuple[int, str], None, None]:
    """Yield (task, answer) in order of completion, from `workers` processes.

    The answer is what the worker said, `DIED` if it ended without a word, or `LATE` if it took
    longer than `seconds`: it is then killed with everything it started, and another one takes its
    place. Time limits around the call are checked meanwhile; whatever ends the iteration ends the
    workers. Each worker uses one thread.
    """
    left = iter(tasks)
    settings = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1")}
    running: list[_Worker] = []
    selector = selectors.DefaultSelector()
    try:
        while True:
            while len(running) < workers and (task := next(left, None)) is not None:
                running.append(_launch(command, settings, selector))
                running[-1].start(task, seconds)
            if not running:
                return
            for worker, answer in _heard(running, selector):
                yield worker.task, answer
                following = next(left, None)
                if answer in (DIED, LATE) or following is None:
                    selector.unregister(worker.process.stdout)  # type: ignore[arg-type]
                    worker.end()
                    running.remove(worker)
                    if following is not None:
                        running.append(_launch(command, settings, selector))
                        running[-1].start(following, seconds)
                else:
                    worker.start(following, seconds)
            check_time()
    finally:
        selector.close()
        for worker in running:
            worker.end()


def _launch(
    command: Sequence[str], settings: Mapping[str, str], selector: selectors.BaseSelector
) -> _Worker:
    process = subprocess.Popen(  # noqa: S603
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(settings),
        start_new_session=True,
    )
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    worker = _Worker(process)
    selector.register(process.stdout, selectors.EVENT_READ, worker)
    return worker


def _heard(
    running: Sequence[_Worker], selector: selectors.BaseSelector
) -> list[tuple[_Worker, str]]:
    """Wait a tick at most; return who has finished, died or overrun."""
    found: list[tuple[_Worker, str]] = []
    for key, _ in selector.select(_TICK):
        worker: _Worker = key.data
        said = worker.process.stdout.read()  # type: ignore[union-attr]
        if said == b"":
            found.append((worker, DIED))
            continue
        worker.rest += said or b""
        while b"\n" in worker.rest:
            line, _, worker.rest = worker.rest.partition(b"\n")
            if line == _READY and not worker.ready:
                worker.ready, worker.until = True, time.monotonic() + worker.seconds
            number, _, answer = line.decode("utf-8", "replace").partition(" ")
            if number == str(worker.task):  # else something that a library printed
                found.append((worker, answer))
                break
    told = {id(w) for w, _ in found}
    now = time.monotonic()
    found += [(w, LATE) for w in running if id(w) not in told and now > w.until]
    return found
