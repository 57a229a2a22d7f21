"""A vision model on any server that speaks OpenAI's chat API: a cloud, vLLM, llama.cpp, LM Studio …"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal

import httpx2
import openai
from openai.types.chat import ChatCompletionChunk

from penstock.adapters.llm.canary import Health, canary, picture
from penstock.adapters.llm.faults import Refusal, missing, said, told, unreachable
from penstock.adapters.llm.model import (
    Answer,
    Ask,
    BadAnswer,
    ModelBusy,
    Progress,
    ServerCheck,
    Timeouts,
    Usage,
    believable,
)
from penstock.adapters.llm.pace import Listening, listening
from penstock.adapters.llm.picture import media_type, read_picture
from penstock.adapters.llm.reply import clean, read
from penstock.adapters.llm.wire import Resolver, Wire, base_url, client, resolve
from penstock.engine.errors import Died, PenstockError, Unavailable

_MOST_TOKENS = 1 << 24
_NOT_IT = "what answers there does not speak OpenAI's chat API"
_ABSENT = "not-given-here"  # the library wants a key; the real one joins on the wire only


class OpenAI:
    """One model behind an OpenAI-compatible `url` (mostly it ends in /v1). Takes several calls at once.

    What a server refuses (a schema, `max_tokens`, a temperature …) is left out or replaced from then on.
    `key` may be empty. `canary` asks about a plain picture after a crash; off here: a cloud charges for it.
    """

    name = "openai"

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str = "",
        timeouts: Timeouts | None = None,
        canary: bool = False,
        breaker: int = 5,
        resolver: Resolver = resolve,
    ) -> None:
        self.url = base_url(url)
        self.model = model
        self._key = key
        self._timeouts = timeouts or Timeouts()
        self._canary = canary
        self._http = client(Wire(key=key, resolver=resolver), self._timeouts.connect)
        self._api = openai.AsyncOpenAI(
            api_key=_ABSENT,
            base_url=self.url,
            http_client=self._http,
            max_retries=0,
            timeout=httpx2.Timeout(None, connect=self._timeouts.connect),
        )
        self._health = Health(self.url, self._alive, self._sings, breaker)
        self._wishes = _Wishes()
        self._answered = False
        self._busy = 0

    async def check(self) -> ServerCheck:
        """Is the server there, does it take the key, has it the model? The processor stays unknown."""
        mend = "Check the address and the key."
        try:
            async with asyncio.timeout(self._timeouts.reply):
                listed = {one.id async for one in self._api.models.list()}
        except (TimeoutError, openai.OpenAIError, httpx2.TransportError, PenstockError) as error:
            fault = self._error(error)
            if fault.code == "model_unreachable" and _status(error) in (404, 405):
                detail = "The server does not list its models; the first call will show."
                return ServerCheck(self.model, True, True, detail=detail, provider="OpenAI")
            return ServerCheck(self.model, detail=str(fault), mend=mend, provider="OpenAI")
        found = self.model in listed or f"{self.model}:latest" in listed
        detail = "" if found else str(missing(self.model, self.url, ""))
        mend = "" if found else f"Choose one of: {told(', '.join(sorted(listed)))}"
        return ServerCheck(self.model, found, True, detail=detail, mend=mend, provider="OpenAI")

    async def ask(self, ask: Ask, progress: Progress) -> Answer:
        """One checked answer about one picture; see Vision.ask for what it raises."""
        image = await read_picture(ask.image) if ask.image is not None else None
        try:
            answer = await self._attempt(ask, image, progress)
        except Died as death:
            self._answered = False
            raise await self._health.judge(death, ask.image or ask.prompt, progress) from death
        except ModelBusy:
            self._busy += 1
            raise
        except BadAnswer:
            self._went_well()  # the server is sound, whatever it wrote
            raise
        self._went_well()
        return answer

    async def close(self) -> None:
        """Give back the connections."""
        await self._api.close()

    async def _attempt(self, ask: Ask, image: bytes | None, progress: Progress) -> Answer:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with listening(ask, progress, self._timeouts, not self._answered) as heard:
            usage = await self._converse(ask, image, heard)
        if not (usage.done or heard.begun):
            raise unreachable(self.url, _NOT_IT)
        text = clean(heard.text)
        _check_end(usage, ask)
        data = read(text, ask)
        return Answer(
            data,
            text,
            self.model,
            usage.digest,
            usage.prompt,
            usage.answer,
            loop.time() - begun,
            provider=self.name,
        )

    async def _converse(self, ask: Ask, image: bytes | None, heard: Listening) -> Usage:
        """Send, and take in every token.

        Errors are raised outside of the handlers: the library's own may repeat a key that the server echoed.
        """
        stream = await self._sent(ask, image)
        usage = Usage()
        try:
            async with stream:
                await self._listen(stream, heard, usage)
        except (openai.OpenAIError, httpx2.TransportError, ValueError) as error:
            fault = self._broken(error)
        else:
            return usage
        raise fault

    async def _sent(self, ask: Ask, image: bytes | None) -> openai.AsyncStream[ChatCompletionChunk]:
        """The opened stream. Gives way to the server's refusals until it accepts, or refuses for good."""
        fault: PenstockError | None = None
        while fault is None:
            try:
                stream: openai.AsyncStream[ChatCompletionChunk]
                stream = await self._api.chat.completions.create(**self._request(ask, image))
                return stream
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if not self._wishes.give_way(str(error)):
                    fault = self._error(error)
            except (openai.OpenAIError, httpx2.TransportError) as error:
                fault = self._error(error, sending=True)
        raise fault

    async def _listen(self, stream: AsyncIterator[ChatCompletionChunk], heard: Listening, usage: Usage) -> None:
        async for chunk in stream:
            if chunk.usage is not None:
                usage.prompt = believable(chunk.usage.prompt_tokens, _MOST_TOKENS)
                usage.answer = believable(chunk.usage.completion_tokens, _MOST_TOKENS)
            usage.digest = usage.digest or clean(chunk.system_fingerprint or "")[:80]
            for choice in chunk.choices or ():
                usage.done = choice.finish_reason or usage.done
                delta: Any = choice.delta  # typed as always there, but some servers send null
                if getattr(delta, "refusal", None):
                    raise BadAnswer("The model refused to describe this picture.", code="refused")
                if delta is not None:
                    heard.hear(delta.content or "", getattr(delta, "reasoning_content", None) or "")

    def _request(self, ask: Ask, image: bytes | None) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"type": "text", "text": ask.prompt}]
        if image is not None:
            encoded = base64.b64encode(image).decode("ascii")
            url = f"data:{media_type(image)};base64,{encoded}"
            content.append({"type": "image_url", "image_url": {"url": url}})
        told_before = "\n\n".join(filter(None, (ask.system, self._wishes.in_words(ask))))
        system = [{"role": "system", "content": told_before}] if told_before else []
        messages = [*system, {"role": "user", "content": content}]
        return {"model": self.model, "messages": messages, "stream": True, **self._wishes.fields(ask)}

    def _error(self, error: Exception, *, sending: bool = False) -> PenstockError:
        """One of our errors for whatever the library raised."""
        own = _own(error)
        if own is not None:
            return own
        if isinstance(error, openai.APIStatusError):
            message = said(error.response.content, self._key)
            return self._refusal(error.status_code, message, error.response.headers).error()
        cause = error.__cause__ or error
        connecting = isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | TimeoutError)
        if sending and not connecting:
            return Died("The connection broke before the answer.", cause="crashed", detail=type(cause).__name__)
        return unreachable(self.url, told(str(cause), self._key) or type(cause).__name__)

    def _broken(self, error: Exception) -> PenstockError:
        """The stream broke: by an error that the server sent, by nonsense, or by a lost connection."""
        own = _own(error)
        if own is not None:
            return own
        if isinstance(error, openai.APIError) and not isinstance(error, openai.APIConnectionError):
            return self._refusal(200, told(error.message, self._key), {}).error()
        if isinstance(error, ValueError):
            return unreachable(self.url, _NOT_IT)
        detail = type(error.__cause__ or error).__name__
        return Died("The connection broke in mid-answer.", cause="crashed", detail=detail)

    def _refusal(self, status: int, message: str, headers: Mapping[str, str]) -> Refusal:
        return Refusal(status, message, headers, self.model, self.url, self._busy)

    async def _alive(self) -> bool:
        """Whether anything answers at the address, be it a refusal."""
        try:
            async with asyncio.timeout(self._timeouts.reply):
                await self._http.get(f"{self.url}/models")
        except (TimeoutError, httpx2.TransportError, PenstockError):
            return False
        return True

    async def _sings(self, progress: Progress) -> bool:
        """Whether the model survives a plain picture; anything but a death or a lost server counts as yes."""
        if not self._canary:
            return True
        try:
            await self._attempt(canary(4096), picture(), progress)
        except (Died, Unavailable):
            return False
        except PenstockError:
            return True
        return True

    def _went_well(self) -> None:
        self._answered = True
        self._busy = 0
        self._health.good()


class _Wishes:
    """What is asked of a server beyond the question. What it refuses, it is not asked again."""

    def __init__(self) -> None:
        self._format: Literal["json_schema", "json_object", ""] = "json_schema"
        self._limit = "max_tokens"
        self._temperature = True
        self._usage = True

    def fields(self, ask: Ask) -> dict[str, Any]:
        """The fields of the request."""
        fields: dict[str, Any] = {self._limit: ask.num_predict}
        if self._format == "json_schema":
            schema = {"name": "answer", "schema": ask.schema}
            fields["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self._format:
            fields["response_format"] = {"type": self._format}
        if self._temperature:
            fields["temperature"] = ask.temperature
        if self._usage:
            fields["stream_options"] = {"include_usage": True}
        return fields

    def in_words(self, ask: Ask) -> str:
        """The schema as a sentence of the prompt, for a server that does not take it as a field."""
        if self._format == "json_schema":
            return ""
        return f"Answer with one JSON object that fits this JSON Schema: {json.dumps(ask.schema)}"

    def give_way(self, message: str) -> bool:
        """Drop the wish that `message` complains of. False when it complains of none that is left."""
        if "max_completion_tokens" in message and self._limit == "max_tokens":
            self._limit = "max_completion_tokens"
        elif re.search(r"response_format|json_schema|json_object|schema", message) and self._format:
            self._format = "json_object" if self._format == "json_schema" else ""
        elif "stream_options" in message and self._usage:
            self._usage = False
        elif "temperature" in message and self._temperature:
            self._temperature = False
        else:
            return False
        return True


def _check_end(usage: Usage, ask: Ask) -> None:
    """Raises when the stream ended without an end, or for a reason that makes the answer useless."""
    if usage.done == "length":
        raise BadAnswer(f"The answer was cut off at {ask.num_predict} tokens: allow more.", code="length")
    if usage.done == "content_filter":
        raise BadAnswer("The server's content filter stopped the answer.", code="refused")
    if not usage.done:
        raise Died("The connection broke in mid-answer.", cause="crashed", detail="the answer has no end")


def _own(error: BaseException | None) -> PenstockError | None:
    """Our own error below the library's: what the wire raised, the library wraps."""
    while error is not None:
        if isinstance(error, PenstockError):
            return error
        error = error.__cause__
    return None


def _status(error: BaseException) -> int:
    return error.status_code if isinstance(error, openai.APIStatusError) else 0
