"""One call of the program: its global options, its output, and the home that it opens when it needs one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.cli.show import Show

if TYPE_CHECKING:
    from datetime import datetime

    from penstock.config import Config
    from penstock.engine.clock import SystemClock
    from penstock.engine.ids import RandomIds


@dataclass(frozen=True)
class Home:
    """An opened home: Django runs on it. `who` is the person whom decisions are recorded for."""

    config: Config
    clock: SystemClock
    ids: RandomIds

    @property
    def who(self) -> str:
        """The operator of this home."""
        return self.config.operator

    def now(self) -> datetime:
        """The time, for records."""
        return self.clock.wall()


@dataclass
class Session:
    """What every command is given. `opened` is set once the home is ready."""

    json: bool = False
    home: Path | None = None
    verbose: bool = False
    quiet: bool = False
    fallback: Path | None = None  # a command's own default home
    opened: Home | None = field(default=None, repr=False)

    @cached_property
    def show(self) -> Show:
        """Where this command's output goes."""
        return Show(self.json, self.quiet, self.verbose, str(self.home or ""))

    @property
    def place(self) -> Path:
        """Where the home of this call is."""
        from penstock.config import default_home

        return self.home or self.fallback or default_home()

    def load(self) -> Config:
        """The configuration of the chosen home. Raises ConfigError."""
        from penstock import config

        return config.load(self.home or self.fallback)

    def open(self, **instead: Any) -> Home:
        """Start Django on the home. Values given `instead` win over the configuration's, unless they are None.

        Raises ConfigError, or Refused when the home's database is a newer version's."""
        if self.opened is None:
            from penstock import boot

            chosen = {key: value for key, value in instead.items() if value is not None}
            settings = replace(self.load(), **chosen)
            boot.start(settings)
            from penstock.engine.clock import SystemClock
            from penstock.engine.ids import RandomIds

            self.opened = Home(settings, SystemClock(), RandomIds())
        return self.opened
