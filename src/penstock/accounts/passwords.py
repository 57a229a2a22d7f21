"""Passwords: Argon2id with the library's own parameters. Unknown names cost as long as known ones."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from penstock.engine.errors import UsageError

SHORTEST, LONGEST = 12, 200
_COMMON = frozenset(
    "password123 password1234 passwordpassword 123456789012 1234567890123 qwertyuiop12 qwertyuiopas administrator "
    "letmeinletmein iloveyou1234 abcdefghijkl 111111111111 000000000000 changemechange welcome12345".split()
)


def hashed(password: str, name: str) -> str:
    """What is stored. Raises UsageError for a password that is short, known to everybody, or the name."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"a password has {SHORTEST} to {LONGEST} characters; a sentence is a good one")
    plain = password.casefold()
    if plain in _COMMON or len(set(plain)) < 4 or (name.casefold() in plain and len(plain) < 2 * SHORTEST):
        raise UsageError("that password is among the first to be tried; choose another, a sentence for example")
    return hasher().hash(password)


def matches(stored: str, password: str) -> bool:
    """Whether it is the password. `stored` may be "": that takes as long, and is never right."""
    try:
        right = hasher().verify(stored or _nobody(), password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return right and bool(stored)


def outdated(stored: str) -> bool:
    """Whether it was made with weaker parameters than today's."""
    return hasher().check_needs_rehash(stored)


@cache
def hasher() -> PasswordHasher:
    """Argon2id, RFC 9106's low-memory choice: 64 MiB, three passes."""
    return PasswordHasher()


@cache
def _nobody() -> str:
    return hasher().hash("nobody has this password")
