"""Places where a test may make the world fail. Off, a failpoint costs less than 100 ns.

    ledger.turn.after_commit=kill@3; child.start=error:OSError; a=sleep:0.2; x.*=crash%0.1; y=count[item=7]

Actions: kill (SIGKILL to itself), crash (raises SimulatedCrash), error:NAME (builtin, of engine.errors
or module.Class), enospc, sleep:SECONDS, count. Selectors, in any number: @n (only the n-th matching hit),
%p (with probability p, drawn from PENSTOCK_FAILPOINT_SEED, the name and the number of the hit), [key=value]
(only with that context). Names may hold `*`. The API can also arm a call.
"""

from __future__ import annotations

import builtins
import errno
import importlib
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from penstock.engine import errors
from penstock.engine.errors import UsageError

_TERM = re.compile(
    r"(?P<name>[\w.*-]+)\s*=\s*(?P<action>[a-z]+)(?::(?P<argument>[\w.]+))?"
    r"(?P<selectors>(?:@\d+|%[\d.]+|\[\w+=[^\]]*\])*)"
)
_SELECTOR = re.compile(r"@(?P<nth>\d+)|%(?P<chance>[\d.]+)|\[(?P<key>\w+)=(?P<value>[^\]]*)\]")

Action = Callable[[str, Mapping[str, Any]], object]


class SimulatedCrash(BaseException):
    """The process is taken to have died here. Not an Exception, so that no boundary swallows it."""


@dataclass
class _Rule:
    pattern: str
    act: Action
    nth: int = 0  # 0 = every hit
    chance: float = 1.0
    where: dict[str, str] = field(default_factory=dict)
    matched: int = 0

    def fires(self, name: str, context: Mapping[str, Any], seed: str) -> bool:
        if any(str(context.get(key)) != value for key, value in self.where.items()):
            return False
        self.matched += 1
        if self.nth and self.matched != self.nth:
            return False
        return self.chance >= 1.0 or _draw(seed, self.pattern, name, self.matched) < self.chance


_declared: set[str] = set()
_armed: list[_Rule] = []
_hits: Counter[str] = Counter()
_lock = threading.Lock()


def declare(*names: str) -> None:
    """Make names known. A module declares its failpoints when it is imported."""
    _declared.update(names)


def declared() -> frozenset[str]:
    """Every name that may be armed."""
    return frozenset(_declared)


def failpoint(name: str, /, **context: object) -> None:
    """Fail here when a test has armed `name`; do nothing otherwise."""
    if _armed:
        _hit(name, context)


def arm(spec: str) -> None:
    """Add the rules of `spec` (see the module) to those in force. Raises UsageError and arms nothing."""
    rules = parse(spec)
    for rule in rules:
        _known(rule.pattern)
    _armed.extend(rules)


def arm_call(name: str, act: Action) -> None:
    """Call `act(name, context)` at each hit of `name`; what it raises is raised there. Raises UsageError."""
    _known(name)
    _armed.append(_Rule(name, act))


def arm_from_environment(*, strict: bool = True) -> None:
    """Arm PENSTOCK_FAILPOINTS, once all modules are imported.

    Raises UsageError; with `strict=False` names unknown here are kept, for a module that is imported later may declare
    them, or they are another process's.
    """
    rules = parse(os.environ.get("PENSTOCK_FAILPOINTS", ""))
    if strict:
        for rule in rules:
            _known(rule.pattern)
    _armed.extend(rules)


def disarm() -> None:
    """Back to normal: no rules, no counts."""
    _armed.clear()
    _hits.clear()


@contextmanager
def armed(spec: str) -> Iterator[None]:
    """`arm` for the length of a `with` block, and nothing armed after it."""
    arm(spec)
    try:
        yield
    finally:
        disarm()


def hits() -> dict[str, int]:
    """How often each failpoint was hit since anything was armed and it matched a rule."""
    return dict(_hits)


def parse(spec: str) -> list[_Rule]:
    """The rules of `spec`. Raises UsageError naming the term that cannot be read."""
    return [_parse_term(term.strip()) for term in spec.split(";") if term.strip()]


def _parse_term(term: str) -> _Rule:
    match = _TERM.fullmatch(term)
    if match is None:
        raise UsageError(f"cannot read the failpoint {term!r}; write name=action, for example child.start=kill@3")
    rule = _Rule(match["name"], _action(term, match["action"], match["argument"] or ""))
    for selector in _SELECTOR.finditer(match["selectors"]):
        if selector["nth"]:
            rule.nth = int(selector["nth"])
        elif selector["chance"]:
            rule.chance = _number(term, selector["chance"])
        else:
            rule.where[selector["key"]] = selector["value"]
    return rule


def _action(term: str, action: str, argument: str) -> Action:
    match action:
        case "kill":
            return _kill
        case "crash":
            return _crash
        case "enospc":
            return _enospc
        case "count":
            return _count
        case "sleep":
            return _sleep(_number(term, argument))
        case "error":
            return _raise(_error_class(term, argument))
    raise UsageError(f"the failpoint {term!r} has an unknown action {action!r}")


def _hit(name: str, context: Mapping[str, Any]) -> None:
    if name not in _declared:
        raise UsageError(f"the failpoint {name!r} was never declared")
    seed = os.environ.get("PENSTOCK_FAILPOINT_SEED", "0")
    with _lock:
        rules = [rule for rule in _armed if fnmatchcase(name, rule.pattern)]
        if rules:
            _hits[name] += 1
        due = [rule.act for rule in rules if rule.fires(name, context, seed)]
    for act in due:
        act(name, context)


def _kill(name: str, context: Mapping[str, Any]) -> None:
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def _crash(name: str, context: Mapping[str, Any]) -> None:
    raise SimulatedCrash(name)


def _enospc(name: str, context: Mapping[str, Any]) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)


def _count(name: str, context: Mapping[str, Any]) -> None:
    """Every armed hit is counted anyway."""


def _sleep(seconds: float) -> Action:
    stall = time.sleep  # a stall that really blocks is the point
    return lambda name, context: stall(seconds)


def _raise(kind: type[BaseException]) -> Action:
    def act(name: str, context: Mapping[str, Any]) -> None:
        told = f"failpoint {name}"
        raise OSError(errno.EIO, told) if kind is OSError else kind(told)  # real ones have a number

    return act


def _error_class(term: str, name: str) -> type[BaseException]:
    module, _, last = name.rpartition(".")
    try:
        places: list[object] = [importlib.import_module(module)] if module else [errors, builtins]
    except ImportError as error:
        raise UsageError(f"the failpoint {term!r} names a module that cannot be imported: {error}") from error
    for place in places:
        found = getattr(place, last, None)
        if isinstance(found, type) and issubclass(found, BaseException):
            return found
    raise UsageError(f"the failpoint {term!r} names no exception: {name!r}")


def _number(term: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"the failpoint {term!r} needs a number, not {text!r}") from None


def _draw(seed: str, *parts: object) -> float:
    """A number in [0, 1) that depends on nothing but its arguments, so that one seed replays a failure."""
    from hashlib import blake2b  # a child starts for every slot, and seldom with a seed

    text = "\0".join(map(str, (seed, *parts))).encode()
    return int.from_bytes(blake2b(text, digest_size=7).digest()) / 2**56


def _names(pattern: str) -> list[str]:
    return [name for name in sorted(_declared) if fnmatchcase(name, pattern)]


def _known(pattern: str) -> None:
    if not _names(pattern):
        raise UsageError(f"there is no failpoint {pattern!r}")
