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


FAR, FTP = "tests/adapters/remote/test_folder.py", "tests/adapters/remote/test_ftp.py"
RENDER = "tests/adapters/photo/test_render.py"
LEDGERS = "tests/conformance/test_ledgers.py"
STORE, APPLY, SWEEP = "tests/ledger/test_store.py", "tests/ledger/test_apply.py", "tests/ledger/test_sweep.py"
ROWS, ONLINE = "tests/adapters/test_servertable.py", "tests/publish/test_outbox_on_servers.py"
LOOP = "tests/engine/test_loop.py"
ACCESS = "tests/accounts/test_access.py"
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
        "hungry = [run for run in runs if not self.requests(run).stop]",
        "hungry = list(runs)",
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
        "work starts before the backlog is taken",
        "ledger/store.py",
        "running = status == RunState.RUNNING and not adopting",
        "running = status == RunState.RUNNING",
        "tests/ledger/test_adoption.py",
    ),
    Defect(
        "a killed start is not gone on with",
        "ledger/sweep.py",
        "_attempt(done, adoption.go_on, run, ledger.clock)",
        "pass",
        "tests/ledger/test_adoption.py",
    ),
    Defect(
        "files that a rollback removes may come back",
        "ledger/restoring.py",
        "        folder = folder.parent\n    sync_folder(folder)",
        "        folder = folder.parent",
        "tests/ledger/test_rollback.py",
    ),
    Defect(
        "work that never began holds its batch for ever",
        "engine/loop.py",
        "await asyncio.gather(*tasks, return_exceptions=True)",
        "await asyncio.gather(*tasks, return_exceptions=True)\n    held.tasks.clear()\n    held.results.clear()",
        "tests/engine/test_loop.py",
    ),
    Defect(
        "a row is not read back before the commit",
        "adapters/servertable.py",
        '            self._read_back(cursor, columns, row)\n            failpoint("servertable.before_commit"',
        '            failpoint("servertable.before_commit"',
        f"{ROWS}::test_a_trigger_that_changes_the_row_is_found_out_and_nothing_stays",
    ),
    Defect(
        "a row that another changed counts as ours",
        "adapters/servertable.py",
        "if not any(self.same(there, one) for one in (row, *known)):",
        "if False:",
        f"{ROWS}::test_a_row_that_somebody_changed_is_left_alone",
    ),
    Defect(
        "a name that a collation takes for ours is ours",
        "adapters/servertable.py",
        "if there[self.shape.key] != key:",
        "if False:",
        "tests/adapters/test_mysqltable.py",
    ),
    Defect(
        "a certificate is not checked",
        "adapters/mysqltable.py",
        'way = {"ssl": self.server.context()} if self.server.encrypted else {"ssl_disabled": True}',
        'way = {"ssl_disabled": True}',
        f"{ROWS}::test_the_certificate_is_checked_when_asked_for",
    ),
    Defect(
        "a refused row leaves its delivery in doubt",
        "publish/sending.py",
        'return Fail(str(error), error.code, {"outcome": ""})',
        "raise",
        f"{ONLINE}::test_a_row_that_its_column_cannot_hold_fails_alone_with_its_line_and_is_retried",
    ),
    Defect(
        "the mirror numbers its rows by itself",
        "publish/pipeline.py",
        "number = number_on_server(delivery) if delivery.target.rank == MIRROR else 0",
        "number = 0",
        f"{ONLINE}::test_a_photo_stands_on_the_server_and_in_the_mirror_under_the_servers_number",
    ),
    Defect(
        "the mirror does not wait for the server",
        "publish/history.py",
        "rank__lt=delivery.target.rank)",
        "rank__lt=min(delivery.target.rank, 1))",
        f"{ONLINE}::test_a_row_that_its_column_cannot_hold_fails_alone_with_its_line_and_is_retried",
    ),
    Defect(
        "a stranger's file on a server is written over",
        "adapters/remote/folder.py",
        "        if there and there not in self._known:",
        "        if False:",
        f"{FAR}::test_a_strangers_file_of_the_same_name_is_left_alone",
    ),
    Defect(
        "an upload is compared by its size only",
        "adapters/remote/folder.py",
        'there == Entry("file", self._size) and wire.digest(part, self._progress) == self._sha256',
        'there == Entry("file", self._size)',
        f"{FAR}::test_a_part_that_is_not_ours_is_sent_anew",
    ),
    Defect(
        "a name whose reply was lost was given by somebody else",
        "adapters/remote/folder.py",
        "        self._naming = True",
        "        self._naming = False",
        f"{FTP}::test_a_connection_that_is_cut_before_any_reply_ends_with_the_file_published_once",
    ),
    Defect(
        "a lost connection is not tried again",
        "adapters/remote/session.py",
        "WAITS = (0.2, 1.0, 3.0)",
        "WAITS = ()",
        f"{FAR}::test_a_server_that_is_killed_in_the_middle_and_starts_again_gets_the_file_once",
    ),
    Defect(
        "data connections begin a TLS session of their own",
        "adapters/remote/ftp.py",
        "session=self.sock.session",
        "session=None",
        f"{FAR}::test_a_file_is_put_once_and_putting_it_again_changes_nothing",
    ),
    Defect(
        "a certificate may be for another host",
        "adapters/remote/ftp.py",
        "    context.minimum_version = ssl.TLSVersion.TLSv1_2",
        "    context.check_hostname = False",
        f"{FTP}::test_a_certificate_of_nobody_or_for_another_name_is_refused",
    ),
    Defect(
        "an unknown host key is accepted",
        "adapters/remote/sftp.py",
        "if self._host_key and self._host_key in (",
        "if not self._host_key or self._host_key in (",
        "tests/adapters/remote/test_sftp.py::test_a_server_that_nobody_knows_is_refused_with_its_fingerprint",
    ),
    Defect(
        "the place is published unasked",
        "adapters/photo/render.py",
        'if keep_gps and facts["gps"]:',
        'if facts["gps"]:',
        f"{RENDER}::test_nothing_of_the_original_but_the_list_is_carried",
    ),
    Defect(
        "the watermark may be another than approved",
        "adapters/photo/watermark.py",
        'not path.is_file() or sha256_of(path) != mark["sha256"]',
        "not path.is_file()",
        "tests/adapters/photo/test_watermark.py::test_another_picture_than_the_approved_one_is_refused",
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
    Defect(
        "a foreign site is reached",
        "accounts/access.py",
        "found = found.filter(account__memberships__user=caller.user)",
        "found = found.filter()",
        f"{ACCESS}::test_a_foreign_site_and_a_missing_one_are_told_alike",
    ),
    Defect(
        "every role may do everything",
        "accounts/access.py",
        "return _RANKS[self] >= _RANKS[needed]",
        "return True",
        f"{ACCESS}::test_a_role_that_is_too_low_is_denied_with_both",
    ),
    Defect(
        "more credits are reserved than there are",
        "accounts/credits.py",
        "available__gte=-available, reserved__gte=-reserved",
        "reserved__gte=-reserved",
        "tests/accounts/test_credits.py::test_more_than_there_is_cannot_be_reserved_and_leaves_nothing",
    ),
    Defect(
        "a charge that is repeated counts twice",
        "accounts/credits.py",
        "done = CreditEntry.objects.filter(closes=purpose.key).first()",
        "done = CreditEntry.objects.filter(closes=purpose.key, kind='none').first()",
        "tests/accounts/test_credits.py::test_a_reservation_is_held_then_charged_with_what_it_cost_once",
    ),
    Defect(
        "a revoked token still works",
        "accounts/tokens.py",
        "if token is None or token.revoked_at or not token.user.active:",
        "if token is None or not token.user.active:",
        "tests/accounts/test_tokens.py::test_a_token_is_worth_nothing_when_it_is_over_revoked_or_its_user_is_shut_out",
    ),
    Defect(
        "a key goes to another host",
        "accounts/integrations.py",
        'if told["host"] != place.name:',
        "if False:",
        "tests/accounts/test_integrations.py::test_a_key_stays_with_its_host",
    ),
    Defect(
        "a rotation drops the old key too soon",
        "accounts/integrations.py",
        "        keyring.add_key()\n",
        "        keyring.add_key()\n        keyring.drop_old_keys()\n",
        "tests/accounts/test_integrations.py::test_rotating_encrypts_everything_anew_and_the_old_key_is_worth_nothing",
    ),
    Defect(
        "a cookie needs no CSRF token",
        "api/callers.py",
        "if found is not None and request.method not in SAFE and check_csrf(request) is not None:",
        "if False:",
        "tests/api/test_callers.py::test_a_cookie_changes_nothing_without_the_csrf_token_and_a_bearer_needs_none",
    ),
    Defect(
        "the day on which clocks go forward is skipped",
        "ledger/slots.py",
        "slot - last < REST",
        "slot - last <= REST",
        "tests/ledger/test_slots.py::test_the_day_on_which_clocks_go_forward_is_not_skipped",
    ),
    Defect(
        "a slot is taken by whoever comes",
        "ledger/schedule.py",
        "mine = Schedule.objects.filter(pk=due.pk, next_run_at=first, enabled=due.enabled)",
        "mine = Schedule.objects.filter(pk=due.pk)",
        "tests/ledger/test_schedule.py::test_many_checkers_at_once_start_one_run",
    ),
    Defect(
        "a live lock is released",
        "ledger/lock.py",
        "    if alive(run, ledger.clock):\n        raise Refused(",
        "    if False:\n        raise Refused(",
        "tests/ledger/test_lock.py::test_a_lock_that_somebody_holds_is_not_released",
    ),
)
