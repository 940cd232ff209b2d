"""The command line as the tests of commands call it: what was printed, or the words of a refusal."""

from __future__ import annotations

import pytest
from _pytest.capture import CaptureResult

from resistance import cli


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> CaptureResult[str]:
    """Run a command that succeeds; return what it printed."""
    cli.main([str(a) for a in arguments])
    return capsys.readouterr()


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that stops at its input with exit code 2; return what it wrote to the error stream."""
    with pytest.raises(SystemExit) as stop:
        cli.main([str(a) for a in arguments])
    assert stop.value.code == 2
    return capsys.readouterr().err
