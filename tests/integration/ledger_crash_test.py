"""A gateway that is killed at any moment loses no call that its caller has the
end of, writes none down twice, and has charged to budgets what it has written
down."""

import os
import random
import unittest

from tests.integration import ledger_case
from tests.integration.ledger_case import Callers, of_type

_RUNS = int(os.environ.get("LEDGER_CRASH_RUNS", "20"))
_SEED = 14


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
            callers = Callers(gateway.http)
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
