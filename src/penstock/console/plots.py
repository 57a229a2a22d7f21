"""Plots without a script: places and lengths for plain SVG. What they show also stands in a table beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from penstock.console.when import lasting
from penstock.ledger.models import StageRun

WIDTH, LINE, HIGH = 400, 36, 12  # in the units of a plot: its width, a line with its words, the bar of a line


@dataclass(frozen=True)
class Bar:
    """One line: what it is called and its number, and the bar below these words."""

    label: str
    y: int
    x: float
    width: float
    told: str
    kind: str = ""

    high: int = HIGH

    @property
    def base(self) -> int:
        """Where its words stand."""
        return self.y + 13

    @property
    def top(self) -> int:
        """Where its bar begins."""
        return self.y + 18


@dataclass(frozen=True)
class Plot:
    """Bars below each other. `told` is the plot in a sentence."""

    title: str
    told: str
    bars: Sequence[Bar]
    width: int = WIDTH

    @property
    def height(self) -> int:
        """All lines."""
        return LINE * len(self.bars) + 4


def timeline(stages: Sequence[StageRun], now: datetime) -> Plot | None:
    """When each stage was at work; None before any was."""
    begun = [stage for stage in stages if stage.started_at is not None]
    if not begun:
        return None
    first = min(stage.started_at for stage in begun if stage.started_at)
    last = max(_end(stage, now) for stage in begun)
    whole = max(0.001, (last - first).total_seconds())
    bars = [_span(stage, n, first, whole, now) for n, stage in enumerate(stages)]
    title = "When each stage was at work"
    return Plot(title, f"{title}: {len(begun)} stages in {lasting(whole)}.", bars)


def _end(stage: StageRun, now: datetime) -> datetime:
    """A stage that has items in hand or before it is still at work."""
    if stage.ready + stage.leased or stage.ended_at is None:
        return now if stage.leased else stage.ended_at or now
    return stage.ended_at


def _span(stage: StageRun, n: int, first: datetime, whole: float, now: datetime) -> Bar:
    label = f"{stage.number} {stage.title}"
    if stage.started_at is None:
        return Bar(label, n * LINE, 0, 0, "not yet")
    begin, end = (stage.started_at - first).total_seconds(), (_end(stage, now) - first).total_seconds()
    kind = "busy" if stage.leased else "bad" if stage.failed + stage.quarantined else "done"
    left = min(begin / whole * WIDTH, WIDTH - 2.0)
    width = max(2.0, (end - begin) / whole * WIDTH)
    return Bar(label, n * LINE, round(left, 1), round(width, 1), lasting(end - begin), kind)


def peaks(title: str, stages: Sequence[StageRun], column: str, unit: str) -> Plot | None:
    """The highest value that each stage came to; None when nothing was measured. Without a unit it is seconds."""
    values = [(stage, float(getattr(stage, column))) for stage in stages]
    most = max((value for _, value in values), default=0.0)
    if most <= 0:
        return None
    bars = [
        Bar(f"{stage.number} {stage.title}", n * LINE, 0, round(value / most * WIDTH, 1), _told(value, unit))
        for n, (stage, value) in enumerate(values)
    ]
    highest = max(values, key=lambda pair: pair[1])[0]
    return Plot(title, f"{title}: the most is {_told(most, unit)}, at stage {highest.number}.", bars)


def _told(value: float, unit: str) -> str:
    if value <= 0:
        return "not measured"
    return f"{value:,.0f} {unit}" if unit else lasting(value)
