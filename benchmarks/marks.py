"""Where figures go: to standard output, or into RESULTS.md between their marks."""

from __future__ import annotations

import sys
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "RESULTS.md"


def tell(name: str, text: str, *, write: bool) -> None:
    """Print ``text``, or put it between ``<!-- name: begin -->`` and ``<!-- name: end -->``."""
    if not write:
        sys.stdout.write(text + "\n")
        return
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, rest = RESULTS.read_text(encoding="utf-8").split(begin)
    page = f"{before}{begin}\n\n{text.strip()}\n\n{end}{rest.split(end)[1]}"
    RESULTS.write_text(page, encoding="utf-8")
