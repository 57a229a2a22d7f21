"""A scripted server that speaks OpenAI's chat API.

`python -m tests.stubs.openai_server --script FILE --port 0` prints its address and serves. The base URL for
clients is that address and /v1.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.stubs.loopback import Exchange, Request
from tests.stubs.model_server import ModelServer, digest, serve


class OpenAIServer(ModelServer):
    """Speaks /v1/models and /v1/chat/completions, streamed as server-sent events or whole."""

    kind = "text/event-stream"

    def question(self, data: dict[str, Any]) -> tuple[str, str, list[str]]:
        texts: dict[str, list[str]] = {"user": [], "system": []}
        pictures = []
        for message in data.get("messages", []):
            content = message["content"]
            parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
            texts.setdefault(message["role"], []).extend(part["text"] for part in parts if part["type"] == "text")
            pictures += [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
        digests = [digest(base64.b64decode(picture.partition(",")[2])) for picture in pictures]
        return "\n".join(texts["user"]), "\n".join(texts["system"]), digests

    def without_pictures(self, data: dict[str, Any]) -> dict[str, Any]:
        messages = []
        for message in data.get("messages", []):
            content = message["content"]
            if isinstance(content, list):
                content = [part if part["type"] == "text" else _head_of(part) for part in content]
            messages.append(message | {"content": content})
        return data | ({"messages": messages} if messages else {})

    def schema(self, data: dict[str, Any]) -> dict[str, Any]:
        wanted = data.get("response_format") or {}
        schema = wanted.get("json_schema", {}).get("schema", {})
        assert isinstance(schema, dict)
        return schema

    async def other(self, call: dict[str, Any], request: Request, exchange: Exchange) -> None:
        if request.path != "/v1/models":
            return await exchange.json(404, self.error("no such path"))
        models = [{"id": one.name, "object": "model", "created": 0, "owned_by": "me"} for one in self.script.models]
        await exchange.json(200, {"object": "list", "data": models})

    def piece(self, call: dict[str, Any], text: str, thought: str = "") -> bytes:
        delta = {"content": text} | ({"reasoning_content": thought} if thought else {})
        return self.frame(_chunk(call, [{"index": 0, "delta": delta, "finish_reason": None}]))

    def last(self, call: dict[str, Any], reason: str, prompt: int | None, tokens: int | None) -> bytes:
        end = self.frame(_chunk(call, [{"index": 0, "delta": {}, "finish_reason": reason}]))
        if prompt is not None and "stream_options" in call["data"]:
            usage = {
                "prompt_tokens": prompt,
                "completion_tokens": tokens,
                "total_tokens": prompt + (tokens or 0),
            }
            end += self.frame(_chunk(call, []) | {"usage": usage})
        return end + b"data: [DONE]\n\n"

    def frame(self, data: dict[str, Any]) -> bytes:
        return b"data: " + json.dumps(data).encode() + b"\n\n"

    def error(self, message: str) -> dict[str, Any]:
        return {"error": {"message": message, "type": "stub_error", "code": None}}

    def whole(self, call: dict[str, Any], text: str, reason: str, prompt: int, tokens: int) -> dict[str, Any]:
        message = {"role": "assistant", "content": text}
        usage = {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return _chunk(call, [choice]) | {"object": "chat.completion", "usage": usage}


def _head_of(part: dict[str, Any]) -> dict[str, Any]:
    """A picture's part with its media type only."""
    return {
        "type": part["type"],
        "media_type": part["image_url"]["url"].partition(";")[0].removeprefix("data:"),
    }


def _chunk(call: dict[str, Any], choices: list[dict[str, Any]]) -> dict[str, Any]:
    fixed = {"id": f"call-{call['number']}", "object": "chat.completion.chunk", "created": 0}
    return fixed | {"model": call["model"], "choices": choices}


if __name__ == "__main__":
    serve(OpenAIServer)
