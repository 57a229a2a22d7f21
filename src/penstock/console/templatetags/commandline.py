"""Commands as pages show them."""

from __future__ import annotations

from django.template import Library
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = Library()


@register.filter
def command(text: str) -> SafeString:
    """A command to be typed in a terminal; it may go over several lines, but no word of it is torn."""
    words = format_html_join(" ", "<span>{}</span>", ((word,) for word in text.split()))
    return format_html('<code class="command">{}</code>', words)
