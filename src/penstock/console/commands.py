"""What pages do, as it is done in a terminal and over the API: commands to be copied."""

from __future__ import annotations

from typing import NamedTuple

from penstock.accounts.models import Site

API = "/api/v1/automation/"


class Way(NamedTuple):
    """An action, its command, and its call of the API ("" where there is none)."""

    verb: str
    command: str
    call: str = ""


def of(site: Site) -> dict[str, str]:
    """The commands that a site's pages name."""
    name = site.name
    return {
        "add": f"penstock photos add FOLDER --site {name} --folder KEY --location PLACE --subject TEXT",
        "run": f"penstock run {name}",
        "publish": f"penstock publish {name}",
        "target": f"penstock target add {name} NAME --kind folder --url PATH",
        "history": f"penstock history {name}",
    }


def for_automation(site: Site, run: str = "") -> list[Way]:
    """What the automation page does."""
    name, here, one = site.name, f"?site_id={site.pk}", run or "RUN"
    there = f"{here}&run_id={one}"
    return [
        Way("Run now", f"penstock run {name} --detach", f"POST {API}run_now{here}"),
        *_verbs(one, there),
        Way("Change the configuration", f"penstock site set {name} KEY=VALUE", f"PUT {API}update_config{here}"),
        Way("Change the schedule", f"penstock schedule set {name} --on", f"PUT {API}update_config{here}"),
        Way("Release a dead lock", f"penstock cancel {one}", f"POST {API}release_lock{here}"),
        Way("See all runs", f"penstock history {name}", f"GET {API}history{here}"),
    ]


def for_run(site: Site, run: str) -> list[Way]:
    """What the page of a run does."""
    there = f"?site_id={site.pk}&run_id={run}"
    return [
        *_verbs(run, there),
        Way("Retry what failed", f"penstock retry {run}"),
        Way("Start again from a stage", f"penstock retry {run} --stage N"),
        Way("Mark as resolved", f"penstock history {site.name} --resolve {run}"),
        Way("Preview a rollback", f"penstock rollback {run} --dry-run", f"POST {API}rollback{there}&dry_run=true"),
        Way("Roll back", f"penstock rollback {run}", f"POST {API}rollback{there}"),
        Way("Recover after a crash", "penstock recover"),
        Way("Read the log", f"penstock logs {run}", f"GET {API}logs?run_id={run}&lines=100"),
        Way("Check the result", f"penstock verify {run}"),
        Way("Bundle for an incident", f"penstock incident {run} -o incident.zip"),
    ]


def _verbs(run: str, there: str) -> list[Way]:
    return [
        Way("Pause", f"penstock pause {run}", f"POST {API}pause{there}"),
        Way("Resume", f"penstock resume {run}", f"POST {API}resume{there}"),
        Way("Cancel", f"penstock cancel {run}", f"POST {API}cancel{there}"),
        Way("Abort", f"penstock cancel {run} --abort", f"POST {API}cancel{there}&abort=true"),
    ]
