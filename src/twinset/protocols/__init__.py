"""The nouns that rooms hand to each other, as small call protocols.

`Generator.fit(table) -> Model`, `Model.sample(given) -> Table`; a `Metric` maps evidence to
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
from twinset.protocols.generators import (
    Completed,
    Completes,
    Generator,
    Model,
    Screen,
    Screens,
    State,
)
from twinset.protocols.measures import (
    Direction,
    Estimate,
    Family,
    Metric,
    Result,
    Verdict,
)

__all__ = [
    "Attack",
    "AttributeAttack",
    "Completed",
    "Completes",
    "Direction",
    "Estimate",
    "Family",
    "Generator",
    "LinkageAttack",
    "Metric",
    "Model",
    "Predicates",
    "Records",
    "Result",
    "Screen",
    "Screens",
    "ShadowAttack",
    "SinglingOutAttack",
    "State",
    "ThreatModel",
    "Verdict",
]
