"""The form of a site's configuration: schedule, batch sizes, delays; what is wrong is told at its field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.accounts.access import Caller
from penstock.accounts.models import Site
from penstock.accounts.sitesettings import settings_of
from penstock.engine.clock import Clock
from penstock.engine.errors import UsageError
from penstock.ledger import configuration
from penstock.ledger.schedule import FREQUENCIES

LABELS = {
    "is_enabled": "Start runs by themselves",
    "frequency": "How often",
    "scheduled_time": "At",
    "timezone": "Time zone",
    "within_stage_delay": "Wait between batches of a stage (seconds)",
    "between_stage_delay": "Wait between stages (seconds)",
    "overlap": "Items go on to the next stage as soon as they are ready",
}
_SIZE = re.compile(r"stage_(\d+)_batch_size")
_READ_ONLY = ("site_id", "pipeline", "last_run_at", "next_run_at")


@dataclass(frozen=True)
class Field:
    """One field. `kind`: check, choice, time, zone, number; `low` and `high` bound a number."""

    name: str
    label: str
    kind: str
    value: Any
    error: str = ""
    hint: str = ""
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 3600


def fields(site: Site, given: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None) -> list[Field]:
    """The form as it is stored, or as it was sent (`given`) with what is wrong (`errors`)."""
    stored, meanings = configuration.read(site), _meanings(site)
    made = [_field(name, value, meanings) for name, value in stored.items() if name not in _READ_ONLY]
    if given is None:
        return made
    told = errors or {}
    return [_sent(one, given, told.get(one.name, "")) for one in made]


def _sent(one: Field, given: Mapping[str, str], error: str) -> Field:
    value = one.name in given if one.kind == "check" else given.get(one.name, one.value)
    return Field(**{**vars(one), "value": value, "error": error})


def _meanings(site: Site) -> dict[str, str]:
    try:
        return {key: meaning for key, _, meaning in settings_of(site).describe()}
    except UsageError:
        return {}


def _field(name: str, value: Any, meanings: Mapping[str, str]) -> Field:
    if size := _SIZE.fullmatch(name):
        return Field(name, f"Stage {size[1]}", "number", value, hint=meanings.get(name, ""), low=1, high=1000)
    label = LABELS[name]
    if isinstance(value, bool):
        return Field(name, label, "check", value)
    if name == "frequency":
        return Field(name, label, "choice", value, choices=FREQUENCIES)
    if name == "scheduled_time":
        return Field(name, label, "time", value)
    if name == "timezone":
        return Field(name, label, "zone", value)
    return Field(name, label, "number", f"{value:g}")


def save(site: Site, given: Mapping[str, str], clock: Clock, caller: Caller) -> dict[str, str]:
    """Change what differs from what is stored, all or nothing. Answers what is wrong, by field; nothing when it is
    saved."""
    errors: dict[str, str] = {}
    changes: dict[str, Any] = {}
    stored = configuration.read(site)
    for one in fields(site, given, {}):
        try:
            value = _typed(one)
        except ValueError as error:
            errors[one.name] = str(error)
            continue
        if value != stored[one.name]:
            changes[one.name] = value
    if errors or not changes:
        return errors
    try:
        configuration.change(site, changes, clock.wall(), caller)
    except UsageError as error:
        field = str(error.facts.get("field", ""))
        return {field: str(error).removeprefix(f"{field}: ")}
    return {}


def _typed(one: Field) -> Any:
    """As the configuration takes it. Raises ValueError with a sentence."""
    if one.kind != "number":
        return one.value
    text = str(one.value).strip()
    whole = one.low == 1
    if not re.fullmatch(r"\d{1,6}" if whole else r"\d{1,6}(\.\d{1,3})?", text):
        raise ValueError(f"write {'a whole number' if whole else 'a number'} from {one.low} to {one.high}")
    number = int(text) if whole else float(text)
    if not one.low <= number <= one.high:
        raise ValueError(f"{text} is not between {one.low} and {one.high}")
    return number
