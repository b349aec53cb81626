"""The clock of the day is put forward or back while calls are under way: the
ledger's entries stay in their order, and what is measured is measured in steady
time."""

import datetime
import unittest

from tests.integration import http_calls
from tests.integration import ledger_fault_case
from tests.integration.grpc_caller import GrpcCaller
from tests.integration.http_calls import RawConnection, chat
from tests.integration.ledger_case import Callers, of_type

_CALLS = 20
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# Of a call whose provider answers at once.
_LATENCY_MS_MAX = 30_000
_ADMIN = "/llmgateway.v1.AdminService/"
# Back over midnight, a leap second, what a time server steps.
_STEPS = (_DAY, -_HOUR, -_DAY, -1, 1, 12 * _HOUR, -12 * _HOUR, 30 * _DAY)
_BUDGETS = """\
budgets:
  rules:
    - {name: day, unit: total_tokens, limit: 1000000000, period: day}
    - {name: all, unit: total_tokens, limit: 1000000000}
"""


class LedgerClockTest(ledger_fault_case.LedgerFaultCase):

    def latencies(self, entries):
        return [entry["metadata"]["latency_ms"]
                for entry in of_type(entries, "EXCHANGE")]

    def test_entries_keep_their_order_and_durations_are_steady(self):
        gateway = self.start()
        callers = Callers(gateway.http)
        for step in _STEPS:
            callers.wait_for(_CALLS)
            self.machine.step_clock(step)
        callers.wait_for(_CALLS)
        callers.stop()
        self.assert_alive(gateway)
        gateway.stop()
        entries = self.assert_true(callers.acknowledged)
        self.assert_asked_as_written(entries)
        for latency_ms in self.latencies(entries):
            self.assertGreaterEqual(latency_ms, 0)
            self.assertLess(latency_ms, _LATENCY_MS_MAX)
        times = [datetime.datetime.fromisoformat(entry["timestamp"])
                 for entry in entries]
        # The clock was believed, forwards and back.
        self.assertGreater(max(times) - min(times),
                           datetime.timedelta(days=28))
        self.assertNotEqual(times, sorted(times))

    def test_a_stream_under_way_lasts_as_long_as_it_did(self):
        gateway = self.start()
        self.upstream.set_script("gpt-x", {"chunks": 20, "chunk_delay_ms": 20})
        for step in (_DAY, -2 * _DAY):
            with RawConnection(gateway.http) as caller:
                caller.send(http_calls.request_bytes(
                    chat("gpt-x", stream=True)))
                caller.read_head()
                caller.read_chunk()
                self.machine.step_clock(step)
                self.assertIn(b"[DONE]", caller.read_chunks())
        gateway.stop()
        latencies = self.latencies(self.assert_true([]))
        self.assertEqual(len(latencies), 2)
        for latency_ms in latencies:
            self.assertGreater(latency_ms, 0)
            self.assertLess(latency_ms, _LATENCY_MS_MAX)

    def test_what_is_searched_by_time_is_found_whatever_its_order(self):
        gateway = self.start()
        for step in (0, _DAY, -_HOUR, -2 * _DAY):
            self.machine.step_clock(step)
            self.assertEqual(self.call(gateway).status, 200)
        written = self.count(gateway)
        self.assertEqual(written, 8)
        entries = self.entries()
        with GrpcCaller() as caller:
            for entry in entries:
                found = caller.call(
                    gateway.admin, _ADMIN + "QueryLedger",
                    {"filter": {"start_time": entry["timestamp"]}})
                self.assertEqual(
                    [each["id"] for each in found.response["entries"]],
                    [each["id"] for each in entries
                     if each["timestamp"] >= entry["timestamp"]])
        gateway.stop()

    def count(self, gateway):
        """How many entries can be found, once it is all of them."""
        with GrpcCaller() as caller:
            while True:
                found = caller.call(gateway.admin, _ADMIN + "QueryLedger", {})
                entries = found.response.get("entries", [])
                if len(entries) == 8:
                    return len(entries)

    def test_after_a_kill_the_next_one_goes_on_at_an_earlier_time(self):
        gateway = self.start()
        callers = Callers(gateway.http)
        callers.wait_for(_CALLS)
        gateway.kill()
        callers.join()
        self.machine.step_clock(-_HOUR)
        gateway = self.start()
        self.assertEqual(self.call(gateway).status, 200)
        gateway.stop()
        self.assert_true(callers.acknowledged)


class LedgerClockBudgetsTest(ledger_fault_case.LedgerFaultCase):

    ledger = ledger_fault_case.LedgerFaultCase.ledger + _BUDGETS

    def spent(self, gateway, rule):
        with GrpcCaller() as caller:
            usage = caller.call(gateway.admin, _ADMIN + "GetBudget",
                                {"rule": rule}).response["usage"]
        return int(usage.get("spent", "0"))

    def calls(self, gateway, count):
        for _ in range(count):
            self.assertEqual(self.call(gateway).status, 200)

    def test_a_new_day_has_a_budget_of_its_own_and_nothing_counts_twice(self):
        # At noon, so that an hour is of the same day.
        now = datetime.datetime.now(datetime.timezone.utc)
        noon = now.replace(hour=12, minute=0, second=0)
        self.machine.step_clock((noon - now).total_seconds())
        gateway = self.start()
        self.calls(gateway, 1)
        each = self.spent(gateway, "day")
        self.assertGreater(each, 0)
        self.calls(gateway, 2)
        self.machine.step_clock(-_HOUR)
        self.calls(gateway, 2)
        self.assertEqual(self.spent(gateway, "day"), 5 * each)
        self.machine.step_clock(_DAY)
        self.calls(gateway, 1)
        self.assertEqual(self.spent(gateway, "day"), each)
        self.assertEqual(self.spent(gateway, "all"), 6 * each)
        gateway.stop()
        # Counted anew from the ledger it is the same.
        gateway = self.start()
        self.assertEqual(self.spent(gateway, "day"), each)
        self.assertEqual(self.spent(gateway, "all"), 6 * each)
        gateway.stop()
        self.assert_true([])


if __name__ == "__main__":
    unittest.main()
