"""The texts that photos of a site hold already, so that no photo gets another's."""

from __future__ import annotations

from collections import Counter
from typing import Any

from penstock.ledger.models import Run
from penstock.pipelines.photos.facts import Texts
from penstock.pipelines.photos.models import Photo
from penstock.review.duplicates import normalised


class Known:
    """Captions and alt texts of the site: of rows outside the run (fixed), and of this run as they come."""

    def __init__(self, run: Run) -> None:
        self._others: dict[str, Counter[str]] = {"caption": Counter(), "alt": Counter()}
        self._mine: dict[int, tuple[str, str]] = {}
        self._counts: dict[str, Counter[str]] = {"caption": Counter(), "alt": Counter()}
        rows = Photo.objects.filter(site=run.site).exclude(Caption="", alt_text="")
        for item, of_run, caption, alt in rows.values_list("id", "run", "Caption", "alt_text"):
            if of_run == run.id:
                self._put(item, normalised(caption), normalised(alt))
            else:
                self._others["caption"][normalised(caption)] += 1
                self._others["alt"][normalised(alt)] += 1

    def taken(self, texts: Texts, item: int, *, others: bool = False) -> bool:
        """Whether another photo holds the caption or the alt text; with `others`, only rows outside the
        run count. Nobody holds an empty text."""
        caption, alt = normalised(texts.caption), normalised(texts.alt_text)
        if self._outside("caption", caption) or self._outside("alt", alt):
            return True
        return not others and (self._held("caption", caption, item, 0) or self._held("alt", alt, item, 1))

    def add(self, item: int, texts: Texts) -> None:
        """The photo has these texts now."""
        self._put(item, normalised(texts.caption), normalised(texts.alt_text))

    def of(self, item: int) -> Seen:
        """What the judge asks while it looks at one photo."""
        return Seen(self, item)

    def none(self) -> Seen:
        """A Seen that holds nothing: the caller has looked itself."""
        return Seen(None, 0)

    def _outside(self, kind: str, text: str) -> bool:
        return bool(text) and self._others[kind][text] > 0

    def _held(self, kind: str, text: str, item: int, place: int) -> bool:
        own = self._mine.get(item)
        return bool(text) and self._counts[kind][text] > (1 if own and own[place] == text else 0)

    def _put(self, item: int, caption: str, alt: str) -> None:
        old = self._mine.get(item)
        if old:
            self._counts["caption"][old[0]] -= 1
            self._counts["alt"][old[1]] -= 1
        self._mine[item] = (caption, alt)
        self._counts["caption"][caption] += 1
        self._counts["alt"][alt] += 1


class Seen:
    """Whether a text is taken, for one photo."""

    def __init__(self, known: Any, item: int) -> None:
        self._known, self._item = known, item

    def caption(self, text: str) -> bool:
        """Whether another photo holds this caption."""
        return self._known is not None and self._known.taken(Texts(text, "", ()), self._item)

    def alt_text(self, text: str) -> bool:
        """Whether another photo holds this alt text."""
        return self._known is not None and self._known.taken(Texts("", text, ()), self._item)
