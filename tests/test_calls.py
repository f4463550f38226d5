"""Calls from Python that cannot mean what they say are one clear line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.main import get_command

import twinset as ts
from twinset.api import audit_of_generators, augment_to, impute_to, run, sample_to
from twinset.cli.app import app
from twinset.cli.options import CommandOptions
from twinset.errors import InputError
from twinset.inputs import Options

PEOPLE = pd.DataFrame({"x": np.random.default_rng(0).normal(size=200), "y": ["a", "b"] * 100})
TABLE = pd.DataFrame({"x": range(40), "y": ["a", "b"] * 20})

TWIN = ts.fit(PEOPLE, generator="independent")


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda: ts.fit(TABLE, traget="y"),
            "option 'traget'; got no such option; hint: did you mean target",
        ),
        (lambda: ts.fit(TABLE, generatr="cart"), "hint: did you mean generator"),
        (lambda: ts.schema(TABLE, colour=1), "option 'colour'"),
        (
            lambda: ts.audit(TABLE, TABLE, shadows=50),
            "shadows; got an audit of a release",
        ),
        (lambda: ts.evaluate(PEOPLE, PEOPLE[:90], PEOPLE), "many rows that stand in both"),
        (
            lambda: TWIN.sample(9, shares={"y = 'a'": 0.4, "y='a'": 0.6}),
            "--share; got y='a' twice",
        ),
        (lambda: TWIN.sample("10"), "number of rows; got '10'; allowed: a whole number"),
        (lambda: TWIN.sample(1.5), "number of rows; got 1.5"),
        (lambda: TWIN.sample(-1), "number of rows; got -1"),
        (lambda: TWIN.sample(9, seed=-1), "seed; got -1; allowed: a whole number, 0 or more"),
        (lambda: TWIN.sample(9, seed="x"), "seed; got 'x'"),
        (lambda: TWIN.sample(9, given="y=a"), "given; got str; allowed: "),
        (lambda: TWIN.sample(9, where=5), "where; got int; allowed: a condition"),
        (lambda: ts.fit(PEOPLE, protect="5"), "protect; got '5'; allowed: a whole number"),
        (lambda: ts.metric("ks")(TABLE, TABLE), "tables; hint: ts.evaluate"),
        (
            lambda: ts.evaluate(TABLE, TABLE, rules=["x >= 0"], compat="sdmetrics"),
            "rules; got with the conventions of sdmetrics",
        ),
    ],
)
def test_one_clear_line(call: Callable[[], object], match: str) -> None:
    with pytest.raises(InputError, match=match):
        call()


def test_one_sensitive_column_may_stand_alone() -> None:
    found = ts.evaluate(PEOPLE[:100], PEOPLE[100:], sensitive="y")
    assert any(r.name == "base_rate_difference" or r.group for r in found.results)


def test_a_notebook_shows_columns() -> None:
    assert "<td>y</td><td>category</td>" in TWIN._repr_html_()


# --- one option, one name ----------------------------------------------------------------------

KEYWORDS = {
    f.name: f.metadata["keyword"] for f in fields(CommandOptions) if f.metadata.get("keyword")
}
FUNCTIONS = {  # a command, the function that it calls, and what it does with the other options
    "run": (run, ()),
    "fit": (ts.fit, ("out",)),
    "sample": (sample_to, ("model", "plugins", "copies")),
    "evaluate": (ts.evaluate, ("releases", "gates", "junit", "against", "out")),
    "audit": (audit_of_generators, ("train", "synthetic", "holdout", "auxiliary", "gates")),
    "compare": (ts.compare, ("out",)),
    "schema": (ts.schema, ("out",)),
    "rules": (ts.mine_rules, ("out", "check")),
    "impute": (impute_to, ("model", "plugins", "copies", "workers")),
    "augment": (augment_to, ()),
}
WAYS = {"design", "edge_cases", "best_of", "by", "against"}  # of `sample`: functions of their own


@pytest.mark.parametrize("command", FUNCTIONS)
def test_options_have_one_name_on_the_command_line_and_in_python(command: str) -> None:
    function, elsewhere = FUNCTIONS[command]
    taken = [p.name for p in get_command(app).commands[command].params if p.name != "help"]
    keywords = {KEYWORDS.get(name, name) for name in taken} - {"as_json", "quiet", "time_limit"}
    known = {*inspect.signature(function).parameters, *(f.name for f in fields(Options))}
    assert keywords - known <= {*elsewhere, *(WAYS if command == "sample" else ())}
    assert set(elsewhere) <= keywords


def test_where_names_differ_the_docs_say_so() -> None:
    page = (Path(__file__).parents[1] / "docs" / "python.md").read_text()
    table = page.partition("| command line | Python |")[2].partition("\n\n")[0]
    for param in get_command(app).commands["run"].params:
        plain = param.opts[0].lstrip("-").replace("-", "_")
        keyword = KEYWORDS.get(param.name, param.name)
        assert plain.lower() == keyword or param.opts[0] in table, param.opts


def test_dir_lists_what_there_is() -> None:
    assert set(dir(ts)) == set(ts.__all__)
    assert all(getattr(ts, name) is not None for name in dir(ts))
    from twinset import api

    assert all(callable(getattr(api, name)) for name in dir(api))
