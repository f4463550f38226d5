"""Schemas written, edited, read again; and the schema files of others."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from twinset.errors import InputError, SchemaError
from twinset.table.inference.table_schema import infer
from twinset.table.schema import Kind, Personal, Role, Schema
from twinset.table.schema_files import dump_schema, load_schema, save_schema

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "schema.yaml"


def people() -> pa.Table:
    n = 60
    return pa.table(
        {
            "age": pa.array([str(17 + i % 50) for i in range(n)]),
            "born": pa.array([f"{1950 + i % 50}-03-{1 + i % 28:02}" for i in range(n)]),
            "paid": pa.array([("999" if i % 9 == 0 else str(i % 40)) for i in range(n)]),
            "job": pa.array(["a", "b", None] * 20),
            "yes": pa.array(["ja", "nein"] * 30),
        }
    )


def test_what_is_written_is_read_and_infers_the_same(tmp_path):
    schema = infer(people(), target="job")
    for name in ("s.yaml", "s.json"):
        save_schema(schema, tmp_path / name)
        loaded = load_schema(tmp_path / name)
        assert infer(people(), declared=loaded) == schema
    text = dump_schema(schema)
    assert "low: 1950-03-01" in text
    assert "inferred: [kind, low, high" in text
    assert "reason: whole numbers" in text


def test_an_edit_counts_also_if_the_list_is_left_as_it_was(tmp_path):
    path = tmp_path / "s.yaml"
    text = dump_schema(infer(people())).replace("kind: integer", "kind: category", 1)
    path.write_text(text, encoding="utf-8")
    found = infer(people(), declared=load_schema(path))["age"]
    assert found.kind is Kind.CATEGORY
    assert "kind" not in found.declared


def test_the_example_of_the_docs():
    schema = load_schema(EXAMPLE)
    assert schema["age"].declared == {"kind", "low", "high"}
    assert schema["born"].low == -18263.0
    assert schema.target.name == "income"
    assert schema.unit.name == "person"
    assert schema["guest"].personal is Personal.NAME
    assert schema["region"].keep
    assert schema["hours"].sentinels == (-9.0, 999.0)
    assert schema["badge"].format.pattern == "[A-Z]{2}[0-9]{6}"


WRONG = {
    "- {name: a, kind: number}": "column 'a', kind; got another word; allowed: boolean, integer",
    "- {name: a, knd: real}": "field 'knd'",
    "- {kind: real}": "column 1; got no name",
    "- {name: a, format: {decimal: 2}}": "did you mean decimals",
    "- {name: a, categories: [true, false]}": "in quotes",
    "- {name: a}\n- {name: a}": "'a' twice",
    "- {name: a, low: x}": "column 'a', low",
    "- {name: a, low: .nan}": "column 'a', low; got input should be a finite number",
    "- {name: a, high: .inf}": "column 'a', high; got input should be a finite number",
    "- {name: a, sentinels: [.nan]}": "column 'a', sentinels.0",
    "- {name: a, low: 2020-13-45}": "month must be in 1..12",
    "- {name: a, inferred: [knd]}": "inferred; got field 'knd'",
    "- &x {name: a}\n- *x": "aliases",
    "columns: 5": "no list called columns",
    "version: 2\ncolumns: []": "version; got 2",
    "- [": "line",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_said_in_one_line(tmp_path, text):
    path = tmp_path / "s.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_schema(path)
    assert WRONG[text] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_large_and_missing_files(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text("# " + "x" * 1_000_001, encoding="utf-8")
    with pytest.raises(InputError, match="1 MB"):
        load_schema(path)
    with pytest.raises(InputError, match="no such file"):
        load_schema(tmp_path / "none.yaml")


def test_many_categories_are_left_out_of_yaml():
    levels = pa.array([f"code {i % 700}" for i in range(7000)])
    schema = infer(pa.table({"c": levels}))
    assert len(schema["c"].categories) == 700
    assert "categories:" not in dump_schema(schema).split("columns:")[1]


SDV = {
    "METADATA_SPEC_VERSION": "SINGLE_TABLE_V1",
    "primary_key": "guest",
    "columns": {
        "guest": {"sdtype": "id", "regex_format": "G-[0-9]{5}"},
        "mail": {"sdtype": "email", "pii": True},
        "soc": {"sdtype": "ssn", "pii": True},
        "nights": {"sdtype": "numerical", "computer_representation": "Int64"},
        "rate": {"sdtype": "numerical", "computer_representation": "Float"},
        "plain": {"sdtype": "numerical"},
        "room": {"sdtype": "categorical"},
        "size": {"sdtype": "categorical", "order": ["S", "M", "L"]},
        "rewards": {"sdtype": "boolean"},
        "checkin": {"sdtype": "datetime", "datetime_format": "%d %b %Y"},
        "stamp": {"sdtype": "datetime", "datetime_format": "%Y-%m-%d %H:%M:%S"},
        "town": {"sdtype": "city"},
        "colour": {"sdtype": "color_name", "pii": True},
    },
}


@pytest.mark.parametrize("form", ["one table", "several"])
def test_sdv_metadata(tmp_path, form):
    path = tmp_path / "metadata.json"
    path.write_text(json.dumps(SDV if form == "one table" else {"tables": {"t": SDV}}))
    schema = load_schema(path)
    kinds = {c.name: c.kind.value for c in schema.columns if "kind" in c.model_fields_set}
    assert kinds == {
        "guest": "identifier", "mail": "identifier", "soc": "identifier", "nights": "integer",
        "rate": "real", "room": "category", "size": "ordinal", "rewards": "boolean",
        "checkin": "date", "stamp": "datetime", "colour": "text",
    }  # fmt: skip
    assert schema["guest"].role is Role.KEY
    assert schema["guest"].format.pattern == "G-[0-9]{5}"
    assert schema["mail"].personal is Personal.EMAIL
    assert schema["size"].categories == ("S", "M", "L")


def test_sdv_metadata_of_two_tables_needs_a_choice(tmp_path):
    path = tmp_path / "metadata.json"
    path.write_text(json.dumps({"tables": {"a": SDV, "b": SDV}}))
    with pytest.raises(SchemaError, match="2 tables"):
        load_schema(path)


FRICTIONLESS = {
    "primaryKey": "id",
    "missingValues": ["", "NA"],
    "fields": [
        {
            "name": "id",
            "type": "string",
            "constraints": {"pattern": "[A-Z]{3}[0-9]{4}", "unique": True},
        },
        {"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 120}},
        {"name": "height", "type": "number", "decimalChar": ",", "groupChar": "."},
        {"name": "ok", "type": "boolean", "trueValues": ["J"], "falseValues": ["N"]},
        {
            "name": "level",
            "type": "string",
            "constraints": {"enum": ["lo", "hi"], "required": True},
        },
        {"name": "day", "type": "date", "format": "%d.%m.%Y"},
        {"name": "when", "type": "datetime"},
        {"name": "mail", "type": "string", "format": "email"},
        {"name": "free", "type": "string"},
    ],
}


@pytest.mark.parametrize("form", ["schema", "resource", "package"])
def test_frictionless(tmp_path, form):
    data = {
        "schema": FRICTIONLESS,
        "resource": {"name": "t", "schema": FRICTIONLESS},
        "package": {"resources": [{"name": "t", "schema": FRICTIONLESS}]},
    }[form]
    path = tmp_path / "datapackage.json"
    path.write_text(json.dumps(data))
    schema = load_schema(path)
    assert schema["id"].role is Role.KEY
    assert (schema["age"].low, schema["age"].high) == (0, 120)
    assert schema["height"].format.comma
    assert schema["height"].format.thousands == "."
    assert (schema["ok"].format.true, schema["ok"].format.false) == ("J", "N")
    assert schema["level"].categories == ("lo", "hi")
    assert "nullable" in schema["level"].declared | schema["level"].model_fields_set
    assert schema["day"].format.date_format == "%d.%m.%Y"
    assert schema["mail"].personal is Personal.EMAIL
    assert "kind" not in schema["free"].model_fields_set
    assert schema["free"].format.nulls == ("", "NA")


def test_a_foreign_schema_is_declared_and_its_values_checked(tmp_path):
    path = tmp_path / "schema.json"
    path.write_text(json.dumps({"fields": [{"name": "age", "type": "integer",
                                            "constraints": {"maximum": 20}}]}))  # fmt: skip
    with pytest.raises(SchemaError, match="column 'age', data row 5"):
        infer(people(), declared=load_schema(path))


def test_unknown_types_are_named(tmp_path):
    path = tmp_path / "schema.json"
    path.write_text(json.dumps({"fields": [{"name": "a", "type": "geojson"}]}))
    with pytest.raises(SchemaError, match="field 'a'; got type 'geojson'"):
        load_schema(path)
    path.write_text(json.dumps({"columns": {"a": {"sdtype": 5}}}))
    with pytest.raises(SchemaError, match="sdtype 5"):
        load_schema(path)


def test_a_schema_survives_json():
    schema = infer(people())
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema


def test_a_context_column_is_read_from_a_file_and_must_be_learnable(tmp_path):
    """A model encodes what it is conditioned on: keys, constants and personal data cannot be."""
    table = people().append_column("id", pa.array([f"a{i}" for i in range(60)]))
    table = table.append_column("one", pa.array(["x"] * 60))
    path = tmp_path / "s.yaml"
    path.write_text("- {name: id, role: context}\n- {name: age, role: context}\n")
    found = infer(table, declared=load_schema(path))
    assert found["id"].kind is Kind.CATEGORY  # as for a target: not made new
    assert [c.name for c in found.with_role(Role.CONTEXT)] == ["age", "id"]
    save_schema(found, path)
    assert infer(table, declared=load_schema(path)) == found
    for text, got in (
        ("{name: id, kind: identifier, role: context}", "kind identifier"),
        ("{name: one, role: context}", "kind constant"),
        ("{name: age, personal: phone, role: context}", "personal data"),
    ):
        path.write_text(f"- {text}\n")
        with pytest.raises(InputError, match=rf"role context; got {got}, which is never learned"):
            infer(table, declared=load_schema(path))
