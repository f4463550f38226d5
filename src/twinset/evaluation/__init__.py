"""Evaluate: evidence once, metrics on it, noise floors, problems in words."""

from twinset.evaluation.release import evaluate

__all__ = ["evaluate"]
