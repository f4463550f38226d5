"""Copies: identifiers that a release repeats."""

import numpy as np
import pyarrow as pa
import pytest

from twinset.auditing.release import audit_release
from twinset.checks.tables import learnable_table
from twinset.table.schema import Column, Kind, Personal, Schema
from twinset.table.table import Table

N = 400


def people(part, addresses):
    table = learnable_table(4 * N, seed=3).take(np.arange(part * N, (part + 1) * N))
    column = Column(name="email", kind=Kind.IDENTIFIER, personal=Personal.EMAIL)
    schema = Schema(columns=(*table.schema.columns, column))
    return Table(schema, table.data.append_column("email", pa.array(addresses)))


def mails(first, number=N):
    return [f"p{i}@example.org" for i in range(first, first + number)]


def audit(released):
    train, holdout = people(0, mails(0)), people(1, mails(N))
    return audit_release(train, people(2, released), holdout, attacks=["distance"])


def test_repeated_identifiers_are_named():
    found = audit(mails(0, N // 20) + mails(9_000, N - N // 20))
    assert found.verdict == ("No, because it repeats identifiers of the train table (column email)")
    assert found.find("identifiers_copied", ["email"]).value == 0.05


@pytest.mark.parametrize(
    "released",
    [mails(9_000), mails(N // 2), [None] * N, [str(i) for i in range(N)]],
    ids=["new", "half of train, half of holdout", "null", "numbers"],
)
def test_made_up_identifiers_are_not(released):
    assert not audit(released).verdict.startswith("No, because")


def test_running_numbers_coincide_by_nature():
    numbers = [str(i) for i in range(N)]
    train, holdout = people(0, numbers), people(1, [str(i + N) for i in range(N)])
    found = audit_release(train, people(2, numbers), holdout, attacks=["distance"])
    assert not found.verdict.startswith("No, because")
    assert not any(r.name == "identifiers_copied" for r in found.results)


def test_short_numbers_that_do_not_run_are_compared():
    numbers = np.random.default_rng(0).permutation(2_000_000)[: 3 * N].astype(str).tolist()
    train, holdout = people(0, numbers[:N]), people(1, numbers[N : 2 * N])
    for released, copied in ((numbers[:N], True), (numbers[2 * N :], False)):
        found = audit_release(train, people(2, released), holdout, attacks=["distance"])
        assert found.verdict.startswith("No, because it repeats identifiers") == copied
