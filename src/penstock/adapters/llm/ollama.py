"""A vision model on an Ollama server, by its own interface: the OpenAI one ignores the context size there."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any

import httpx2

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
from penstock.adapters.llm.picture import read_picture
from penstock.adapters.llm.reply import clean, read
from penstock.adapters.llm.wire import MOST_LINE, Resolver, Wire, base_url, client, lines, resolve
from penstock.engine.errors import Died, PenstockError, Unavailable

_GIB = 1 << 30
_FEWEST_TOKENS_PER_WORD = 0.8  # tokenizers need one or more; below this the prompt was cut


class Ollama:
    """One model on one Ollama server. Safe for several calls at once on one event loop.

    `num_ctx` is the context to load the model with; asks should use the same: another size loads it anew.
    `options` (num_gpu, main_gpu …) go into every call. With `canary`, a crash is followed by a plain picture.
    """

    name = "ollama"

    def __init__(
        self,
        url: str,
        model: str,
        *,
        timeouts: Timeouts | None = None,
        num_ctx: int = 4096,
        keep_alive: str = "30m",
        options: Mapping[str, float] | None = None,
        key: str = "",
        canary: bool = True,
        breaker: int = 5,
        resolver: Resolver = resolve,
    ) -> None:
        self.url = base_url(url)
        self.model = model
        self._timeouts = timeouts or Timeouts()
        self._num_ctx = num_ctx
        self._keep_alive = keep_alive
        self._options = dict(options or {})
        self._key = key
        self._canary = canary
        self._client = client(Wire(key=key, resolver=resolver), self._timeouts.connect)
        self._health = Health(self.url, self._alive, self._sings, breaker)
        self._answered = False  # since the model was last seen unloaded
        self._busy = 0

    async def check(self) -> ServerCheck:
        """Is the server there, has it the model, and on what does it run? Loads the model to find out."""
        try:
            found = await self._installed()
            if found is None:
                fault = missing(self.model, self.url, f"ollama pull {self.model}")
                return ServerCheck(self.model, reachable=True, detail=f"{fault}", mend=f"ollama pull {self.model}")
        except PenstockError as error:
            return ServerCheck(self.model, detail=str(error), mend=f"Start Ollama at {self.url} with `ollama serve`.")
        trouble = ""
        try:
            await self.warm_up()
        except PenstockError as error:
            trouble = f"The model could not be loaded: {error}"
        return await self._measured(found, trouble)

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

    async def warm_up(self) -> None:
        """Load the model with the context size that asks use. Raises like `ask`."""
        body = {
            "model": self.model,
            "stream": False,
            "keep_alive": self._keep_alive,
            "options": self._fixed_options(),
        }
        await self._json("POST", "/api/generate", body, seconds=self._timeouts.first_byte_cold)

    async def unload(self) -> None:
        """Ask the server to give the model's memory back."""
        await self._json("POST", "/api/generate", {"model": self.model, "stream": False, "keep_alive": 0})

    async def close(self) -> None:
        """Give back the connections."""
        await self._client.aclose()

    async def _attempt(self, ask: Ask, image: bytes | None, progress: Progress) -> Answer:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        digest, cold = await self._standing()
        async with listening(ask, progress, self._timeouts, cold) as heard:
            usage = await self._converse(self._body(ask, image), heard)
        text = clean(heard.text)
        _check_usage(usage, ask)
        data = read(text, ask)
        return Answer(
            data,
            text,
            self.model,
            digest,
            usage.prompt,
            usage.answer,
            loop.time() - begun,
            provider=self.name,
        )

    async def _standing(self) -> tuple[str, bool]:
        """The model's digest, and whether it has to be loaded first. Raises Blocking when it is not there."""
        loaded = await self._loaded()
        if loaded is not None:
            return str(loaded.get("digest", "")), not self._answered
        self._answered = False
        found = await self._installed()
        if found is None:
            raise missing(self.model, self.url, f"ollama pull {self.model}")
        return str(found.get("digest", "")), True

    def _body(self, ask: Ask, image: bytes | None) -> dict[str, Any]:
        user: dict[str, Any] = {"role": "user", "content": ask.prompt}
        if image is not None:
            user["images"] = [base64.b64encode(image).decode("ascii")]
        system = [{"role": "system", "content": ask.system}] if ask.system else []
        asked = {"num_ctx": ask.num_ctx, "num_predict": ask.num_predict, "temperature": ask.temperature}
        return {
            "model": self.model,
            "messages": [*system, user],
            "format": ask.schema,  # inside `options` it would be ignored
            "stream": True,
            "think": False,  # thoughts and a schema together yield empty answers
            "truncate": False,  # newer servers then refuse an overlong prompt instead of cutting it
            "shift": False,
            "keep_alive": self._keep_alive,
            "options": {**self._options, **asked},
        }

    async def _converse(self, body: dict[str, Any], heard: Listening) -> Usage:
        """Send, and take in every token. Raises Died for a lost connection; `judge` finds out whose fault."""
        try:
            async with self._client.stream("POST", f"{self.url}/api/chat", json=body) as response:
                if response.status_code != 200:
                    raise await self._refused(response)
                async for line in lines(response):
                    usage = self._part(line, heard)
                    if usage is not None:
                        return usage
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise unreachable(self.url, told(str(error), self._key)) from error
        except httpx2.TransportError as error:
            raise _lost(type(error).__name__) from error
        raise _lost("the answer has no end")

    def _part(self, line: bytes, heard: Listening) -> Usage | None:
        """One line of the stream: a token, an error, or (returned) the figures at the end."""
        try:
            part = json.loads(line)
            message = part.get("message") or {}
            if "error" in part:
                raise self._refusal(int(part.get("status") or 200), said(line, self._key), {}).error()
            heard.hear(str(message.get("content") or ""), str(message.get("thinking") or ""))
        except (ValueError, AttributeError, TypeError, RecursionError) as error:
            raise unreachable(self.url, "what answers there is not Ollama") from error
        if not part.get("done"):
            return None
        most = 1 << 24
        prompt, answer = (
            believable(part.get("prompt_eval_count"), most),
            believable(part.get("eval_count"), most),
        )
        return Usage(prompt, answer, str(part.get("done_reason") or "stop"))

    async def _loaded(self) -> dict[str, Any] | None:
        return self._mine((await self._json("GET", "/api/ps")).get("models"))

    async def _installed(self) -> dict[str, Any] | None:
        return self._mine((await self._json("GET", "/api/tags")).get("models"))

    def _mine(self, models: Any) -> dict[str, Any] | None:
        """This model in a list of the server's; a name without a tag means `latest`."""
        for one in models if isinstance(models, list) else ():
            if isinstance(one, dict) and {_full(str(one.get(key) or "")) for key in ("name", "model")} & {
                _full(self.model)
            }:
                return one
        return None

    async def _measured(self, found: Mapping[str, Any], trouble: str) -> ServerCheck:
        """What /api/ps says of the loaded model; a model that is not loaded has an unknown processor."""
        digest = str(found.get("digest", ""))
        try:
            loaded = await self._loaded()
        except PenstockError as error:
            loaded, trouble = None, trouble or str(error)
        if loaded is None:
            mend = f"Run `ollama run {self.model}` on its machine and read what it says."
            detail = trouble or f"The model {self.model} is installed but was not loaded."
            return ServerCheck(self.model, True, True, digest=digest, detail=detail, mend=mend)
        vram, size = (
            believable(loaded.get("size_vram"), 1 << 50) or 0,
            believable(loaded.get("size"), 1 << 50) or 0,
        )
        share = f"{100 * vram // size} % of it is in video memory" if size else "its size is unknown"
        return ServerCheck(
            self.model,
            True,
            True,
            processor="GPU" if vram > 0 else "CPU",
            context=believable(loaded.get("context_length"), 1 << 30) or self._num_ctx,
            vram_gib=vram / _GIB,
            digest=str(loaded.get("digest") or digest),
            detail=trouble or f"The model is loaded; {share}.",
        )

    async def _json(self, method: str, path: str, body: Any = None, *, seconds: float | None = None) -> dict[str, Any]:
        """One short call. Raises Unavailable when nothing sensible comes within `seconds`."""
        limit = self._timeouts.reply if seconds is None else seconds
        try:
            async with (
                asyncio.timeout(limit),
                self._client.stream(method, f"{self.url}{path}", json=body) as response,
            ):
                if response.status_code != 200:
                    raise await self._refused(response)
                data = json.loads(await response.aread())
        except (TimeoutError, httpx2.TransportError) as error:
            why = f"no answer within {limit:g} s" if isinstance(error, TimeoutError) else told(str(error), self._key)
            raise unreachable(self.url, why or type(error).__name__) from error
        except (ValueError, RecursionError) as error:
            raise unreachable(self.url, "what answers there is not Ollama") from error
        return data if isinstance(data, dict) else {}

    async def _refused(self, response: httpx2.Response) -> PenstockError:
        body = b""
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MOST_LINE:
                break
        return self._refusal(response.status_code, said(body, self._key), response.headers).error()

    def _refusal(self, status: int, message: str, headers: Mapping[str, str]) -> Refusal:
        return Refusal(status, message, headers, self.model, self.url, self._busy, f"ollama pull {self.model}")

    async def _alive(self) -> bool:
        try:
            await self._json("GET", "/api/version")
        except PenstockError:
            return False
        return True

    async def _sings(self, progress: Progress) -> bool:
        """Whether the model survives a plain picture; anything but a death or a lost server counts as yes."""
        if not self._canary:
            return True
        try:
            await self._attempt(canary(self._num_ctx), picture(), progress)
        except (Died, Unavailable):
            return False
        except PenstockError:
            return True
        return True

    def _fixed_options(self) -> dict[str, float]:
        return {**self._options, "num_ctx": self._num_ctx}

    def _went_well(self) -> None:
        self._answered = True
        self._busy = 0
        self._health.good()


def _check_usage(usage: Usage, ask: Ask) -> None:
    """Raises BadAnswer when the figures say that the prompt or the answer was cut."""
    if usage.done == "length":
        raise BadAnswer(f"The answer was cut off at {ask.num_predict} tokens: allow more.", code="length")
    if usage.prompt is None or usage.prompt == 0:  # older servers leave it out when the prompt was cached
        return
    fewest = int(len(ask.prompt.split()) * _FEWEST_TOKENS_PER_WORD)
    if usage.prompt < fewest or usage.prompt >= ask.num_ctx:
        raise BadAnswer(
            f"The server read {usage.prompt} prompt tokens, which must be {fewest} to {ask.num_ctx - 1}: "
            "it cut the prompt. Allow more context or shorten it.",
            code="context",
        )


def _lost(why: str) -> Died:
    return Died("The connection broke in mid-answer.", cause="crashed", detail=why)


def _full(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] or not name else f"{name}:latest"
