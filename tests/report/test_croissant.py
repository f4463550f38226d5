"""release.json is valid Croissant, checked by its reference implementation, offline."""

from __future__ import annotations

import hashlib
import json
import logging

import pytest

from twinset.report.croissant import release_json
from twinset.table.schema import Column, Kind, Schema

ROWS = b"a,b,c,d,e,f\nx,1,0.5,true,2020-01-02,2020-01-02T03:04:05\n"
KINDS = (Kind.CATEGORY, Kind.INTEGER, Kind.REAL, Kind.BOOLEAN, Kind.DATE, Kind.DATETIME)


@pytest.fixture
def release(tmp_path):
    path = tmp_path / "synthetic.csv"
    path.write_bytes(ROWS)
    return path


@pytest.fixture
def schema():
    return Schema(
        columns=tuple(Column(name=n, kind=k) for n, k in zip("abcdef", KINDS, strict=True))
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_reference_implementation_accepts_and_reads_it(release, schema, provenance, caplog):
    mlcroissant = pytest.importorskip("mlcroissant")
    card = json.loads(release_json(release, schema, {**provenance, "licence": None}))
    with caplog.at_level(logging.WARNING):
        metadata = mlcroissant.Metadata.from_json(ctx=_context(mlcroissant, release), json_=card)
    assert not metadata.ctx.issues.errors
    assert "not standard" not in caplog.text
    written = release.with_name("release.json")
    written.write_text(json.dumps(card), encoding="utf-8")
    rows = list(mlcroissant.Dataset(written).records("rows"))
    assert len(rows) == 1
    assert len(rows[0]) == 6


def _context(mlcroissant, release):
    from etils import epath

    return mlcroissant.Context(folder=epath.Path(release.parent))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_broken_card_is_refused(release, schema, provenance):
    mlcroissant = pytest.importorskip("mlcroissant")
    card = json.loads(release_json(release, schema, provenance))
    card["recordSet"][0]["field"][0]["source"]["fileObject"]["@id"] = "elsewhere.csv"
    with pytest.raises(mlcroissant.ValidationError):
        mlcroissant.Dataset(card)


def test_it_says_what_the_file_is(release, schema, provenance):
    card = json.loads(release_json(release, schema, {**provenance, "kept": ["a"]}))
    file = card["distribution"][0]
    assert file["contentUrl"] == "synthetic.csv"
    assert file["sha256"] == hashlib.sha256(ROWS).hexdigest()
    assert card["description"].startswith("Synthetic data: 24,421 artificial rows")
    assert "real values kept as they are: a" in card["description"]
    assert card["license"] == "CC BY 4.0"
    assert "citeAs" not in card
    made = card["prov:wasGeneratedBy"]
    assert made["twinset:generator"] == "cart"
    assert made["twinset:seed"] == 0
    assert card["twinset:isSynthetic"] is True
    assert str(release.parent) not in json.dumps(card)


def test_equal_inputs_equal_bytes_and_no_invented_licence(release, schema):
    first = release_json(release, schema, {"seconds": {"fit": 1.0}})
    assert first == release_json(release, schema, {"seconds": {"fit": 2.0}})
    assert "license" not in json.loads(first)


@pytest.mark.parametrize("name", ["synthetic.csv.gz", "synthetic.parquet", "synthetic.jsonl"])
def test_other_formats(tmp_path, schema, name):
    path = tmp_path / name
    path.write_bytes(b"x")
    file = json.loads(release_json(path, schema, {}))["distribution"][0]
    assert file["name"] == name
    assert file["encodingFormat"].startswith("application/")
