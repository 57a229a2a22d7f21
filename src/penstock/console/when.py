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


def lasting(seconds: float | None) -> str:
    """A span of time in its two largest units: "3 min 20 s"; "" for none."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    first = next(n for n, (amount, _) in enumerate(parts) if amount)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount)
