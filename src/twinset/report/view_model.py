"""What a report shows, as plain frozen data: templates and the terminal only lay it out.

Every number is already text and every chart already has its coordinates, so that a template
computes nothing and two places that show the same figure cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "AttackRow",
    "AuditView",
    "Bars",
    "ColumnCard",
    "Curve",
    "Detail",
    "DetailRow",
    "Figure",
    "GateRow",
    "GroupRow",
    "HeatMap",
    "KindRow",
    "LeakRow",
    "Line",
    "Mark",
    "Meter",
    "ModelRow",
    "ProblemRow",
    "RiskRow",
    "Section",
    "Strip",
    "Summary",
    "Term",
    "Tick",
    "Tiles",
    "Tone",
    "Use",
]

Tone = Literal["good", "bad", "unknown"]


@dataclass(frozen=True)
class Mark:
    """A judgement in words; `tone` chooses its sign and colour, never only the colour."""

    text: str
    tone: Tone = "unknown"


@dataclass(frozen=True)
class Strip:
    """A point with its interval against the reference and its noise, on one axis.

    All positions are in units of the view box, `WIDTH` wide (see `charts`). `second` is another
    figure to compare with: low, point, high.
    """

    point: float
    low: float
    high: float
    reference: float | None
    band: tuple[float, float] | None
    left: str
    right: str
    better: Literal["left", "right", ""]
    alt: str
    second: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Figure:
    """One figure of the first screen: what it asks, what came out, what real rows score."""

    title: str
    meaning: str
    value: str
    interval: str
    reference: str
    reference_name: str
    direction: str
    mark: Mark
    strip: Strip | None


@dataclass(frozen=True)
class Use:
    """One line of "is it useful for what": a statement and its judgement."""

    title: str
    text: str
    mark: Mark


@dataclass(frozen=True)
class GateRow:
    """A limit that the user set, and whether it is kept."""

    name: str
    bound: str
    value: str
    mark: Mark


@dataclass(frozen=True)
class ProblemRow:
    """A problem in plain words; `width` (0 to 100) is its bar on a logarithmic scale."""

    rank: int
    text: str
    columns: str
    size: str
    width: float


@dataclass(frozen=True)
class KindRow:
    """A kind of record that attacks recognise best."""

    text: str
    count: str
    risk: str
    interval: str
    strip: Strip


@dataclass(frozen=True)
class AttackRow:
    """One attack: a figure for each group of records and rate, on shared axes.

    `group` names the records where a row is about one group of them.
    """

    title: str
    meaning: str
    figures: tuple[Figure | None, ...]
    group: str = ""


@dataclass(frozen=True)
class LeakRow:
    """What an attack gets right of train people, of others, and by guessing."""

    title: str
    columns: str
    attack: str
    train: str
    holdout: str
    guess: str
    figure: Figure


@dataclass(frozen=True)
class RiskRow:
    """A share of the train records, and how surely a record with such a score was among them."""

    share: str
    chance: str
    interval: str
    strip: Strip


@dataclass(frozen=True)
class Meter:
    """A labelled bar; `width` is 0 to 100."""

    text: str
    value: str
    width: float


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """A line of a chart; `look` (1 to 6) chooses its colour and dashes."""

    label: str
    look: int
    path: str


@dataclass(frozen=True)
class Curve:
    """Lines on two axes, in the box of `curves.BOX`; `guess` is the path of guessing."""

    lines: tuple[Line, ...]
    guess: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    names: tuple[str, str]
    alt: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ModelRow:
    """What a model that learned from synthetic rows scores on real ones, beside one of real."""

    target: str
    model: str
    score: str
    synthetic: str
    interval: str
    real: str
    mark: Mark
    strip: Strip | None


@dataclass(frozen=True)
class GroupRow:
    """What is measured inside a group of rows."""

    group: str
    what: str
    value: str
    interval: str
    reference: str
    mark: Mark


@dataclass(frozen=True)
class Bars:
    """A column's shares as SVG paths, of ordered bins (`names` is empty) or of categories.

    `names` are those of the categories, each with its height in the view box.
    """

    height: int
    fill: str
    line: str
    fresh: str
    left: str
    right: str
    names: tuple[Tick, ...]
    alt: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ColumnCard:
    """A column: its chart and its figures."""

    name: str
    note: str
    mark: Mark
    chart: Bars
    problems: tuple[int, ...]


@dataclass(frozen=True)
class Tiles:
    """All pairs of one kind ("lost", "invented", "other") as one SVG path."""

    kind: str
    path: str


@dataclass(frozen=True)
class HeatMap:
    """Pairs of columns: where dependence was lost or invented; `names` with their places."""

    width: int
    box: str
    names: tuple[tuple[str, int], ...]
    ground: str
    grid: str
    tiles: tuple[Tiles, ...]
    legend: tuple[Tiles, ...]
    alt: str
    text: str
    left_out: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class DetailRow:
    """One result in a table of details."""

    what: str
    value: str
    interval: str
    reference: str
    mark: Mark


@dataclass(frozen=True)
class Detail:
    """All results of one name in one family, worst first."""

    title: str
    name: str
    meaning: str
    direction: str
    counted: str
    rows: tuple[DetailRow, ...]
    left_out: str


@dataclass(frozen=True)
class Section:
    """The details of one family."""

    title: str
    details: tuple[Detail, ...]


@dataclass(frozen=True)
class Term:
    """A name and what stands behind it: a glossary entry or a line of the provenance."""

    word: str
    meaning: str


@dataclass(frozen=True)
class AuditView:
    """What the audit found."""

    text: tuple[str, ...]
    headers: tuple[str, ...]
    attacks: tuple[AttackRow, ...]
    other_attacks: tuple[AttackRow, ...]
    roc: Curve | None
    chances: tuple[RiskRow, ...]
    chances_text: str
    leaks: tuple[LeakRow, ...]
    bounds: tuple[Figure, ...]
    bounds_text: str
    growth: tuple[Curve, ...]
    spread: tuple[Meter, ...]
    methods: tuple[Term, ...]
    controls: tuple[Term, ...]


@dataclass(frozen=True)
class Summary:
    """A whole report.

    `seconds` (per phase) is for the terminal alone: the files of a report hold no times, so that
    a resumed run ends with the bytes of an unkilled one.
    """

    title: str
    lead: str
    verdict: Mark
    verdict_is_long: bool
    verdict_text: tuple[str, ...]
    warnings: tuple[str, ...]
    uses: tuple[Use, ...]
    gates: tuple[GateRow, ...]
    gates_text: str
    figures: tuple[Figure, ...]
    problems: tuple[ProblemRow, ...]
    problems_text: str
    kinds: tuple[KindRow, ...]
    kinds_text: str
    columns: tuple[ColumnCard, ...]
    other_columns: tuple[ColumnCard, ...]
    columns_text: str
    models: tuple[ModelRow, ...]
    groups: tuple[GroupRow, ...]
    groups_text: str
    pairs: HeatMap | None
    audit: AuditView | None
    details: tuple[Section, ...]
    tested: tuple[str, ...]
    not_tested: tuple[str, ...]
    not_computed: tuple[Term, ...]
    limits: tuple[Term, ...]
    glossary: tuple[Term, ...]
    provenance: tuple[Term, ...]
    seconds: tuple[tuple[str, float], ...] = field(default=(), compare=False)
