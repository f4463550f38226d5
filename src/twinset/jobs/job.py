"""Job: a folder in which a run works, can be killed, and goes on.

Each step writes its result under its final name only when it is whole, then is ticked off in
``private/state.json``. The state holds a key made of the input, the options and the version:
the same command goes on after the last finished step, another one is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from twinset.errors import InputError, ModelFileError
from twinset.progress import Event
from twinset.table.atomic import atomic_write, remove_half_written, storage_errors
from twinset.table.dataset import Dataset
from twinset.table.schema import Schema
from twinset.table.table import Table, empty_table
from twinset.version import __version__

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["Job", "run_key"]

T = TypeVar("T")

_LEFT_AT_START = re.compile(r"share|private|private/\.state\.json\.[0-9a-f]{12}\.tmp")


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
    @contextlib.contextmanager
    def open(cls, folder: Path, key: str) -> Iterator[Job]:
        """Make the folder, or go on in it if it was made by the same command.

        The folder is locked while the block runs. What an `InputError` of a new run leaves behind
        is removed, so that the corrected command finds the folder as it was.

        Raises
        ------
        InputError
            If the folder holds something else, the run of another command, or one that is at work;
            or if it cannot be made there.
        StorageError
            If the disk is full.
        """
        job = cls(folder, key)
        with storage_errors(folder):
            was_there = folder.exists()
            if was_there and not folder.is_dir():
                raise InputError(f"--out {folder}", got="a file", allowed="a folder")
            job._check_foreign()
            job.share.mkdir(parents=True, exist_ok=True)
            job.private.mkdir(mode=0o700, exist_ok=True)
            job.private.chmod(0o700)
        with _locked(job.private, f"--out {folder}"):
            with storage_errors(folder):
                new = job._begin()
            try:
                yield job
            except InputError:
                if new:
                    job._discard(keep_folder=was_there)
                raise

    def _check_foreign(self) -> None:
        """Refuse a folder with things of others, but not what a run killed at its start left."""
        if not self.folder.exists() or self._state_file.exists():
            return
        held = {p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*")}
        if any(not _LEFT_AT_START.fullmatch(name) for name in held):
            raise InputError(
                f"--out {self.folder}",
                got="a folder with other things in it",
                allowed="a new folder",
            )

    def _begin(self) -> bool:
        """Check the key, remove what a killed run left half-written; return whether it is new."""
        state = self._state()
        if state and state.get("key") != self.key:
            raise InputError(
                f"--out {self.folder}",
                got="the run of another command, input or version",
                allowed="the same command, or a new folder",
                hint=f"remove {self.folder} or choose another --out",
            )
        for part in (self.share, self.private):
            remove_half_written(part)
        if not state:
            self._write_state([])
        return not state

    def _discard(self, *, keep_folder: bool) -> None:
        for part in (self.share, self.private):
            shutil.rmtree(part, ignore_errors=True)
        if not keep_folder:
            with contextlib.suppress(OSError):
                self.folder.rmdir()

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
            state = json.loads(self._state_file.read_text(encoding="utf-8"))
        except ValueError:
            state = None
        if not isinstance(state, dict) or not isinstance(state.get("done"), list):
            raise InputError(
                f"--out {self.folder}", got="a damaged state.json", hint="remove the folder"
            )
        return state

    def _write_state(self, done: list[str]) -> None:
        atomic_write(self._state_file, json.dumps({"key": self.key, "done": done}))

    def done(self, name: str) -> bool:
        """Whether the step has been finished before."""
        return name in self._state().get("done", [])

    def step(self, name: str, make: Callable[[], object], load: Callable[[], T]) -> T:
        """Make what the step writes, unless it is finished, tick it off, and return `load()`.

        The result is read back in any case, so that a run that went on after a kill works with the
        same objects as one that was never stopped. `make` must have written whatever `load` reads,
        whole, before it returns.
        """
        if not self.done(name):
            make()
            self._write_state([*self._state().get("done", []), name])
        try:
            return load()
        except (OSError, ValueError, KeyError, ModelFileError):
            raise InputError(
                f"--out {self.folder}",
                got=f"a missing or damaged result of the step {name}",
                hint="remove the folder and run again",
            ) from None

    def save_shape(self, dataset: Dataset) -> None:
        """Write names, schemas, keys and links: ``private/schema.json``."""
        schemas = {name: table.schema.to_dict() for name, table in dataset.tables.items()}
        one = dataset.is_one and not dataset.keys and not dataset.links
        shape = schemas[dataset.name] if one else {**dataset.to_dict(), "schemas": schemas}
        atomic_write(self.private / "schema.json", json.dumps(shape))

    def shape(self) -> Dataset:
        """Read back what `save_shape` wrote: a data set without rows."""
        data = json.loads((self.private / "schema.json").read_text(encoding="utf-8"))
        if "tables" not in data:
            return Dataset.of(empty_table(Schema.from_dict(data)))
        schemas = {n: Schema.from_dict(s) for n, s in data["schemas"].items()}
        return Dataset.from_dict(data, schemas)

    def save_tables(self, side: str, dataset: Dataset) -> None:
        """Write the rows of all tables: ``private/<side>.arrow``, or a folder of several."""
        for number, table in enumerate(dataset.tables.values()):
            sink = pa.BufferOutputStream()
            with pa.ipc.new_file(sink, table.data.schema) as writer:
                writer.write_table(table.data)
            file = self._table_file(side, dataset, number)
            file.parent.mkdir(mode=0o700, exist_ok=True)
            atomic_write(file, sink.getvalue().to_pybytes())

    def load_tables(self, side: str, shape: Dataset) -> Dataset:
        """Read back the rows of `side` under the schemas of `shape`."""
        place = {name: number for number, name in enumerate(shape.tables)}

        def read(name: str, empty: Table) -> Table:
            with pa.OSFile(str(self._table_file(side, shape, place[name]))) as file:
                return Table(empty.schema, pa.ipc.open_file(file).read_all())

        return shape.map(read)

    def _table_file(self, side: str, dataset: Dataset, number: int) -> Path:
        name = f"{side}.arrow" if dataset.is_one else f"{side}/{number}.arrow"
        return self.private / name

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
        path = self.private / "events.jsonl"
        with (
            storage_errors(path),
            open(path, "a", encoding="utf-8", newline="\n", opener=_closed) as file,
        ):
            file.write(line + "\n")


def _closed(path: str, flags: int) -> int:
    """Open a file that is closed to others."""
    return os.open(path, flags, 0o600)


@contextlib.contextmanager
def _locked(folder: Path, what: str) -> Iterator[None]:
    """Hold a lock on `folder` that ends with the process; InputError if another one has it."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                what, got="a folder in which another run is at work", hint="wait for its end"
            ) from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(handle)
