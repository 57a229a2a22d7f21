"""The words of a model call: what is asked, what comes back, how long it may take, what a server is like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from penstock.engine.errors import Blocking, Transient

Progress = Callable[[str], None]

BadCode = Literal["empty", "length", "context", "json", "schema", "nonce", "endless", "refused"]
_USELESS = frozenset({"length", "context", "refused"})  # deterministic: the same call ends the same way


@dataclass(frozen=True, slots=True)
class Ask:
    """One question. `image` is a path whose bytes are sent as they are; `schema` is the answer's JSON Schema.

    A `nonce` (may be empty) must come back in the field `nonce`, so that another item's answer is caught.
    """

    image: str | None
    system: str
    prompt: str
    schema: dict[str, Any]
    nonce: str
    temperature: float
    num_ctx: int = 4096  # tokens of prompt, image and answer together
    num_predict: int = 512  # tokens of the answer
    optional: tuple[str, ...] = ()  # fields that are asked for and may be missing: some servers ignore the schema


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer: `data` fits the schema. Tokens are None when the server did not count believably."""

    data: dict[str, Any]
    text: str  # as the model wrote it
    model: str
    digest: str  # of the model that answered; "" when the server does not say
    prompt_tokens: int | None
    answer_tokens: int | None
    seconds: float
    provider: str


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `first_byte` counts from the request to the first token, `token` between two tokens."""

    connect: float = 3.0
    reply: float = 10.0  # of the short calls: is it there, is the model loaded
    first_byte_cold: float = 300.0  # the model is being loaded
    first_byte: float = 60.0
    token: float = 30.0
    total: float = 420.0

    @property
    def longest_silence(self) -> float:
        """How long a healthy call may go without progress; a stage's idle limit must be longer."""
        longest = min(self.total, max(self.first_byte_cold, self.first_byte, self.token))
        return longest + 2 * self.reply + self.connect


@dataclass(frozen=True, slots=True)
class ServerCheck:
    """What a server said about a model. `mend` is what a person can do about it, or empty."""

    model: str
    found: bool = False
    reachable: bool = False
    processor: Literal["GPU", "CPU", "unknown"] = "unknown"
    context: int = 0  # tokens that the loaded model holds
    vram_gib: float = 0.0
    digest: str = ""
    detail: str = ""
    mend: str = ""
    provider: str = "Ollama"

    def line(self) -> str:
        """The start-up line of the run log, worded as photographers know it."""
        return (
            f"{self.provider} startup check: model={self.model} processor={self.processor} "
            f"context={self.context} vram={self.vram_gib:.1f}GiB"
        )

    def blocking(self) -> Blocking | None:
        """Why a run with this model cannot start, or None when it can."""
        if self.reachable and self.found:
            return None
        code = "model_missing" if self.reachable else "model_unreachable"
        return Blocking(f"{self.detail} {self.mend}".strip(), code=code)

    def unexpected(self, expect: str) -> str:
        """A warning when the model runs on another processor than `expect` (gpu, cpu or any), else empty."""
        if expect == "any" or self.processor == "unknown" or self.processor.lower() == expect:
            return ""
        return (
            f"The model {self.model} runs on the {self.processor}, but {expect.upper()} is expected: "
            f"restart its server, or set expect_processor to {self.processor.lower()} or any."
        )


class ModelBusy(Transient):
    """The model server has too much to do: ask again later. It burns no attempt."""

    code = "model_busy"
    burns = False


class BadAnswer(Transient):
    """The model answered, but the answer is of no use; nothing of it is kept."""

    burns = True

    def __init__(self, message: str, *, code: BadCode) -> None:
        super().__init__(message, code=code)
        self.same_again_useless = code in _USELESS  # change the call (more room, shorter prompt, other model)


class Vision(Protocol):
    """A model that looks at a picture and answers in JSON. `name` is the provider's, `model` the model's."""

    name: str
    model: str

    async def check(self) -> ServerCheck:
        """What the server says about the model. Never raises for a server's or network's fault."""
        ...

    async def ask(self, ask: Ask, progress: Progress) -> Answer:
        """One checked answer. `progress` is called at every token. Cancelling it closes the connection.

        Raises BadAnswer, ModelBusy, Died, ItemError, Unavailable, Transient or Blocking.
        """
        ...

    async def close(self) -> None:
        """Give back the connections."""
        ...


@dataclass(slots=True)
class Usage:
    """What the server counted while it answered."""

    prompt: int | None = None
    answer: int | None = None
    done: str = ""  # why it stopped; "" = it never said
    digest: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def believable(count: Any, most: int) -> int | None:
    """A token count from a server, or None when it is missing or absurd (not a number from 0 to `most`)."""
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= most:
        return None
    return count
