"""Evaluate: evidence once, metrics on it, noise floors, problems in words."""

from twinset.evaluation.core import evaluate

__all__ = ["evaluate"]
