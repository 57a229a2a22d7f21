"""What publishing must know of a pipeline's table; the rows stay the pipeline's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.accounts.models import Site
from penstock.engine.errors import Refused
from penstock.publish import FORMS

Payload = Mapping[str, Any]


@dataclass(frozen=True)
class Form:
    """How rows of `table` are published.

    `parcel(row, settings, base)` is all that is delivered, as plain data: `title`, `places` (part → relative path),
    `render` (what the renderer is told), `row` (for row targets), `before` (columns as they were).
    `published(payload)` is what the item's own row says afterwards; `sized(row, full)` a row with the rendered size.
    `render` may name its `maker` ("module:function", called as the work of a child); without one it is a photo's.
    `rows`: whether rows can be made of it, for targets that are tables.
    `tidy(run)` removes what nobody needs once a run of publishing ended without an error; it answers a log line or "".
    """

    table: str
    parcel: Callable[[Mapping[str, Any], Mapping[str, Any], str], dict[str, Any]]
    published: Callable[[Payload], dict[str, Any]]
    sized: Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]
    tidy: Callable[[Any], str] = lambda _run: ""
    rows: bool = True


def form_of(site: Site) -> Form:
    """The form of a site's pipeline. Raises Refused when it publishes nothing."""
    form: Form | None = FORMS.get(site.pipeline)
    if form is None:
        raise Refused(f"site {site.name}: pipeline {site.pipeline} has nothing to publish in this version")
    return form
