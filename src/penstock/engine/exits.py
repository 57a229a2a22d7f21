"""How a process ended, in words, on every platform."""

from __future__ import annotations

import signal
from pathlib import Path

_VMSTAT = Path("/proc/vmstat")
_SHELL = 128  # a shell reports signal n as status 128 + n
_CRASH_SIGNALS = {
    "SIGSEGV": "segmentation fault",
    "SIGABRT": "abort",
    "SIGBUS": "bus error",
    "SIGILL": "illegal instruction",
    "SIGFPE": "arithmetic error",
    "SIGTRAP": "trap",
    "SIGSYS": "bad system call",
}
_CRASH_STATUSES = {  # NTSTATUS, [MS-ERREF] 2.3.1
    0xC0000005: "access violation",
    0xC0000006: "in-page error",
    0xC0000017: "no memory",
    0xC000001D: "illegal instruction",
    0xC0000094: "integer division by zero",
    0xC00000FD: "stack overflow",
    0xC0000374: "heap corruption",
    0xC0000409: "stack buffer overrun or abort",
}
_OTHER_STATUSES = {
    0xC0000135: "a DLL was not found",
    0xC000013A: "ended by Ctrl-C",
    0xC0000142: "a DLL could not start",
}


def describe_exit(code: int | None) -> str:
    """An exit status in words: negative is a signal (as in subprocess), large a Windows NTSTATUS."""
    if code is None:
        return "it had not ended yet"
    status = code & 0xFFFFFFFF
    if status >= 0xC0000000 and abs(code) > 0xFFFF:
        word = _CRASH_STATUSES.get(status) or _OTHER_STATUSES.get(status) or "unknown status"
        return f"exit status 0x{status:08X} ({word})"
    if code < 0:
        return f"ended by {_signal_words(-code)}"
    if code > _SHELL and _signal_name(code - _SHELL):
        return f"exit status {code} ({_signal_words(code - _SHELL)})"
    return f"exit status {code}"


def is_native_crash(code: int | None) -> bool:
    """Whether native code crashed, which no Python error handling could have prevented."""
    if code is None:
        return False
    if code & 0xFFFFFFFF in _CRASH_STATUSES:
        return True
    number = -code if code < 0 else code - _SHELL
    return _signal_name(number) in _CRASH_SIGNALS


def oom_kills() -> int:
    """How many processes this kernel has ended for want of memory; 0 where it does not tell."""
    try:
        lines = _VMSTAT.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def _signal_words(number: int) -> str:
    name = _signal_name(number) or f"signal {number}"
    return f"{name} ({_CRASH_SIGNALS[name]})" if name in _CRASH_SIGNALS else name


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
