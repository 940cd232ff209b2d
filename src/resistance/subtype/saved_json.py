"""Content of a saved model <-> JSON text with a digest, so that a file that was altered is refused; no pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from resistance.errors import InputError

T = TypeVar("T")


def saved_text(body: Mapping[str, Any]) -> str:
    """Return JSON text of `body` and its digest."""
    return json.dumps({**body, "digest": _digest(body)}, indent=1, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n"


def saved_body(text: str, form: str, version: int) -> dict[str, Any]:
    """Return the content of saved text.

    Raises
    ------
    ValueError
        No JSON, another format or version, or altered content.
    """
    try:
        body = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON ({error})") from error
    if not isinstance(body, dict) or body.get("format") != form:
        raise ValueError(f"no file of the format '{form}'")
    if body.get("version") != version:
        raise ValueError(f"the file has version {body.get('version')}, this program reads version {version}")
    digest = body.pop("digest", None)
    if digest != _digest(body):
        raise ValueError("the file was altered: its digest does not fit its content")
    return body


def read_saved(path: Path, form: str, version: int, build: Callable[[dict[str, Any]], T], remedy: str) -> T:
    """Read a saved model and build it.

    Raises
    ------
    InputError
        It is missing, no such file, of another version, altered, or its parts do not fit together.
    """
    try:
        return build(saved_body(path.read_text(encoding="utf-8"), form, version))
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError("the model is missing", path=path, remedy=remedy) from error
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8 text, so no saved model", path=path, remedy=remedy) from error
    except ValueError as error:
        raise InputError(str(error), path=path, remedy=remedy) from error
    except (KeyError, TypeError) as error:
        raise InputError("the model lacks a part", path=path, remedy=remedy) from error


def format_of(path: Path) -> str | None:
    """Return what a JSON file says it is, None where it does not."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    found = body.get("format") if isinstance(body, dict) else None
    return found if isinstance(found, str) else None


def _digest(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
