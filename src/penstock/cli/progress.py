"""How a run gets on: read from its counters and events, shown as a live table or as plain lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from penstock.cli.show import count, safe

QUIET = 2.0  # seconds between two plain lines about the same stage
ENOUGH = 3  # items that a stage must have passed before its rate says something


@dataclass(frozen=True)
class Step:
    """One stage as the progress shows it. `coming` counts what is in it or upstream of it."""

    number: int
    title: str
    done: int
    broken: int
    coming: int
    per_second: float

    @property
    def total(self) -> int:
        """All items that this stage will have seen."""
        return self.done + self.broken + self.coming

    @property
    def left(self) -> float | None:
        """Seconds until it is through, at its own rate; None while that says nothing."""
        if not self.coming or self.done < ENOUGH or self.per_second <= 0:
            return None
        return self.coming / self.per_second


@dataclass
class Look:
    """What one look at a run found."""

    view: dict[str, Any]
    steps: list[Step]
    lines: list[tuple[str, str]]  # new in the log since the last look: level, text

    @property
    def current(self) -> Step | None:
        """The stage that the run is at."""
        return next((step for step in self.steps if step.number == self.view["current_stage"]), None)

    @property
    def left(self) -> float | None:
        """Seconds until the run is through: its slowest stage decides, as stages overlap."""
        return max((step.left for step in self.steps if step.left is not None), default=None)


@dataclass
class Watcher:
    """Looks at one run again and again. Uses the calling thread's database connection."""

    run_id: str
    after: int = 0  # the last event that was read

    def look(self, now: datetime) -> Look:
        """How the run stands, and what its log says that is new."""
        from penstock.ledger import control
        from penstock.ledger.models import Event, StageRun
        from penstock.records.overview import run_view

        view = run_view(control.find(self.run_id))
        began = dict(StageRun.objects.filter(run=self.run_id).values_list("number", "started_at"))
        lines: list[tuple[str, str]] = []
        for event, texts in Event.objects.filter(run=self.run_id, id__gt=self.after).values_list("id", "lines"):
            self.after = event
            lines += [(level, text) for level, text in texts]
        return Look(view, list(steps(view, began, now)), lines)


def steps(view: dict[str, Any], began: dict[int, datetime | None], now: datetime) -> Iterator[Step]:
    """The stages of a view, with what is still to come through each and how fast it goes."""
    upstream = 0
    for stage in view["stages"]:
        upstream += stage["pending"]
        start = began.get(stage["number"])
        seconds = (now - start).total_seconds() if start else 0.0
        rate = stage["done"] / seconds if seconds > 0 else 0.0
        broken = stage["failed"] + stage["quarantined"]
        yield Step(stage["number"], stage["title"], stage["done"], broken, upstream, rate)


def duration(seconds: float) -> str:
    """ "0:07", "12:30", "1:02:03"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@dataclass
class Plain:
    """Lines with the time: on a new stage, at most one in QUIET seconds, and failures as they happen."""

    write: Any
    verbose: bool = False
    stage: int = -1
    said: str = ""
    at: datetime | None = None

    def show(self, look: Look, now: datetime) -> None:
        """Say what is new."""
        stamp = f"{now.astimezone():%H:%M:%S}"
        for level, text in look.lines:
            if self.verbose or level == "ERROR":
                self.write(f"{stamp} [{level}] {text}")
        line = self._line(look)
        changed = look.view["current_stage"] != self.stage
        quiet = self.at is not None and (now - self.at).total_seconds() < QUIET
        if line and line != self.said and (changed or not quiet):
            self.stage, self.said, self.at = look.view["current_stage"], line, now
            self.write(f"{stamp} {line}")

    def close(self) -> None:
        """Nothing to tidy up."""

    def _line(self, look: Look) -> str:
        step = look.current
        if step is None or not step.total:
            return ""
        parts = [f"{step.done:,} of {step.total:,} done"]
        parts += [f"{step.broken:,} failed"] if step.broken else []
        parts += [f"about {duration(look.left)} left"] if look.left is not None and look.left >= 1 else []
        return f"stage {step.number}/{len(look.steps)} {step.title}: {', '.join(parts)}"


@dataclass
class Rich:
    """A table that is redrawn in place, with the last failures below it."""

    console: Any
    verbose: bool = False
    failures: deque[str] = field(default_factory=lambda: deque(maxlen=5))
    broken: int = 0
    live: Any = None

    def show(self, look: Look, now: datetime) -> None:
        """Redraw."""
        from rich.live import Live

        for level, text in look.lines:
            if level == "ERROR":
                self.failures.append(safe(text))
            if self.verbose:
                self.console.print(f"[{level}] {safe(text)}", markup=False, highlight=False)
        if self.live is None:
            self.live = Live(console=self.console, auto_refresh=False, transient=True)
            self.live.start()
        self.live.update(self._drawing(look), refresh=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self.live is not None:
            self.live.stop()

    def _drawing(self, look: Look) -> Any:
        from rich.console import Group
        from rich.text import Text

        failures = [Text(text, style="red", no_wrap=True, overflow="ellipsis") for text in self.failures]
        return Group(_stage_table(look), Text(_footer(look), style="dim"), *failures)


def _stage_table(look: Look) -> Any:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for align in ("right", "left", "left", "right", "right", "right"):
        table.add_column(justify=align)
    for step in look.steps:
        style = "bold" if step is look.current else ("" if step.done else "dim")
        failed = Text(f"{step.broken:,} failed", style="red") if step.broken else Text("")
        rate = f"{step.per_second * 60:,.0f}/min" if step.coming and step.done >= ENOUGH else ""
        bar = ProgressBar(total=max(step.total, 1), completed=step.done + step.broken, width=24)
        done = f"{step.done:,}/{step.total:,}" if step.total else ""
        table.add_row(str(step.number), Text(step.title, style=style), bar, done, failed, rate)
    return table


def _footer(look: Look) -> str:
    left = f", about {duration(look.left)} left" if look.left is not None else ""
    waiting = look.view["items"].get("waiting", 0)
    held = f", {count(waiting, 'item')} waiting for review" if waiting else ""
    run = f"{look.view['site']}: run {look.view['run_id']} is {look.view['status']}"
    return f"{run}{held}{left}. Ctrl-C stops safely."
