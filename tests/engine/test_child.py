from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter

import pytest

from penstock.engine import failpoint
from penstock.engine.child import Child
from penstock.engine.child_main import FRAME_LIMIT
from penstock.engine.errors import Blocking, Died, ItemError, PenstockError, Refused, Transient, Unavailable
from penstock.engine.outcome import Done, Fail, Note, Row
from penstock.engine.pipeline import Limits
from tests.engine.children import linux, run, slow_module


def test_a_child_answers_and_is_used_again_for_the_next_item() -> None:
    async def scenario(child: Child) -> None:
        first = await child.call("score", {"id": 1, "value": "é"})
        assert first == Done(
            {"stage": "score", "value": "é", "pid": child.pid},
            makes=(Row("photo", "caption-1", {"text": "Zürich"}),),
            notes=(Note("echoed", "WARN"),),
        )
        failed = await child.call("score", {"id": 2, "do": "fail"})
        assert failed == Fail("too dark", code="dark", fields={"QC_Status": "REJECT"})
        assert (await child.call("score", {"id": 3})).fields["pid"] == first.fields["pid"]  # type: ignore[union-attr]

    run(scenario)


def test_work_on_a_batch_answers_one_outcome_per_item_or_the_batch_is_at_fault() -> None:
    async def scenario(child: Child) -> None:
        assert await child.call_batch("group", [{"n": 1}, {"n": 2}]) == [Done({"n": 1}), Done({"n": 2})]
        with pytest.raises(ItemError, match="one outcome for each of 2 items"):
            await child.call_batch("group", [{"n": 1}, {"n": 2, "skip": True}])

    run(scenario, work="tests.engine.child_work:work_batch")


def test_progress_reaches_the_parent_as_clean_text_and_keeps_the_idle_limit_away() -> None:
    notes: list[str] = []

    async def scenario(child: Child) -> None:
        assert await child.call("s", {"do": "steps", "steps": 8, "pause": 0.2}, notes.append) == Done()

    run(scenario, Limits(idle=0.8, hard=20, start=20))
    assert notes == [f"step {n} [31m" for n in range(8)]


def test_a_flood_of_progress_is_thinned_out() -> None:
    notes: list[str] = []

    async def scenario(child: Child) -> None:
        await child.call("s", {"do": "steps", "steps": 400, "pause": 0.001}, notes.append)

    run(scenario)
    assert 2 <= len(notes) < 40


def test_what_the_progress_listener_raises_is_raised_by_the_call() -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(ZeroDivisionError):
            await child.call("s", {"do": "steps", "steps": 3, "pause": 0.2}, lambda note: print(1 / 0))
        assert not child.alive

    run(scenario)


@pytest.mark.parametrize(
    ("name", "kind", "code", "permanent", "message"),
    [
        ("transient", Transient, "busy", False, "the model is busy"),
        ("item", ItemError, "empty", True, "the photo is empty"),
        ("unavailable", Unavailable, "unavailable", False, "nobody answers"),
        ("blocking", Blocking, "blocking", True, "no such table"),
        ("own", Unavailable, "cold", True, "the lamp is cold"),
        ("refused", Refused, "wrong_state", True, "not now"),
        ("bug", ItemError, "bug", True, "KeyError: 'colour'"),
        ("exit", ItemError, "bug", True, "SystemExit: 3"),
    ],
)
def test_a_raised_error_crosses_with_its_class_and_code(
    name: str, kind: type[PenstockError], code: str, permanent: bool, message: str
) -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(PenstockError) as caught:
            await child.call("s", {"do": "raise", "error": name})
        error = caught.value
        assert type(error) is kind
        assert (error.code, error.permanent, str(error)) == (
            "refused" if name == "refused" else code,
            permanent,
            message,
        )
        if isinstance(error, Transient):
            assert error.after == 7.5
        traceback = "\n".join(getattr(error, "__notes__", []))
        assert ("in _raise" in traceback) == (code == "bug")
        assert child.alive

    run(scenario)


def test_a_second_call_at_once_is_refused() -> None:
    async def scenario(child: Child) -> None:
        first = asyncio.ensure_future(child.call("s", {"do": "sleep", "seconds": 0.2}))
        await asyncio.sleep(0)
        with pytest.raises(PenstockError, match="one call at a time"):
            await child.call("s", {})
        assert await first == Done()

    run(scenario)


def test_what_the_work_prints_neither_blocks_nor_corrupts_the_answer() -> None:
    async def scenario(child: Child) -> None:
        assert await child.call("s", {"do": "flood"}) == Done({"read": ""})
        assert isinstance(await child.call("s", {}), Done)

    run(scenario)


def test_an_answer_up_to_the_limit_passes_and_a_larger_one_is_the_items_error() -> None:
    async def scenario(child: Child) -> None:
        fits = await child.call("s", {"do": "huge", "size": FRAME_LIMIT - 200})
        assert isinstance(fits, Done)
        with pytest.raises(ItemError, match="pass large data as a file") as caught:
            await child.call("s", {"do": "huge", "size": FRAME_LIMIT})
        assert caught.value.code == "answer_too_large"
        assert child.alive

    run(scenario)


@pytest.mark.parametrize("answer", ["none", "path", "nan", "surrogate"])
def test_an_answer_that_is_no_plain_data_is_a_bug_and_never_a_hang(answer: str) -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(ItemError) as caught:
            await child.call("s", {"do": "answer", "answer": answer})
        assert caught.value.code == "bug"

    run(scenario)


@pytest.mark.parametrize("value", ["x" * FRAME_LIMIT, {1, 2}, float("inf"), "\udcff"])
def test_an_item_that_cannot_be_sent_is_the_items_error_and_starts_nothing(value: object) -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(ItemError, match="cannot be sent"):
            await child.call("s", {"value": value})
        assert not child.alive

    run(scenario)


@linux
def test_memory_above_the_limit_is_a_death_with_its_cause_and_the_next_item_gets_a_fresh_worker() -> None:
    async def scenario(child: Child) -> None:
        assert await child.call("s", {"do": "allocate", "megabytes": 50}) == Done({"size": 50 << 20})
        pid = child.pid
        with pytest.raises(Died, match=r"ran out of memory \(600 MB allowed\)") as caught:
            await child.call("s", {"do": "allocate", "megabytes": 2000})
        assert caught.value.cause == "memory"
        assert await child.call("s", {"do": "allocate", "megabytes": 50}) == Done({"size": 50 << 20})
        assert child.pid != pid

    run(scenario, Limits(idle=20, hard=20, start=20, memory_mb=600))


def test_work_that_cannot_be_imported_stops_the_run_instead_of_the_items() -> None:
    for work in ("tests.engine.no_such_module:work", "tests.engine.child_work:nothing"):

        async def scenario(child: Child) -> None:
            with pytest.raises(Blocking, match=r"cannot start: .*(no_such_module|names no function)"):
                await child.call("s", {})

        run(scenario, work=work)


def test_a_missing_interpreter_stops_the_run_and_a_full_machine_pauses_it() -> None:
    async def missing(child: Child) -> None:
        with pytest.raises(Blocking, match="cannot start"):
            await child.start()

    async def full(child: Child) -> None:
        with (
            failpoint.armed("child.start=error:BlockingIOError"),
            pytest.raises(Unavailable, match="no process"),
        ):
            await child.start()
        await child.start()
        assert child.alive

    run(missing, python="/nowhere/python")
    run(full)


def test_the_failpoints_around_a_call_end_the_child_when_they_raise() -> None:
    async def scenario(child: Child) -> None:
        for name in ("child.sent", "child.answered"):
            with failpoint.armed(f"{name}=crash"), pytest.raises(failpoint.SimulatedCrash):
                await child.call("s", {})
            assert not child.alive
            assert isinstance(await child.call("s", {}), Done)

    run(scenario)


def test_a_failpoint_named_in_the_environment_fires_within_the_child(tmp_path: Path) -> None:
    body = """
        from penstock.engine.failpoint import declare, failpoint
        from penstock.engine.outcome import Done
        declare("slow.boot")
        def work(stage, item, progress):
            failpoint("slow.boot", item=item["id"])
            return Done()
        """
    how = slow_module(tmp_path, body)
    how["env"]["PENSTOCK_FAILPOINTS"] = "child.start=kill; slow.boot=crash[item=7]"

    async def scenario(child: Child) -> None:
        assert await child.call("s", {"id": 6}) == Done()
        with pytest.raises(Died, match="exit status 1") as caught:
            await child.call("s", {"id": 7})
        assert "SimulatedCrash" in caught.value.detail

    run(scenario, **how)


def test_a_child_gets_one_thread_per_library_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    monkeypatch.setenv("DATABASE_URL", "mysql://me:canary@db/photos")
    monkeypatch.setenv("KEYBOARD", "de")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    names = ["OPENAI_API_KEY", "DATABASE_URL", "KEYBOARD", "OMP_NUM_THREADS", "LAMP"]

    async def scenario(child: Child) -> None:
        seen = await child.call("s", {"do": "environment", "names": names})
        assert seen == Done(dict(zip(names, ["", "", "de", "1", "on"], strict=True)))

    run(scenario, env={"LAMP": "on"})


def test_a_child_imports_neither_asyncio_nor_psutil() -> None:
    async def scenario(child: Child) -> None:
        seen = await child.call("s", {"do": "modules"})
        assert isinstance(seen, Done)
        assert not {"asyncio", "psutil", "django"} & set(seen.fields["modules"])

    run(scenario)


def test_a_small_call_costs_well_under_a_millisecond() -> None:
    async def scenario(child: Child) -> None:
        await child.start()
        times = []
        for number in range(300):
            began = perf_counter()
            await child.call("s", {"id": number})
            times.append(perf_counter() - began)
        assert sorted(times)[len(times) // 4] < 0.001

    run(scenario)
