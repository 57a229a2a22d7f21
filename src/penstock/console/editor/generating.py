"""Generate, from the editor: wish for new texts, and hear how far they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from penstock.accounts.models import Site
from penstock.console.editor.shapes import Generate, Jobs
from penstock.console.editor.wire import takes
from penstock.console.signin import who_is
from penstock.engine.clock import SystemClock
from penstock.engine.ids import RandomIds
from penstock.pipelines.photos import regenerate

CLOCK, IDS = SystemClock(), RandomIds()


@takes(Generate)
def generate(request: HttpRequest, site: Site, body: Generate) -> Mapping[str, Any]:
    """Wish for new texts of rows."""
    wishes = regenerate.ask(site, body.items, body.fields, who_is(request), CLOCK, IDS)
    return {"jobs": regenerate.told(site, wishes)}


@takes(Jobs)
def jobs(_request: HttpRequest, site: Site, body: Jobs) -> Mapping[str, Any]:
    """How far wishes are."""
    return {"jobs": regenerate.told(site, body.jobs)}
