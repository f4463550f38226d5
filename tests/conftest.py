"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the development tables; CI sets TWINSET_SHARED and forbids the skip."""
    folder = os.environ.get("TWINSET_SHARED", "")
    if not folder:
        if os.environ.get("TWINSET_NO_SKIP"):
            pytest.fail("TWINSET_SHARED is not set")
        pytest.skip("the development tables are not here: set TWINSET_SHARED")
    return Path(folder)
