"""The time zones that this machine knows, as choices of a field: read and written once."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from django.utils.html import format_html_join
from django.utils.safestring import SafeString


@cache
def options() -> SafeString:
    """The options of a datalist."""
    return format_html_join("", "<option>{}</option>", ((name,) for name in sorted(available_timezones())))
