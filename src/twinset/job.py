"""Job: a folder in which a run works, can be killed, and goes on.

Each step writes its result under its final name only when it is whole, then is ticked off in
``private/state.json``. The state holds a key made of the input, the options and the version:
the same command goes on after the last finished step, another one is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from twinset.errors import InputError, StorageError
from twinset.progress import Event
from twinset.table.write import atomic_write
from twinset.version import __version__

__all__ = ["Job", "run_key"]

T = TypeVar("T")


def run_key(fingerprint: str, options: Mapping[str, Any]) -> str:
    """Resume key: hash of input, options and version."""
    text = json.dumps([fingerprint, options, __version__], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Job:
    """A working folder: ``share/`` may leave the building, ``private/`` may not."""

    folder: Path
    key: str

    @classmethod
    def open(cls, folder: Path, key: str) -> Job:
        """Make the folder, or go on in it if it was made by the same command.

        Raises
        ------
        InputError
            If the folder holds something else or the run of another command.
        StorageError
            If the folder cannot be made.
        """
        job = cls(folder, key)
        if folder.is_file():
            raise InputError(f"--out {folder}", got="a file", allowed="a folder")
        if folder.exists() and any(folder.iterdir()) and not job._state_file.exists():
            raise InputError(
                f"--out {folder}", got="a folder with other things in it", allowed="a new folder"
            )
        try:
            job.share.mkdir(parents=True, exist_ok=True)
            job.private.mkdir(exist_ok=True)
            job.private.chmod(0o700)
        except OSError as error:
            raise StorageError(f"{folder} cannot be made: {error.strerror}") from None
        state = job._state()
        if state.get("key", key) != key:
            raise InputError(
                f"--out {folder}",
                got="the run of another command, input or version",
                allowed="the same command, or a new folder",
                hint=f"remove {folder} or choose another --out",
            )
        if not state:
            job._write_state([])
        return job

    @property
    def share(self) -> Path:
        """What may be shared."""
        return self.folder / "share"

    @property
    def private(self) -> Path:
        """What is as confidential as the train table."""
        return self.folder / "private"

    @property
    def _state_file(self) -> Path:
        return self.private / "state.json"

    def _state(self) -> dict[str, Any]:
        if not self._state_file.exists():
            return {}
        try:
            state: dict[str, Any] = json.loads(self._state_file.read_text(encoding="utf-8"))
        except ValueError:
            raise InputError(str(self._state_file), got="a damaged file") from None
        return state

    def _write_state(self, done: list[str]) -> None:
        atomic_write(self._state_file, json.dumps({"key": self.key, "done": done}))

    def done(self, name: str) -> bool:
        """Whether the step has been finished before."""
        return name in self._state().get("done", [])

    def step(self, name: str, make: Callable[[], T], load: Callable[[], T]) -> T:
        """Return `load()` if the step is finished, else `make()` and tick it off.

        `make` must have written whatever `load` reads, whole, before it returns.
        """
        if self.done(name):
            return load()
        value = make()
        self._write_state([*self._state().get("done", []), name])
        return value

    def record(self, event: Event) -> None:
        """Append a progress event to ``private/events.jsonl``."""
        line = json.dumps(
            {
                "time": round(time.time(), 3),
                "phase": event.phase,
                "done": event.done,
                "total": event.total,
                "seconds": round(event.seconds, 3),
                "finished": event.finished,
            }
        )
        with (self.private / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + os.linesep)
