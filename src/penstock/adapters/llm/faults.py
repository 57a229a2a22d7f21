"""What a model server says when it refuses, read as one of our errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from penstock.adapters.llm.model import BadAnswer, ModelBusy
from penstock.adapters.llm.reply import clean
from penstock.engine.errors import Blocking, Died, ItemError, PenstockError, Transient, Unavailable

BUSY_WAITS = (2.0, 8.0, 30.0)  # seconds, when the server names none
_LONGEST_WAIT = 3600.0

_CRASH = re.compile(
    r"runner (process )?(has |is |no longer)|unexpectedly stopped|exit status|signal: |segmentation"
    r"|out of memory|cudamalloc|cuda error|\bEOF\b|connection (reset|refused)|forcibly closed",
    re.IGNORECASE,
)
_BUSY = re.compile(r"server busy|maximum pending requests|no slots available|overloaded", re.IGNORECASE)
_CONTEXT = re.compile(r"exceed\w*[ _](the )?(\w+[ _])?context|context[ _]length|maximum context", re.IGNORECASE)
_MEMORY = re.compile(r"requires more (system )?memory", re.IGNORECASE)
_QUOTA = re.compile(r"insufficient_quota|quota|billing|credit|usage limit", re.IGNORECASE)
_PICTURE = re.compile(
    r"(failed|unable|could not|cannot) (to )?(load|decode|process|read|parse) (the )?image"
    r"|(invalid|corrupt\w*|broken) image|image: unknown format",
    re.IGNORECASE,
)
_UNSUITED = re.compile(r"does not support|missing data required for image|not a multimodal", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A response that is no answer: HTTP status (200 for an error in mid-stream), message and headers."""

    status: int
    message: str
    headers: Mapping[str, str]
    model: str
    server: str  # its address, without credentials
    streak: int = 0  # how many times in a row it was busy
    pull: str = ""  # the command that fetches the model

    def error(self) -> PenstockError:
        """The error that this refusal means."""
        return self._about_the_door() or self._about_the_load() or self._about_the_item() or self._about_the_rest()

    def _about_the_door(self) -> PenstockError | None:
        if 300 <= self.status < 400:
            return Blocking(
                f"{self.server} redirects elsewhere, which is never followed: set the final address.",
                code="model_redirect",
            )
        if self.status in (401, 403):
            return Blocking(
                f"{self.server} refused the key ({self.status}): set a valid one.{self._said}",
                code="model_key",
            )
        if self.status == 404 and "model" in self.message.lower():
            return missing(self.model, self.server, self.pull)
        if self.status in (404, 405):
            return Unavailable(
                f"{self.server} does not offer the model interface ({self.status}): check its address.",
                code="model_unreachable",
            )
        return None

    def _about_the_load(self) -> PenstockError | None:
        if self.status in (402, 429) and _QUOTA.search(self.message):
            return Unavailable(f"{self.server} has no quota left for this key.{self._said}", code="model_quota")
        if self.status in (429, 503) or _BUSY.search(self.message):
            wait = retry_after(self.headers)
            after = BUSY_WAITS[min(self.streak, len(BUSY_WAITS) - 1)] if wait is None else wait
            return ModelBusy(f"{self.server} is busy; asking again in {after:g} s.", after=after)
        if _MEMORY.search(self.message):
            return Unavailable(
                f"The model {self.model} does not fit into the memory of {self.server}: free memory or "
                f"choose a smaller model.{self._said}",
                code="model_memory",
            )
        return None

    def _about_the_item(self) -> PenstockError | None:
        if _CONTEXT.search(self.message):
            return BadAnswer(f"The prompt does not fit the model's context.{self._said}", code="context")
        if _PICTURE.search(self.message):
            return ItemError(f"The model server cannot read this picture.{self._said}", code="image_refused")
        if self.status not in range(400, 500) and _CRASH.search(self.message):
            return Died("The model's runner died while it held this item.", cause="crashed", detail=self.message)
        return None

    def _about_the_rest(self) -> PenstockError:
        if _UNSUITED.search(self.message):
            return Blocking(
                f"The model {self.model} cannot look at pictures in this way: choose a vision model.{self._said}",
                code="model_unsuited",
            )
        if 400 <= self.status < 500 and self.status != 408:
            return Blocking(f"{self.server} refused the request ({self.status}).{self._said}", code="model_refused")
        return Transient(f"{self.server} failed ({self.status}).{self._said}", code="model_error")

    @property
    def _said(self) -> str:
        return f" It said: {self.message}" if self.message else ""


def missing(model: str, server: str, pull: str) -> Blocking:
    """The model is not there; `pull` is the command that fetches it ("" when there is none)."""
    mend = f"fetch it with `{pull}`" if pull else "choose one that it lists"
    return Blocking(f"The model {model} is not on {server}: {mend}.", code="model_missing")


def unreachable(server: str, why: str) -> Unavailable:
    """Nothing useful answers at `server`."""
    return Unavailable(
        f"The model server at {server} does not answer ({why}): start it or check its address.",
        code="model_unreachable",
    )


def said(body: bytes, secret: str = "") -> str:
    """The message in an error body, one safe line of at most 300 characters, without `secret`."""
    text = body.decode("utf-8", "replace")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return told(text, secret)
    error = data.get("error", data) if isinstance(data, dict) else data
    if isinstance(error, dict):
        codes = (str(error[name]) for name in ("code", "message") if error.get(name))
        error = ": ".join(codes) or error
    return told(error if isinstance(error, str) else json.dumps(error), secret)


def told(text: str, secret: str = "") -> str:
    """`text` from outside as one safe line of at most 300 characters, without `secret`."""
    if secret:
        text = text.replace(secret, "***")
    return " ".join(clean(text).split())[:300]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from Retry-After (a number, or a date read against the response's own Date), else None."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
        return min(float(value), _LONGEST_WAIT)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):  # TypeError: one names a zone and the other does not
        return None
    return min(max(wait.total_seconds(), 0.0), _LONGEST_WAIT)
