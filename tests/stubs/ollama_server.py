"""A scripted Ollama server.

`python -m tests.stubs.ollama_server --script FILE --port 0` prints its address and serves.
"""

from __future__ import annotations

import base64
from typing import Any

from tests.stubs.loopback import Exchange, Request
from tests.stubs.model_server import ModelServer, digest, serve
from tests.stubs.script import Model

_AT = "2026-11-21T10:15:02.123456789Z"


class OllamaServer(ModelServer):
    """Speaks /api/version, tags, ps, show, chat and generate as Ollama does."""

    def question(self, data: dict[str, Any]) -> tuple[str, str, list[str]]:
        messages = data.get("messages", [])
        texts = {role: "\n".join(m["content"] for m in messages if m["role"] == role) for role in ("user", "system")}
        pictures = [*data.get("images", []), *(image for one in messages for image in one.get("images", []))]
        return (
            texts["user"] or data.get("prompt", ""),
            texts["system"] or data.get("system", ""),
            [digest(base64.b64decode(picture)) for picture in pictures],
        )

    def without_pictures(self, data: dict[str, Any]) -> dict[str, Any]:
        messages = [{k: v for k, v in one.items() if k != "images"} for one in data.get("messages", [])]
        plain = {key: value for key, value in data.items() if key != "images"}
        return plain | ({"messages": messages} if "messages" in data else {})

    def schema(self, data: dict[str, Any]) -> dict[str, Any]:
        wanted = data.get("format")
        return wanted if isinstance(wanted, dict) else {}

    async def other(self, call: dict[str, Any], request: Request, exchange: Exchange) -> None:
        if request.path == "/api/version":
            return await exchange.json(200, {"version": "0.33.2"})
        if request.path == "/api/tags":
            return await exchange.json(200, {"models": [_tag(model) for model in self.script.models]})
        if request.path == "/api/ps":
            running = [self._running(model) for model in self.script.models] if self.script.loaded else []
            return await exchange.json(200, {"models": running})
        if request.path not in ("/api/show", "/api/chat", "/api/generate"):
            return await exchange.reply(404, b"404 page not found")
        model = next((one for one in self.script.models if one.name == _full(call["model"])), None)
        if model is None:
            return await exchange.json(404, self.error(f"model '{call['model']}' not found"))
        if request.path == "/api/show":
            return await exchange.json(200, _shown(model))
        await self._load_or_unload(call, exchange)

    def read(self, request: Request) -> dict[str, Any]:
        call = super().read(request)
        call["model"] = _full(call["model"])
        return call

    def piece(self, call: dict[str, Any], text: str, thought: str = "") -> bytes:
        message = {"role": "assistant", "content": text} | ({"thinking": thought} if thought else {})
        return self.frame(_part(call, message, text, done=False))

    def last(self, call: dict[str, Any], reason: str, prompt: int | None, tokens: int | None) -> bytes:
        part = _part(call, {"role": "assistant", "content": ""}, "", done=True)
        return self.frame(part | {"done_reason": reason} | _figures(prompt, tokens))

    def error(self, message: str) -> dict[str, Any]:
        return {"error": message}

    def whole(self, call: dict[str, Any], text: str, reason: str, prompt: int, tokens: int) -> dict[str, Any]:
        part = _part(call, {"role": "assistant", "content": text}, text, done=True)
        return part | {"done_reason": reason} | _figures(prompt, tokens)

    def _running(self, model: Model) -> dict[str, Any]:
        vram = 0 if self.cpu else model.size_vram
        more = {"expires_at": _AT, "size_vram": vram, "context_length": model.context_length}
        return {key: value for key, value in _tag(model).items() if key != "modified_at"} | more

    async def _load_or_unload(self, call: dict[str, Any], exchange: Exchange) -> None:
        unload = call["data"].get("keep_alive") == 0
        if unload:
            self.script.loaded = False
        else:
            await self.load(call)
        reason = "unload" if unload else "load"
        part = _part(call, {"role": "assistant", "content": ""}, "", done=True)
        await exchange.json(200, part | {"done_reason": reason})


def _part(call: dict[str, Any], message: dict[str, str], text: str, *, done: bool) -> dict[str, Any]:
    said = {"message": message} if call["path"] == "/api/chat" else {"response": text}
    return {"model": call["model"], "created_at": _AT, **said, "done": done}


def _figures(prompt: int | None, tokens: int | None) -> dict[str, int]:
    figures = {"total_duration": 4_000_000, "load_duration": 1_000_000}
    counts = {"prompt_eval_count": prompt, "eval_count": tokens}
    return figures | {name: count for name, count in counts.items() if count is not None}


def _tag(model: Model) -> dict[str, Any]:
    details = {"format": "gguf", "family": "stub", "parameter_size": "3B", "quantization_level": "Q4_K_M"}
    names = {"name": model.name, "model": model.name, "modified_at": _AT}
    return names | {"size": model.size, "digest": model.digest, "details": details}


def _shown(model: Model) -> dict[str, Any]:
    return {"details": _tag(model)["details"], "capabilities": ["completion", "vision"], "model_info": {}}


def _full(name: str) -> str:
    return name if not name or ":" in name else f"{name}:latest"


if __name__ == "__main__":
    serve(OllamaServer)
