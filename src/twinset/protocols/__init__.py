"""The nouns that rooms hand to each other, as small call protocols.

`Generator.fit(table, context=) -> Model`, `Model.sample(n) -> Table`; a `Metric` maps evidence to
results; an `Attack` maps records to scores; a `Result` holds one measure with its `Estimate`.
Conforming classes are one file each in `generators/`, `metrics/` and `attacks/`, held to their
promises by `twinset.checks`.
"""

from twinset.protocols.attacks import (
    Attack,
    AttributeAttack,
    LinkageAttack,
    Predicates,
    Records,
    ShadowAttack,
    SinglingOutAttack,
    ThreatModel,
)
from twinset.protocols.context import Event, FitContext, Ledger, Read
from twinset.protocols.generators import (
    CAPABILITIES,
    Conditional,
    Density,
    Generator,
    Model,
    PartialRows,
    RowTest,
    Sample,
    Screened,
    State,
    capabilities,
)
from twinset.protocols.measures import (
    Direction,
    Estimate,
    Family,
    Measure,
    Metric,
    Result,
    Unit,
    Verdict,
)

__all__ = [
    "CAPABILITIES",
    "Attack",
    "AttributeAttack",
    "Conditional",
    "Density",
    "Direction",
    "Estimate",
    "Event",
    "Family",
    "FitContext",
    "Generator",
    "Ledger",
    "LinkageAttack",
    "Measure",
    "Metric",
    "Model",
    "PartialRows",
    "Predicates",
    "Read",
    "Records",
    "Result",
    "RowTest",
    "Sample",
    "Screened",
    "ShadowAttack",
    "SinglingOutAttack",
    "State",
    "ThreatModel",
    "Unit",
    "Verdict",
    "capabilities",
]
