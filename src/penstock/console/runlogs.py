"""A run's log in the browser: by level and item, from its first error on, as text that can be selected and saved."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from penstock.accounts.access import Role
from penstock.console.roles import asks
from penstock.ledger import runlog
from penstock.ledger.control import find
from penstock.ledger.models import Run
from penstock.records.incident import incident

LEVELS = ("INFO", "WARN", "ERROR")
SHOWN = 500  # lines of one look
BEFORE = 20  # lines before the first error
BYTES = 1 << 16  # of a file, for its tail


@require_safe
def log(request: HttpRequest, run: str) -> HttpResponseBase:
    """The chosen lines; all of them, as a file, with `download`."""
    one = find(run)
    if request.GET.get("download") == "1":
        return _download(one)
    level, item, first = request.GET.get("level", ""), request.GET.get("item", "").strip()[:80], "first" in request.GET
    level = level if level in LEVELS else ""
    found = list(_from_first_error(one)) if first else list(_last(_chosen(_lines(one), level, item)))
    context = {
        "run": one, "site": one.site, "lines": list(_marked(found, first)), "levels": LEVELS,
        "level": level, "item": item, "first": first, "most": SHOWN, "narrow": bool(level or item),
    }  # fmt: skip
    return render(request, "console/run_log.html", context)


@require_safe
@asks(to_look=Role.OPERATOR)
def bundle(request: HttpRequest, run: str) -> HttpResponse:
    """The incident report of a run, as a zip."""
    one = find(run)
    with tempfile.TemporaryDirectory(prefix="penstock-incident-") as folder:
        packed = incident(one, Path(folder) / "incident.zip").read_bytes()
    answer = HttpResponse(packed, content_type="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="incident-{one.id}.zip"'
    return answer


def tail(run: Run, n: int) -> list[str]:
    """The last lines of the run's own file; from the events when the file is not there."""
    file = runlog.run_file(run)
    try:
        with file.open("rb") as stream:
            start = max(0, stream.seek(0, 2) - BYTES)
            stream.seek(start)
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return runlog.tail(run, n)
    return lines[1 if start else 0 :][-n:]


def _lines(run: Run) -> Iterator[str]:
    """All of them, oldest first: from the file, which is read in a moment, or from the events."""
    file = runlog.run_file(run)
    if not file.is_file():
        yield from runlog.lines(run)
        return
    with file.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            yield line.rstrip("\n")


def _chosen(lines: Iterable[str], level: str, item: str) -> Iterator[str]:
    """Of that level or a worse one; about that item, by its number or by any word."""
    wanted = tuple(f"[{one}]" for one in LEVELS[LEVELS.index(level) :]) if level else ()
    about = (f"id={item} ", f"id={item}:") if item.isdecimal() else (item,) if item else ()
    for line in lines:
        levelled = not wanted or any(one in line for one in wanted)
        if levelled and (not about or any(one.casefold() in f"{line} ".casefold() for one in about)):
            yield line


def _last(lines: Iterable[str]) -> Iterable[str]:
    return deque(lines, maxlen=SHOWN)


def _from_first_error(run: Run) -> Iterator[str]:
    """Some lines before the first error, it, and what came after; nothing when there was none."""
    before: deque[str] = deque(maxlen=BEFORE)
    lines = _lines(run)
    for line in lines:
        if "[ERROR]" in line:
            yield from before
            yield line
            yield from islice(lines, SHOWN - BEFORE)
            return
        before.append(line)


def _marked(lines: Iterable[str], first: bool) -> Iterator[tuple[str, str]]:
    """(line, "" or "error" or, once, "first")."""
    waiting = first
    for line in lines:
        bad = "[ERROR]" in line
        yield line, "first" if bad and waiting else "error" if bad else ""
        waiting = waiting and not bad


def _download(run: Run) -> HttpResponseBase:
    name = f"{run.id}.log"
    file = runlog.run_file(run)
    kind = "text/plain; charset=utf-8"
    if file.is_file():
        return FileResponse(file.open("rb"), as_attachment=True, filename=name, content_type=kind)
    answer: HttpResponse | StreamingHttpResponse = StreamingHttpResponse(
        (f"{line}\n" for line in runlog.lines(run)), content_type=kind
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
