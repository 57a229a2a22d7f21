"""What `penstock check` says of a photo site's model server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from penstock.accounts.models import Site
from penstock.adapters.llm.model import ServerCheck
from penstock.pipelines.photos.captions import make_model, ways_of
from penstock.pipelines.photos.settings import PhotoSettings, of
from penstock.records.check import Check, fail, ok, warn


def model(site: Site) -> Iterator[Check]:
    """One point per model that the site names. Loads each, as the start of a run does."""
    if site.pipeline != "photos":
        return
    settings = of(site.settings)
    found = asyncio.run(_asked(settings))
    if not found:
        yield ok("model", "texts come from the template; no model is asked")
    for name, one in found:
        yield _point(name, one, settings.expect_processor)


async def _asked(settings: PhotoSettings) -> list[tuple[str, ServerCheck]]:
    found: list[tuple[str, ServerCheck]] = []
    for way in ways_of(settings):
        if way.model:
            client = make_model(settings, way.model)
            found.append(("fallback model" if found else "model", await client.check()))
            await client.close()
    return found


def _point(name: str, one: ServerCheck, expected: str) -> Check:
    if not (one.reachable and one.found):
        return fail(name, one.detail, one.mend)
    text = f"{one.model}: processor={one.processor} context={one.context} vram={one.vram_gib:.1f}GiB"
    wrong = one.unexpected(expected)
    if wrong:
        return warn(name, f"{text}. {wrong.partition(': ')[0]}", wrong.partition(": ")[2])
    return warn(name, one.detail, one.mend) if one.mend else ok(name, text)
