"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from twinset.errors import InputError, StorageError

__all__ = [
    "OutFile",
    "atomic_file",
    "atomic_write",
    "check_place",
    "remove_half_written",
    "storage_errors",
]

_HALF_WRITTEN = re.compile(r"\..+\.[0-9a-f]{12}\.tmp")

_WRONG_CALL = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EROFS)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class OutFile:
    """A temporary file beside its final place; `commit` moves it there, `discard` removes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.is_dir():
            raise InputError(f"output {path.name}", got="a folder", allowed="a file")
        self._temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        with storage_errors(path):
            closed = 0o600 | (path.parent.stat().st_mode & 0o066)  # no more open than its folder
            self.file: BinaryIO = os.fdopen(os.open(self._temporary, flags, closed), "wb", 1 << 20)

    def commit(self) -> None:
        """Give the whole file its name, durably."""
        with storage_errors(self.path):
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            os.replace(self._temporary, self.path)
            _sync_folder(self.path.parent)

    def discard(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(OSError):
            self.file.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable, where the system lets a folder be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Say in one line why `path` cannot be written.

    Raises
    ------
    InputError
        If the place is wrong: no such folder, no permission.
    StorageError
        If the disk is full or fails.
    """
    try:
        yield
    except BrokenPipeError:  # who reads our output has enough: no failure of ours
        raise
    except OSError as error:
        name = path.name
        if error.errno in _WRONG_CALL:
            reason, hint = os.strerror(error.errno).lower(), "check the folder"
            if error.errno == errno.ENOENT:
                parents = [p for p in path.parents if not p.is_dir()]
                reason = f"no folder {parents[-1]}" if parents else reason
                hint = "make it first" if parents else hint
            raise InputError(f"output {name} cannot be written", got=reason, hint=hint) from None
        if error.errno in _FULL:
            raise StorageError(f"{name} is not written: the disk or the quota is full") from None
        code = os.strerror(error.errno).lower() if error.errno else type(error).__name__
        raise StorageError(f"{name} is not written: {code}") from None


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that appears under its name only if the block succeeds.

    Raises
    ------
    InputError, StorageError
        As `storage_errors` says; then nothing is left behind.
    """
    out = OutFile(Path(path))
    try:
        with storage_errors(out.path):
            yield out.file
        out.commit()
    except BaseException:
        out.discard()
        raise


def remove_half_written(folder: Path) -> None:
    """Remove what a process that was killed left of files in this folder."""
    for path in folder.iterdir():
        if _HALF_WRITTEN.fullmatch(path.name):
            path.unlink()


def check_place(path: str | os.PathLike[str]) -> None:
    """Refuse at once, before hours of work, a place where no file can be written.

    Raises
    ------
    InputError
        As `atomic_file` would in the end.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"output {path.name}", got="a folder", allowed="a file")
    with storage_errors(path):
        if not path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "")
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(errno.EACCES, "")


def atomic_write(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a whole file at once, or nothing."""
    with atomic_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)
