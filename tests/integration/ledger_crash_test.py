"""A gateway that is killed at any moment loses no call that its caller has the
end of, and writes none down twice."""

import os
import random
import unittest

from tests.integration import ledger_case
from tests.integration.ledger_case import Callers, of_type

_RUNS = int(os.environ.get("LEDGER_CRASH_RUNS", "20"))
_SEED = 14


class LedgerCrashTest(ledger_case.LedgerCase):

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


if __name__ == "__main__":
    unittest.main()
