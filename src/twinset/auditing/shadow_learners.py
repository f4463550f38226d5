"""What the numbers of shadow models say of a target: cross-fitted scores. Arrays in, arrays out.

Every trial (a fit and a target) is scored by a rule that was learned from other fits. Labels are
coded +-1/2 without an intercept, since each target was in with probability 1/2: a rule that
estimated the share of members would tell the label of the trial that was left out.
"""

from __future__ import annotations

import numpy as np

from twinset.arrays import Flags, Floats, Ints

__all__ = ["EXTRA_VARIANCE", "cross_fitted", "deal_folds", "honest"]


_SCREENED = 64  # features kept by their correlation with the label
_WIDEST = 4.0  # standardised features are cut here: what is rare must not outweigh all
_PENALTIES = (0.03, 0.3, 3.0)  # of ridge regression, in the mean eigenvalue
_LARGEST = 30.0
FOLDS = 5

# Cross-fitted trials depend on each other: the label of i made the rule that scores j and the label
# of j the rule that scores i. For rules that are linear in the labels, and nothing to learn, each
# pair of folds enters the sum twice where independent folds would enter twice apart: the variance
# is 2 times that of fixed rules. Where there is much to learn it is less; 2 is taken throughout.
EXTRA_VARIANCE = 2.0


def deal_folds(fits: int, rng: np.random.Generator) -> Ints:
    """Return shape (fits,): a fold 0 .. 4 for each."""
    return np.asarray(rng.permutation(np.arange(fits) % FOLDS), dtype=np.int64)


def cross_fitted(features: Floats, member: Flags, folds: Ints, learner: str) -> Floats:
    """Score each trial by what was learned from the fits of other folds.

    Parameters
    ----------
    features
        Shape (fits, targets, k), or (fits, 1, k) if they are the same for all targets.
    member
        Shape (fits, targets): whether the target was in.
    folds
        Shape (fits,).
    learner
        ``"ridge"``, ``"likelihood"`` or ``"offline"``, see `twinset.protocols.ShadowAttack`.

    Returns
    -------
    array
        Shape (fits, targets), higher = more likely in.
    """
    learn = {"ridge": _ridge, "likelihood": _likelihood, "offline": _offline}[learner]
    scores = np.zeros(member.shape)
    whole = _standardised(features) if learner == "ridge" else features
    for target in range(member.shape[1]):
        x = whole[:, min(target, whole.shape[1] - 1)]
        for fold in range(FOLDS):
            out = folds == fold
            if out.any():
                scores[out, target] = learn(x[~out], member[~out, target], x[out])
    return scores


def honest(features: Floats, member: Flags, folds: Ints, learner: str, choose: Flags) -> Floats:
    """Score the fits of `choose` by each other, all others by a rule that saw `choose` only.

    So trials outside `choose`, shape (fits,), are independent given what was chosen.
    """
    scores = np.zeros(member.shape)
    scores[choose] = cross_fitted(features[choose], member[choose], folds[choose], learner)
    halves = np.where(choose, 0, 1)
    learned = cross_fitted(features, member, halves, learner)
    scores[~choose] = learned[~choose]
    return scores


def _standardised(features: Floats) -> Floats:
    spread = features.std(axis=0)
    made = (features - features.mean(axis=0)) / np.where(spread > 1e-7, spread, np.inf)
    return np.asarray(np.clip(made, -_WIDEST, _WIDEST), dtype=np.float64)


def _ridge(x: Floats, member: Flags, new: Floats) -> Floats:
    """Ridge regression on the screened features; the penalty with the least leave-one-out error."""
    y = member - 0.5
    gain = np.abs(y @ x)
    kept = np.argsort(-gain, kind="stable")[:_SCREENED]
    x, new = x[:, kept], new[:, kept]
    values, axes = np.linalg.eigh(x.T @ x)
    values = np.maximum(values, 0.0)
    if values.max(initial=0.0) <= 0:
        return np.zeros(len(new))
    turned, onto = x @ axes, axes.T @ (x.T @ y)
    best, weight = np.inf, np.zeros(len(kept))
    for penalty in _PENALTIES:
        shrunken = values + penalty * max(float(values.mean()), 1e-12)
        hat = np.einsum("ij,j,ij->i", turned, 1 / shrunken, turned)
        left_out = (y - turned @ (onto / shrunken)) / np.maximum(1 - hat, 1e-6)
        error = float(np.abs(left_out).mean())
        if error < best:
            best, weight = error, axes @ (onto / shrunken)
    return np.asarray(new @ weight, dtype=np.float64)


def _likelihood(x: Floats, member: Flags, new: Floats) -> Floats:
    """Log ratio of two normal densities, summed over the features (Carlini et al. 2022, eq. 4)."""
    if min(member.sum(), (~member).sum()) < 2:
        return np.zeros(len(new))
    logs = []
    whole = x.var(axis=0) + 1e-12
    for side in (member, ~member):
        spread = (x[side].var(axis=0) * side.sum() + whole) / (side.sum() + 1)
        logs.append(-0.5 * ((new - x[side].mean(axis=0)) ** 2 / spread + np.log(spread)))
    ratio = (logs[0] - logs[1]).sum(axis=1)
    return np.asarray(np.clip(ratio, -_LARGEST, _LARGEST), dtype=np.float64)


def _offline(x: Floats, member: Flags, new: Floats) -> Floats:
    """Standard score among the fits without the target (eq. 7: its normal probability)."""
    out = x[~member]
    if len(out) < 2:
        return np.zeros(len(new))
    spread = np.maximum(out.std(axis=0), 1e-6)
    standard = ((new - out.mean(axis=0)) / spread).sum(axis=1)
    return np.asarray(np.clip(standard, -_LARGEST, _LARGEST), dtype=np.float64)
