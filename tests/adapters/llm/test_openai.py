from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.llm.model import Answer, BadAnswer, ModelBusy, ServerCheck
from penstock.adapters.llm.openai import OpenAI
from penstock.engine.errors import Blocking, Died, PenstockError, Transient, Unavailable
from tests.adapters.llm.asking import MODEL, QUICK, ask, photo, served, talk
from tests.stubs.model_server import ModelServer
from tests.stubs.openai_server import OpenAIServer

CANARY = "canary-5b1c-secret"
HEADERS = {
    "host",
    "content-type",
    "content-length",
    "accept",
    "user-agent",
    "accept-encoding",
    "authorization",
}


def api(server: ModelServer, **more: Any) -> OpenAI:
    return OpenAI(f"{server.url}/v1", more.pop("model", MODEL), timeouts=QUICK, **more)


def test_an_answer_comes_back_checked_and_the_picture_travels_as_a_data_uri(tmp_path: Path) -> None:
    server = OpenAIServer()
    (answer,) = talk(server, api, ask(photo(tmp_path)))
    assert isinstance(answer, Answer)
    assert answer.data["nonce"] == "n1"
    assert (answer.provider, answer.model) == ("openai", MODEL)
    assert answer.prompt_tokens is not None
    (call,) = server.asks
    assert call["data"]["messages"][1]["content"][1] == {"type": "image_url", "media_type": "image/jpeg"}
    assert call["data"]["response_format"]["json_schema"]["schema"]["required"][0] == "caption"
    assert call["data"]["max_tokens"] == 512
    assert call["data"]["stream"] is True


FAULTS: list[tuple[dict[str, Any], type[PenstockError], str]] = [
    ({"do": "hang_before_headers"}, Died, "idle"),
    ({"do": "hang_mid_stream"}, Died, "idle"),
    ({"do": "slow", "seconds": 0.1}, Died, "hard"),
    ({"do": "runner_crash"}, Died, "crashed"),
    ({"do": "runner_crash", "mid": True}, Died, "crashed"),
    ({"do": "reset_before_headers"}, Died, "crashed"),
    ({"do": "reset_mid_body"}, Died, "crashed"),
    ({"do": "server_down"}, Unavailable, "model_unreachable"),
    ({"do": "status", "status": 500, "message": "odd"}, Transient, "model_error"),
    ({"do": "status", "status": 503}, ModelBusy, "model_busy"),
    ({"do": "status", "status": 429, "message": "rate limit reached"}, ModelBusy, "model_busy"),
    ({"do": "status", "status": 429, "message": "insufficient_quota: pay"}, Unavailable, "model_quota"),
    ({"do": "status", "status": 400, "message": "no such thing"}, Blocking, "model_refused"),
    ({"do": "status", "status": 400, "message": "maximum context length is 4096"}, BadAnswer, "context"),
    ({"do": "echo_key"}, Blocking, "model_key"),
    ({"do": "model_missing"}, Blocking, "model_missing"),
    ({"do": "redirect"}, Blocking, "model_redirect"),
    ({"do": "empty"}, BadAnswer, "empty"),
    ({"do": "length"}, BadAnswer, "length"),
    ({"do": "truncated_json"}, BadAnswer, "json"),
    ({"do": "wrong_schema"}, BadAnswer, "schema"),
    ({"do": "wrong_nonce"}, BadAnswer, "nonce"),
    ({"do": "endless"}, BadAnswer, "endless"),
    ({"do": "endless_line"}, BadAnswer, "endless"),
    ({"do": "endless_tokens"}, BadAnswer, "endless"),
    ({"do": "cut"}, Died, "crashed"),
    ({"do": "not_json"}, Unavailable, "model_unreachable"),
]


@pytest.mark.parametrize(("rule", "kind", "code"), FAULTS, ids=lambda value: str(value)[:60])
def test_each_fault_becomes_its_own_error(rule: dict[str, Any], kind: type[PenstockError], code: str) -> None:
    (error,) = talk(OpenAIServer({"rules": [rule]}), api, ask())
    assert type(error) is kind, error
    assert error.code == code


@pytest.mark.parametrize("do", ["fenced", "thinking", "no_usage", "absurd_usage"])
def test_what_does_no_harm_is_tolerated(do: str) -> None:
    (answer,) = talk(OpenAIServer({"rules": [{"do": do}]}), api, ask())
    assert isinstance(answer, Answer), answer
    assert (answer.prompt_tokens is None) == do.endswith("usage")


def test_what_a_server_refuses_is_replaced_once_and_not_asked_again() -> None:
    refusals = {
        "json_schema": "response_format json_schema is not supported",
        "max_tokens": "use max_completion_tokens",
        "temperature": "temperature is fixed",
        "stream_options": "stream_options is unknown",
    }
    rules = [
        {"do": "status", "status": 400, "message": message, "when": {"body": f'"{field}":'}}
        for field, message in refusals.items()
        if field != "json_schema"
    ]
    rules.append({"do": "status", "status": 422, "message": refusals["json_schema"], "when": {"body": '"json_schema"'}})
    server = OpenAIServer({"rules": rules})
    came = talk(server, api, ask(), ask(number=2))
    last = server.asks[-1]["data"]
    assert last["response_format"] == {"type": "json_object"}
    assert last["max_completion_tokens"] == 512
    assert not last.keys() & {"max_tokens", "temperature", "stream_options"}
    assert "JSON Schema" in server.asks[-1]["system"]
    assert len(server.asks) == len(refusals) + 2
    # without a schema the scripted server makes up another shape, which is refused
    assert [one.code for one in came if isinstance(one, BadAnswer)] == ["schema", "schema"]


def test_the_key_is_sent_to_its_server_only_and_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-another")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Other: leaked")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server = OpenAIServer({"rules": [{"do": "echo_key"}]})
    (error,) = talk(server, lambda s: api(s, key=CANARY), ask())
    headers = server.asks[0]["headers"]
    assert headers["authorization"] == f"Bearer {CANARY}"
    assert headers.keys() - {"connection"} <= HEADERS
    seen: BaseException | None = error if isinstance(error, BaseException) else None
    assert seen is not None
    while seen is not None:
        assert CANARY not in f"{seen} {seen!r} {vars(seen)}"
        seen = seen.__cause__ or seen.__context__


def test_no_key_means_no_authorization_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    server = OpenAIServer()
    talk(server, api, ask())
    assert "authorization" not in server.asks[0]["headers"]


def check(server: OpenAIServer, **more: Any) -> ServerCheck:
    found = served(server, lambda s: api(s, **more), lambda vision: vision.check())
    assert isinstance(found, ServerCheck)
    return found


def test_a_check_finds_the_model_and_says_what_it_cannot_know() -> None:
    found = check(OpenAIServer())
    assert (found.reachable, found.found, found.processor) == (True, True, "unknown")
    assert found.line().startswith("OpenAI startup check: model=llava:13b processor=unknown")


def test_a_check_names_the_models_that_are_there() -> None:
    found = check(OpenAIServer(), model="no-such-model")
    assert (found.reachable, found.found) == (True, False)
    assert "gpt-4o-mini" in found.mend


def test_a_server_that_lists_no_models_is_given_a_chance() -> None:
    rule = {"do": "status", "status": 404, "message": "not here", "when": {"path": "/v1/models"}}
    found = check(OpenAIServer({"rules": [rule]}))
    assert found.found
    assert "first call" in found.detail


def test_a_check_of_a_refused_key_or_a_hanging_server_says_so() -> None:
    refused = check(OpenAIServer({"rules": [{"do": "echo_key", "when": {"path": "/v1/models"}}]}), key=CANARY)
    assert "key" in refused.detail
    assert CANARY not in repr(refused)
    hanging = check(OpenAIServer({"rules": [{"do": "hang_before_headers", "when": {"path": "/v1/models"}}]}))
    assert not hanging.reachable
    blocking = hanging.blocking()
    assert blocking is not None
    assert blocking.code == "model_unreachable"


def test_with_the_canary_a_server_that_dies_on_every_picture_pauses_the_run() -> None:
    server = OpenAIServer({"rules": [{"do": "runner_crash"}]})
    (error,) = talk(server, lambda s: api(s, canary=True), ask())
    assert isinstance(error, Unavailable)
    assert error.code == "model_sick"
