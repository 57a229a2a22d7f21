"""One small question, and what it takes to put it to a scripted server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from penstock.adapters.llm.model import Answer, Ask, Timeouts, Vision
from penstock.engine.errors import PenstockError
from tests.stubs.model_server import ModelServer

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "caption": {"type": "string", "minLength": 1},
        "alt_text": {"type": "string", "minLength": 1},
        "keywords": {"type": "array", "items": {"type": "string"}, "minItems": 12, "maxItems": 12},
        "evidence": {"type": "array", "items": {"type": "string"}},
        "nonce": {"type": "string"},
    },
    "required": ["caption", "alt_text", "keywords", "evidence", "nonce"],
    "additionalProperties": False,
}
QUICK = Timeouts(connect=1.0, reply=0.5, first_byte_cold=0.3, first_byte=0.2, token=0.2, total=0.8)
MODEL = "llava:13b"
T = TypeVar("T")


def ask(image: str | None = None, number: int = 1, **more: Any) -> Ask:
    """A question about photo `number`."""
    prompt = f'Describe photo id={number}. {"Say only what is clearly visible. " * 4} nonce="n{number}" In JSON.'
    return Ask(image, "You describe photos.", prompt, SCHEMA, f"n{number}", 0.1, **more)


def photo(folder: Path, number: int = 1) -> str:
    """A file that begins like a JPEG; nobody decodes it."""
    path = folder / f"photo{number}.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0" + bytes([number]))
    return str(path)


def talk(server: ModelServer, vision: Callable[[ModelServer], Vision], *asks: Ask) -> list[Answer | PenstockError]:
    """What each ask came to, one after the other."""

    async def one(model: Vision, question: Ask) -> Answer | PenstockError:
        try:
            return await model.ask(question, lambda text: None)
        except PenstockError as error:
            return error

    async def all_of_them(model: Vision) -> list[Answer | PenstockError]:
        return [await one(model, question) for question in asks]

    return served(server, vision, all_of_them)


def served(server: ModelServer, vision: Callable[[ModelServer], Vision], use: Callable[[Any], Awaitable[T]]) -> T:
    """Run `use(model)` against a running server."""

    async def main() -> T:
        async with server:
            model = vision(server)
            try:
                return await use(model)
            finally:
                await model.close()

    return asyncio.run(main())
