from __future__ import annotations

from tests.cli.calling import call
from tests.cli.conftest import Reviewed


def test_the_status_of_a_site_is_that_of_its_newest_run(reviewed: Reviewed) -> None:
    assert call("--json", "status", reviewed.site).data["run_id"] == reviewed.run


def test_the_status_of_everything_has_a_line_per_site(reviewed: Reviewed) -> None:
    sites = {one["site"]: one for one in call("--json", "status").data["sites"]}
    mine = sites[reviewed.site]
    assert (mine["newest_run"], mine["status"], mine["failed"]) == (reviewed.run, "completed", 1)


def test_a_site_without_a_run_has_a_status_too() -> None:
    call("site", "create", "cli-fresh", "--pipeline", "photos")
    assert call("--json", "status", "cli-fresh").data["run_id"] is None
    assert "penstock run cli-fresh" in call("status", "cli-fresh").out


def test_history_lists_runs_newest_first(reviewed: Reviewed) -> None:
    runs = call("--json", "history", reviewed.site).data["runs"]
    assert runs[-1]["run_id"] == reviewed.run
    assert [run["run_id"] for run in runs] == sorted((run["run_id"] for run in runs), reverse=True)


def test_logs_print_the_last_lines(reviewed: Reviewed) -> None:
    assert len(call("--json", "logs", reviewed.run, "-n", "3").data["lines"]) == 3
    everything = call("logs", reviewed.run, "-n", "1000").out
    assert "[ERROR] [STAGE 3/8]" in everything
    assert f"Run {reviewed.run} completed" in everything
    assert call("logs", reviewed.run, "-n", "0").out == ""


def test_a_run_with_a_failure_is_marked_as_resolved_once_and_of_its_own_site_only(reviewed: Reviewed) -> None:
    call("site", "create", "cli-else", "--pipeline", "photos")
    assert call("history", "cli-else", "--resolve", reviewed.run).code == 3
    assert call("history", reviewed.site, "--resolve", "no-such-run").code == 3
    for _ in range(2):
        assert call("--json", "history", reviewed.site, "--resolve", reviewed.run).data["resolved"] is True
    assert call("logs", reviewed.run, "-n", "1000").out.count("marked as resolved by") == 1
