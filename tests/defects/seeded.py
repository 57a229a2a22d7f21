"""Defects that are put in on purpose: where, what stands there, what takes its place, which test must notice."""

from __future__ import annotations

from typing import NamedTuple


class Defect(NamedTuple):
    """`old` stands in `file` (below src/penstock) exactly once; with `new` in its place, `test` must fail."""

    name: str
    file: str
    old: str
    new: str
    test: str


LEDGERS = "tests/conformance/test_ledgers.py"
STORE, APPLY, SWEEP = "tests/ledger/test_store.py", "tests/ledger/test_apply.py", "tests/ledger/test_sweep.py"
LOOP = "tests/engine/test_loop.py"
DECISIONS = "tests/console/editor/test_decisions.py"

DEFECTS = (
    Defect(
        "the epoch is not checked",
        "ledger/store.py",
        'held = f"open=%s AND holder=%s AND id IN',
        'held = f"(open=%s OR 1=1) AND holder=%s AND id IN',
        f"{LEDGERS}::test_a_holder_declared_dead_cannot_even_close_its_batch",
    ),
    Defect(
        "another holder may settle",
        "ledger/store.py",
        'held = f"open=%s AND holder=%s AND id IN',
        'held = f"open=%s AND (holder=%s OR 1=1) AND id IN',
        f"{LEDGERS}::test_a_second_holder_cannot_settle_the_first_ones_batch",
    ),
    Defect(
        "a batch is freed twice",
        "ledger/sweep.py",
        "filter(id=batch.id, open=True).update(open=False) != 1",
        "filter(id=batch.id).update(open=False) != 1",
        SWEEP,
    ),
    Defect(
        "attempts are not charged at the claim",
        "ledger/rows.py",
        "batch=%s, attempts=attempts+1",
        "batch=%s",
        "tests/ledger/test_rows.py::test_a_lease_charges_an_attempt_once",
    ),
    Defect(
        "a death costs nothing",
        "engine/settle.py",
        "count = plan.deaths.get(result.item, 0) + 1",
        "count = plan.deaths.get(result.item, 0)",
        f"{STORE}::test_three_deaths_set_an_item_aside_and_cost_no_attempt",
    ),
    Defect(
        "what is given back untried is charged",
        "engine/settle.py",
        '{"attempts": result.attempt - 1, "available_at": plan.now + what.after if what.after else 0.0}',
        '{"attempts": result.attempt, "available_at": plan.now + what.after if what.after else 0.0}',
        f"{STORE}::test_what_is_given_back_untried_costs_nothing",
    ),
    Defect(
        "a barrier forgets what is leased",
        "ledger/claims.py",
        "sum(c.ready + c.leased for c in counts if",
        "sum(c.ready for c in counts if",
        f"{STORE}::test_a_barrier_stays_shut_while_anything_upstream_is_ready_leased_or_delayed",
    ),
    Defect(
        "an ordered stage runs twice at once",
        "ledger/claims.py",
        "if stage.ordered and mine.leased:",
        "if stage.ordered and mine.leased < 0:",
        f"{STORE}::test_an_ordered_stage_goes_on_in_order_after_a_batch_was_lost",
    ),
    Defect(
        "a delay is forgotten",
        "ledger/claims.py",
        "mine.not_before > now",
        "mine.not_before > now + 1e12",
        f"{STORE}::test_a_delay_is_obeyed_by_every_driver",
    ),
    Defect(
        "a pause is not heeded at the claim",
        "ledger/store.py",
        "waiting = [run for run in runs if not self.requests(run).stop]",
        "waiting = list(runs)",
        f"{LEDGERS}::test_a_pause_keeps_the_rest_and_a_resume_does_exactly_the_rest",
    ),
    Defect(
        "a merged child keeps its parent waiting",
        "ledger/apply.py",
        "        rows.lower_children(cursor, parent, 1)\n    effects",
        "        rows.lower_children(cursor, parent, 0)\n    effects",
        f"{APPLY}::test_a_merged_child_no_longer_keeps_its_parent_waiting",
    ),
    Defect(
        "children at rest do not lower their parent",
        "ledger/apply.py",
        "        rows.lower_children(cursor, parent, n)",
        "        rows.lower_children(cursor, parent, 0)",
        f"{LEDGERS}::test_a_parent_waits_for_the_rows_that_it_made",
    ),
    Defect(
        "made rows are inserted again",
        "ledger/apply.py",
        "return [made for made in made_rows if made.origin not in there]",
        "return list(made_rows)",
        f"{APPLY}::test_made_rows_exist_once_however_often_they_are_made",
    ),
    Defect(
        "a batch that fails as one is not halved",
        "engine/settle.py",
        "share = 0 if result.attempt == 1 else",
        "share = 0 if result.attempt >= 1 else",
        f"{LEDGERS}::test_a_failing_batch_is_tried_again_then_halved_until_the_culprit_is_alone",
    ),
    Defect(
        "cancellation is swallowed",
        "engine/loop.py",
        "            if abort:\n                await _cancel(held)",
        "            if abort:\n                pass",
        f"{LOOP}::test_an_abort_ends_items_in_the_middle",
    ),
    Defect(
        "what is held starts although a pause was asked for",
        "engine/loop.py",
        "            held.give_back()\n            if abort:",
        "            if abort:",
        f"{LOOP}::test_a_pause_lets_items_in_flight_end_and_gives_the_rest_back_untried",
    ),
    Defect(
        "a commit need not reach the disk",
        "settings.py",
        "PRAGMA synchronous=EXTRA",
        "PRAGMA synchronous=OFF",
        "tests/oracle/test_database.py",
    ),
    Defect(
        "side effects are not journaled before the work",
        "ledger/claims.py",
        "effects.plan(context, stage.effects(context, batch.items))",
        "stage.effects(context, batch.items)",
        "tests/ledger/test_effects.py",
    ),
    Defect(
        "a lost holder is not charged",
        "ledger/sweep.py",
        '"losses": losses + charge,',
        '"losses": losses,',
        f"{SWEEP}::test_the_attempt_of_a_lost_holder_is_refunded_and_the_loss_is_charged",
    ),
    Defect(
        "a load may look for files that are not there yet",
        "ledger/store.py",
        "if runs and any(_makes_files(one) for one in slices):",
        "if runs and False:",
        "tests/publish/test_undo.py",
    ),
    Defect(
        "counters are not written",
        "ledger/store.py",
        "                tally.write(cursor, site)",
        "                pass",
        f"{LEDGERS}::test_every_widget_goes_through_all_stages_and_waits_at_the_gate",
    ),
    Defect(
        "a heartbeat does not extend the lease",
        "ledger/store.py",
        "mine.update(until=self.clock.monotonic() + self.lease)",
        "mine.update(until=self.clock.monotonic() - 1)",
        f"{STORE}::test_a_heartbeat_extends_what_is_held_and_names_what_was_lost",
    ),
    Defect(
        "a second run may start",
        "ledger/control.py",
        "active_key=key, trigger",
        "active_key=None, trigger",
        "tests/ledger/test_control.py",
    ),
    Defect(
        "a crash in a rollback is forgotten",
        "ledger/sweep.py",
        "_attempt(done, undo_run, run,",
        "(lambda *_: None)(done, undo_run, run,",
        "tests/ledger/test_rollback.py",
    ),
    Defect(
        "a repeated edit is an edit again",
        "review/gate.py",
        "        if _decided_before(gate, item, decision_id):\n            return _row(gate, item)\n"
        '        row = _locked_row(gate, item, revision)\n        if row["state"] not in',
        '        row = _locked_row(gate, item, revision)\n        if row["state"] not in',
        f"{DECISIONS}::test_a_repeated_decision_is_the_same_decision",
    ),
    Defect(
        "what builds on an overtaken decision is carried out",
        "console/editor/decisions.py",
        "if newest is None or newest.decision_id in mine:",
        "if True or newest.decision_id in mine:",
        f"{DECISIONS}::test_a_repeated_decision_says_when_another_came_after_it",
    ),
    Defect(
        "saving stands although the approval is refused",
        "console/editor/decisions.py",
        'with write("editor.save_and_approve"):',
        "if True:",
        f"{DECISIONS}::test_saving_and_approving_is_both_or_neither",
    ),
    Defect(
        "a generated text that another row holds is saved",
        "pipelines/photos/regenerate.py",
        "        if held:\n",
        "        if False:\n",
        "tests/pipelines/photos/test_regenerate.py::test_a_text_that_another_row_got_meanwhile_is_not_saved",
    ),
    Defect(
        "more is published than was confirmed",
        "console/publishing.py",
        "if told != str(approved):",
        "if not told:",
        "tests/console/test_publishing.py::test_one_last_confirmation_publishes_exactly_what_was_counted",
    ),
)
