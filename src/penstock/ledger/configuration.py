"""A site's configuration as the automation API shows it: schedule, batch sizes, delays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from penstock.accounts import audit
from penstock.accounts.access import Caller
from penstock.accounts.models import Site
from penstock.accounts.sitesettings import settings_of, values_of
from penstock.engine.errors import UsageError
from penstock.ledger import events, schedule
from penstock.ledger.tx import commits, write

commits("configuration.change")

SCHEDULE = {"is_enabled": "enabled", "frequency": "frequency", "scheduled_time": "at"}
DELAYS = {"within_stage_delay": 0.0, "between_stage_delay": 0.0, "overlap": True}
_SIZE = re.compile(r"stage_[1-9]\d*_batch_size")


def read(site: Site) -> dict[str, Any]:
    """The configuration; defaults where nothing was set. Reading writes nothing."""
    one, values = schedule.of(site), values_of(site)
    sizes = {key: value for key, value in values.items() if _SIZE.fullmatch(key)}
    return {
        "site_id": site.pk,
        "pipeline": site.pipeline,
        "is_enabled": one.enabled,
        "frequency": one.frequency,
        "scheduled_time": one.time,
        "timezone": site.timezone,
        **sizes,
        **{key: values.get(key, default) for key, default in DELAYS.items()},
        "last_run_at": schedule.local(one.last_run_at, site),
        "next_run_at": schedule.local(one.next_run_at, site),
    }


def change(site: Site, changes: Mapping[str, Any], now: datetime, caller: Caller) -> dict[str, Any]:
    """Change what is given, all or nothing; runs that are open keep theirs. Answers the whole configuration.

    Raises UsageError; its `facts` name the field."""
    with write("configuration.change"):
        site = Site.objects.select_for_update().select_related("account").get(pk=site.pk)
        if "timezone" in changes:
            site.timezone = checked_zone(changes["timezone"])
            site.save(update_fields=["timezone"])
        _change_settings(site, {k: v for k, v in changes.items() if k not in SCHEDULE and k != "timezone"})
        timed = {SCHEDULE[key]: value for key, value in changes.items() if key in SCHEDULE}
        if timed or ("timezone" in changes and schedule.of(site).pk):
            schedule.change(site, now, **timed)
        audit.note(now, caller, "site.configure", site.name, site=site, **changes)
        told = ", ".join(f"{key}={value}" for key, value in changes.items())
        events.record(now, "site", site=site.pk, who=caller.name, lines=[("INFO", f"Settings changed: {told}")])
    return read(site)


def _change_settings(site: Site, changes: Mapping[str, Any]) -> None:
    known = values_of(site)
    for key in changes:
        if key not in known or not (key in DELAYS or _SIZE.fullmatch(key)):
            raise UsageError(f"{key}: the pipeline {site.pipeline} has no such setting", facts={"field": key})
    if not changes:
        return
    try:
        settings_of(site).change(site, {key: str(value) for key, value in changes.items()})
    except UsageError as error:
        field = str(error).partition(":")[0]
        raise UsageError(str(error), facts={"field": field}) from error


def checked_zone(name: str) -> str:
    """The name of a time zone. Raises UsageError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        sentence = "timezone: there is no such zone; write one like Europe/Amsterdam"
        raise UsageError(sentence, facts={"field": "timezone"}) from None
    return name
