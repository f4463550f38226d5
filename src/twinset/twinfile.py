"""The .twin container: a zip that a stranger may have made, so nothing in it is trusted.

Members: ``manifest.json`` (format, version, JSON values, SHA-256 and size of every other member),
``arrays.safetensors`` and, if there are tables, ``<name>.arrow``. No member is ever code. Checked
before anything is expanded: number, names and declared sizes of members; while expanding: the true
size; after it: the hashes. Hashes detect damage; they do not prove who wrote the file.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.errors import ModelFileError

__all__ = ["VERSION", "Contents", "read_twin", "twin_bytes"]

VERSION = 1
_FORMAT = "twinset.twin"
_MANIFEST = "manifest.json"
_ARROW_MAGIC = 8
_ARRAYS = "arrays.safetensors"
_MAX_MEMBERS = 64
_MAX_MANIFEST = 64 * 2**20
_MAX_TOTAL = 4 * 2**30
_MISFITS = (ValueError, TypeError, KeyError, struct.error)  # of readers that meet what is unknown
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Contents:
    """What a .twin file holds: JSON `values`, named `arrays` and named Arrow `tables`."""

    values: Mapping[str, Any]
    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    tables: Mapping[str, pa.Table] = field(default_factory=dict)


def twin_bytes(contents: Contents) -> bytes:
    """Serialise; the same contents give the same bytes."""
    from safetensors.numpy import save

    members = {_ARRAYS: save({k: np.ascontiguousarray(v) for k, v in contents.arrays.items()})}
    for name, table in contents.tables.items():
        sink = io.BytesIO()
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        members[f"{name}.arrow"] = sink.getvalue()
    manifest = {
        "format": _FORMAT,
        "version": VERSION,
        "members": {
            n: {"sha256": hashlib.sha256(b).hexdigest(), "bytes": len(b)}
            for n, b in members.items()
        },
        "values": contents.values,
    }
    text = json.dumps(manifest, ensure_ascii=False, allow_nan=False, sort_keys=True)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, data in {_MANIFEST: text.encode(), **members}.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def read_twin(path: Path, *, max_bytes: int = _MAX_TOTAL) -> Contents:
    """Read a .twin file.

    Raises
    ------
    ModelFileError
        If the file is missing, not a twin, damaged, newer than this twinset, or expands to more
        than `max_bytes`.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        with zipfile.ZipFile(path) as archive:
            manifest, members = _members(archive, path, max_bytes)
            arrays = load(members.pop(_ARRAYS))
            tables = {n.removesuffix(".arrow"): _arrow(b, path, n) for n, b in members.items()}
    except FileNotFoundError:
        raise ModelFileError(str(path), got="no such file") from None
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError):
        raise _damaged(path, "it is not a whole zip archive") from None
    except (PermissionError, IsADirectoryError) as error:
        raise ModelFileError(str(path), got=str(error.strerror)) from None
    except (SafetensorError, pa.ArrowException, OSError, RuntimeError, *_MISFITS):
        raise _damaged(path, "a member cannot be read") from None
    return Contents(manifest["values"], arrays, tables)


def _members(
    archive: zipfile.ZipFile, path: Path, max_bytes: int
) -> tuple[dict[str, Any], dict[str, bytes]]:
    infos = archive.infolist()
    names = [i.filename for i in infos]
    if len(names) > _MAX_MEMBERS or len(set(names)) != len(names):
        raise _damaged(path, "it has too many or duplicate members")
    if any(n != Path(n).name or n.startswith(".") or "\\" in n or ":" in n for n in names):
        raise _damaged(path, "a member name is not a plain name")
    if sum(i.file_size for i in infos) > max_bytes:
        raise ModelFileError(
            str(path), got=f"more than {max_bytes:,} bytes when expanded", allowed="a smaller file"
        )
    if _MANIFEST not in names:
        raise ModelFileError(str(path), got="a zip archive", allowed="a .twin file")
    manifest = _manifest(_expand(archive, _MANIFEST, _MAX_MANIFEST, path), path)
    listed = manifest["members"]
    if set(listed) != set(names) - {_MANIFEST} or _ARRAYS not in listed:
        raise _damaged(path, "its members are not those of its manifest")
    members = {}
    for name, entry in listed.items():
        data = _expand(archive, name, int(entry["bytes"]), path)
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise _damaged(path, f"the hash of {name} does not fit")
        members[name] = data
    return manifest, members


def _expand(archive: zipfile.ZipFile, name: str, limit: int, path: Path) -> bytes:
    """Member `name`, never reading more than `limit` bytes whatever its header says."""
    with archive.open(name) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise _damaged(path, f"{name} is larger than stated")
    return data


def _manifest(data: bytes, path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(data)
        if not isinstance(manifest, dict) or manifest["format"] != _FORMAT:
            raise ModelFileError(str(path), got="a zip archive", allowed="a .twin file")
        version = manifest["version"]
        shaped = isinstance(version, int) and all(map(_shaped, manifest["members"].values()))
    except (*_MISFITS, AttributeError, RecursionError):
        raise _damaged(path, "its manifest cannot be read") from None
    if not shaped or not isinstance(manifest.get("values"), dict) or version < 1:
        raise _damaged(path, "its manifest is not whole")
    if version > VERSION:
        raise ModelFileError(
            str(path),
            got=f"format version {version}",
            allowed=f"up to {VERSION}",
            hint="pip install --upgrade twinset",
        )
    return manifest


def _shaped(entry: dict[str, Any]) -> bool:
    """Whether a member's size and hash are what they should be."""
    return (
        isinstance(entry["bytes"], int) and entry["bytes"] >= 0 and isinstance(entry["sha256"], str)
    )


def _arrow(data: bytes, path: Path, name: str) -> pa.Table:
    if not name.endswith(".arrow"):
        raise _damaged(path, "it has a member of unknown kind")
    stream = data[_ARROW_MAGIC:]  # not the index at the end, which could point to other messages
    if any(map(_is_compressed, pa.ipc.MessageReader.open_stream(stream))):
        raise _damaged(path, f"{name} is compressed inside")
    table = pa.ipc.open_stream(stream).read_all()
    table.validate(full=True)
    return table


def _is_compressed(message: pa.ipc.Message) -> bool:
    """Whether the buffers of a batch expand to more than what was read.

    Arrow has no option for it, so this looks it up in the flatbuffers of the message: ``Message``
    holds a ``RecordBatch``, in a ``DictionaryBatch`` for a dictionary (Arrow, Message.fbs).
    """
    data = message.metadata.to_pybytes()
    (root,) = struct.unpack_from("<I", data)
    batch = _subtable(data, root, 2)
    if message.type == "dictionary" and batch is not None:
        batch = _subtable(data, batch, 1)
    is_batch = message.type in ("dictionary", "record batch")
    return is_batch and batch is not None and _subtable(data, batch, 3) is not None


def _subtable(data: bytes, table: int, number: int) -> int | None:
    """Where the table in field `number` of the flatbuffers table at `table` starts, if set."""
    (back,) = struct.unpack_from("<i", data, table)
    (size,) = struct.unpack_from("<H", data, table - back)
    entry = 4 + 2 * number
    offset = struct.unpack_from("<H", data, table - back + entry)[0] if entry < size else 0
    return (
        None if offset == 0 else table + offset + struct.unpack_from("<I", data, table + offset)[0]
    )


def _damaged(path: Path, why: str) -> ModelFileError:
    return ModelFileError(str(path), got=f"a damaged file ({why})", hint="fit the model again")
