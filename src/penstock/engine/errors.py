"""What can go wrong, named. The docstring is the message when none is given; retryability is on the error."""

from __future__ import annotations

from typing import Any


class PenstockError(Exception):
    """Something went wrong."""

    permanent = True  # trying again changes nothing
    code = "error"
    exit_code = 1

    def __init__(self, message: str = "", *, code: str | None = None, facts: dict[str, Any] | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        if code is not None:
            self.code = code
        self.facts = facts or {}  # for programs: what the sentence says, as data


class Transient(PenstockError):
    """It may work when it is tried again."""

    permanent = False
    burns = True  # whether it spends one of the item's tries
    code = "transient"

    def __init__(self, message: str = "", *, code: str | None = None, after: float | None = None) -> None:
        super().__init__(message, code=code)
        self.after = after  # seconds to wait; None = the stage's own back-off


class ItemError(PenstockError):
    """The item itself is at fault: it fails, the batch goes on."""

    code = "item_error"


class Unavailable(PenstockError):
    """Something outside is down: the run pauses with the reason, no attempt is burnt."""

    permanent = False
    code = "unavailable"
    exit_code = 5


class Blocking(PenstockError):
    """The run cannot go on: it ends as failed."""

    code = "blocking"


class Died(PenstockError):
    """The worker died or was ended while it held this item: a death is charged to the item."""

    permanent = False
    code = "died"

    def __init__(self, message: str = "", *, cause: str = "crashed", detail: str = "") -> None:
        super().__init__(message, code=cause)
        self.cause = cause  # crashed | idle | hard | start | memory
        self.detail = detail  # exit status and the tail of what it printed


class NotUndone(PenstockError):
    """A side effect could not be undone; recovery tries again."""

    permanent = False
    code = "not_undone"


class LeaseLost(PenstockError):
    """The batch was taken from this holder: what it brings back is not written."""

    code = "lease_lost"


class IllegalMove(PenstockError):
    """The state machine has no such move."""

    code = "wrong_state"
    exit_code = 4


class UsageError(PenstockError):
    """The command or its arguments are wrong."""

    code = "usage"
    exit_code = 2


class NotFound(PenstockError):
    """There is no such site, run or item."""

    code = "not_found"
    exit_code = 3


class Refused(PenstockError):
    """That is not allowed now."""

    code = "refused"
    exit_code = 4
