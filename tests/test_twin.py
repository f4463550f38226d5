"""Twins of tables of every kind: a sample has the columns, types, formats and support of train."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import twinset as ts
from twinset.errors import ConditionError, InputError
from twinset.protocols import Conditional, Model, PartialRows, Sample, State
from twinset.scale.local import use_workers
from twinset.table.canonical import to_raw
from twinset.table.table import Table

GENERATORS = ("independent", "bootstrap", "cart")
DAY = pd.Timestamp("1995-03-01")


# --- tables of every kind ----------------------------------------------------------------------


@dataclass(frozen=True)
class Made:
    """A column: typed values, the texts in which a file holds them, and the form of the texts."""

    typed: pd.Series
    texts: list[str]
    form: str


def _made(values: object, texts: list[str], form: str) -> Made:
    return Made(pd.Series(values), texts, form)


def whole(rng: np.random.Generator, n: int) -> Made:
    v = rng.integers(-40, 400, n)
    return _made(v, [str(x) for x in v], r"-?\d{1,3}")


def money(rng: np.random.Generator, n: int) -> Made:
    v = np.round(rng.lognormal(4, 1, n), 2)
    return _made(v, [f"{x:.2f}" for x in v], r"\d+\.\d\d")


def thousands(rng: np.random.Generator, n: int) -> Made:
    v = rng.integers(1_000, 90_000, n) * 25
    return _made(v, [f"${x:,}" for x in v], r"\$\d{1,3}(,\d{3})+")


def real(rng: np.random.Generator, n: int) -> Made:
    v = rng.normal(size=n)
    return _made(v, [repr(float(x)) for x in v], r"-?\d+(\.\d+)?(e-\d+)?")


def category(rng: np.random.Generator, n: int) -> Made:
    v = rng.permutation(np.resize(["low", "größer", "a b", 'c"d', "x,y"], n))
    return _made(v, list(v), "(?s).+")


def letters(rng: np.random.Generator, n: int) -> Made:
    v = rng.permutation(np.resize([True, False], n))
    return _made(v, ["J" if x else "N" for x in v], "J|N")


def padded(rng: np.random.Generator, n: int) -> Made:
    v = rng.permutation(np.resize(["007", "042", "113"], n))
    return _made(v, list(v), r"\d{3}")


def day(rng: np.random.Generator, n: int) -> Made:
    v = DAY + pd.to_timedelta(rng.integers(0, 9_000, n), "D")
    return _made(v, [x.strftime("%d.%m.%Y") for x in v], r"\d\d\.\d\d\.\d{4}")


def moment(rng: np.random.Generator, n: int) -> Made:
    v = DAY + pd.to_timedelta(rng.integers(0, 9_000, n) * 86_400 + rng.integers(0, 86_400, n), "s")
    return _made(v, [x.strftime("%Y-%m-%dT%H:%M:%S") for x in v], r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def identifier(rng: np.random.Generator, n: int) -> Made:
    v = [f"C{x:06}" for x in rng.choice(1_000_000, n, replace=False)]
    return _made(v, v, r"C\d{6}")


def email(rng: np.random.Generator, n: int) -> Made:
    v = [f"person{x}@mail{x % 7}.org" for x in rng.choice(1_000_000, n, replace=False)]
    return _made(v, v, r"\S+@\S+\.\w+")


def constant(rng: np.random.Generator, n: int) -> Made:
    return _made(["EUR"] * n, ["EUR"] * n, "EUR")


def nothing(rng: np.random.Generator, n: int) -> Made:
    return _made(pd.Series([None] * n, dtype=object), [""] * n, "")


def text(rng: np.random.Generator, n: int) -> Made:
    words = np.array(
        [
            "the",
            "bus",
            "was",
            "late",
            "again",
            "and",
            "nobody",
            "said",
            "why",
            "it",
            "rained",
            "all",
            "day",
        ]
    )
    v = [" ".join(rng.choice(words, rng.integers(6, 20))) + f" {i}." for i in range(n)]
    return _made(v, v, r"\S+( \S+)+")


KINDS = (whole, money, thousands, real, category, letters, padded, day, moment, identifier, email,
         constant, nothing, text)  # fmt: skip
LEARNED = {whole, money, thousands, real, category, letters, padded, day, moment}
SUPPORTED = {category, letters, padded, constant, nothing}


@dataclass(frozen=True)
class Drawn:
    """A table: makers of its columns by name, which of them have nulls, and the columns."""

    makers: dict[str, object]
    columns: dict[str, Made]
    nulls: dict[str, np.ndarray]

    def frame(self) -> pd.DataFrame:
        data = {n: c.typed.mask(self.nulls[n]) for n, c in self.columns.items()}
        return pd.DataFrame(data)

    def csv(self, path: Path, delimiter: str) -> Path:
        data = {n: np.where(self.nulls[n], "", c.texts) for n, c in self.columns.items()}
        pd.DataFrame(data).to_csv(path, sep=delimiter, index=False)
        return path


@st.composite
def tables(draw) -> Drawn:
    makers = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
    makers.append(draw(st.sampled_from(sorted(LEARNED, key=lambda m: m.__name__))))
    n = draw(st.integers(60, 120))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    named = {f"{m.__name__} {i}": m for i, m in enumerate(makers)}
    columns = {name: m(rng, n) for name, m in named.items()}
    share = {name: draw(st.sampled_from([0.0, 0.0, 0.2])) for name in named}
    nulls = {name: rng.random(n) < share[name] for name in named}
    return Drawn(named, columns, nulls)


def texts(frame: pd.DataFrame) -> dict[str, list[str | None]]:
    return {n: [None if v == "" else v for v in frame[n]] for n in frame}


few = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


@few
@given(tables(), st.sampled_from(GENERATORS), st.sampled_from([",", ";", "\t", "|"]))
def test_files_come_back_in_their_form(tmp_path_factory, drawn, generator, delimiter):
    folder = tmp_path_factory.mktemp("t")
    path = drawn.csv(folder / "t.csv", delimiter)
    twin = ts.fit(path, generator=generator)
    from twinset.api import sample_to

    sample_to(twin, folder / "s.csv", 90)
    read = {"dtype": str, "keep_default_na": False}
    made = texts(pd.read_csv(folder / "s.csv", **read))
    train = texts(pd.read_csv(path, sep=delimiter, **read))
    assert list(made) == list(train)
    for name, column in drawn.columns.items():
        maker, cells = drawn.makers[name], made[name]
        known = [c for c in cells if c is not None]
        assert len(cells) == 90
        assert all(re.fullmatch(column.form, c) for c in known), (name, known[:3])
        if None not in train[name]:
            assert None not in cells, name
        if maker in SUPPORTED:
            assert set(known) <= set(train[name]), name
        if maker in (identifier, email):
            assert len(set(known)) == len(known), name
            assert len(set(known) & set(train[name])) <= 2, name
        if maker is text:
            assert not set(known) & set(train[name])


@few
@given(tables(), st.sampled_from(GENERATORS), st.sampled_from(["pandas", "polars", "pyarrow"]))
def test_frames_come_back_in_kind(tmp_path_factory, drawn, generator, kind):
    train = drawn.frame()
    data = {
        "pandas": lambda: train,
        "polars": lambda: pl.from_pandas(train),
        "pyarrow": lambda: pa.Table.from_pandas(train, preserve_index=False),
    }[kind]()
    twin = ts.fit(data, generator=generator, seed=5)
    made = twin.sample(70)
    assert type(made) is type(data)
    if kind == "pandas":
        assert made.dtypes.astype(str).to_dict() == data.dtypes.astype(str).to_dict()
    elif kind == "polars":
        known = {n: t for n, t in data.schema.items() if t != pl.Null}
        assert {n: made.schema[n] for n in known} == known
    rows = made if kind == "pandas" else made.to_pandas()
    assert list(rows) == list(train)
    for name, maker in drawn.makers.items():
        known, real_ones = rows[name].dropna(), train[name].dropna()
        if not train[name].isna().any():
            assert not rows[name].isna().any(), name
        if maker in LEARNED and maker not in SUPPORTED:
            assert known.min() >= real_ones.min(), name
            assert known.max() <= real_ones.max(), name
        if maker in SUPPORTED:
            assert set(known) <= set(real_ones), name
    same = twin.sample(70)
    path = tmp_path_factory.mktemp("m") / "m.twin"
    twin.save(path)
    loaded = ts.load(path).sample(70)
    other = twin.sample(70, seed=6)
    if kind == "pandas":
        pd.testing.assert_frame_equal(made, same)
        pd.testing.assert_frame_equal(made, loaded)
        learned = [n for n, m in drawn.makers.items() if m in (real, moment)]
        assert not learned or not made[learned].equals(other[learned])
    else:
        assert made.equals(same)
        assert made.equals(loaded)


# --- what a twin keeps -------------------------------------------------------------------------


def people(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, rows)
    return pd.DataFrame(
        {
            "id": rng.permutation(90_000)[:rows] + 10_000,
            "sex": rng.choice(["Female", "Male"], rows),
            "age": age,
            "income": np.round(rng.lognormal(8, 0.5, rows) + 20 * age, 2),
        }
    )


@pytest.mark.parametrize("generator", GENERATORS)
def test_what_one_person_alone_has_is_never_shown(generator):
    data = people()
    data.loc[3, "sex"] = "Intersex"
    data.loc[7, "income"] = 9_999_999.99
    data.loc[8, "age"] = 130
    made = ts.fit(data, generator=generator).sample(4_000)
    assert set(made["sex"]) == {"Female", "Male"}
    assert made["income"].max() < data["income"].nlargest(2).iloc[1] + 0.01
    assert made["age"].max() < 80
    assert not set(made["income"]) & set(data["income"].nlargest(5))


@pytest.mark.parametrize("frame", ["pandas", "polars"])
def test_extension_types_come_back(frame, tmp_path):
    whole = pd.array([1, None, 3, 4] * 30, dtype="Int64")
    if frame == "pandas":
        data = pd.DataFrame(
            {
                "Int": whole,
                "flag": pd.array([True, None, False] * 40, dtype="boolean"),
                "word": pd.array(["a", "b", None] * 40, dtype="string"),
                "arrow": pd.Series([1.5, 2.5] * 60, dtype="double[pyarrow]"),
                "old": pd.Series(["a", "b"] * 60, dtype=object),
                "cat": pd.Categorical(["lo", "hi"] * 60, categories=["lo", "hi"], ordered=True),
                "month": pd.PeriodIndex(["2020-01", "2020-03"] * 60, freq="M"),
                "zone": pd.to_datetime(["2020-01-01", "2020-06-01"] * 60).tz_localize("CET"),
                "span": pd.to_timedelta([1, 2] * 60, unit="D"),
                "small": np.resize(np.array([1, 2, 3], dtype="int8"), 120),
            }
        )
        want = data.dtypes.to_dict()
    else:
        data = pl.DataFrame(
            {
                "cat": pl.Series(["x", "y"] * 60, dtype=pl.Categorical),
                "enum": pl.Series(["x", "y"] * 60, dtype=pl.Enum(["y", "x"])),
                "large": pl.Series([1, 2, 3] * 40, dtype=pl.UInt64),
                "span": pl.Series([1, 2] * 60, dtype=pl.Duration("ms")),
                "price": pl.Series(["1.50", "2.25"] * 60).cast(pl.Decimal(10, 2)),
            }
        )
        want = dict(data.schema)
    twin = ts.fit(data, generator="independent")
    twin.save(tmp_path / "m.twin")
    for made in (twin.sample(50), ts.load(tmp_path / "m.twin").sample(50)):
        found = made.dtypes.to_dict() if frame == "pandas" else dict(made.schema)
        assert found == want


def test_a_rare_category_is_not_among_the_categories_of_a_pandas_type():
    data = pd.DataFrame({"c": pd.Categorical(["a", "b"] * 60 + ["only one"])})
    made = ts.fit(data, generator="independent").sample(50)
    assert list(made["c"].cat.categories) == ["a", "b"]


def test_numbers_of_a_text_file_are_numbers(tmp_path):
    data = people(120).assign(
        day=pd.date_range("2020-01-01", periods=120).strftime("%d.%m.%Y"),
        smoker=["yes", "no"] * 60,
        member=["True", "False"] * 60,
        unit="EUR",
    )
    data.to_csv(tmp_path / "p.csv", index=False)
    made = ts.fit(tmp_path / "p.csv", generator="independent").sample(30)
    kinds = {n: t.kind for n, t in made.dtypes.items() if t.kind != "O"}
    assert kinds == {"id": "i", "age": "i", "income": "f", "day": "M", "member": "b"}
    assert set(made["smoker"]) == {"yes", "no"}


@pytest.mark.parametrize("generator", GENERATORS)
def test_units_are_new_and_each_row_is_one(generator):
    data = people(300)
    data["id"] = np.repeat(np.arange(100), 3) + 500
    twin = ts.fit(data, generator=generator, unit="id")
    made = twin.sample(900)
    assert made["id"].is_unique
    assert twin.provenance == {"rows": 300, "units": 100}


# --- conditions --------------------------------------------------------------------------------


@pytest.mark.parametrize("generator", GENERATORS)
def test_given_and_where_hold(generator):
    twin = ts.fit(people(), generator=generator)
    women = twin.sample(200, given={"sex": "Female"})
    assert set(women["sex"]) == {"Female"}
    old = twin.sample(200, where="age >= 60 and income > 1000")
    assert len(old) == 200
    assert old["age"].min() >= 60
    assert old["id"].is_unique
    both = twin.sample(50, given={"sex": "Male", "age": 44}, where="income < 6000")
    assert set(both["sex"]) == {"Male"}
    assert set(both["age"]) == {44}
    assert both["income"].max() < 6_000


def test_rows_of_a_condition_differ_between_pieces():
    twin = ts.fit(people(), generator="independent")
    parts = [to_raw(d.table) for d in twin.draws(700, where="age > 70", piece=100)]
    ids = pa.concat_tables(parts)["id"].to_pylist()
    assert len(set(ids)) == 700


@dataclass(frozen=True, eq=False)
class Candidates(Conditional):
    """A model that draws by importance, and whose rows are worth a quarter of their number."""

    inner: Model

    def sample(self, n: int, *, rng: np.random.Generator) -> Table:
        return self.inner.sample(n, rng=rng)

    def complete(self, rows: PartialRows, *, rng: np.random.Generator) -> Sample:
        table = rows.into(self.sample(rows.num_rows, rng=rng))
        return Sample(table, "importance", effective_size=rows.num_rows / 4)

    def to_state(self) -> State:
        return self.inner.to_state()


@dataclass(frozen=True, eq=False)
class Silent:
    """A model that draws free rows only."""

    sample: object
    to_state: object


def test_a_draw_says_how_it_was_made():
    twin = ts.fit(people(), generator="independent")

    def draw(model: object = twin.model, **condition: object) -> tuple[str, float, float | None]:
        drawn = list(replace(twin, model=model).draws(200, piece=100, **condition))
        assert len(drawn) == 2
        return drawn[0].method, drawn[0].acceptance, drawn[0].effective_size

    given, where = {"sex": "Male"}, "age >= 60"
    assert draw() == ("direct", 1.0, 100)
    assert draw(given=given) == ("exact", 1.0, 100)
    method, acceptance, effective = draw(given=given, where=where)
    assert (method, effective) == ("rejection", 100)
    assert 0.1 < acceptance < 0.6
    weighted = Candidates(twin.model)
    assert draw(weighted, given=given) == ("importance", 1.0, 25)
    assert draw(weighted, given=given, where=where)[2] == 25
    silent = Silent(twin.model.sample, twin.model.to_state)
    method, acceptance, effective = draw(silent, given=given)
    assert (method, effective) == ("rejection", 100)
    assert 0.3 < acceptance < 0.7
    assert draw(silent, given=given, where=where)[2] == 100


def test_conditions_that_cannot_hold():
    twin = ts.fit(people(), generator="independent")
    for condition in ({"age": 300}, {"sex": "Robot"}):
        with pytest.raises(ConditionError):
            twin.sample(5, given=condition)
    with pytest.raises(ConditionError, match="impossible"):
        twin.sample(5, where="age > 500")
    with pytest.raises(InputError, match="made new"):
        twin.sample(5, given={"id": 10_000})
    with pytest.raises(InputError, match="made new"):
        twin.sample(5, where="id > 10000")
    with pytest.raises(InputError, match="1 or more"):
        twin.sample(0)


# --- partial synthesis -------------------------------------------------------------------------


@pytest.mark.parametrize("generator", GENERATORS)
def test_columns_that_are_kept_are_unchanged(generator, tmp_path):
    data = people()
    schema = tmp_path / "s.yaml"
    schema.write_text("columns:\n- {name: sex, keep: true}\n- {name: age, keep: true}\n")
    twin = ts.fit(data, generator=generator, schema=schema)
    made = twin.sample()
    pd.testing.assert_frame_equal(made[["sex", "age"]], data[["sex", "age"]])
    assert not made["income"].equals(data["income"])
    twin.save(tmp_path / "m.twin")
    pd.testing.assert_frame_equal(ts.load(tmp_path / "m.twin").sample(), made)
    assert len(twin.sample(10)) == 10
    with pytest.raises(InputError, match="at most 400"):
        twin.sample(401)
    with pytest.raises(InputError, match="kept"):
        twin.sample(10, given={"sex": "Male"})
    with pytest.raises(InputError, match="keeps columns"):
        twin.sample(10, where="age > 30")


# --- the same again, in bounded memory -----------------------------------------------------------


@pytest.mark.parametrize("generator", GENERATORS)
def test_workers_change_no_row(generator):
    twin = ts.fit(people(), generator=generator)
    rows = []
    for count in (1, 3):
        with use_workers(count):
            parts = [to_raw(d.table) for d in twin.draws(1_000, piece=150)]
        rows.append(pa.concat_tables(parts))
    assert rows[0].equals(rows[1])


def test_workers_change_no_model(tmp_path):
    for count in (1, 2):
        ts.fit(people(), workers=count).save(tmp_path / f"{count}.twin")
    assert (tmp_path / "1.twin").read_bytes() == (tmp_path / "2.twin").read_bytes()


MEASURED = """
import resource, sys
import twinset as ts
from twinset.api import sample_to
{}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def megabytes(code: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED.format(code)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.slow
def test_sampling_streams(tmp_path):
    """Ten times the rows take no more memory, where they would be 100 MB as a table."""
    ts.fit(people(), generator="independent").save(tmp_path / "m.twin")
    code = f"sample_to(ts.load({str(tmp_path / 'm.twin')!r}), {str(tmp_path / 'o.csv')!r}, {{}})"
    little, much = (megabytes(code.format(n)) for n in (200_000, 2_000_000))
    with (tmp_path / "o.csv").open("rb") as file:
        assert sum(1 for _ in file) == 2_000_001
    assert much < little + 60


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")
def test_a_file_larger_than_memory_is_fitted_by_a_sample(tmp_path):
    """The limit on the address space leaves room for half of the file above the start."""
    path = tmp_path / "large.csv"
    part = people(50_000).to_csv(index=False)
    header, _, rows = part.partition("\n")
    rows = "".join(f"{r},{'lorem ipsum ' * 20}\n" for r in rows.splitlines())
    with path.open("w") as file:
        file.write(f"{header},note\n")
        for _ in range(32):
            file.write(rows)
    size = path.stat().st_size
    assert size > 400 << 20
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), str(size // 2), str(tmp_path / "m.twin")],
        capture_output=True,
        text=True,
        check=False,
    )
    path.unlink()  # 400 MB that pytest would keep
    assert done.returncode == 0, done.stderr
    assert len(ts.load(tmp_path / "m.twin").sample(100)) == 100


LIMITED = """
import resource, sys
import numpy as np
import pandas as pd
import twinset as ts
data, room, out = sys.argv[1:]
ts.fit(pd.DataFrame({"x": [1, 2] * 50, "y": ["a", "b"] * 50}), generator="independent").sample(10)
with open("/proc/self/statm") as file:
    now = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + int(room), now + int(room)))
ts.fit(data, generator="independent", max_rows=2_000, workers=1).save(out)
"""


# --- old model files -----------------------------------------------------------------------------

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("generator", GENERATORS)
def test_an_old_file_still_gives_its_rows(generator):
    """Numbers are compared to nine digits: the last bits of a mean may differ between machines."""
    made = ts.load(GOLDEN / f"v1-{generator}.twin").sample(40)
    want = pd.read_csv(GOLDEN / f"v1-{generator}.csv", dtype=made.dtypes.to_dict())
    pd.testing.assert_frame_equal(made, want, rtol=1e-9)
