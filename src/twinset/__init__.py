"""twinset: a twin of your data set, made, measured, attacked, and only then shared.

import twinset as ts

twin = ts.fit(df, seed=0)
synthetic = twin.sample(10_000)
evaluation = ts.evaluate(train, synthetic, holdout)
audit = ts.audit(train, synthetic, holdout)
ts.run("people.csv")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.version import __version__

if TYPE_CHECKING:
    from twinset.api import (
        audit,
        audit_arrays,
        combine,
        compare,
        cross_validate,
        evaluate,
        fit,
        load,
        metric,
        mine_rules,
        run,
        schema,
    )

__all__ = [
    "__version__",
    "audit",
    "audit_arrays",
    "combine",
    "compare",
    "cross_validate",
    "evaluate",
    "fit",
    "load",
    "metric",
    "mine_rules",
    "run",
    "schema",
]


def __getattr__(name: str) -> Any:
    """Import the steps when one of them is asked for: `import twinset` itself is light."""
    if name in __all__:
        from twinset import api

        return getattr(api, name)
    raise AttributeError(f"module 'twinset' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
