"""One call's clocks and caps: how long it may be silent, how long it may last, how much it may say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from penstock.adapters.llm.model import Ask, BadAnswer, Progress, Timeouts
from penstock.engine.errors import Died

_MOST_BLANK = 256  # white space in a row: the model is stuck
_CHARS_PER_TOKEN = 24


class Listening:
    """Collects the pieces of one answer. Every piece is progress and puts the idle limit off."""

    def __init__(self, ask: Ask, progress: Progress, idle: asyncio.Timeout, token: float) -> None:
        self._progress = progress
        self._idle = idle
        self._token = token
        self._most = 2 * ask.num_predict + 64  # some servers think first, and count otherwise than we do
        self._most_chars = self._most * _CHARS_PER_TOKEN
        self._pieces: list[str] = []
        self._chars = 0
        self._blank = 0
        self._count = 0

    @property
    def text(self) -> str:
        """What was said so far, thoughts left out."""
        return "".join(self._pieces)

    @property
    def begun(self) -> bool:
        """Whether anything came at all."""
        return self._count > 0

    def hear(self, piece: str, thought: str = "") -> None:
        """Take the next piece. Raises BadAnswer when there is no end of them."""
        self._idle.reschedule(asyncio.get_running_loop().time() + self._token)
        self._count += 1
        self._chars += len(piece) + len(thought)
        self._blank = 0 if (piece + thought).strip() else self._blank + len(piece + thought)
        if self._count > self._most or self._chars > self._most_chars or self._blank > _MOST_BLANK:
            raise BadAnswer("The model did not stop writing and was cut off.", code="endless")
        self._pieces.append(piece)
        self._progress(f"{self._count} tokens")


@asynccontextmanager
async def listening(ask: Ask, progress: Progress, timeouts: Timeouts, cold: bool) -> AsyncIterator[Listening]:
    """Run one call under its limits. Raises Died (idle or hard) when one of them passes."""
    first = timeouts.first_byte_cold if cold else timeouts.first_byte
    hard = asyncio.timeout(timeouts.total)
    idle = asyncio.timeout(first)
    heard: Listening | None = None
    try:
        async with hard, idle:
            heard = Listening(ask, progress, idle, timeouts.token)
            yield heard
    except TimeoutError as error:
        if hard.expired():
            raise Died(f"The model took longer than {timeouts.total:g} s altogether.", cause="hard") from error
        if not idle.expired():
            raise
        begun = heard is not None and heard.begun
        silence = f"stopped for {timeouts.token:g} s in mid-answer" if begun else f"said nothing for {first:g} s"
        raise Died(f"The model {silence}.", cause="idle") from error
