"""Every metric that is built in keeps the promises of `twinset.checks`."""

from __future__ import annotations

import pytest

from twinset import registry
from twinset.checks import check_metric


@pytest.mark.parametrize("name", registry.built_in("metrics"))
def test_promises(name: str) -> None:
    check_metric(registry.configure("metrics", name))
