"""Evaluate: evidence once, metrics on it, noise floors, problems in words."""

from twinset.evaluate.core import evaluate

__all__ = ["evaluate"]
