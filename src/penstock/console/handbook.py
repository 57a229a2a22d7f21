"""The runbook in the browser, from its one document: the commands of a chosen site, and where its buttons are."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt

from penstock.accounts.access import sites_of
from penstock.accounts.models import Site
from penstock.console.roles import signed_in
from penstock.console.templatetags.commandline import command
from penstock.ledger.models import Run

HERE = Path(__file__)
PLACES = (HERE.with_name("runbook.md"), HERE.parents[3] / "docs" / "runbook.md")  # as installed, in a checkout
OF_SITE = {
    "check": "check", "run": "automation", "schedule": "automation", "photos add": "sets", "review": "editor",
    "publish": "publish", "history": "runs", "status SITE": "automation", "recover": "recover",
}  # fmt: skip
OF_RUN = {
    "status": "run", "logs": "run_log", "pause": "run", "resume": "run", "cancel": "run", "retry": "run",
    "verify": "run_check", "rollback": "rollback", "incident": "run_incident",
}  # fmt: skip
OF_HOME = {"up": "health", "doctor": "health", "site create": "sites"}


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The whole runbook; `?site=` fills in a site, and its newest run."""
    sites = list(sites_of(signed_in(request)))
    chosen = next((one for one in sites if one.name == request.GET.get("site")), sites[0] if len(sites) == 1 else None)
    run = Run.objects.filter(site=chosen, kind="run").order_by("-started_at").defer("plan").first() if chosen else None
    context = {"sites": sites, "chosen": chosen, "run": run, "book": book(chosen, run), "contents": contents()}
    return render(request, "console/help.html", context)


def book(site: Site | None, run: Run | None) -> SafeString:
    """The document as HTML: raw HTML in it is shown as text, commands lead to the page that does the same."""
    tokens = _parsed()
    made = [_block(token, site, run) for token in tokens]
    return mark_safe("".join(made))  # noqa: S308 - made by the renderer from our own document, commands are escaped


def contents() -> list[tuple[str, str]]:
    """(anchor, title) of every section."""
    tokens = _parsed()
    return [
        (slugify(after.content), after.content)
        for token, after in pairwise(tokens)
        if token.type == "heading_open" and token.tag == "h2"
    ]


@cache
def _parsed() -> list[Any]:
    """The document without its title: the page has one."""
    place = next(place for place in PLACES if place.is_file())
    tokens = _markdown().parse(place.read_text(encoding="utf-8").partition("\n")[2])
    for token, after in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", slugify(after.content))
    return list(tokens)


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _block(token: Any, site: Site | None, run: Run | None) -> str:
    renderer, options = _markdown().renderer, _markdown().options
    if token.type == "inline":
        return "".join(_inline(child, site, run) for child in token.children or ())
    if token.type == "fence":
        return format_html("<p>{}</p>", _command(token.content.strip(), site, run))
    return str(renderer.render([token], options, {}))


def _inline(token: Any, site: Site | None, run: Run | None) -> str:
    if token.type == "code_inline" and token.content.startswith("penstock "):
        return _command(token.content, site, run)
    if token.type == "link_open" and not str(token.attrGet("href")).startswith("#"):
        return ""  # the other documents are not served
    if token.type == "link_close" and token.level == 0:
        return ""
    return str(_markdown().renderer.render([token], _markdown().options, {}))


def _command(text: str, site: Site | None, run: Run | None) -> SafeString:
    where = _page_of(text, site, run)
    filled = re.sub(r"\bSITE\b", site.name, text) if site else text
    filled = re.sub(r"\bRUN\b", run.id, filled) if run else filled
    if where is None:
        return command(filled)
    return format_html('{} <a class="there" href="{}">here: {}</a>', command(filled), *where)


def _page_of(text: str, site: Site | None, run: Run | None) -> tuple[str, str] | None:
    """Where the same is done in the console, and what that place is called."""
    words = text.removeprefix("penstock ")
    for table, args in ((OF_HOME, []), (OF_RUN, [run.id] if run else None), (OF_SITE, [site.name] if site else None)):
        if args is None or (table is OF_RUN and "SITE" in words):
            continue
        found = next((name for start, name in table.items() if f"{words} ".startswith(f"{start} ")), None)
        if found:
            return reverse(found, args=args), LABELS[found]
    return None


LABELS = {
    "check": "check", "automation": "automation", "sets": "sets", "editor": "editor", "publish": "publish",
    "runs": "runs", "recover": "recover", "run": "run", "run_log": "log", "run_check": "check the result",
    "rollback": "rollback", "run_incident": "incident bundle", "health": "health", "sites": "sites",
}  # fmt: skip
