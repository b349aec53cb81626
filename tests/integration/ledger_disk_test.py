"""What becomes of calls, and of the ledger's file, while its disk fails: it is
slow, full, read-only, says that nothing has reached it, or the file is gone."""

import contextlib
import errno
import os
import signal
import threading
import time
import unittest

from tests.integration import http_calls
from tests.integration import ledger_fault_case
from tests.integration.grpc_caller import GrpcCaller
from tests.integration.http_calls import RawConnection, ask, chat
from tests.integration.ledger_case import Callers, of_type
from tests.integration.ledger_fault_case import verify_file
from tests.integration.samples import await_sample, sample

_CALLS = 20  # Acknowledged before a fault, and behind it.
_QUEUE = 64
_FAILING = "llmgw_ledger_failing"
_KEPT = "llmgw_ledger_kept_entries"
_WAITING = "llmgw_ledger_waiting_entries"
_INFLIGHT = 'llmgw_inflight_requests{protocol="http"}'
# So many calls each caller may leave before they are sent.
_LEFT_AT_ONCE = 100


class LedgerDiskTest(ledger_fault_case.LedgerFaultCase):

    def ledger_problem(self, gateway):
        """What GetHealth says is wrong with the ledger."""
        with GrpcCaller() as caller:
            health = caller.call(
                gateway.admin, "/llmgateway.v1.AdminService/GetHealth",
                {}).response
        return [each["problem"] for each in health["components"]
                if each["name"] == "ledger"][0]

    @contextlib.contextmanager
    def callers(self, gateway):
        """Callers who have been answered, and are stopped at the end."""
        callers = Callers(gateway.http)
        try:
            callers.wait_for(_CALLS)
            yield callers
        finally:
            callers.stop()

    def survive(self, gateway, begin, failing=True):
        """Calls go on as before once a fault is over that `begin` begins;
        meanwhile nothing is acknowledged that is not written."""
        with self.callers(gateway) as callers:
            begin()
            if failing:
                await_sample(gateway, _FAILING, 1)
            self.assert_alive(gateway)
            self.machine.heal()
            callers.wait_for(_CALLS)
            await_sample(gateway, _FAILING, 0)
        self.assert_alive(gateway)
        gateway.stop()
        entries = self.assert_true(callers.acknowledged)
        self.assertEqual(of_type(entries, "ENTRIES_LOST"), [])
        self.assert_asked_as_written(entries)
        return entries

    def test_what_a_sync_that_failed_did_not_bring_is_not_acknowledged(self):
        """The kernel forgets after one failure that there was something to
        write: to ask again is no proof."""
        gateway = self.start()
        for times in (1, 1, 3):
            with self.subTest(times=times), self.callers(gateway) as callers:
                before = sample(gateway, "llmgw_ledger_commit_failures_total")
                self.machine.fail("sync", errno.EIO, times)
                callers.wait_for(_CALLS)
                self.assertEqual(self.machine.failures_left("sync"), 0)
                self.assertGreater(
                    sample(gateway, "llmgw_ledger_commit_failures_total"),
                    before)
            self.assert_alive(gateway)
        gateway.wait_for_log(msg="The ledger cannot be written")
        gateway.wait_for_log(msg="The ledger is written again")
        gateway.stop()
        self.assert_asked_as_written(self.assert_true(callers.acknowledged))

    def test_a_disk_that_brings_nothing_any_more(self):
        gateway = self.start()
        self.survive(gateway, lambda: self.machine.fail("sync", errno.EIO))

    def test_a_disk_that_takes_no_writes(self):
        gateway = self.start()
        self.survive(gateway, lambda: self.machine.fail("write", errno.EIO))

    def test_a_disk_that_became_read_only(self):
        def begin():
            for what in ("write", "open"):
                self.machine.fail(what, errno.EROFS)
        self.survive(self.start(), begin)

    def test_a_full_disk(self):
        gateway = self.start()
        self.survive(gateway, lambda: self.machine.limit_room(9999))

    def test_a_full_disk_where_calls_go_on(self):
        gateway = self.start("ledger: {on_failure: degrade}\n")
        with self.callers(gateway) as callers:
            self.machine.limit_room(9999)
            await_sample(gateway, _FAILING, 1)
            # Of these nothing is on the disk yet.
            callers.wait_for(_CALLS)
            self.assert_alive(gateway)
            self.machine.heal()
            await_sample(gateway, _FAILING, 0)
            callers.wait_for(_CALLS)
        gateway.stop()
        entries = self.assert_true(callers.acknowledged)
        self.assert_asked_as_written(entries)

    def test_where_calls_go_on_what_has_no_room_is_told(self):
        gateway = self.start(
            "ledger: {on_failure: degrade, queue_entries_limit: %d}\n" % _QUEUE)
        with self.callers(gateway) as callers:
            self.machine.limit_room(0)
            await_sample(gateway, _FAILING, 1)
            callers.wait_for(4 * _QUEUE)
            self.assert_alive(gateway)
            lost = sample(gateway, "llmgw_ledger_lost_entries_total")
            self.assertGreater(lost, 0)
            self.machine.heal()
            await_sample(gateway, _FAILING, 0)
        lost = sample(gateway, "llmgw_ledger_lost_entries_total")
        gateway.stop()
        entries = self.entries()
        told = [entry["metadata"]["entries"]
                for entry in of_type(entries, "ENTRIES_LOST")]
        self.assertEqual(sum(told), lost)
        self.assertEqual(verify_file(self.path)[0], 0)

    def test_a_read_only_disk_is_told_at_the_start(self):
        self.start().stop()
        for what in ("write", "open"):
            self.machine.fail(what, errno.EROFS)
        with self.assertRaisesRegex(Exception, "Read-only file system"):
            self.start()
        self.machine.heal()
        gateway = self.start()
        self.assertEqual(self.call(gateway).status, 200)
        gateway.stop()
        self.assert_true([])

    def test_calls_that_go_on_wait_for_a_stalled_disk_no_longer_than_said(self):
        gateway = self.start(
            "ledger: {on_failure: degrade, commit_timeout: 100ms}\n")
        with self.callers(gateway) as callers:
            with self.machine.stalled():
                self.machine.wait_until_stalled()
                # Of these nothing is on the disk yet.
                callers.wait_for(2 * _CALLS)
                self.assertEqual(sample(gateway, _FAILING), 1)
                self.assertGreater(sample(gateway, _KEPT), _CALLS)
                gateway.wait_for_log(msg="The ledger cannot be written: "
                                     "nobody waits for it any more")
                self.assertIn("commit_timeout", self.ledger_problem(gateway))
                self.assert_alive(gateway)
            await_sample(gateway, _KEPT, 0)
            await_sample(gateway, _FAILING, 0)
            callers.wait_for(_CALLS)
        gateway.wait_for_log(msg="The ledger is written again")
        gateway.stop()
        entries = self.assert_true(callers.acknowledged)
        self.assertEqual(of_type(entries, "ENTRIES_LOST"), [])
        self.assert_asked_as_written(entries)

    def test_a_call_that_a_stalled_disk_keeps_waiting_is_refused_in_time(self):
        gateway = self.start("ledger: {commit_timeout: 100ms}\n")
        with self.callers(gateway) as callers:
            with self.machine.stalled():
                self.machine.wait_until_stalled()
                await_sample(gateway, _FAILING, 1)
                requests = self.upstream.stat("gpt-x", "requests")
                for _ in range(3):
                    refused = self.call(gateway)
                    self.assertEqual(refused.status, 503, refused.body)
                    self.assertIn("the ledger cannot be written",
                                  refused.error()["message"])
                    self.assertIn("DEADLINE_EXCEEDED",
                                  refused.error()["message"])
                    # Nobody was asked.
                    self.assertNotIn("x-should-retry", refused.headers)
                self.assertEqual(self.upstream.stat("gpt-x", "requests"),
                                 requests)
                self.assertEqual(
                    ask(gateway.operations, path="/readyz").status, 503)
            await_sample(gateway, _FAILING, 0)
            callers.wait_for(_CALLS)
        gateway.stop()
        # Closes dispatches that were under way as the disk stalled.
        self.start().stop()
        entries = self.assert_true(callers.acknowledged)
        self.assert_asked_as_written(entries)

    def test_while_the_disk_stalls_calls_wait_and_so_many_only(self):
        # For longer than it stalls.
        gateway = self.start("ledger: {queue_entries_limit: %d, "
                             "commit_timeout: 10m}\n" % _QUEUE)
        callers = Callers(gateway.http)
        callers.wait_for(_CALLS)
        answers = []
        with self.machine.stalled():
            self.machine.wait_until_stalled()
            crowd = [threading.Thread(
                target=lambda: answers.append(self.call(gateway)))
                for _ in range(2 * _QUEUE)]
            for each in crowd:
                each.start()
            await_sample(gateway, _WAITING, _QUEUE)
            self.assert_alive(gateway)
            self.assertEqual(self.upstream.stat("gpt-x", "requests"),
                             self.upstream.stat("gpt-x", "served"))
        for each in crowd:
            each.join()
        callers.wait_for(_CALLS)
        callers.stop()
        gateway.stop()
        said = [answer.status for answer in answers]
        self.assertEqual(set(said), {200, 503})
        for answer in answers:
            if answer.status == 503:
                self.assertIn("RESOURCE_EXHAUSTED", answer.error()["message"])
        entries = self.assert_true(callers.acknowledged + [
            answer.headers["x-llmgateway-exchange-entry-id"]
            for answer in answers if answer.status == 200])
        self.assert_asked_as_written(entries)

    def test_who_is_refused_does_not_wait_for_a_stalled_disk(self):
        # Whoever waits for it is not answered.
        for on_failure in ("reject", "degrade"):
            with self.subTest(on_failure=on_failure):
                gateway = self.start("ledger: {on_failure: %s, "
                                     "commit_timeout: 10m}\n" % on_failure)
                with self.machine.stalled():
                    told = self.refusals(gateway)
                    self.machine.wait_until_stalled()
                    self.assertEqual(sample(gateway, _FAILING), 0)
                    self.assert_alive(gateway)
                gateway.stop()
                entries = of_type(self.assert_true([]), "PROMPT_REJECTED")
                self.assertEqual([entry["id"] for entry in
                                  entries[-len(told):]], told)

    def refusals(self, gateway):
        """The entries that callers of each API are told, who are refused."""
        told = []
        nothing = {"model": "gpt-x"}
        for path in ("/v1/chat/completions", "/v1/messages", "/v1/responses",
                     "/v1/embeddings",
                     "/v1beta/models/gpt-x:generateContent"):
            answer = ask(gateway.http, nothing, path=path)
            self.assertEqual(answer.status, 400, answer.body)
            told.append(answer.headers["x-llmgateway-ledger-entry-id"])
        with GrpcCaller() as caller:
            for method in ("Generate", "StreamGenerate"):
                end = caller.start(
                    gateway.grpc, "/llmgateway.v1.GatewayService/" + method,
                    nothing, stream=method == "StreamGenerate").wait()
                self.assertEqual(end["code"], "INVALID_ARGUMENT")
                told.append(end["metadata"]["ledger_entry_id"])
        return told

    def test_a_caller_who_leaves_while_the_disk_stalls_leaves_nothing_open(
            self):
        gateway = self.start()
        self.assertEqual(self.call(gateway).status, 200)
        with self.machine.stalled():
            with RawConnection(gateway.http) as caller:
                caller.send(http_calls.request_bytes(chat("gpt-x")))
                self.machine.wait_until_stalled()
                caller.reset()
            self.assert_alive(gateway)
        self.assertEqual(self.call(gateway).status, 200)
        gateway.stop()
        self.assert_true([])
        # Nor is anybody asked for him.
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 2)

    def test_who_leaves_call_after_call_while_the_disk_stalls_is_refused(self):
        self.runtime = ", event_loops: 1"
        gateway = self.start()
        with self.machine.stalled(), contextlib.ExitStack() as left:
            callers = [left.enter_context(RawConnection(gateway.http))
                       for _ in range(_LEFT_AT_ONCE + 50)]
            for caller in callers:
                caller.send(http_calls.request_bytes(chat("gpt-x")))
            await_sample(gateway, _INFLIGHT, len(callers))
            self.machine.wait_until_stalled()
            for caller in callers:
                caller.reset()
        await_sample(gateway, _INFLIGHT, 0)
        refused = self.call(gateway)
        self.assertEqual(refused.status, 429, refused.body)
        self.assertIn("before they are sent", refused.error()["message"])
        self.assertEqual(refused.headers["retry-after"], "1")
        deadline = time.monotonic() + 20
        while (answer := self.call(gateway)).status != 200:
            self.assertEqual(answer.status, 429, answer.body)
            self.assertLess(time.monotonic(), deadline)
        gateway.stop()
        self.assert_true([answer.headers["x-llmgateway-exchange-entry-id"]])
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 1)

    def test_a_drain_ends_though_the_disk_stalls(self):
        self.runtime = ", drain_grace: 100ms"
        gateway = self.start()
        callers = Callers(gateway.http)
        callers.wait_for(_CALLS)
        with self.machine.stalled():
            self.machine.wait_until_stalled()
            gateway.send_signal(signal.SIGTERM)
            gateway.wait()
            callers.join()
        self.start().stop()
        self.assert_true(callers.acknowledged)

    def test_a_drain_that_a_stalled_disk_ends_tells_what_is_lost(self):
        self.runtime = ", drain_grace: 100ms"
        gateway = self.start(
            "ledger: {on_failure: degrade, commit_timeout: 100ms}\n")
        with self.machine.stalled():
            self.assertEqual(self.call(gateway).status, 200)
            self.machine.wait_until_stalled()
            gateway.send_signal(signal.SIGTERM)
            self.assertEqual(gateway.wait(), 1)
        lost = gateway.wait_for_log(msg="Entries that are not written are lost")
        # Of the dispatch, which the commit has, nobody knows.
        self.assertEqual(
            (lost["ledger_entries"], lost["ledger_entries_under_way"]), (1, 1))
        self.start().stop()
        self.assert_true([])

    def test_a_drain_tells_all_that_had_no_room_before_it_as_its_last_line(
            self):
        self.runtime = ", drain_grace: 100ms"
        gateway = self.start("ledger: {on_failure: degrade, commit_timeout: "
                             "100ms, queue_entries_limit: %d}\n" % _QUEUE)
        calls = 2 * _QUEUE
        with self.machine.stalled():
            for _ in range(calls):
                self.assertEqual(self.call(gateway).status, 200)
            self.machine.wait_until_stalled()
            gateway.send_signal(signal.SIGTERM)
            self.assertEqual(gateway.wait(), 1)
        lost = gateway.wait_for_log(msg="Entries that are not written are lost")
        self.assertEqual(
            (lost["ledger_entries"], lost["ledger_entries_under_way"]),
            (2 * calls - 1, 1))
        self.assertEqual(gateway.log_lines()[-1]["msg"], lost["msg"])

    def test_a_kill_while_the_disk_stalls_loses_nothing_acknowledged(self):
        gateway = self.start()
        callers = Callers(gateway.http)
        callers.wait_for(_CALLS)
        with self.machine.stalled():
            self.machine.wait_until_stalled()
            gateway.kill()
            callers.join()
        self.start().stop()
        self.assert_true(callers.acknowledged)

    def test_a_file_that_has_vanished_is_told_and_not_written_on(self):
        gateway = self.start()
        with self.callers(gateway) as callers:
            kept = self.path + ".kept"
            os.rename(self.path, kept)
            await_sample(gateway, _FAILING, 1)
            acknowledged = list(callers.acknowledged)
            self.assert_alive(gateway)
            requests = self.upstream.stat("gpt-x", "requests")
            refused = self.call(gateway)
            self.assertEqual(refused.status, 503, refused.body)
            self.assertIn("the ledger cannot be written",
                          refused.error()["message"])
            self.assertEqual(self.upstream.stat("gpt-x", "requests"),
                             requests)
            os.rename(kept, self.path)
            callers.wait_for(_CALLS)
        self.assertGreater(len(callers.acknowledged), len(acknowledged))
        gateway.stop()
        # Closes dispatches that were in the file all the same.
        self.start().stop()
        self.assert_asked_as_written(self.assert_true(callers.acknowledged))

    def test_what_was_answered_and_is_not_written_is_not_to_be_repeated(self):
        gateway = self.start()
        for number, (path, body) in enumerate((
                ("/v1/chat/completions", chat("gpt-x")),
                ("/v1/messages", chat("gpt-x", max_tokens=9)),
                ("/v1/responses", {"model": "gpt-x", "input": "hi"})), 1):
            self.upstream.set_script("gpt-x", [{"first_byte_delay_ms": 5000}])
            answers = []
            caller = threading.Thread(
                target=lambda path=path, body=body, answers=answers:
                answers.append(ask(gateway.http, path=path, body=body)))
            caller.start()
            self.upstream.wait_for("started", "gpt-x", number)
            kept = self.path + ".kept"
            os.rename(self.path, kept)
            caller.join()
            os.rename(kept, self.path)
            failed = answers[0]
            self.assertIn(failed.status, (503, 529), path)
            self.assertIn(b"a provider has answered the call", failed.body)
            self.assertNotIn(b"refused", failed.body)
            self.assertEqual(failed.headers["x-should-retry"], "false", path)
            await_sample(gateway, _FAILING, 0)

    def test_a_retry_that_was_not_sent_has_not_cost_anything(self):
        gateway = self.start()
        self.upstream.set_script(
            "gpt-x", [{"status": 503, "first_byte_delay_ms": 2000}, {}])
        answers = []
        caller = threading.Thread(
            target=lambda: answers.append(self.call(gateway)))
        caller.start()
        self.upstream.wait_for("started", "gpt-x")
        kept = self.path + ".kept"
        os.rename(self.path, kept)
        caller.join()
        self.assertEqual(answers[0].status, 503)
        # A provider was asked, once.
        self.assertEqual(answers[0].headers["x-should-retry"], "false")
        os.rename(kept, self.path)
        gateway.stop()
        # Closes the retry's dispatch, which is in the file all the same.
        self.start().stop()
        entries = self.assert_true([])
        self.assertEqual(
            [(entry["decision"], entry["metadata"]["error_code"])
             for entry in of_type(entries, "EXCHANGE")],
            [("ERROR", "SERVER_ERROR"), ("ERROR", "LEDGER_UNAVAILABLE")])
        self.assert_asked_as_written(entries)

    def test_a_file_that_was_removed_is_told_to_the_end_and_at_the_start(self):
        gateway = self.start()
        self.assertEqual(self.call(gateway).status, 200)
        for name in ("", "-wal", "-shm"):
            os.remove(self.path + name)
        self.assertEqual(self.call(gateway).status, 503)
        self.assert_alive(gateway)
        gateway.send_signal(signal.SIGTERM)
        self.assertEqual(gateway.wait(), 1)
        with self.assertRaisesRegex(Exception, "the ledger had 2 entries, and "
                                    "its file has 0"):
            self.start()

    def test_a_ledger_that_somebody_locks_is_waited_for_and_then_told(self):
        gateway = self.start()
        with self.callers(gateway) as callers:
            holder = self.lock()
            await_sample(gateway, _FAILING, 1)
            self.assert_alive(gateway)
            holder.rollback()
            callers.wait_for(_CALLS)
        gateway.stop()
        entries = self.assert_true(callers.acknowledged)
        self.assert_asked_as_written(entries)


if __name__ == "__main__":
    unittest.main()
