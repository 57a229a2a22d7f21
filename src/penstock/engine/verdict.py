"""The error boundary: turns what went wrong while working into a verdict on the item."""

from __future__ import annotations

import traceback

from penstock.engine.errors import Blocking, Died, PenstockError, Transient, Unavailable
from penstock.engine.outcome import Fail, Note, Outcome, Retry
from penstock.engine.pipeline import Stage
from penstock.engine.port import Later


def verdict(error: Exception, stage: Stage) -> Outcome | Died | Later:
    """Whose fault? The outside's (back untried), the moment's (retry), the worker's (death) or the item's (fail)."""
    if isinstance(error, Died):
        return Later() if error.cause == "aborted" else error
    if isinstance(error, Unavailable | Blocking):
        return Later(reason=str(error))
    if isinstance(error, Transient):
        if not error.burns:
            return Later(error.after or stage.backoff, str(error))
        return Retry(str(error), error.code, error.after)
    if isinstance(error, PenstockError):
        return Fail(str(error), error.code, stage.fail_fields)
    return _bug(error)


def _bug(error: Exception) -> Retry:
    """Ours: a surprise. It is tried again within the item's tries, its trace stands in the log."""
    trace = "".join(traceback.format_exception(error)).strip()
    return Retry(f"{type(error).__name__}: {error}", "bug", notes=(Note(trace, "ERROR"),))
