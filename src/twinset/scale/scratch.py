"""A temporary folder for confidential files, which a killed process does not leave for ever."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["scratch_folder"]

_YOUNG = 60.0  # seconds in which a folder may not have its lock yet


@contextlib.contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """Give a folder for the block, closed to others; first remove those of processes that died.

    A folder's owner holds a lock on it, which ends with the process.
    """
    for old in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > _YOUNG:
                with _lock(old) as mine:
                    if mine:
                        shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix) as name, _lock(Path(name)):
        yield Path(name)


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Yield whether the lock of the folder is ours; False where there are no locks."""
    if fcntl is None:
        yield False
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        mine = False
        with contextlib.suppress(OSError):  # another has it, or a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = True
        yield mine
    finally:
        os.close(handle)
