from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import ollama
import pytest

from tests.stubs.ollama_server import OllamaServer
from tests.stubs.script import Script

ROOT = Path(__file__).resolve().parents[2]


def test_ollamas_own_client_understands_every_answer() -> None:
    with OllamaServer().running() as server, ollama.Client(server.url) as client:
        assert client.list().models[0].model == "qwen2.5vl:3b"
        assert client.ps().models == []
        assert client.show("llava:13b").capabilities == ["completion", "vision"]
        assert client.generate("llava:13b").done_reason == "load"
        assert client.ps().models[0].size_vram == 8 << 30
        said = client.chat("llava:13b", [{"role": "user", "content": "id=1 nonce=x1"}])
        assert json.loads(said.message.content or "")["nonce"] == "x1"
        parts = list(client.chat("llava:13b", [{"role": "user", "content": "id=1"}], stream=True))
        assert len(parts) > 10
        assert (parts[-1].done, parts[-1].done_reason) == (True, "stop")
        assert parts[-1].prompt_eval_count
        assert client.generate("llava:13b", "id=2 nonce=x2").response.startswith("{")
        with pytest.raises(ollama.ResponseError, match="not found"):
            client.chat("moondream", [{"role": "user", "content": "hello"}])


def test_rules_count_only_the_calls_that_meet_their_conditions() -> None:
    script = Script.read(
        {"rules": [{"do": "b", "when": {"prompt": "x", "call": [2, 4]}}, {"do": "a", "when": {"times": 1}}]}
    )
    calls = [{"path": "/api/chat", "prompt": text, "body": "", "model": ""} for text in "xyxxxx"]
    done = [rule.do if rule else "" for rule in map(script.rule_for, calls)]
    assert done == ["a", "", "b", "", "b", ""]


def test_an_unknown_condition_in_a_script_is_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        Script.read({"rules": [{"do": "empty", "when": {"colour": "red"}}]})


@pytest.mark.parametrize("module", ["ollama_server", "openai_server"])
def test_a_server_runs_on_its_own_from_a_script_and_shows_its_record(tmp_path: Path, module: str) -> None:
    (tmp_path / "script.json").write_text(json.dumps({"models": ["mine:1b"]}), "utf-8")
    command = [sys.executable, "-m", f"tests.stubs.{module}", "--script", str(tmp_path / "script.json")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            path = "/api/tags" if module == "ollama_server" else "/v1/models"
            assert b"mine:1b" in fetch(url + path)
            assert json.loads(fetch(f"{url}/_calls"))[0]["path"] == path
        finally:
            process.terminate()


def fetch(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as response:
        body = response.read()
        assert isinstance(body, bytes)
        return body
