from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.llm.model import Answer, BadAnswer, ModelBusy, Timeouts
from penstock.adapters.llm.ollama import Ollama
from penstock.engine.errors import Blocking, Died, ItemError, PenstockError, Transient, Unavailable
from tests.adapters.llm.asking import MODEL, QUICK, ask, photo, served, talk
from tests.stubs.model_server import ModelServer
from tests.stubs.ollama_server import OllamaServer


def ollama(server: ModelServer, **more: Any) -> Ollama:
    return Ollama(server.url, more.pop("model", MODEL), timeouts=more.pop("timeouts", QUICK), **more)


def one_rule(do: str, **more: Any) -> OllamaServer:
    return OllamaServer({"rules": [{"do": do, **more}]})


def test_an_answer_comes_back_checked_with_its_model_and_its_figures(tmp_path: Path) -> None:
    server = OllamaServer()
    (answer,) = talk(server, ollama, ask(photo(tmp_path)))
    assert isinstance(answer, Answer)
    assert answer.data["nonce"] == "n1"
    assert 8 <= len(answer.data["caption"].split()) <= 24
    assert len(answer.data["keywords"]) == 12
    assert answer.digest == next(one.digest for one in server.script.models if one.name == MODEL)
    assert (answer.model, answer.provider) == (MODEL, "ollama")
    assert answer.prompt_tokens is not None
    assert answer.prompt_tokens > 256
    assert answer.answer_tokens is not None


def test_the_request_always_carries_context_limit_schema_and_the_file_as_it_is(tmp_path: Path) -> None:
    server = OllamaServer()
    path = photo(tmp_path)
    talk(server, lambda s: ollama(s, options={"num_gpu": 99}), ask(path, num_ctx=2048, num_predict=180))
    (call,) = server.asks
    data = call["data"]
    assert call["path"] == "/api/chat"
    assert data["options"] == {"num_gpu": 99, "num_ctx": 2048, "num_predict": 180, "temperature": 0.1}
    assert data["format"]["required"][0] == "caption"
    assert (data["stream"], data["think"], data["keep_alive"]) == (True, False, "30m")
    assert (data["truncate"], data["shift"]) == (False, False)
    assert call["images"] == [hashlib.sha256(Path(path).read_bytes()).hexdigest()]


def test_every_token_is_progress() -> None:
    heard: list[str] = []
    server = OllamaServer()
    answer = served(server, ollama, lambda model: model.ask(ask(), heard.append))
    assert heard[:2] == ["1 tokens", "2 tokens"]
    assert len(heard) >= answer.answer_tokens


FAULTS: list[tuple[dict[str, Any], type[PenstockError], str]] = [
    ({"do": "hang_before_headers"}, Died, "idle"),
    ({"do": "hang_mid_stream"}, Died, "idle"),
    ({"do": "slow", "seconds": 0.1}, Died, "hard"),
    ({"do": "runner_crash", "when": {"prompt": "id="}}, Died, "crashed"),
    ({"do": "runner_crash", "mid": True, "when": {"prompt": "id="}}, Died, "crashed"),
    ({"do": "reset_before_headers", "when": {"prompt": "id="}}, Died, "crashed"),
    ({"do": "reset_mid_body", "when": {"prompt": "id="}}, Died, "crashed"),
    ({"do": "cut", "when": {"prompt": "id="}}, Died, "crashed"),
    ({"do": "server_down"}, Unavailable, "model_unreachable"),
    ({"do": "runner_crash"}, Unavailable, "model_sick"),
    ({"do": "status", "status": 500, "message": "something odd"}, Transient, "model_error"),
    (
        {"do": "status", "status": 500, "message": "model requires more system memory (9 GiB)"},
        Unavailable,
        "model_memory",
    ),
    ({"do": "status", "status": 503}, ModelBusy, "model_busy"),
    ({"do": "status", "status": 429, "message": "slow down"}, ModelBusy, "model_busy"),
    ({"do": "status", "status": 400, "message": "no such thing"}, Blocking, "model_refused"),
    (
        {"do": "status", "status": 400, "message": "this model does not support images"},
        Blocking,
        "model_unsuited",
    ),
    ({"do": "status", "status": 500, "message": "Failed to load image: bad"}, ItemError, "image_refused"),
    (
        {"do": "status", "status": 400, "message": "the input length exceeds the context length"},
        BadAnswer,
        "context",
    ),
    ({"do": "model_missing"}, Blocking, "model_missing"),
    ({"do": "redirect"}, Blocking, "model_redirect"),
    ({"do": "not_json"}, Unavailable, "model_unreachable"),
    ({"do": "empty"}, BadAnswer, "empty"),
    ({"do": "length"}, BadAnswer, "length"),
    ({"do": "short_prompt"}, BadAnswer, "context"),
    ({"do": "full_context"}, BadAnswer, "context"),
    ({"do": "truncated_json"}, BadAnswer, "json"),
    ({"do": "duplicate_keys"}, BadAnswer, "json"),
    ({"do": "nan"}, BadAnswer, "json"),
    ({"do": "text", "text": "I cannot do that."}, BadAnswer, "json"),
    ({"do": "wrong_schema"}, BadAnswer, "schema"),
    ({"do": "wrong_nonce"}, BadAnswer, "nonce"),
    ({"do": "endless"}, BadAnswer, "endless"),
    ({"do": "endless_line"}, BadAnswer, "endless"),
    ({"do": "endless_tokens"}, BadAnswer, "endless"),
]


@pytest.mark.parametrize(("rule", "kind", "code"), FAULTS, ids=lambda value: str(value)[:60])
def test_each_fault_becomes_its_own_error(rule: dict[str, Any], kind: type[PenstockError], code: str) -> None:
    server = OllamaServer({"rules": [rule]})
    (error,) = talk(server, ollama, ask())
    assert type(error) is kind, error
    assert error.code == code
    assert str(error).rstrip().endswith((".", ")", "}")) or "It said" in str(error)


@pytest.mark.parametrize("do", ["fenced", "thinking", "no_usage", "absurd_usage"])
def test_what_does_no_harm_is_tolerated(do: str) -> None:
    (answer,) = talk(one_rule(do), ollama, ask())
    assert isinstance(answer, Answer)
    assert answer.data["nonce"] == "n1"
    assert (answer.prompt_tokens is None) == do.endswith("usage")


def test_a_server_that_is_not_there_is_unavailable() -> None:
    server = OllamaServer()
    server.stop_listening()
    (error,) = talk(server, lambda s: Ollama("http://127.0.0.1:9", MODEL, timeouts=QUICK), ask())
    assert type(error) is Unavailable
    assert "127.0.0.1:9" in str(error)


def test_a_missing_model_is_named_with_the_command_that_fetches_it() -> None:
    (error,) = talk(OllamaServer(), lambda s: ollama(s, model="moondream:2b"), ask())
    assert type(error) is Blocking
    assert "moondream:2b" in str(error)
    assert "ollama pull moondream:2b" in str(error)


def test_a_missing_picture_is_the_items_fault_and_nothing_is_sent(tmp_path: Path) -> None:
    server = OllamaServer()
    (error,) = talk(server, ollama, ask(str(tmp_path / "gone.jpg")))
    assert type(error) is ItemError
    assert error.code == "image_missing"
    assert server.calls == []


def test_a_busy_server_names_its_wait_and_burns_nothing() -> None:
    server = OllamaServer({"rules": [{"do": "status", "status": 503, "retry_after": 17}]})
    (error,) = talk(server, ollama, ask())
    assert isinstance(error, ModelBusy)
    assert (error.after, error.burns) == (17.0, False)


def test_a_busy_server_that_names_no_wait_is_left_alone_longer_each_time() -> None:
    server = OllamaServer({"rules": [{"do": "status", "status": 503, "when": {"times": 4}}]})
    came = talk(server, ollama, *[ask()] * 5)
    assert [one.after for one in came if isinstance(one, ModelBusy)] == [2.0, 8.0, 30.0, 30.0]
    assert isinstance(came[-1], Answer)


def test_a_cut_answer_or_prompt_is_flagged_as_useless_to_repeat() -> None:
    for do in ("length", "short_prompt"):
        (error,) = talk(one_rule(do), ollama, ask())
        assert isinstance(error, BadAnswer)
        assert error.same_again_useless
    (error,) = talk(one_rule("truncated_json"), ollama, ask())
    assert isinstance(error, BadAnswer)
    assert not error.same_again_useless


def test_only_the_item_that_crashes_the_runner_is_charged() -> None:
    server = OllamaServer({"rules": [{"do": "runner_crash", "when": {"prompt": "id=2."}}]})
    came = talk(server, ollama, *(ask(number=number) for number in (1, 2, 3)))
    assert [type(one) for one in came] == [Answer, Died, Answer]
    canaries = [call for call in server.asks if "canary" in call["prompt"]]
    assert len(canaries) == 1
    assert "unexpectedly stopped" in getattr(came[1], "detail", "")


def test_without_the_canary_every_crash_is_the_items() -> None:
    server = one_rule("runner_crash")
    (error,) = talk(server, lambda s: ollama(s, canary=False), ask())
    assert type(error) is Died
    assert len(server.asks) == 1


def test_a_server_that_is_silent_for_several_items_in_a_row_pauses_the_run() -> None:
    server = one_rule("hang_before_headers")
    quick = dataclasses.replace(QUICK, first_byte_cold=0.05)
    asks = [ask(number=number) for number in (1, 1, 2, 3)]
    came = talk(server, lambda s: ollama(s, timeouts=quick, breaker=3), *asks)
    assert [type(one) for one in came] == [Died, Died, Died, Unavailable]
    assert isinstance(came[-1], Unavailable)
    assert came[-1].code == "model_stuck"


def test_the_first_token_of_a_model_that_is_being_loaded_may_take_longer() -> None:
    limits = Timeouts(connect=1.0, first_byte_cold=1.0, first_byte=0.15, token=0.5, total=3.0)
    server = OllamaServer({"load_seconds": 0.3, "rules": [{"do": "hang_before_headers", "when": {"call": 2}}]})
    cold, warm = talk(server, lambda s: ollama(s, timeouts=limits), ask(), ask(number=2))
    assert isinstance(cold, Answer)
    assert cold.seconds >= 0.3
    assert isinstance(warm, Died)
    assert "0.15 s" in str(warm)


def test_a_model_that_was_unloaded_meanwhile_counts_as_cold_again() -> None:
    limits = Timeouts(connect=1.0, first_byte_cold=1.0, first_byte=0.1, token=0.5, total=3.0)
    server = OllamaServer({"load_seconds": 0.2})

    async def use(model: Ollama) -> list[Answer]:
        first = await model.ask(ask(), lambda text: None)
        await model.unload()
        assert not server.script.loaded
        return [first, await model.ask(ask(), lambda text: None)]

    assert len(served(server, lambda s: ollama(s, timeouts=limits), use)) == 2


def test_after_a_timeout_the_connection_is_closed() -> None:
    server = one_rule("hang_mid_stream")

    async def use(model: Ollama) -> None:
        with pytest.raises(Died):
            await model.ask(ask(), lambda text: None)
        await until(lambda: bool(server.asks[0]["over"]))

    served(server, ollama, use)


def test_cancelling_closes_the_connection_at_once() -> None:
    server = one_rule("hang_before_headers")

    async def use(model: Ollama) -> None:
        task = asyncio.create_task(model.ask(ask(), lambda text: None))
        await until(lambda: bool(server.asks))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: bool(server.asks[0]["over"]))

    served(server, lambda s: ollama(s, timeouts=Timeouts()), use)


async def until(true: Any) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.005)
