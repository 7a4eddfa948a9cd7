"""How do tests run a command? In this process, with an environment of its own, and what it wrote."""

import os
from collections.abc import Callable
from typing import NamedTuple

import pytest

from consumers.cli import run


class Ran(NamedTuple):
    """What a command gave."""

    code: int
    out: str
    err: str


Command = Callable[..., Ran]


def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `retention` with these arguments; keywords are RETENTION_ variables, nothing else of them is set."""

    def call(*arguments: object, **settings: object) -> Ran:
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("RETENTION_")]:
                patch.delenv(name)
            patch.setenv("RETENTION_DATA_DIR", "/nonexistent")
            for name, value in settings.items():
                patch.setenv(f"RETENTION_{name}", str(value))
            capsys.readouterr()
            code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Ran(code, said.out, said.err)

    return call
