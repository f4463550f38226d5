"""What is never learned is made new: in form, unique where unique, and never from the source."""

from __future__ import annotations

import itertools
import random
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from twinset.encoding.surrogate_patterns import by_pattern, permuted
from twinset.encoding.surrogates import make
from twinset.encoding.table_encoding import fit_encoding
from twinset.errors import InputError, SchemaError
from twinset.protocols import FitContext
from twinset.table.canonical import to_raw
from twinset.table.inference.table_schema import infer
from twinset.table.patterns import learn, parse
from twinset.table.personal import is_card, is_iban, is_ip
from twinset.table.schema import Column, Format, Kind, Personal, Schema
from twinset.table.table import Table

PATTERNS = [
    "C[0-9]{6}", "[A-Z]{2}[0-9]{6}", r"\([0-9]{3}\) [0-9]{3}-[0-9]{4}", "[a-f0-9]{32}",
    "(?:[A-Z][1-9][0-9]{4}|X-[0-9]{5,6})", "[A-Za-z0-9]{8}", "ä[0-9]{5}", r"\d{3}-\w{4}",
]  # fmt: skip


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("unique", [True, False])
def test_values_fit_their_pattern(pattern, unique):
    values = by_pattern(pattern, 2000, rng(), unique=unique).to_pylist()
    assert all(re.fullmatch(pattern, v) for v in values)
    if unique:
        assert len(set(values)) == 2000


@pytest.mark.parametrize("pattern", PATTERNS)
def test_chunks_share_no_value(pattern):
    whole = [by_pattern(pattern, 500, rng(), start=s, unique=True).to_pylist()
             for s in (0, 500, 1000)]  # fmt: skip
    assert len({v for chunk in whole for v in chunk}) == 1500


def test_a_whole_pattern_is_used_up_and_no_more():
    column = Column(
        name="id", kind=Kind.IDENTIFIER, unique=True, format=Format(pattern="[A-Z][0-9]")
    )
    values = make(column, 260, rng=rng())
    assert len(pc.unique(values)) == 260
    with pytest.raises(InputError, match="260 different values"):
        make(column, 10, rng=rng(), start=255)


def test_fifty_million_rows_have_room():
    column = Column(
        name="id", kind=Kind.IDENTIFIER, unique=True, format=Format(pattern="[0-9a-f]{16}")
    )
    first = make(column, 5000, rng=rng())
    last = make(column, 5000, rng=np.random.default_rng(9), start=50_000_000)
    assert len(pc.unique(pa.concat_arrays([first, last]))) == 10_000


@pytest.mark.parametrize("room", [1, 2, 3, 10, 97, 1000, 4096])
def test_permuted_is_one_to_one_and_not_in_order(room):
    out = permuted(np.arange(room), room, salt=12)
    assert sorted(out) == list(range(room))
    if room > 50:
        assert abs(np.corrcoef(out, np.arange(room))[0, 1]) < 0.4


def test_patterns_are_learned_from_shapes():
    draw = random.Random(1)
    assert learn([f"C{draw.randint(100000, 999999)}" for _ in range(50)]) == "C[0-9]{6}"
    assert learn([f"{n:05}" for n in range(0, 90000, 1111)]) == "[0-8][0-9]{4}"
    mixed = [f"{draw.choice('XYZ')}{draw.randint(10, 9999)}" for _ in range(200)]
    assert learn(mixed) == "[A-Z][1-9][0-9]{1,3}"
    assert learn(["hello there", "a-1", "?"]) is None


def test_a_literal_is_never_rare_text():
    rare = [f"AB-{n}" for n in range(1000, 1500)] + ["SMITH-77"]
    pattern = learn(rare)
    assert pattern is None or "SMITH" not in pattern


@pytest.mark.parametrize("wrong", ["a**", "(", "[", "x{3,1}", "(a(b))"])
def test_what_is_no_pattern_is_refused(wrong):
    with pytest.raises(SchemaError, match="pattern"):
        parse(wrong)


PERSONAL = {
    "email": (Personal.EMAIL, lambda v: re.fullmatch(r"[\w.'-]+@example\.(com|org|net)", v)),
    "credit_card_number": (Personal.CARD, is_card),
    "iban": (Personal.IBAN, is_iban),
    "ipv4": (Personal.IP, is_ip),
    "name": (Personal.NAME, lambda v: len(v.split()) >= 2),
    "phone_number": (Personal.PHONE, lambda v: sum(c.isdigit() for c in v) >= 10),
    "street_address": (Personal.ADDRESS, lambda v: any(c.isdigit() for c in v)),
    "ssn": (Personal.NATIONAL_ID, lambda v: v.startswith("9")),
}


@pytest.mark.parametrize("provider", PERSONAL)
def test_personal_data_is_made_in_form(provider):
    kind, check = PERSONAL[provider]
    column = Column(name="x", kind=Kind.TEXT, personal=kind, format=Format(provider=provider))
    values = make(column, 500, rng=rng()).to_pylist()
    assert all(check(v) for v in values)
    assert len(set(values)) > 100
    assert make(column, 500, rng=rng()).to_pylist() == values, "the same seed, the same values"


@pytest.mark.parametrize("provider", ["email", "credit_card_number", "iban", "ipv4", "url", "name"])
def test_personal_data_is_unique_where_unique(provider):
    column = Column(name="x", kind=Kind.TEXT, personal=Personal.OTHER, unique=True,
                    format=Format(provider=provider))  # fmt: skip
    parts = [make(column, 20_000, rng=rng(), start=s) for s in (0, 20_000, 5_000_000)]
    assert len(pc.unique(pa.concat_arrays(parts))) == 60_000


def test_locale_and_unknown_provider():
    german = Column(name="x", kind=Kind.TEXT, format=Format(provider="city", locale="de_DE"))
    assert len(make(german, 50, rng=rng())) == 50
    for provider in ("no_such_thing", "__class__", "seed_instance"):
        wrong = Column(name="x", kind=Kind.TEXT, format=Format(provider=provider))
        with pytest.raises(SchemaError, match="provider"):
            make(wrong, 5, rng=rng())


def test_texts_have_the_lengths_and_nothing_else_of_the_source():
    texts = pa.array([" ".join(["secret"] * (5 + i % 20)) + f" number {i}" for i in range(200)])
    (column,) = infer(pa.table({"t": texts})).columns
    made = make(column, 2000, rng=rng())
    assert not pc.any(pc.match_substring(made, "secret")).as_py()
    lengths = [len(v.split()) for v in made.to_pylist()]
    assert 12 < np.median(lengths) < 20
    unique = column.model_copy(update={"unique": True})
    assert len(pc.unique(make(unique, 50_000, rng=rng()))) == 50_000


def test_constants_come_back_and_empty_ones_stay_empty():
    one = Column(name="x", kind=Kind.CONSTANT, categories=("q",))
    assert make(one, 3, rng=rng()).to_pylist() == ["q"] * 3
    assert make(one.model_copy(update={"categories": ()}), 3, rng=rng()).null_count == 3


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.arange(100), pa.int8()),
        (np.arange(2**31 - 200, 2**31 - 100), pa.int32()),
        (np.arange(100) * 7919 + 2**60, pa.int64()),
        (np.random.default_rng(1).permutation(90_000)[:100], pa.int64()),
        (np.arange(100) * 31.0 + 1000, pa.float64()),
    ],
    ids=str,
)
def test_numeric_keys_go_back_to_their_type(values, dtype):
    raw = pa.table({"id": pa.array(values).cast(dtype)})
    schema = infer(raw)
    assert schema["id"].kind is Kind.IDENTIFIER
    made = make(schema["id"], 100, rng=rng())
    back = to_raw(Table(schema, pa.table({"id": made})))["id"]
    assert back.type == dtype
    assert len(pc.unique(back)) == 100
    digits = {len(str(abs(int(v)))) for v in values}
    if not schema["id"].format.step:
        assert {len(str(int(v))) for v in back.to_pylist()} <= digits | {18}


def test_written_keys_keep_their_form():
    raw = pa.table({"id": pa.array([f"{v}.0" for v in range(1000, 9000, 77)])})
    schema: Schema = infer(raw)
    made = make(schema["id"], 50, rng=rng()).to_pylist()
    assert all(re.fullmatch(r"[1-9][0-9]{3}\.0", v) for v in made)


@pytest.mark.parametrize(
    "column",
    [
        Column(name="id", kind=Kind.IDENTIFIER, unique=True, low=0.0, high=99.0),
        Column(name="id", kind=Kind.IDENTIFIER, unique=True, low=-9.0, high=9.0, dtype="int16"),
        Column(
            name="id",
            kind=Kind.IDENTIFIER,
            unique=True,
            format=Format(pattern="[A-Z]{1,20}-[0-9]{2}"),
        ),
    ],
    ids=["few digits", "narrow type", "many widths"],
)
def test_chunks_share_no_value_however_they_are_cut(column):
    cuts = [0, 5, 50, 51, 700, 8_000]
    chunks = [
        make(column, b - a, rng=np.random.default_rng(a), start=a)
        for a, b in itertools.pairwise(cuts)
    ]
    values = [v for chunk in chunks for v in chunk.to_pylist()]
    assert len(set(values)) == 8_000
    if column.format.pattern is None:
        assert max(map(abs, map(int, values))) < 32_768
        assert {int(v) for v in values[:19]} <= set(range(-9, 100))


def test_a_number_key_stays_a_number_and_tells_no_bound():
    ids = pa.array([str(v) for v in range(1204, 1999, 3)])
    column = Column(name="id", kind=Kind.IDENTIFIER, unique=True, low=1204.0, high=1998.0)
    other = Column(name="x", kind=Kind.CATEGORY, categories=("a",))
    xs = pa.array(["a"] * len(ids)).dictionary_encode()
    table = Table(Schema(columns=(column, other)), pa.table([ids, xs], names=["id", "x"]))
    encoding, _, _ = fit_encoding(FitContext(table, np.random.default_rng(0)), 5)
    assert (encoding.schema["id"].low, encoding.schema["id"].high) == (1000.0, 9999.0)
    assert all(v.isdigit() for v in make(encoding.schema["id"], 50, rng=rng()).to_pylist())


def test_another_key_gives_other_unique_values():
    for personal in (Personal.EMAIL, Personal.NAME):
        column = Column(name="who", kind=Kind.IDENTIFIER, unique=True, personal=personal)
        first, second = (set(make(column, 300, rng=rng(), key=k).to_pylist()) for k in (1, 2))
        assert len(first) == len(second) == 300
        assert len(first & second) < 30


@pytest.mark.parametrize("provider", ["binary", "zip", "enum", "generator", "no_such_thing"])
def test_providers_that_make_no_short_text_are_refused(provider):
    column = Column(name="x", kind=Kind.TEXT, format=Format(provider=provider))
    with pytest.raises(SchemaError, match=r"format\.provider"):
        make(column, 5, rng=rng())
