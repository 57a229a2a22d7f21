"""Where Penstock lives and how it listens: `penstock.toml` in the home and the environment, one frozen Config."""

from __future__ import annotations

import getpass
import os
import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

BOUNDS: dict[str, tuple[float, float]] = {
    "port": (0, 65535),
    "cpu_slots": (1, 256),
    "model_slots": (1, 64),
    "io_slots": (1, 64),
    "lease_seconds": (1, 3600),
    "keep_days": (1, 36500),
    "keep_runs": (1, 100_000),
}
LONGEST = 100  # characters of an operator's name


class ConfigError(Exception):
    """The configuration is wrong; the message names the file, the line and the key."""

    exit_code = 2


@dataclass(frozen=True)
class Config:
    """Settings of one home. Plain data without a library: every command reads it before it does anything."""

    home: Path
    host: str = "127.0.0.1"
    port: int = 8420
    public_url: str = ""
    operator: str = field(default_factory=getpass.getuser)
    cpu_slots: int = field(default_factory=lambda: os.cpu_count() or 1)
    model_slots: int = 1
    io_slots: int = 2
    lease_seconds: float = 60.0
    keep_days: int = 90
    keep_runs: int = 20
    exiftool: str = "exiftool"

    @property
    def database(self) -> Path:
        """The embedded application database of the whole home."""
        return self.home / "data" / "review.db"

    @property
    def lanes(self) -> dict[str, int]:
        """Slots per lane of one driver."""
        return {"cpu": self.cpu_slots, "model": self.model_slots, "io": self.io_slots, "inline": 1}


KEYS = {one.name: str(one.type) for one in fields(Config) if one.name != "home"}  # key → the name of its kind


def default_home() -> Path:
    """`PENSTOCK_HOME`, else `./penstock-data` when it exists, else the platform's data folder."""
    chosen = os.environ.get("PENSTOCK_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    here = Path("penstock-data").absolute()
    if here.is_dir():
        return here
    from platformdirs import user_data_path

    return user_data_path("penstock", appauthor=False)


def load(home: Path | None = None) -> Config:
    """Read the configuration of `home`: the environment (`PENSTOCK_<KEY>`) wins over `penstock.toml`, that over the
    defaults. Raises ConfigError naming file, line and key."""
    place = (home or default_home()).expanduser().absolute()
    file = place / "penstock.toml"
    written = _read(file)
    _refuse_unknown(file, written)
    values: dict[str, Any] = {"home": place}
    for key in KEYS:
        name = f"PENSTOCK_{key.upper()}"
        if name in os.environ:
            values[key] = _value(f"environment variable {name}", key, os.environ[name])
        elif key in written:
            values[key] = _value(f"{file}{_line(file, key)}", key, written[key])
    return Config(**values)


def _refuse_unknown(file: Path, written: dict[str, Any]) -> None:
    if "home" in written:
        raise ConfigError(f"{file}{_line(file, 'home')}: `home` cannot be set in the file; use --home or PENSTOCK_HOME")
    for key in written:
        if key not in KEYS:
            known = ", ".join(sorted(KEYS))
            raise ConfigError(f"{file}{_line(file, key)}: unknown key `{key}`; known keys: {known}")


def _value(where: str, key: str, given: Any) -> Any:
    try:
        return _checked(key, given)
    except ValueError as error:
        raise ConfigError(f"{where}: `{key}`: {error}") from None


def _checked(key: str, given: Any) -> Any:
    """The value as its kind. Raises ValueError saying what is wrong with it."""
    if KEYS[key] == "str":
        return _text(key, given)
    number = _number(given, KEYS[key])
    low, high = BOUNDS[key]
    if not low <= number <= high:
        raise ValueError(f"{given} is not between {low} and {high}")
    return number


def _text(key: str, given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError(f"{given!r} is no text; write it in quotes")
    if key == "operator" and not 1 <= len(given) <= LONGEST:
        raise ValueError(f"a name has 1 to {LONGEST} characters")
    if key == "public_url" and given and not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?/?", given):
        raise ValueError(f"{given!r} is no address like https://photos.example.org")
    return given


def _number(given: Any, kind: str) -> float:
    try:
        if isinstance(given, bool):
            raise ValueError
        number = float(given)
        if kind == "float":
            return number
        if not number.is_integer():
            raise ValueError
        return int(number)
    except (TypeError, ValueError, OverflowError):
        word = "a whole number" if kind == "int" else "a number"
        raise ValueError(f"{given!r} is not {word}") from None


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from None


def _line(file: Path, key: str) -> str:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.split("=")[0].strip() == key:
            return f", line {number}"
    return ""


_current: Config | None = None


def use(config: Config) -> None:
    """Set the configuration of this process: once, before Django starts."""
    global _current
    _current = config


def current() -> Config:
    """The configuration of this process; the default home's when none was set."""
    if _current is None:
        use(load())
    assert _current is not None
    return _current
