"""Twin: a fitted model with all that surrounds it, once for every generator."""

from __future__ import annotations

from twinset.twin.state import pack, unpack
from twinset.twin.twin import Twin

__all__ = ["Twin", "pack", "unpack"]
