"""What the figures of an audit are: the declarations of its measures."""

from __future__ import annotations

import math
from functools import partial

from twinset.protocols import Measure
from twinset.protocols.measures import BEYOND, GUESS

__all__ = ["MEASURES"]

_guess = partial(Measure, reference="guessing", standing=GUESS)
_copied = partial(
    Measure,
    unit="share",
    reference="people set aside",
    standing=("copied from the train data", "no more than by chance", "no more than by chance"),
    anchors=(0.0, 0.01),
)


def _leak(name: str, title: str, what: str) -> Measure:
    return Measure(
        name=name,
        title=title,
        meaning=f"Of 100 tries that fail on people set aside, how many more {what} for people in "
        "the train data. What is right for both alike is knowledge of the population, not a leak.",
        unit="share",
        low=-1,
        reference="people set aside",
        standing=BEYOND,
        leak=True,
        anchors=(0.0, 0.05),
    )


MEASURES = (
    _copied(
        name="records_copied",
        title="Train records that were copied",
        meaning="Share of the people (or things) in the train data of whom a row that is theirs "
        "alone stands in the synthetic table. Of people set aside, the same happens by chance.",
    ),
    _copied(
        name="records_nearly_copied",
        title="Train records that were copied, or all but so",
        meaning="Share of the people (or things) in the train data to whom a synthetic row lies "
        "at least twenty times nearer than the row of anybody else. Of people set aside, the same "
        "happens by chance.",
    ),
    _copied(
        name="identifiers_copied",
        title="Identifiers that were copied",
        meaning="Share of synthetic rows whose identifier stands in the train data. Of "
        "identifiers set aside, as many are met by chance.",
        reference="identifiers set aside",
    ),
    _guess(
        name="auc",
        title="Telling who is in the train data",
        meaning="An attack scores every record; this is how often a train record gets a higher "
        "score than one that was not in it (AUC). 0.5 is guessing, 1 is always right.",
        goal="closer to 0.5 is better",
        anchors=(0.45, 0.65),
    ),
    _guess(
        name="tpr_at_fpr",
        title="Records recognised with few false alarms",
        meaning="Share of train records that an attack names, while it wrongly names only the "
        "given share of other records (true positive rate at a false positive rate).",
        unit="share",
    ),
    _guess(
        name="advantage",
        title="Advantage over guessing",
        meaning="Rate of right minus rate of wrong accusations at a threshold chosen on other "
        "records.",
        low=-1,
        anchors=(0.0, 0.1),
    ),
    _guess(
        name="balanced_accuracy",
        title="Right answers, members and others counted alike",
        meaning="Average of the share of train records recognised and of other records cleared, "
        "at the same threshold as the advantage. 50% is guessing.",
        unit="share",
        anchors=(0.5, 0.55),
    ),
    _guess(
        name="privacy_gain",
        title="Privacy gain",
        meaning="One minus the advantage: 1 if the attack does no better than guessing, 0 if it "
        "is always right, as it would be with the real rows themselves.",
        direction="higher",
        anchors=(0.9, 1.0),
    ),
    _leak("attribute_leak", "Guessing a hidden column", "are guessed right"),
    _leak("reconstruction_leak", "Reconstructing a hidden column", "are reconstructed right"),
    _leak("linkability_leak", "Joining two sources", "are joined right through the release"),
    _leak("singling_out_leak", "Singling out", "fit exactly one person"),
    Measure(
        name="cap_difference",
        title="Hidden values that a few columns give away",
        meaning="Among synthetic rows with a person's keys, the share that has the person's "
        "hidden value (CAP): people in the train data less people set aside. A diagnostic; no "
        "verdict rests on it.",
        unit="share",
        low=-1,
        reference="people set aside",
        standing=BEYOND,
        diagnostic=True,
        anchors=(0.0, 0.05),
    ),
    _guess(
        name="auc_gap",
        title="Risk beyond that of random records",
        meaning="How much more often the attack ranks these records right than random ones. 0 is "
        "equal.",
        low=-1,
        reference="random records",
        anchors=(0.0, 0.1),
    ),
    _guess(
        name="records_at_risk",
        title="Records at risk",
        meaning="Share of the records attacked that some attack recognises beyond chance; of "
        "those named, 5% may be named by chance.",
        unit="share",
        reference="none",
        anchors=(0.0, 0.1),
    ),
    Measure(
        name="shadow_fits",
        title="Fits that worked",
        meaning="Share of the fits that gave a table of the right kind in time. The others were "
        "left out.",
        unit="share",
        direction="higher",
        reference="all",
        anchors=(0.9, 1.0),
    ),
    _guess(
        name="control",
        title="Controls of the audit",
        meaning="Attacks on planted leaks and on records dealt by chance, where the right answer "
        "is known.",
    ),
    _guess(
        name="epsilon_lower_bound",
        title="Empirical lower bound on epsilon",
        meaning="The least privacy loss that explains what the attack achieved. The interval ends "
        "at the ceiling, the most that this test could have shown: a bound near 0 proves nothing.",
        high=math.inf,
    ),
)
