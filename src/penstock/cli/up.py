"""One program for everything: recovers, serves the review page, works on every open run."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.errors import STOPPED
from penstock.cli.follow import conclude, exit_code
from penstock.cli.lazy import Leaf
from penstock.cli.session import Home, Session
from penstock.cli.show import Show, count

if TYPE_CHECKING:
    from penstock.config import Config

PATIENCE = 10.0  # seconds for answers under way when the server stops


@click.command(cls=Leaf, home=False)
@click.option("--host", metavar="H", help="The address to listen on (default: 127.0.0.1, this machine only).")
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="The port (default: 8420).")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.option("--once", is_flag=True, help="Work on every open run to its end or gate, and exit; serve nothing.")
@click.pass_obj
def up(session: Session, host: str | None, port: int | None, no_browser: bool, once: bool) -> int:
    """Recover, serve the review page and work on every open run, until Ctrl-C."""
    home = session.open(host=host, port=port)
    if once:
        return _once(home, session.show)
    return serve(home, session.show, browser=not no_browser)


def _once(home: Home, show: Show) -> int:
    """Every run that was open, brought to rest."""
    from penstock.ledger import control
    from penstock.ledger.drive import drive
    from penstock.ledger.models import Run
    from penstock.records.overview import run_view

    open_runs = list(Run.objects.filter(status="running").order_by("started_at").values_list("id", flat=True))
    if not open_runs:
        show.note("No run is open.")
    finished = drive(home.config)
    views = [run_view(control.find(run)) for run in open_runs]
    show.document({"runs": views})
    for run in () if show.json else open_runs:
        conclude(home, run, show)
    return STOPPED if not finished else max(map(exit_code, views), default=0)


def serve(home: Home, show: Show, *, browser: bool) -> int:
    """Web page and driver until Ctrl-C. Raises Refused when another program serves the home or the port."""
    from penstock.ledger.drive import drive
    from penstock.ledger.models import Run

    page = Page(home.config, show, browser)
    drive(home.config, forever=True, started=page.start)
    page.end()
    left = Run.objects.filter(status="running").count()
    show.note(f"Stopped. {count(left, 'open run')} will go on at the next start." if left else "Stopped.")
    return STOPPED if left else 0


class Page:
    """The web server in a thread of its own. When it fails, the driver is stopped, and `end` raises its error."""

    def __init__(self, config: Config, show: Show, browser: bool) -> None:
        self.config, self.show, self.browser = config, show, browser
        self.error: BaseException | None = None
        self.over = threading.Event()
        self.thread: threading.Thread | None = None

    def start(self, stop_driver: Callable[[], None]) -> None:
        """Serve from now on."""
        self.thread = threading.Thread(target=self._serve, args=(stop_driver,), name="web", daemon=True)
        self.thread.start()

    def _serve(self, stop_driver: Callable[[], None]) -> None:
        from django.db import connection

        try:
            server().serve(self.config, on_ready=self._ready, stop=self.over)
        except BaseException as error:  # raised again by `end`, in the main thread
            self.error = error
            stop_driver()
        finally:
            connection.close()

    def _ready(self, link: str) -> None:
        self.show.warn(f"Review page: {link}")
        self.show.note("The link works once, within ten minutes. Ctrl-C stops; open runs go on at the next start.")
        if self.browser and _has_browser():
            import webbrowser

            webbrowser.open(link)

    def end(self) -> None:
        """Stop serving. Raises what ended the server before its time."""
        self.over.set()
        if self.thread is not None:
            self.thread.join(PATIENCE)
        if self.error is not None:
            raise self.error


def _has_browser() -> bool:
    """Only a browser with a window: one in the terminal would take it over."""
    return sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def server() -> Any:
    """The console's server. The doors never import each other; the program that opens both names this one here."""
    return import_module("penstock.console.server")
