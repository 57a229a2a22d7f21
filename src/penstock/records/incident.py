"""A zip for a problem report: what went wrong first, versions, configuration without secrets, logs, queue."""

from __future__ import annotations

import json
import os
import platform
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from django.conf import settings

from penstock.engine.failpoint import declare, failpoint
from penstock.engine.states import BROKEN
from penstock.ledger import TABLES, rows, runlog
from penstock.ledger.models import Run, SiteCounter
from penstock.records import FILES, SECTIONS
from penstock.records.overview import causes, run_view

declare("incident.before_rename", "incident.after_rename")

SECRET = re.compile(r"secret|passw|token|(?:^|_)key$|credential", re.IGNORECASE)
LONGEST = 5 * 2**20  # bytes of one file: its end says what happened
MOST = 500  # broken rows
PACKAGES = ("penstock", "django", "pillow", "opencv-python-headless", "numpy", "ollama", "openai")


def incident(run: Run, file: Path) -> Path:
    """Write the report of a run to `file` (atomically) and answer its path. Raises OSError."""
    target = file.expanduser().absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in _documents(run):
            packed.writestr(name, json.dumps(data, ensure_ascii=False, indent=2, default=str))
        packed.writestr(f"logs/runs/{run.id}.log", "".join(line + "\n" for line in runlog.lines(run)))
        for name, path in _files(run):
            packed.writestr(name, runlog.redact(_end(path)))
    failpoint("incident.before_rename")
    os.replace(part, target)
    failpoint("incident.after_rename")
    return target


def _documents(run: Run) -> Iterator[tuple[str, Any]]:
    yield "first_error.json", first_error(run)
    yield (
        "run.json",
        {**run_view(run), "kind": run.kind, "trigger": run.trigger, "started_at": run.started_at},
    )
    yield (
        "configuration.json",
        {"home": _config(), "site": hidden(run.site.settings), "plan": hidden(run.plan)},
    )
    yield "versions.json", versions()
    yield "queue.json", _queue(run)
    yield "broken_rows.json", _broken(run)
    for title, section in SECTIONS.items():
        yield f"sections/{title}.json", section(run)


def first_error(run: Run) -> dict[str, Any]:
    """The first error line of the run, and the first broken row with its file."""
    line = next((line for line in runlog.lines(run) if "[ERROR]" in line), "")
    broken = _broken(run)
    return {
        "line": line,
        "row": broken[0] if broken else None,
        "causes": [hidden(vars(cause)) for cause in causes(run)],
    }


def versions() -> dict[str, Any]:
    """What runs here."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "sqlite": sqlite3.sqlite_version,
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _config() -> dict[str, Any]:
    shown: dict[str, Any] = hidden(asdict(settings.PENSTOCK))
    return {name: str(value) if isinstance(value, Path) else value for name, value in shown.items()}


def hidden(value: Any, name: str = "") -> Any:
    """A copy in which whatever is called like a secret, and credentials within addresses, are blotted out."""
    if isinstance(value, dict):
        return {key: hidden(one, str(key)) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(one, name) for one in value]
    if SECRET.search(name) and value not in (None, "", False, True):
        return "…"
    return runlog.redact(value) if isinstance(value, str) else value


def _queue(run: Run) -> dict[str, Any]:
    counters = SiteCounter.objects.filter(site=run.site, n__gt=0).order_by("table", "stage", "state")
    return {f"{one.table} {one.stage} {one.state}": one.n for one in counters}


def _broken(run: Run) -> list[dict[str, Any]]:
    """Broken rows whole, with the engine's columns: they name the file."""
    found: list[dict[str, Any]] = []
    for table, model in TABLES.items():
        if rows.is_item(table):
            broken = model.objects.filter(run=run.id, state__in=[state.value for state in BROKEN]).order_by("id")
            found += [{"table": table, **hidden(row)} for row in broken.values()[:MOST]]
    return found


def _files(run: Run) -> Iterator[tuple[str, Path]]:
    home = Path(settings.PENSTOCK.home)
    crashes = [("crash_startup.log", home), ("data/crash_runtime.log", home)]
    for name, root in [*((name, run.site.root) for name in FILES), *crashes]:
        if (root / name).is_file():
            yield f"files/{name}", root / name


def _end(path: Path) -> str:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - LONGEST))
        return stream.read().decode("utf-8", "replace")
