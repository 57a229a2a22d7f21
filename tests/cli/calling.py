"""Calls the program as a shell would, inside this process and on its home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from penstock.cli.main import main


@dataclass(frozen=True)
class Called:
    """How one call ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)


def call(*words: object, typed: str = "") -> Called:
    """Call `penstock WORDS…` here."""
    result = CliRunner().invoke(main, [str(word) for word in words], input=typed, prog_name="penstock")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Called(result.exit_code, result.stdout, result.stderr)


def started(home: Path, *words: object) -> subprocess.Popen[str]:
    """`penstock WORDS…` as a process of its own, on a home of its own."""
    root = Path(__file__).resolve().parents[2]
    env = {**os.environ, "PENSTOCK_HOME": str(home), "PYTHONPATH": str(root / "src"), "COLUMNS": "200"}
    program = [sys.executable, "-m", "penstock", *map(str, words)]
    return subprocess.Popen(program, env=env, cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def shell(home: Path, *words: object) -> Called:
    """Run `penstock WORDS…` as a process of its own to its end."""
    process = started(home, *words)
    out, err = process.communicate(timeout=90)
    return Called(process.returncode, out, err)
