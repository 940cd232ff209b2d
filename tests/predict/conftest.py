"""The small study, made once."""

from predict_study import study

__all__ = ["study"]
