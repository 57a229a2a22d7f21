"""Whose fault was it? A harmless question to the server tells a poisonous item from a sick server."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Awaitable, Callable
from functools import cache

from penstock.adapters.llm.faults import unreachable
from penstock.adapters.llm.model import Ask, Progress
from penstock.engine.errors import Died, PenstockError, Unavailable

SIDE = 224  # pixels; some vision models crash on pictures smaller than one of their patches
_NONCE = "canary"
_ANSWER = {"type": "object", "properties": {"nonce": {"type": "string"}}, "required": ["nonce"]}


def canary(num_ctx: int) -> Ask:
    """The harmless question: a grey square, and one word to repeat."""
    prompt = f'This is a canary check. Answer with the JSON object {{"nonce": "{_NONCE}"}} only.'
    return Ask(None, "", prompt, _ANSWER, _NONCE, 0.0, num_ctx=num_ctx, num_predict=64)


@cache
def picture() -> bytes:
    """The canary's picture: a grey PNG, made here so that nothing has to be decoded."""
    rows = (b"\x00" + b"\x80" * SIDE) * SIDE
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


class Health:
    """What the last calls say about a server.

    `alive` asks whether it answers at all, `sings` whether it survives the canary. After `breaker`
    different items in a row came to nothing by silence, the server is taken to be stuck; 0 never trips.
    """

    def __init__(
        self,
        server: str,
        alive: Callable[[], Awaitable[bool]],
        sings: Callable[[Progress], Awaitable[bool]],
        breaker: int,
    ) -> None:
        self._server = server
        self._alive = alive
        self._sings = sings
        self._breaker = breaker
        self._silent: set[str] = set()

    def good(self) -> None:
        """An answer came: earlier silences were the items' own."""
        self._silent.clear()

    async def judge(self, death: Died, item: str, progress: Progress) -> PenstockError:
        """The death itself when it is the item's own, else Unavailable: then no attempt burns."""
        progress("looking after the model server")
        if not await self._alive():
            return unreachable(self._server, f"it was lost during a call: {death}")
        if death.cause == "crashed":
            return death if await self._sings(progress) else self._sick(death)
        self._silent.add(item)
        if 0 < self._breaker <= len(self._silent):
            self._silent.clear()
            return Unavailable(
                f"The model server at {self._server} gave no answer for {self._breaker} items in a row: "
                f"restart it. Last: {death}",
                code="model_stuck",
            )
        return death

    def _sick(self, death: Died) -> Unavailable:
        return Unavailable(
            f"The model server at {self._server} dies on every picture, even on a plain one: restart it, "
            f"or free memory. It said: {death.detail or death}",
            code="model_sick",
        )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
