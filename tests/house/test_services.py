from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import KEPT
from tests.services import require, require_url


def test_a_missing_program_skips_with_a_sentence_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PENSTOCK_REQUIRE_SERVICES", raising=False)
    with pytest.raises(pytest.skip.Exception, match="the program no-such-program is not installed"):
        require("no-such-program")


def test_a_missing_program_fails_when_services_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_REQUIRE_SERVICES", "1")
    with pytest.raises(pytest.fail.Exception, match="the program no-such-program is not installed"):
        require("no-such-program")


def test_a_program_that_is_there_is_found() -> None:
    assert Path(require("sh")).exists()


def test_an_address_that_is_not_set_or_does_not_answer_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PENSTOCK_REQUIRE_SERVICES", raising=False)
    monkeypatch.delenv("PENSTOCK_TEST_NOWHERE", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Nowhere server is named by PENSTOCK_TEST_NOWHERE"):
        require_url("PENSTOCK_TEST_NOWHERE")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PENSTOCK_TEST_NOWHERE", f"redis://127.0.0.1:{closed.getsockname()[1]}/0")
        with pytest.raises(pytest.skip.Exception, match="no Nowhere server answers at"):
            require_url("PENSTOCK_TEST_NOWHERE")


def test_an_address_that_answers_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"postgresql://user@127.0.0.1:{server.getsockname()[1]}/test"
        monkeypatch.setenv("PENSTOCK_TEST_HERE", url)
        assert require_url("PENSTOCK_TEST_HERE") == url


def test_no_setting_of_the_caller_reaches_a_test(home: Path) -> None:
    assert os.environ["PENSTOCK_HOME"] == str(home)
    assert home.is_dir()
    ours = {name for name in os.environ if name.startswith("PENSTOCK_")}
    assert {name for name in ours if not name.startswith(KEPT)} == {"PENSTOCK_HOME"}


def test_the_summary_lists_what_was_skipped_for_lack_of_a_service(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_terminal_summary\n")
    (tmp_path / "test_one.py").write_text(
        "from tests.services import require\n\n\ndef test_one():\n    require('no-such-program')\n"
    )
    root = Path(__file__).resolve().parents[2]
    search = os.pathsep.join((str(root / "src"), str(root)))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": search, "PENSTOCK_REQUIRE_SERVICES": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "not checked here, for lack of a service" in ran.stdout, ran.stdout + ran.stderr
    assert "1 skipped: the program no-such-program is not installed" in ran.stdout
