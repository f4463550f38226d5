"""Local workers: a pool of threads whose results come back in the order they were asked for.

Threads, since what takes time here (numpy, Arrow, LightGBM) lets go of the interpreter. No task
may draw from a stream of random numbers that it shares with another: then the number of workers
changes nothing but the time.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import TypeVar

from twinset.errors import InputError

__all__ = ["map_ordered", "use_workers", "workers"]

T = TypeVar("T")
R = TypeVar("R")

_MOST_BY_DEFAULT = 2
_workers: ContextVar[int | None] = ContextVar("_workers", default=None)
_limited: ContextVar[bool] = ContextVar("_limited", default=False)


def workers() -> int:
    """Return the number of workers set by `use_workers`; else 2, or 1 on a single core."""
    chosen = _workers.get()
    return min(_MOST_BY_DEFAULT, os.cpu_count() or 1) if chosen is None else chosen


@contextlib.contextmanager
def use_workers(n: int | None) -> Iterator[None]:
    """Use `n` workers inside the block; None leaves the number as it is.

    Products of matrices take one thread each: more would get into the way of the workers, and the
    last digits of a sum would depend on their number.

    Raises
    ------
    InputError
        If `n` is not positive.
    """
    if n is not None and n < 1:
        raise InputError("number of workers", got=str(n), allowed="1 or more")
    with contextlib.ExitStack() as stack:
        stack.callback(_workers.reset, _workers.set(_workers.get() if n is None else n))
        if not _limited.get():
            from threadpoolctl import threadpool_limits  # here, as `--help` need not wait for it

            stack.callback(_limited.reset, _limited.set(True))
            stack.enter_context(threadpool_limits(1, user_api="blas"))
        yield


def map_ordered(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield ``function(item)`` for each item, in their order, computed by `workers` threads.

    At most ``workers() + 1`` results wait at a time, so a long stream takes bounded memory. With
    one worker each result is computed when it is asked for, in the calling thread. Time limits and
    listeners of progress that are set around the call hold in the threads too; inside them
    `workers` is 1, so pools do not nest. An error of a task is raised where its result would have
    come; what has not begun by then never begins.
    """
    count = workers()
    if count == 1:
        yield from map(function, items)
        return
    ahead: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(count, thread_name_prefix="twinset")
    try:
        for item in items:
            ahead.append(pool.submit(copy_context().run, _alone, function, item))
            if len(ahead) > count:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _alone(function: Callable[[T], R], item: T) -> R:
    with use_workers(1):
        return function(item)
