from __future__ import annotations

from typing import Any

import pytest

from penstock.adapters.llm.model import ServerCheck
from penstock.adapters.llm.ollama import Ollama
from tests.adapters.llm.asking import MODEL, QUICK, ask, served, talk
from tests.stubs.ollama_server import OllamaServer

CANARY = "canary-7f3d9e-secret"


def check(script: dict[str, Any] | None = None, model: str = MODEL) -> ServerCheck:
    found = served(OllamaServer(script), lambda s: Ollama(s.url, model, timeouts=QUICK), lambda vision: vision.check())
    assert isinstance(found, ServerCheck)
    return found


def test_the_startup_line_is_worded_exactly() -> None:
    models = [{"name": MODEL, "size": 9 << 30, "size_vram": 8.25 * (1 << 30), "context_length": 8192}]
    found = check({"models": models})
    assert found.line() == "Ollama startup check: model=llava:13b processor=GPU context=8192 vram=8.2GiB"
    assert found.blocking() is None
    assert "91 %" in found.detail


def test_a_model_without_video_memory_runs_on_the_cpu_and_is_warned_about() -> None:
    found = check({"models": [{"name": MODEL, "size_vram": 0}]})
    assert found.line() == "Ollama startup check: model=llava:13b processor=CPU context=4096 vram=0.0GiB"
    assert "GPU is expected" in found.unexpected("gpu")
    assert found.unexpected("cpu") == found.unexpected("any") == ""


def test_a_rule_can_turn_the_server_to_the_cpu() -> None:
    assert check({"rules": [{"do": "cpu", "when": {"path": "/api/ps"}}]}).processor == "CPU"


def test_checking_loads_the_model_with_the_context_size_of_the_asks() -> None:
    server = OllamaServer()
    served(server, lambda s: Ollama(s.url, MODEL, num_ctx=2048), lambda vision: vision.check())
    (load,) = [call for call in server.calls if call["path"] == "/api/generate"]
    assert load["data"]["options"] == {"num_ctx": 2048}
    assert load["data"]["keep_alive"] == "30m"


@pytest.mark.parametrize("model", ["minicpm-v", "minicpm-v:latest"])
def test_a_name_without_a_tag_means_latest(model: str) -> None:
    assert check(model=model).found


def test_a_missing_model_is_found_out_and_blocks_with_the_command() -> None:
    found = check(model="moondream")
    assert (found.reachable, found.found, found.mend) == (True, False, "ollama pull moondream")
    blocking = found.blocking()
    assert blocking is not None
    assert blocking.code == "model_missing"


def test_a_server_that_is_down_is_found_out_and_blocks() -> None:
    found = served(
        OllamaServer(), lambda s: Ollama("127.0.0.1:9", MODEL, timeouts=QUICK), lambda vision: vision.check()
    )
    assert not found.reachable
    assert "ollama serve" in found.mend
    blocking = found.blocking()
    assert blocking is not None
    assert blocking.code == "model_unreachable"
    assert found.line().endswith("processor=unknown context=0 vram=0.0GiB")


def test_a_model_that_cannot_be_loaded_is_found_with_an_unknown_processor() -> None:
    found = check({"rules": [{"do": "runner_crash", "when": {"path": "/api/generate"}}]})
    assert (found.found, found.processor) == (True, "unknown")
    assert "could not be loaded" in found.detail
    assert "ollama run" in found.mend
    assert found.blocking() is None


@pytest.mark.parametrize("path", ["/api/tags", "/api/ps"])
def test_a_hanging_server_does_not_hang_the_check(path: str) -> None:
    found = check({"rules": [{"do": "hang_before_headers", "when": {"path": path}}]})
    assert found.processor == "unknown"


def test_the_key_shows_in_no_repr_no_error_and_no_cause() -> None:
    server = OllamaServer({"rules": [{"do": "echo_key", "when": {"path": "/api/chat"}}]})
    model = Ollama("http://127.0.0.1:1", MODEL, key=CANARY)
    assert CANARY not in repr(model) + repr(model._client) + str(model._client.headers)
    (error,) = talk(server, lambda s: Ollama(s.url, MODEL, key=CANARY, timeouts=QUICK), ask())
    assert server.asks[0]["headers"]["authorization"] == f"Bearer {CANARY}"
    seen: BaseException | None = error if isinstance(error, BaseException) else None
    assert seen is not None
    while seen is not None:
        assert CANARY not in f"{seen} {seen!r} {vars(seen)}"
        seen = seen.__cause__ or seen.__context__
