"""A moment as a site's people read it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.html import format_html
from django.utils.safestring import SafeString

from penstock.accounts.models import Site


def when(at: datetime | None, site: Site) -> SafeString | str:
    """Day and time in the site's time zone, as a `time` element; "" for none."""
    if at is None:
        return ""
    local = at.astimezone(ZoneInfo(site.timezone))
    shown = f"{local.day} {local:%b %Y, %H:%M}"
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="seconds"), shown)
