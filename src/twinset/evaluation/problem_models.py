"""Problems of models: what is lost by learning from a release, for whom, and of which column."""

from __future__ import annotations

from collections.abc import Iterator

from twinset.evaluation.problem_words import ratio
from twinset.protocols import Result
from twinset.results import Problem

__all__ = ["model_problems"]

_SCORES = {"auc": "AUC", "r2": "R2"}
_FAIR = {
    "demographic_parity_difference": "choose them at rates up to {} points apart",
    "equal_opportunity_difference": "find those with the outcome at rates up to {} points apart",
    "equalised_odds_difference": "find, or wrongly name, them at rates up to {} points apart",
    "predictive_parity_difference": "are right about them at rates up to {} points apart",
}


def model_problems(by_name: dict[str, list[Result]]) -> Iterator[Problem]:
    """Yield at most one problem each of the target, of another column, and of a grouping."""
    for result in by_name["tstr"]:
        if result.params["score"] == "accuracy" and len(by_name["tstr"]) > 1:
            continue
        value, reference = result.value or 0.0, result.reference or 0.0
        text = (
            f"models of {result.columns[0]} trained on synthetic reach {_score(result)} "
            f"{value:.3f} on real rows, {reference:.3f} if trained on real ones "
            f"(noise {result.noise:.3f})"
        )
        yield Problem(text, result.columns, reference - value, _noise(result))
    target = {r.columns for r in by_name["tstr"]}
    others = [r for r in by_name["column_prediction_gap"] if r.columns not in target]
    for result in sorted(others, key=lambda r: -ratio(r))[:1]:
        learned = (float(result.params[k]) for k in ("synthetic", "train"))
        text = (
            f"{result.columns[0]} is foretold from the other columns with {_score(result)} "
            "{:.3f} by what was learned from synthetic, {:.3f} from real rows ".format(*learned)
            + f"(noise {result.noise:.3f})"
        )
        yield Problem(text, result.columns, result.value or 0.0, _noise(result))
    yield from _unfair([r for name in _FAIR for r in by_name[name]])


def _unfair(found: list[Result]) -> Iterator[Problem]:
    """Yield the clearest figure of each grouping, largest first, two at most."""
    seen: set[tuple[str, ...]] = set()
    for result in sorted(found, key=lambda r: -ratio(r)):
        *groups, target = result.columns
        if tuple(groups) in seen or len(seen) == 2:
            continue
        seen.add(tuple(groups))
        value, reference = result.value or 0.0, result.reference or 0.0
        what = _FAIR[result.name].format(f"{100 * value:.1f}")
        text = (
            f"models of {target} ({result.params['class']}) trained on synthetic treat groups of "
            f"{' and '.join(groups)} less alike on real rows: they {what}, "
            f"{100 * reference:.1f} if trained on real ones "
            f"(noise {100 * (result.noise or 0.0):.1f})"
        )
        yield Problem(text, result.columns, abs(value - reference), _noise(result))


def _score(result: Result) -> str:
    score = str(result.params["score"])
    return _SCORES.get(score, score)


def _noise(result: Result) -> float:
    return max(result.noise or 0.0, 1e-9)
