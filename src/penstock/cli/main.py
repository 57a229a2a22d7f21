"""`penstock`: the names of all commands, the global options, and one boundary for what goes wrong."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from penstock import __version__
from penstock.cli import errors
from penstock.cli.lazy import Sections, global_options
from penstock.cli.session import Session

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Start here": {
        "demo": ("penstock.cli.demo:demo", "See it work on sample photos, then review them."),
        "up": ("penstock.cli.up:up", "Serve the review page and work on every open run."),
        "check": ("penstock.cli.care:check", "Is everything ready for a run? One line per point."),
    },
    "Sites and photos": {
        "site": ("penstock.cli.sites:site", "Make, list, show and set sites."),
        "photos": ("penstock.cli.photos:photos", "Add photos to a site."),
        "content": ("penstock.cli.content:content", "Add keywords to a content site."),
        "taxonomy": ("penstock.cli.taxonomy:taxonomy", "The folders and locations that a site knows."),
        "schedule": ("penstock.cli.schedules:schedule", "When a site's runs start by themselves."),
        "target": ("penstock.cli.targets:target", "The places that a site publishes to."),
    },
    "Runs": {
        "run": ("penstock.cli.runs:run", "Start a run and follow it up to the review."),
        "status": ("penstock.cli.looks:status", "How a run, a site or everything stands."),
        "history": ("penstock.cli.looks:history", "The runs of a site, newest first."),
        "logs": ("penstock.cli.looks:logs", "The log of a run."),
        "pause": ("penstock.cli.runs:pause", "Stop a run after the items in hand."),
        "resume": ("penstock.cli.runs:resume", "Take a paused or interrupted run up again."),
        "cancel": ("penstock.cli.runs:cancel", "End a run; what is unfinished waits for the next one."),
        "retry": ("penstock.cli.runs:retry", "Run what failed in a run once more."),
        "rollback": ("penstock.cli.runs:rollback", "Undo a run, except what is published."),
        "recover": ("penstock.cli.runs:recover", "Tidy up after a crash (every start does so by itself)."),
    },
    "Review and publishing": {
        "review": ("penstock.cli.review:review", "List, show, edit, approve and reject what waits for you."),
        "publish": ("penstock.cli.publishing:publish", "Send what is approved to the site's targets."),
        "unpublish": ("penstock.cli.publishing:unpublish", "Take published items back."),
        "reconcile": ("penstock.cli.publishing:reconcile", "Compare what is published with what the targets hold."),
    },
    "People and programs": {
        "account": ("penstock.cli.people:account", "Make and list accounts."),
        "user": ("penstock.cli.people:user", "People who sign in."),
        "member": ("penstock.cli.people:member", "Who may do what in an account."),
        "token": ("penstock.cli.access:token", "Keys for programs that call the API."),
        "integration": ("penstock.cli.providers:integration", "Providers that a site uses, with their keys."),
        "credits": ("penstock.cli.people:credits", "What an account can spend."),
        "keys": ("penstock.cli.providers:keys", "Change the key that encrypts the others."),
        "audit": ("penstock.cli.access:audit", "Who changed what."),
    },
    "Care": {
        "verify": ("penstock.cli.care:verify", "Check a run after it ended, point by point."),
        "incident": ("penstock.cli.care:incident", "Pack a zip for a problem report, without secrets."),
        "doctor": ("penstock.cli.care:doctor", "Check everything stored for contradictions."),
        "config": ("penstock.cli.settings:config", "Show and check the configuration."),
        "db": ("penstock.cli.database:db", "Back up, restore, reset or prune the database."),
        "version": ("penstock.cli.looks:version", "Print the version."),
    },
}  # fmt: skip

LATER = ("worker", "scenes")


class Program(Sections):
    """The whole command line. Its exit codes are those of docs/commands.md."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run one command and leave with its exit code; `standalone_mode=False` answers it instead."""
        words = list(sys.argv[1:] if args is None else args)
        extra["obj"] = session = Session(json="--json" in words)

        def invoke() -> Any:
            return super(Program, self).main(words, prog_name or "penstock", complete_var, False, **extra)

        code = errors.guard(invoke, session, words)
        if standalone_mode:
            sys.exit(code)
        return code


@click.command(
    cls=Program,
    sections=SECTIONS,
    later=LATER,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="penstock", message="%(prog)s %(version)s")
def main() -> None:
    """Runs photos through scoring and captioning, stops for you to decide, publishes what you approved.

    New here? Try `penstock demo`.
    """


main.params[:0] = global_options()
