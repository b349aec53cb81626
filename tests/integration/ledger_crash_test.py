"""A gateway that is killed at any moment loses no call that its caller has the
end of, writes none down twice, and has charged to budgets what it has written
down."""

import os
import random
import threading
import unittest

from tests.integration import http_calls
from tests.integration import ledger_case
from tests.integration.http_calls import RawConnection, chat
from tests.integration.ledger_case import of_type

_RUNS = int(os.environ.get("LEDGER_CRASH_RUNS", "20"))
_CALLERS = 8
_SEED = 14


class _Callers:
    """Calls until the gateway is gone; keeps what was acknowledged."""

    def __init__(self, address):
        self.acknowledged = []
        self._address = address
        self._enough = threading.Semaphore(0)
        self._threads = [threading.Thread(target=self._call, args=(number,))
                         for number in range(_CALLERS)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, count):
        for _ in range(count):
            if not self._enough.acquire(timeout=http_calls.TIMEOUT_S):
                raise TimeoutError("the gateway answers nobody")

    def join(self):
        for thread in self._threads:
            thread.join()

    def _call(self, number):
        try:
            with RawConnection(self._address) as connection:
                for i in range(100000):
                    stream = (number + i) % 2 == 1
                    connection.send(http_calls.request_bytes(
                        chat("gpt-x", stream=stream)))
                    answer = connection.read_answer()
                    if answer.status != 200:
                        continue
                    if stream and b"[DONE]" not in answer.body:
                        continue
                    self.acknowledged.append(
                        answer.headers["x-llmgateway-exchange-entry-id"])
                    self._enough.release()
        except (EOFError, OSError, ValueError):
            pass


class LedgerCrashTest(ledger_case.LedgerCase):

    ledger = ledger_case.LedgerCase.ledger + """\
budgets:
  rules:
    - {name: all, unit: total_tokens, limit: 1000000000}
"""

    def test_nothing_acknowledged_is_lost_and_nothing_is_there_twice(self):
        dice = random.Random(_SEED)
        acknowledged = []
        for _ in range(_RUNS):
            gateway = self.start()
            callers = _Callers(gateway.http)
            callers.wait_for(dice.randrange(1, 60))
            gateway.kill()
            callers.join()
            acknowledged += callers.acknowledged
        # Closes what the last one has left.
        self.start().stop()
        entries = self.entries()
        exchanges = of_type(entries, "EXCHANGE")
        decisions = {entry["id"]: entry["decision"] for entry in exchanges}
        self.assertEqual(
            {decisions.get(exchange) for exchange in acknowledged},
            {"SUCCESS"})
        closed = [entry["metadata"]["dispatch_entry_id"]
                  for entry in exchanges]
        self.assertEqual(len(set(closed)), len(closed))
        self.assertEqual(
            set(closed),
            {entry["id"] for entry in of_type(entries, "DISPATCH")})
        for entry in exchanges:
            if entry["decision"] == "UNKNOWN":
                own = entry["metadata"]["gateway"]
                self.assertTrue(own["estimated"])
                self.assertGreater(own["usage"]["input_tokens"], 0)
        self._check_budgets(entries, exchanges)

    def _check_budgets(self, entries, exchanges):
        charged = {"input_tokens": 0, "output_tokens": 0, "turns": 0}
        for debit in of_type(entries, "BUDGET_DEBIT"):
            for change in debit["metadata"]["gateway"]["budgets"]:
                self.assertEqual(change["budget"], "all")
                for what in charged:
                    charged[what] += change[what]
        written = {"turns": len(exchanges)}
        for what in ("input_tokens", "output_tokens"):
            written[what] = sum(
                entry["metadata"]["gateway"]["usage"].get(what, 0)
                for entry in exchanges)
        self.assertEqual(charged, written)


if __name__ == "__main__":
    unittest.main()
