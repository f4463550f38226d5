"""Each metric on as many fresh samples as it takes: ``python benchmarks/promises.py [NAMES]``.

The tests run those that fit models on eight fresh samples only; here each is held to its false
alarm rate by the sequential test of `twinset.checks.check_metric`. Prints a line a metric, exits 1
if a promise is broken.
"""

from __future__ import annotations

import sys
import time

from twinset import registry
from twinset.checks import check_metric


def main() -> int:
    """Check each metric."""
    broken = 0
    for name in sys.argv[1:] or registry.built_in("metrics"):
        began = time.process_time()
        try:
            check_metric(registry.configure("metrics", name))
            said = "kept"
        except AssertionError as error:
            said, broken = str(error), broken + 1
        print(f"{name:24} {time.process_time() - began:6.1f} CPU s  {said}", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
