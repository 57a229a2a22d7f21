"""The run log: rendered from events after the commit. The events are the truth, the files are copies."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet

from penstock.adapters.folders import make_folder, sync_folder
from penstock.engine.failpoint import declare, failpoint
from penstock.ledger.models import Event, Run, StageRun

declare("runlog.before_rename", "runlog.after_rename", "runlog.before_fsync", "runlog.after_fsync")

_rendered: dict[str, int] = {}  # run → last event that this process has written
_sizes: dict[str, int] = {}  # run → how long its file was then
PAGE = 200  # events read at once
_CREDENTIALS = re.compile(r"://[^/\s\"'<>]*@")  # up to the last @: a password may hold one


def run_file(run: Run) -> Path:
    """The run's own file, never overwritten by another run."""
    return run.site.root / "logs" / "runs" / f"{run.id}.log"


def latest_file(run: Run) -> Path:
    """`logs/latest_run.log`: the newest run's log."""
    return run.site.root / "logs" / "latest_run.log"


def render(run: Run, *, durable: bool = False) -> None:
    """Bring the files up to the events. A file that is not as this process left it is written anew from all events.

    While a run is open its files need not be `durable`: the next process writes them anew."""
    files = _bring_up(run)
    for file in files if durable else ():
        _sync(file)


def _bring_up(run: Run) -> list[Path]:
    last = _rendered.get(run.id, 0)
    fresh = last == 0 or _size(run_file(run)) != _sizes.get(run.id)
    text, last = _lines(run, 0 if fresh else last)
    newest = not Run.objects.filter(site=run.site, started_at__gt=run.started_at).exists()
    files = [run_file(run), latest_file(run)] if newest else [run_file(run)]
    for file in files if fresh or text else ():
        _rewrite(file, text) if fresh else _append(file, text)
    _rendered[run.id], _sizes[run.id] = last, _size(run_file(run))
    return files


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else -1


def render_after_commit(run: Run) -> None:
    """Render once the surrounding transaction is durable."""
    transaction.on_commit(lambda: render(run, durable=not run.open))


def tail(run: Run, n: int) -> list[str]:
    """The last `n` lines, from the newest events: as quick for a long run as for a short one."""
    form, found = _Form(run), list[str]()
    for event in _told(run).order_by("-id").iterator(chunk_size=PAGE) if n > 0 else ():
        found[:0] = form.lines(event)
        if len(found) >= n:
            break
    return found[-n:]


def lines(run: Run) -> Iterator[str]:
    """Every line of the run, oldest first."""
    form = _Form(run)
    for event in _told(run).order_by("id").iterator(chunk_size=PAGE):
        yield from form.lines(event)


def _lines(run: Run, after: int) -> tuple[str, int]:
    form, out, last = _Form(run), list[str](), after
    for event in _told(run).filter(id__gt=after).order_by("id"):
        last = event.id
        out += [f"{line}\n" for line in form.lines(event)]
    return "".join(out), last


def _told(run: Run) -> QuerySet[Event]:
    return Event.objects.filter(run=run.id).only("at", "stage", "lines")


class _Form:
    """How the lines of a run look."""

    def __init__(self, run: Run) -> None:
        self._zone = ZoneInfo(run.site.timezone)
        self._numbers = dict(StageRun.objects.filter(run=run).values_list("name", "number"))

    def lines(self, event: Event) -> list[str]:
        """2026-11-21T10:15:02+01:00 [INFO] [STAGE 7/8] …"""
        stamp, where = event.at.astimezone(self._zone).isoformat(timespec="seconds"), ""
        if event.stage in self._numbers:
            where = f" [STAGE {self._numbers[event.stage]}/{len(self._numbers)}]"
        return [f"{stamp} [{level}]{where} {redact(text)}" for level, text in event.lines]


def redact(text: str) -> str:
    """Credentials inside addresses never reach a log."""
    return _CREDENTIALS.sub("://…@", text)


def _rewrite(file: Path, text: str) -> None:
    make_folder(file.parent)
    temporary = file.with_suffix(f".{os.getpid()}.part")
    temporary.write_text(text, encoding="utf-8")
    failpoint("runlog.before_rename")
    os.replace(temporary, file)
    failpoint("runlog.after_rename")


def tidy(root: Path) -> None:
    """Remove what programs that have gone were about to put in a log's place."""
    for part in [*(root / "logs").glob("*.part"), *(root / "logs" / "runs").glob("*.part")]:
        import psutil  # a start needs it for nothing else

        writer = part.stem.rpartition(".")[2]
        if writer.isdigit() and (int(writer) == os.getpid() or not psutil.pid_exists(int(writer))):
            part.unlink(missing_ok=True)


def _append(file: Path, text: str) -> None:
    make_folder(file.parent)
    with file.open("a", encoding="utf-8") as stream:
        stream.write(text)


def _sync(file: Path) -> None:
    with file.open("rb+") as stream:
        failpoint("runlog.before_fsync")
        os.fsync(stream.fileno())
        failpoint("runlog.after_fsync")
    sync_folder(file.parent)


def forget() -> None:
    """Render everything anew next time (another home, another test)."""
    _rendered.clear()
    _sizes.clear()


__all__: list[Any] = [
    "forget",
    "latest_file",
    "lines",
    "redact",
    "render",
    "render_after_commit",
    "run_file",
    "tail",
    "tidy",
]
