"""Every metric that is built in keeps the promises of `twinset.checks`."""

from __future__ import annotations

import pytest

from twinset import registry
from twinset.checks import check_metric

METRICS = registry.built_in("metrics")
FEW = 8  # fresh samples: tells a metric that alarms at one in two, in a second
# half a minute each, as they fit models: benchmarks/promises.py runs them in full
DEAR = (
    *("added_rows", "c2st", "column_targets", "conditionals", "disparity", "efficacy"),
    *("group_scores", "importances", "manifold", "model_fairness", "tstr", "tstr_models"),
)


@pytest.mark.parametrize("name", METRICS)
def test_promises(name: str) -> None:
    check_metric(registry.configure("metrics", name), draws=FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", [m for m in METRICS if m not in DEAR])
def test_promises_with_as_many_fresh_samples_as_it_takes(name: str) -> None:
    check_metric(registry.configure("metrics", name))
