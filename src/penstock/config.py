"""Where Penstock lives and how it listens: `penstock.toml` in the home and the environment, one frozen Config."""

from __future__ import annotations

import getpass
import os
import tomllib
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict


class ConfigError(Exception):
    """The configuration is wrong; the message names the file, the line and the key."""

    exit_code = 2


class Config(BaseSettings):
    """Settings of one home. Environment (`PENSTOCK_<KEY>`) wins over `penstock.toml`, that over the defaults."""

    model_config = SettingsConfigDict(env_prefix="PENSTOCK_", frozen=True, extra="forbid")

    home: Path
    host: str = "127.0.0.1"
    port: int = Field(8420, ge=0, le=65535)
    operator: str = Field(default_factory=getpass.getuser, min_length=1, max_length=100)
    cpu_slots: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    model_slots: int = Field(1, ge=1, le=64)
    io_slots: int = Field(2, ge=1, le=64)
    lease_seconds: float = Field(60.0, ge=1, le=3600)
    keep_days: int = Field(90, ge=1, le=36500)
    keep_runs: int = Field(20, ge=1, le=100_000)
    exiftool: str = "exiftool"

    @classmethod
    def settings_customise_sources(  # type: ignore[override]
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, **others: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before the file's values (which arrive as init values); the home is the caller's choice."""
        environment = others["env_settings"]
        return (lambda: {key: value for key, value in environment().items() if key != "home"}), init_settings  # type: ignore[return-value]

    @property
    def database(self) -> Path:
        """The embedded application database of the whole home."""
        return self.home / "data" / "review.db"

    @property
    def lanes(self) -> dict[str, int]:
        """Slots per lane of one driver."""
        return {"cpu": self.cpu_slots, "model": self.model_slots, "io": self.io_slots, "inline": 1}


def default_home() -> Path:
    """`PENSTOCK_HOME`, else `./penstock-data` when it exists, else the platform's data folder."""
    chosen = os.environ.get("PENSTOCK_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    here = Path("penstock-data").absolute()
    return here if here.is_dir() else user_data_path("penstock", appauthor=False)


def load(home: Path | None = None) -> Config:
    """Read the configuration of `home`. Raises ConfigError naming file, line and key."""
    place = (home or default_home()).expanduser().absolute()
    file = place / "penstock.toml"
    values = _read(file)
    if "home" in values:
        raise ConfigError(f"{file}{_line(file, 'home')}: `home` cannot be set in the file; use --home or PENSTOCK_HOME")
    try:
        return Config(**{**values, "home": place})
    except ValidationError as error:
        raise ConfigError(_sentence(file, error)) from None


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from None


def _sentence(file: Path, error: ValidationError) -> str:
    first = error.errors()[0]
    key = str(first["loc"][0]) if first["loc"] else "?"
    env = f"PENSTOCK_{key.upper()}"
    where = f"environment variable {env}" if env in os.environ else f"{file}{_line(file, key)}"
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(set(Config.model_fields) - {"home"}))
        return f"{where}: unknown key `{key}`; known keys: {known}"
    return f"{where}: `{key}`: {first['msg'].lower()}"


def _line(file: Path, key: str) -> str:
    if not file.exists():
        return ""
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
