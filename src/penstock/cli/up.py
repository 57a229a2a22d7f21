"""One program for everything: recovers, serves the review page, works on every open run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.errors import STOPPED
from penstock.cli.follow import conclude, exit_code
from penstock.cli.lazy import Leaf
from penstock.cli.session import Home, Session
from penstock.cli.show import Show, count

if TYPE_CHECKING:
    from penstock.config import Config

PATIENCE = 10.0  # seconds in which the page must answer before a browser is opened


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
    """Web page and driver until Ctrl-C. Raises Refused when another program serves the home."""
    from penstock.ledger.drive import drive
    from penstock.ledger.models import Run

    page = Page(home.config)

    def started(stop: Callable[[], None]) -> None:
        page.start(stop)
        show.note(f"Penstock is at {page.address}. Ctrl-C stops it; open runs go on at the next start.")
        if browser:
            page.open_browser()

    drive(home.config, forever=True, started=started)
    page.check()
    left = Run.objects.filter(status="running").count()
    show.note(f"Stopped. {count(left, 'run')} go on at the next `penstock up`." if left else "Stopped.")
    return STOPPED if left else 0


class Page:
    """The web server in a thread of its own. When it fails, the driver is stopped and `check` raises its error."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.error: BaseException | None = None
        self.address = f"http://{_shown(config.host)}:{config.port}/"

    def start(self, stop: Callable[[], None]) -> None:
        """Serve from now on; `stop` stops the driver."""
        threading.Thread(target=self._serve, args=(stop,), name="web", daemon=True).start()

    def _serve(self, stop: Callable[[], None]) -> None:
        try:
            server().serve(self.config)
        except BaseException as error:  # told by `check`, in the main thread
            self.error = error
            stop()

    def check(self) -> None:
        """Raises what ended the server. Raises Unavailable when its address is taken."""
        from penstock.engine.errors import Unavailable

        if isinstance(self.error, OSError):
            reason = (self.error.strerror or str(self.error)).lower()
            raise Unavailable(
                f"{self.address} cannot be served: {reason}; choose another with --port N"
            ) from self.error
        if self.error is not None:
            raise self.error

    def open_browser(self) -> None:
        """Show the page once it answers; where there is no browser nothing happens."""
        threading.Thread(target=self._browse, name="browser", daemon=True).start()

    def _browse(self) -> None:
        import socket
        import webbrowser

        pause = threading.Event()
        for _ in range(int(PATIENCE / 0.2)):
            try:
                socket.create_connection((self.config.host, self.config.port), timeout=1).close()
            except OSError:
                pause.wait(0.2)
                continue
            webbrowser.open(self.address)
            return


def server() -> Any:
    """The console's server. The doors never import each other; the program that opens both names this one here."""
    from importlib import import_module

    return import_module("penstock.console.server")


def _shown(host: str) -> str:
    """The host as it stands in an address."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"[{host}]" if ":" in host else host
