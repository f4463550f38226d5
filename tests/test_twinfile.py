"""A .twin file from a stranger is refused with one clear line, never run, never believed."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import twinset as ts
from twinset.errors import ModelFileError
from twinset.twinfile import Contents, read_twin, twin_bytes


@pytest.fixture
def contents() -> Contents:
    rng = np.random.default_rng(0)
    return Contents(
        {"generator": "cart", "seed": 3},
        {"model.a": rng.random((50, 4)), "model.b": np.arange(7, dtype=np.int32)},
        {"kept": pa.table({"x": [1, 2, None], "y": ["a", "b", "c"]})},
    )


@pytest.fixture
def path(tmp_path: Path, contents: Contents) -> Path:
    file = tmp_path / "m.twin"
    file.write_bytes(twin_bytes(contents))
    return file


def rewrite(path: Path, change) -> None:
    """Write the members again after `change(members)` edited the dictionary of bytes."""
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def edit_manifest(path: Path, change) -> None:
    def edit(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["manifest.json"])
        change(manifest)
        members["manifest.json"] = json.dumps(manifest).encode()

    rewrite(path, edit)


def test_round_trip_and_same_bytes(path: Path, contents: Contents) -> None:
    back = read_twin(path)
    assert back.values == contents.values
    for name, array in contents.arrays.items():
        np.testing.assert_array_equal(back.arrays[name], array)
        assert back.arrays[name].dtype == array.dtype
    assert back.tables["kept"].equals(contents.tables["kept"])
    assert twin_bytes(contents) == path.read_bytes()


@pytest.mark.parametrize("cut", [0, 1, 10, 100, -1, -30])
def test_truncated(path: Path, cut: int) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:cut] if cut else b"")
    with pytest.raises(ModelFileError, match="damaged"):
        read_twin(path)


def test_every_flipped_byte_is_noticed_or_harmless(path: Path, contents: Contents) -> None:
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    refused = 0
    for at in rng.integers(len(whole), size=150):
        data = bytearray(whole)
        data[at] ^= 0xFF
        path.write_bytes(bytes(data))
        try:
            back = read_twin(path)
        except ModelFileError:
            refused += 1
            continue
        assert back.values == contents.values
        for name, array in contents.arrays.items():
            np.testing.assert_array_equal(back.arrays[name], array)
    assert refused > 75


def test_tampered_array(path: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        data = bytearray(members["arrays.safetensors"])
        data[-1] ^= 1
        members["arrays.safetensors"] = bytes(data)

    rewrite(path, change)
    with pytest.raises(ModelFileError, match="hash of arrays"):
        read_twin(path)


def test_newer_version(path: Path) -> None:
    edit_manifest(path, lambda m: m.update(version=99))
    with pytest.raises(ModelFileError, match=r"version 99.*upgrade"):
        read_twin(path)


def test_other_zip_archive(tmp_path: Path) -> None:
    file = tmp_path / "other.twin"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(ModelFileError, match=r"allowed: a \.twin file"):
        read_twin(file)


@pytest.mark.parametrize("name", ["../evil.arrow", "/evil.arrow", "a/b.arrow", "..\\evil.arrow"])
def test_member_outside(path: Path, name: str) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(ModelFileError, match="plain name"):
        read_twin(path)


def test_unlisted_member(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("extra.arrow", b"x")
    with pytest.raises(ModelFileError, match="not those of its manifest"):
        read_twin(path)


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_duplicate_member(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("manifest.json", b"{}")
    with pytest.raises(ModelFileError, match="duplicate"):
        read_twin(path)


def test_zip_bomb_by_header(path: Path) -> None:
    with pytest.raises(ModelFileError, match="when expanded"):
        read_twin(path, max_bytes=500)


def test_zip_bomb_with_a_lying_header(path: Path) -> None:
    """The manifest states a small member; the archive expands to 300 MB of zeros."""
    rewrite(path, lambda m: m.update({"kept.arrow": bytes(300_000_000)}))
    with pytest.raises(ModelFileError, match="larger than stated"):
        read_twin(path)


def replace_member(path: Path, name: str, data: bytes) -> None:
    """Put `data` in place of a member, with the size and hash that fit it."""
    rewrite(path, lambda members: members.update({name: data}))
    stated = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    edit_manifest(path, lambda m: m["members"].update({name: stated}))


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
@pytest.mark.parametrize("column", [np.zeros(10_000), ["a"] * 10_000])
def test_arrow_buffers_that_expand(path: Path, codec: str, column: object) -> None:
    """A few kilobytes inside a member could become any size in memory, past every limit."""
    values = pa.array(column)
    table = pa.table(
        {"x": values if isinstance(column, np.ndarray) else values.dictionary_encode()}
    )
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    replace_member(path, "kept.arrow", sink.getvalue())
    with pytest.raises(ModelFileError, match="compressed inside"):
        read_twin(path)


def test_arrays_of_a_type_that_numpy_lacks(path: Path) -> None:
    entry = {"x": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}
    header = json.dumps(entry).encode()
    replace_member(path, "arrays.safetensors", struct.pack("<Q", len(header)) + header + b"ab")
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_twin(path)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"version": float("inf")},
        {"version": "1"},
        {"members": {"arrays.safetensors": ["bytes", "sha256"]}},
        {"members": {"arrays.safetensors": {"bytes": [], "sha256": ""}}},
        {"members": {"arrays.safetensors": {"bytes": -2, "sha256": ""}}},
        {"members": {"arrays.safetensors": {"bytes": float("inf"), "sha256": ""}}},
    ],
)
def test_manifest_of_wrong_types(path: Path, change: dict[str, object]) -> None:
    edit_manifest(path, lambda m: m.update(change))
    with pytest.raises(ModelFileError, match="its manifest"):
        read_twin(path)


@pytest.mark.parametrize("text", ["[]", "{", "null", '{"format": "twinset.twin"}', "[" * 100_000])
def test_manifest_is_nonsense(path: Path, text: str) -> None:
    rewrite(path, lambda m: m.update({"manifest.json": text.encode()}))
    with pytest.raises(ModelFileError):
        read_twin(path)


def test_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no such file"):
        read_twin(tmp_path / "none.twin")
    with pytest.raises(ModelFileError, match="directory"):
        read_twin(tmp_path)


def test_random_bytes(tmp_path: Path) -> None:
    file = tmp_path / "m.twin"
    file.write_bytes(np.random.default_rng(0).bytes(10_000))
    with pytest.raises(ModelFileError, match="damaged"):
        read_twin(file)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    table = pa.table({"a": rng.integers(0, 50, 300), "b": rng.choice(list("xyz"), 300)})
    file = tmp_path_factory.mktemp("fitted") / "m.twin"
    ts.fit(table, workers=1).save(file)
    return file


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(seed=-3),
        lambda v: v.update(seed=float("inf")),
        lambda v: v.update(protect=float("inf")),
        lambda v: v.update(provenance={}),
        lambda v: v["provenance"].update(rows=-1),
        lambda v: v["provenance"].update(rows=0),
        lambda v: v.update(null_shares=[1]),
        lambda v: v["model"].update(order=[0, 0]),
        lambda v: v["model"].update(order=[1, 0]),
        lambda v: v["model"]["coders"].reverse(),
        lambda v: v["model"]["steps"]["1"]["chosen"].update(predictors=[7]),
        lambda v: v["model"]["steps"]["1"].update(order={"$array": "model.steps.0.order"}),
    ],
)
def test_values_that_do_not_fit_together(fitted: Path, tmp_path: Path, change) -> None:
    file = tmp_path / "m.twin"
    file.write_bytes(fitted.read_bytes())
    assert ts.load(file).sample(5).num_rows == 5
    edit_manifest(file, lambda m: change(m["values"]))
    with pytest.raises(ModelFileError, match="fit together"):
        ts.load(file)


def edit_arrays(path: Path, change) -> None:
    from safetensors.numpy import load, save

    with zipfile.ZipFile(path) as archive:
        arrays = load(archive.read("arrays.safetensors"))
    change(arrays)
    whole = {name: np.ascontiguousarray(a) for name, a in arrays.items()}
    replace_member(path, "arrays.safetensors", save(whole))


@pytest.fixture(scope="module")
def related(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Columns: a number, one that equals it in some rows, a category."""
    rng = np.random.default_rng(0)
    one, two = rng.integers(0, 500, (2, 600)) * 1.0
    columns = {"x": one, "y": np.where(rng.random(600) < 0.3, one, two)}
    file = tmp_path_factory.mktemp("related") / "m.twin"
    letters = np.array(list("xyz"))[(one // 170).astype(int)]
    ts.fit(pa.table({**columns, "b": letters}), workers=1).save(file)
    assert read_twin(file).values["model"]["relations"] == {"1": [[[0, 1]]]}
    return file


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(relations={"1": [[]]}),
        lambda m: m.update(relations={"1": []}),
        lambda m: m.update(relations={"2": []}),
        lambda m: m.update(relations={"1": [[[1, 1]]]}),
        lambda m: m.update(relations={"0": [[[1, 1]]], "1": [[[0, 1]]]}),
        lambda m: m.update(relations={"1": [[[0, 1]] * 10_000]}),
        lambda m: m.update(relations={"1": [[[0, 1]]] * 10_000}),
        lambda m: m["coders"][0].update(size=10**12),
        lambda m: m["coders"][2].update(size=4),
        lambda m: m["coders"][0].update(nullable=True),
        lambda m: m["coders"][0].update(intervals=None),
        lambda m: m["coders"][0]["intervals"].update(step=float("inf")),
        lambda m: m["coders"][1]["intervals"].update(low=m["coders"][0]["intervals"]["low"]),
        lambda m: m["steps"]["2"]["chosen"].update(boosted=None),
        lambda m: m["steps"]["2"]["chosen"].update(predictors=[0] * 10**6),
        lambda m: m["steps"]["1"]["chosen"]["boosted"].update(text=10**13),
    ],
)
def test_a_state_that_would_crash_or_fill_memory(related: Path, tmp_path: Path, change) -> None:
    file = tmp_path / "m.twin"
    file.write_bytes(related.read_bytes())
    edit_manifest(file, lambda m: change(m["values"]["model"]))
    with pytest.raises(ModelFileError, match="fit together"):
        ts.load(file)


@pytest.mark.parametrize(
    ("name", "lie"),
    [
        ("coders.0.intervals.low", lambda a: a[:-1]),
        ("coders.0.intervals.low", lambda a: a[::-1]),
        ("coders.0.intervals.low", lambda a: a * np.nan),
        ("coders.0.intervals.rate", lambda a: a + 1e5),
        ("coders.0.intervals.cuts", lambda a: a[::-1]),
        ("coders.0.intervals.cut_codes", lambda a: a - 1),
        ("coders.0.intervals.cut_codes", lambda a: a + 10**6),
        ("coders.0.intervals.round_to", lambda a: np.arange(1.0, 1_001)),
        ("coders.0.intervals.round_to", lambda a: np.full(1, np.nan)),
        ("coders.0.intervals.round_to", lambda a: np.zeros(1)),
        ("coders.0.intervals.roundness", lambda a: np.zeros((1, 10**6))),
        ("steps.1.starts", lambda a: np.where(np.arange(len(a)) == 1, a[-1] + 9, a).astype("u8")),
        ("steps.1.starts", lambda a: a.astype(np.float64)),
        ("steps.1.share", lambda a: a[:, None]),
        ("steps.1.chosen.bounds", lambda a: a.astype(np.float64)),
    ],
)
def test_an_array_that_would_crash_a_draw(related: Path, tmp_path: Path, name: str, lie) -> None:
    file = tmp_path / "m.twin"
    file.write_bytes(related.read_bytes())
    name = f"model.{name}"
    edit_arrays(file, lambda arrays: arrays.update({name: lie(arrays[name])}))
    if name.endswith("round_to"):
        edit_arrays(file, roundness_that_fits)
    with pytest.raises(ModelFileError, match="fit together"):
        ts.load(file)


def roundness_that_fits(arrays: dict[str, np.ndarray]) -> None:
    at = "model.coders.0.intervals."
    arrays[at + "roundness"] = np.zeros((len(arrays[at + "low"]), len(arrays[at + "round_to"])))


def test_another_seed_makes_other_identifiers(tmp_path: Path) -> None:
    """Else row 7 of each copy of a release would have the same e-mail address."""
    mails = [f"p{i}@firm{i % 7}.com" for i in range(200)]
    twin = ts.fit(pa.table({"mail": mails, "n": np.arange(200) % 9}), workers=1)
    one, same, other = (twin.sample(150, seed=seed)["mail"].to_pylist() for seed in (1, 1, 2))
    assert one == same
    assert len(set(one)) == len(set(other)) == 150
    assert len(set(one) & set(other)) < 15
