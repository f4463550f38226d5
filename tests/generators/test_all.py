"""Every generator that is built in keeps the promises of `twinset.checks`."""

from __future__ import annotations

import pytest

from twinset import registry
from twinset.checks.generator import check_generator


@pytest.mark.parametrize("name", registry.built_in("generators"))
def test_promises(name: str) -> None:
    check_generator(registry.configure("generators", name))
