"""What both scripted model servers share: recording, answering, and every way of going wrong.

A rule's `do`: hang_before_headers · hang_mid_stream (after: 3 tokens) · runner_crash (mid: true for an error
line in the stream) · reset_mid_body · reset_before_headers · server_down (resets, then refuses connections) ·
status (status, retry_after, message) · empty · length · truncated_json · fenced · wrong_schema ·
wrong_nonce · duplicate_keys · nan · text (text) · data (data) · endless (blank lines) · endless_line ·
endless_tokens · slow (seconds per token) · model_missing · cpu (then size_vram is 0) · redirect (to) ·
short_prompt · full_context · no_usage · absurd_usage · not_json · thinking · cut (the stream ends without its
last part) · echo_key (401).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
from typing import Any

from tests.stubs.captions import answer
from tests.stubs.loopback import Exchange, Loopback, Request
from tests.stubs.script import ASKING, Rule, Script

CRASHED = (
    "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, "
    "check ollama server logs for details"
)
METADATA = "http://169.254.169.254/latest/meta-data/"


class ModelServer(Loopback):
    """Subclasses say how a request is read and how tokens are framed."""

    kind = "application/x-ndjson"

    def __init__(self, script: Script | dict[str, Any] | None = None) -> None:
        super().__init__()
        self.script = script if isinstance(script, Script) else Script.read(script or {})
        self.calls: list[dict[str, Any]] = []
        self.cpu = False
        self.digests: dict[str, str] = {}

    @property
    def asks(self) -> list[dict[str, Any]]:
        """The recorded calls that asked for text."""
        return [call for call in self.calls if call["path"] in ASKING and call["prompt"]]

    async def handle(self, request: Request, exchange: Exchange) -> None:
        """Record the call, do what the script says, or answer."""
        if request.path == "/_calls":
            return await exchange.json(200, self.calls)
        call = self.read(request)
        self.calls.append(call)
        rule = self.script.rule_for(call)
        call["rule"] = rule.do if rule else ""
        try:
            await self._do(rule or Rule("answer"), call, request, exchange)
        finally:
            call["over"] = True

    def read(self, request: Request) -> dict[str, Any]:
        """The call as plain data; pictures stand as their SHA-256."""
        data = request.data()
        prompt, system, images = self.question(data)
        return {
            "number": len(self.calls) + 1,
            "method": request.method,
            "path": request.path,
            "headers": request.headers,
            "model": str(data.get("model", "")),
            "prompt": prompt,
            "system": system,
            "images": images,
            "data": self.without_pictures(data),
            "body": json.dumps(self.without_pictures(data)),
            "over": False,
        }

    def question(self, data: dict[str, Any]) -> tuple[str, str, list[str]]:
        """(prompt, system, digests of the pictures)."""
        raise NotImplementedError

    def without_pictures(self, data: dict[str, Any]) -> dict[str, Any]:
        """The body, pictures left out."""
        raise NotImplementedError

    def schema(self, data: dict[str, Any]) -> dict[str, Any]:
        """The answer's schema, or {}."""
        raise NotImplementedError

    async def other(self, call: dict[str, Any], request: Request, exchange: Exchange) -> None:
        """Answer a call that does not ask for text."""
        raise NotImplementedError

    def piece(self, call: dict[str, Any], text: str, thought: str = "") -> bytes:
        """One token, framed."""
        raise NotImplementedError

    def last(self, call: dict[str, Any], reason: str, prompt: int | None, tokens: int | None) -> bytes:
        """The end of the stream, framed."""
        raise NotImplementedError

    def error(self, message: str) -> dict[str, Any]:
        """An error body."""
        raise NotImplementedError

    def whole(self, call: dict[str, Any], text: str, reason: str, prompt: int, tokens: int) -> dict[str, Any]:
        """A response that is not streamed."""
        raise NotImplementedError

    async def _do(self, rule: Rule, call: dict[str, Any], request: Request, exchange: Exchange) -> None:
        before = {
            "hang_before_headers": self._hang,
            "reset_before_headers": self._reset,
            "server_down": self._down,
            "status": self._status,
            "model_missing": self._missing,
            "redirect": self._redirect,
            "not_json": self._not_json,
            "echo_key": self._echo_key,
        }
        if rule.do == "runner_crash" and not rule.args.get("mid"):
            return await exchange.json(500, self.error(CRASHED))
        if rule.do in before:
            return await before[rule.do](rule, call, exchange)
        if rule.do == "cpu":
            self.cpu = True
        if call["path"] not in ASKING or not call["prompt"]:
            return await self.other(call, request, exchange)
        if call["model"] not in {model.name for model in self.script.models}:
            return await self._missing(rule, call, exchange)
        await self.load(call)
        await self._answer(rule, call, exchange)

    async def load(self, call: dict[str, Any]) -> None:
        """Have the model in memory."""
        if not self.script.loaded:
            self.script.loaded = True
            await asyncio.sleep(self.script.load_seconds)

    async def _answer(self, rule: Rule, call: dict[str, Any], exchange: Exchange) -> None:
        data = call["data"]
        images = "".join(call["images"])
        options = data.get("options", data)
        said = answer(self.schema(data), call["prompt"], images, float(options.get("temperature") or 0))
        text = _spoilt(rule, said)
        tokens = re.findall(r"\s*\S{1,6}", text)
        words = len((call["prompt"] + " " + call["system"]).split())
        prompt = 10 + words * 13 // 10 + 256 * len(call["images"])
        if not data.get("stream", "/api/" in call["path"]):
            return await exchange.json(200, self.whole(call, text, "stop", prompt, len(tokens)))
        await exchange.begin(self.kind)
        await self._stream(rule, call, tokens, exchange)
        if rule.do == "cut":
            return await exchange.end()
        counted: int | None = {"short_prompt": 5, "full_context": 4096, "absurd_usage": -7}.get(rule.do, prompt)
        if rule.do == "no_usage":
            counted = None
        reason = "length" if rule.do == "length" else "stop"
        await exchange.send(self.last(call, reason, counted, None if counted is None else len(tokens)))
        await exchange.end()

    async def _stream(self, rule: Rule, call: dict[str, Any], tokens: list[str], exchange: Exchange) -> None:
        pause = rule.args.get("seconds", 0.05) if rule.do == "slow" else self.script.token_seconds
        for number, token in enumerate(tokens):
            if number == rule.args.get("after", 3):
                await self._in_the_middle(rule, call, exchange)
            if pause:
                await asyncio.sleep(pause)
            await exchange.send(self.piece(call, token))

    async def _in_the_middle(self, rule: Rule, call: dict[str, Any], exchange: Exchange) -> None:
        if rule.do == "hang_mid_stream":
            await exchange.hang()
        elif rule.do == "reset_mid_body":
            exchange.reset()
        elif rule.do == "runner_crash":
            await exchange.send(self.frame(self.error(CRASHED)))
            await exchange.hang()
        elif rule.do == "thinking":
            for _ in range(20):
                await exchange.send(self.piece(call, "", "hmm "))
        while rule.do.startswith("endless"):
            await exchange.send(self._endless(rule, call))
            await asyncio.sleep(0)

    def _endless(self, rule: Rule, call: dict[str, Any]) -> bytes:
        if rule.do == "endless_line":
            return b"x" * 65536
        return self.piece(call, "\n\n\n\n" if rule.do == "endless" else "word ")

    def frame(self, data: dict[str, Any]) -> bytes:
        """One part of the stream."""
        return json.dumps(data).encode() + b"\n"

    async def _hang(self, rule: Rule, call: dict[str, Any], exchange: Exchange) -> None:
        await exchange.hang()

    async def _reset(self, rule: Rule, call: dict[str, Any], exchange: Exchange) -> None:
        exchange.reset()

    async def _down(self, rule: Rule, call: dict[str, Any], exchange: Exchange) -> None:
        self.stop_listening()
        exchange.reset()

    async def _status(self, rule: Rule, call: dict[str, Any], exchange: Exchange) -> None:
        headers = {"Retry-After": str(rule.args["retry_after"])} if "retry_after" in rule.args else {}
        status = int(rule.args.get("status", 500))
        message = rule.args.get("message", "server busy, please try again.  maximum pending requests exceeded")
        await exchange.json(status, self.error(message), headers)

    async def _missing(self, rule: Rule, call: dict[str, Any], exchange: Exchange) -> None:
        await exchange.json(404, self.error(f"model '{call['model']}' not found"))

    async def _redirect(self, rule: Rule, call: dict[str, Any], exchange: Exchange) -> None:
        await exchange.reply(302, b"", {"Location": rule.args.get("to", METADATA)})

    async def _not_json(self, rule: Rule, call: dict[str, Any], exchange: Exchange) -> None:
        await exchange.reply(200, b"<html>hello</html>\n", {"Content-Type": "text/html"})

    async def _echo_key(self, rule: Rule, call: dict[str, Any], exchange: Exchange) -> None:
        key = call["headers"].get("authorization", "")
        await exchange.json(401, self.error(f"incorrect API key provided: {key}"))


def digest(picture: bytes) -> str:
    """How a picture stands in the record."""
    return hashlib.sha256(picture).hexdigest()


def serve(server: type[ModelServer]) -> None:
    """Run a server on its own: print its address, serve until stopped; GET /_calls shows the record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--script", help="JSON file, see tests/stubs/script.py")
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()

    async def forever() -> None:
        one = server(Script.read(args.script) if args.script else None)
        await one.start(args.port)
        print(one.url, flush=True)
        await asyncio.Event().wait()

    try:
        asyncio.run(forever())
    except KeyboardInterrupt:
        return


def _spoilt(rule: Rule, said: dict[str, Any]) -> str:
    """The answer's text, spoilt as the rule wants it."""
    good = json.dumps(rule.args.get("data", said), ensure_ascii=False)
    first = next(iter(said), "caption")
    spoilt = {
        "empty": "",
        "text": str(rule.args.get("text", "")),
        "length": good[: len(good) // 2],
        "truncated_json": good[: len(good) // 2],
        "fenced": f"Here is the object:\n```json\n{good}\n```\nI hope it helps.",
        "wrong_schema": json.dumps({**said, first: {"is": 3}}),
        "wrong_nonce": json.dumps({**said, "nonce": "of-another-item"}),
        "duplicate_keys": good.replace("{", '{"' + first + '": "twice", ', 1),
        "nan": good.replace("{", '{"score": NaN, ', 1),
    }
    return spoilt.get(rule.do, good)
