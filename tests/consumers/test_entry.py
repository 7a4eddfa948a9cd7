"""Ctrl-C ends `retention` with 130 and without a stack, however early it comes."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Ctrl-C at the moment at which a module is looked for.
PRESSED = """
import os, signal, sys
class Press:
    def find_spec(name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Press)
sys.argv = ["retention", "up", "--data-dir", {data_dir!r}]
from consumers.entry import main
main()
"""


@pytest.mark.parametrize("module", ["consumers.cli", "typer", "consumers.settings", "consumers.local.up"])
def test_ctrl_c_during_the_imports_leaves_no_stack(module: str, tmp_path: Path) -> None:
    code = PRESSED.format(module=module, data_dir=str(tmp_path / "data"))
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=15)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
    assert not (tmp_path / "data").exists()


def test_the_command_begins_there() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"retention": "consumers.entry:main"}
