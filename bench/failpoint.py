"""What a failpoint costs while nothing is armed, against a function that does nothing: `python -m bench.failpoint`."""

from __future__ import annotations

from timeit import repeat

from penstock.engine.failpoint import failpoint

N = 200_000


def nothing(name: str, /, **context: object) -> None:
    """A call like a failpoint's, and no more."""


def best(call: object) -> float:
    """Nanoseconds of one call, at best."""
    return min(repeat(call, number=N, repeat=9)) / N * 1e9  # type: ignore[arg-type]


def main() -> None:
    """Print one line."""
    empty = best(lambda: nothing("a.b", item=7))
    point = best(lambda: failpoint("a.b", item=7))
    print(f"failpoint off: {point:.0f} ns a call, an empty call {empty:.0f} ns: {point / empty:.2f} times")


if __name__ == "__main__":
    main()
