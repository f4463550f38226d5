"""release.json: what a release is and where it comes from, as Croissant 1.1 metadata (JSON-LD).

Croissant (MLCommons, format specification 1.1) describes files and fields; W3C PROV terms say how
they were made. Nothing is invented: without a licence there is none, and there is no citation.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twinset.report.disclosure import guard_provenance
from twinset.table.schema import Column, Kind, Schema
from twinset.version import __version__

__all__ = ["release_json"]

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
    "twinset": "urn:twinset:",
}

_TYPES: dict[Kind, str] = {
    Kind.BOOLEAN: "sc:Boolean",
    Kind.INTEGER: "sc:Integer",
    Kind.REAL: "sc:Float",
    Kind.DATE: "sc:Date",
    Kind.DATETIME: "sc:DateTime",
    Kind.TIME: "sc:Time",
}

_FORMATS = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/csv",
    ".parquet": "application/x-parquet",
    ".jsonl": "application/jsonlines",
    ".ndjson": "application/jsonlines",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".gz": "application/gzip",
}


def release_json(release: Path, schema: Schema, provenance: Mapping[str, Any]) -> str:
    """Return the content of release.json for the released file.

    Parameters
    ----------
    release
        The file: its name, size and SHA-256 are recorded, never its folder.
    schema
        Columns of the file, in order.
    provenance
        As in `twinset.report.summary`.

    Returns
    -------
    str
        JSON-LD; equal inputs give equal text, so there is no date in it.
    """
    provenance = guard_provenance(provenance)
    source = str(provenance.get("source") or "table")
    stem = re.sub(r"[^A-Za-z0-9]+", "-", source.partition(".")[0]).strip("-") or "table"
    content: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": f"{stem}-twin",
        "description": _description(source, provenance),
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "version": "1.0.0",
        "isLiveDataset": False,
        "keywords": ["synthetic data"],
        "twinset:isSynthetic": True,
        "rai:dataLimitations": "Every row is synthetic. What was measured, what was attacked and "
        "what was not tested is in report.json and report.html beside this file.",
        "prov:wasGeneratedBy": _activity(provenance),
        "prov:wasDerivedFrom": {"@type": "prov:Entity", "sc:name": source},
        "distribution": [_file(release)],
        "recordSet": [_records(release.name, schema)],
    }
    if provenance.get("licence"):
        content["license"] = str(provenance["licence"])
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _description(source: str, provenance: Mapping[str, Any]) -> str:
    rows = provenance.get("rows")
    number = rows.get("synthetic") if isinstance(rows, Mapping) else None
    text = (
        f"Synthetic data: {f'{number:,} ' if number else ''}artificial rows made to resemble "
        f"{source}. No row stands for a real person or thing."
    )
    kept = [str(c) for c in provenance.get("kept") or ()]
    if kept:
        text += (
            f" These columns are not synthetic but real values kept as they are: {', '.join(kept)}."
        )
    return text


def _activity(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return the step that made the release, in terms of W3C PROV."""
    activity: dict[str, Any] = {
        "@type": "prov:Activity",
        "prov:wasAssociatedWith": {
            "@type": "prov:SoftwareAgent",
            "sc:name": "twinset",
            "sc:softwareVersion": str(provenance.get("version") or __version__),
        },
    }
    for key in ("generator", "seed", "unit", "protection"):
        if provenance.get(key) is not None:
            value = provenance[key]
            plain = isinstance(value, str | int | float)
            activity[f"twinset:{key}"] = value if plain else json.dumps(value, sort_keys=True)
    options = provenance.get("options") or {}
    activity["twinset:options"] = json.dumps(options, sort_keys=True, default=str)
    for key in ("kept", "made_new"):
        if provenance.get(key):
            activity[f"twinset:{key}"] = [str(c) for c in provenance[key]]
    return activity


def _file(release: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with release.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return {
        "@type": "cr:FileObject",
        "@id": release.name,
        "name": release.name,
        "description": "The synthetic rows.",
        "contentUrl": release.name,
        "contentSize": f"{release.stat().st_size} B",
        "encodingFormat": _FORMATS.get(release.suffix.lower(), "text/csv"),
        "sha256": digest.hexdigest(),
    }


def _records(file: str, schema: Schema) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "rows",
        "name": "rows",
        "description": "One synthetic row each.",
        "field": [_field(file, c, i) for i, c in enumerate(schema.columns)],
    }


def _field(file: str, column: Column, number: int) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"rows/{number}",
        "name": column.name or f"column {number + 1}",
        "description": f"{column.kind.value}, {column.role.value}"
        + (", real values kept as they are" if column.keep else ""),
        "dataType": _TYPES.get(column.kind, "sc:Text"),
        "source": {"fileObject": {"@id": file}, "extract": {"column": column.name}},
    }
