"""Commands as pages show them."""

from __future__ import annotations

import shlex

from django.conf import settings
from django.template import Library
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from penstock.config import default_home

register = Library()


@register.filter
def command(text: str) -> SafeString:
    """A command to be typed in a terminal; it may go over several lines, but no word of it is torn."""
    words = format_html_join(" ", "<span>{}</span>", ((word,) for word in _here(text).split(" ")))
    return format_html('<code class="command">{}</code>', words)


def _here(text: str) -> str:
    """With `--home` where a terminal of its own would find another home: a command is copied as it stands."""
    home = settings.PENSTOCK.home
    if home == default_home() or not text.startswith("penstock "):
        return text
    return f"penstock --home {shlex.quote(str(home))} {text.removeprefix('penstock ')}"
