"""What can go wrong -> one line that says what, where and what to do.

Every error a user can cause derives from :class:`ResistanceError`; the command line is the only
place that turns one into text and an exit code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with the input.

    Parameters
    ----------
    message : str
        What is wrong, in words a clinician or a lab member can act on.
    path : str, optional
        File (or configuration key) where it is wrong.
    row : int, optional
        1-based line of the file as an editor or spreadsheet shows it (the header is line 1).
    column, value : str, optional
        Column name and offending value as they stand in the file.
    remedy : str, optional
        What to do about it.
    """

    message: str
    path: str | None = None
    row: int | None = None
    column: str | None = None
    value: str | None = None
    remedy: str | None = None

    def __str__(self) -> str:
        where = []
        if self.path is not None:
            where.append(str(self.path))
        if self.row is not None:
            where.append(f"row {self.row}")
        if self.column is not None:
            where.append(f"column '{self.column}'")
        if self.value is not None:
            where.append(f"value '{self.value}'")
        text = f"{', '.join(where)}: {self.message}" if where else self.message
        if not text.endswith((".", "?", "!")):
            text += "."
        return f"{text} {self.remedy}" if self.remedy else text


class ResistanceError(Exception):
    """Base of every error the package raises on purpose."""

    exit_code = 1


class InputError(ResistanceError):
    """The user's files or configuration are wrong; carries one or many :class:`Problem`.

    Parameters
    ----------
    message : str or iterable of Problem
        One message, with the keyword arguments of :class:`Problem`; or several problems found
        together.
    """

    exit_code = 2

    def __init__(
        self,
        message: str | Iterable[Problem],
        *,
        path: str | Path | None = None,
        row: int | None = None,
        column: str | None = None,
        value: object = None,
        remedy: str | None = None,
    ) -> None:
        if isinstance(message, str):
            problem = Problem(
                message,
                None if path is None else str(path),
                row,
                column,
                None if value is None else str(value),
                remedy,
            )
            self.problems: tuple[Problem, ...] = (problem,)
        else:
            self.problems = tuple(message)
            if not self.problems:
                raise ValueError("InputError needs at least one problem")
        super().__init__("\n".join(str(problem) for problem in self.problems))


class KnowledgeError(ResistanceError):
    """A table under ``resources/`` contradicts itself: a defect of the package or of an own marker file."""

    exit_code = 3


class ModelError(ResistanceError):
    """A statistical question has no answer in these data (says which and why)."""

    exit_code = 4


class Collected:
    """Runs steps one after the other and keeps their problems, so that all are reported together."""

    def __init__(self) -> None:
        self.problems: dict[Problem, None] = {}

    def call(self, step: Callable[..., T], *arguments: Any, **named: Any) -> T | None:
        """Return what the step returns, or None where it refuses its input."""
        try:
            return step(*arguments, **named)
        except InputError as error:
            self.problems.update(dict.fromkeys(error.problems))
            return None

    def stop(self) -> None:
        """Raise everything that was found, if anything was."""
        if self.problems:
            raise InputError(self.problems)
