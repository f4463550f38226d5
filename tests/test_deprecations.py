"""Old names of options work for one version, warn, and say the new name."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest

import twinset as ts
from twinset.deprecations import renamed
from twinset.errors import InputError, StoppedError
from twinset.progress import check_time, time_limit

rng = np.random.default_rng(0)
PEOPLE = pd.DataFrame({"x": rng.normal(size=300), "y": ["a", "b"] * 150})


@renamed(seconds="time_limit")
def wait(what: str, *, time_limit: float = 1.0) -> tuple[str, float]:
    """Return what was asked for."""
    return what, time_limit


def test_an_old_name_means_the_new_one_and_says_so() -> None:
    with pytest.warns(DeprecationWarning, match="seconds= is time_limit= now") as told:
        assert wait("a", seconds=3.0) == ("a", 3.0)  # type: ignore[call-arg]
    assert told[0].filename == __file__  # the caller's line, so that it is shown there
    assert wait("a", time_limit=3.0) == ("a", 3.0)
    assert list(inspect.signature(wait).parameters) == ["what", "time_limit"]


def test_both_names_at_once_are_refused() -> None:
    with pytest.raises(InputError, match="'seconds' as well, its old name"):
        wait("a", seconds=3.0, time_limit=4.0)  # type: ignore[call-arg]


@pytest.mark.slow
def test_an_audit_by_old_names_is_the_audit_by_new_ones() -> None:
    how = {"attacks": ["lira"], "curve": 0}
    new = ts.audit(
        PEOPLE, generator="bootstrap", shadows=40, shadow_rows=60, attack_targets="random",
        n=50, add_remove=True, number=3, **how,
    )  # fmt: skip
    with pytest.warns(DeprecationWarning, match="this version only") as told:
        old = ts.audit(
            PEOPLE,
            generator="bootstrap",
            shadows={
                "fits": 40, "rows": 60, "targets": "random", "released": 50, "number": 3,
                "neighbours": "add_remove", **how,
            },
        )  # fmt: skip
    said = " ".join(str(w.message) for w in told)
    for name in ("shadows=N", "shadow_rows=", "attack_targets=", "n=", "add_remove="):
        assert name in said
    assert [r.value for r in old.results] == [r.value for r in new.results]
    assert new.extra["neighbours"] == old.extra["neighbours"] == "add_remove"


def test_a_run_by_its_old_time_limit(tmp_path) -> None:
    with pytest.warns(DeprecationWarning, match="time_limit="), pytest.raises(StoppedError):
        ts.run(PEOPLE, out=tmp_path / "out", generator="independent", seconds=0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ts.compare(PEOPLE, ["independent"], time_limit=0),
        lambda: ts.audit(PEOPLE[:100], PEOPLE[100:200], PEOPLE[200:], time_limit=0),
        lambda: ts.audit(PEOPLE, generator="bootstrap", shadows=40, time_limit=0),
    ],
)
def test_a_time_limit_holds_in_each_job(call) -> None:
    with pytest.raises(StoppedError):
        call()


def test_of_two_time_limits_the_first_to_end_holds() -> None:
    with time_limit(0), time_limit(None), time_limit(60), pytest.raises(StoppedError):
        check_time()
    with time_limit(None):
        check_time()
