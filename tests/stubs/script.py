"""What a scripted model server has and does, as JSON.

    {"models": [{"name": "llava:13b", "digest": "…", "size": 8e9, "size_vram": 8e9, "context_length": 4096}],
     "loaded": false,              is the model in memory at the start?
     "token_seconds": 0.0,         pause before every token
     "load_seconds": 0.0,          pause when the model has to be loaded
     "rules": [{"when": {"prompt": "id=4711"}, "do": "runner_crash"},
               {"when": {"call": [2, 3]}, "do": "status", "status": 503, "retry_after": 2},
               {"when": {"model": "llava", "times": 1}, "do": "hang_mid_stream"}]}

`when`: all given conditions hold. `prompt`, `body`, `model` are substrings; `path` is the exact path (or else
every call that asks for text); `call` (a number or a list) is the how-manieth call that meets the other
conditions, from 1; `times` ends the rule after so many. The first rule that holds is done. What can be done:
see `model_server.py`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEFAULT_MODELS = ("qwen2.5vl:3b", "llava:13b", "llava:34b", "minicpm-v:latest", "gpt-4o-mini")


@dataclass
class Model:
    name: str
    digest: str = ""
    size: int = 8 << 30
    size_vram: int = 8 << 30
    context_length: int = 4096

    def __post_init__(self) -> None:
        self.size, self.size_vram = int(self.size), int(self.size_vram)
        self.digest = self.digest or hashlib.sha256(self.name.encode()).hexdigest()


@dataclass
class Rule:
    do: str
    when: dict[str, Any] = field(default_factory=dict)
    args: dict[str, Any] = field(default_factory=dict)
    met: int = 0
    done: int = 0

    def holds(self, call: dict[str, Any]) -> bool:
        """Whether this call is one of the rule's. Counts it when the other conditions hold."""
        if "path" in self.when and call["path"] != self.when["path"]:
            return False
        if "path" not in self.when and not (call["path"] in ASKING and call["prompt"]):
            return False  # loading a model asks for no text
        if not all(str(self.when[key]) in call[key] for key in ("prompt", "body", "model") if key in self.when):
            return False
        self.met += 1
        calls = self.when.get("call", self.met)
        if self.met not in (calls if isinstance(calls, list) else [calls]):
            return False
        return "times" not in self.when or self.done < int(self.when["times"])


ASKING = ("/api/chat", "/api/generate", "/v1/chat/completions")


@dataclass
class Script:
    models: list[Model] = field(default_factory=lambda: [Model(name) for name in DEFAULT_MODELS])
    rules: list[Rule] = field(default_factory=list)
    loaded: bool = False
    token_seconds: float = 0.0
    load_seconds: float = 0.0

    @classmethod
    def read(cls, data: dict[str, Any] | str | Path) -> Script:
        """The script in a dict or a JSON file. An unknown word is an error."""
        values: dict[str, Any]
        values = dict(data) if isinstance(data, dict) else json.loads(Path(data).read_text("utf-8"))
        if "models" in values:
            values["models"] = [Model(**(one if isinstance(one, dict) else {"name": one})) for one in values["models"]]
        values["rules"] = [_rule(dict(one)) for one in values.get("rules", [])]
        return cls(**values)

    def rule_for(self, call: dict[str, Any]) -> Rule | None:
        """The first rule that holds for `call`. Every rule counts the call."""
        holding = [rule for rule in self.rules if rule.holds(call)]
        if not holding:
            return None
        holding[0].done += 1
        return holding[0]


def _rule(data: dict[str, Any]) -> Rule:
    when = data.pop("when", {})
    unknown = when.keys() - {"prompt", "body", "model", "path", "call", "times"}
    if unknown:
        raise ValueError(f"a rule cannot depend on {sorted(unknown)}")
    return Rule(data.pop("do"), when, data)
