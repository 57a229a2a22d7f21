from __future__ import annotations

from pathlib import Path

from penstock.secret import secret_key


def test_a_key_is_made_once_durably_and_kept_from_others(tmp_path: Path, synced: list[Path]) -> None:
    home = tmp_path / "home"
    key = secret_key(home)
    assert secret_key(home) == key
    assert synced == [tmp_path, home / "secret.key", home]
    assert (home / "secret.key").stat().st_mode & 0o777 == 0o600
