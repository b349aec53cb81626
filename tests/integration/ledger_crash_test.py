"""A gateway that is killed at any moment loses no call that its caller has the
end of, writes none down twice, and has charged to budgets what it has written
down."""

import os
import random
import unittest

from tests.integration import http_calls
from tests.integration import ledger_case
from tests.integration.http_calls import RawConnection, chat
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


class FallbackCrashTest(ledger_case.LedgerCase):
    """A gateway that is killed while a fallback is under way has charged the
    budgets of the targets that were asked, each its own."""

    config = """\
providers:
  - {{name: first, openai: {{base_url: "http://{upstream}/v1"}}}}
  - {{name: second, openai: {{base_url: "http://{upstream}/v1"}}}}
routing:
  model_rules:
    - {{alias: spared, targets: [first/gpt-down],
       fallbacks: [second/gpt-slow]}}
resilience: {{retry: {{attempts_limit: 1}}}}
"""
    env = {}
    ledger = ledger_case.LedgerCase.ledger + """\
budgets:
  rules:
    - {name: all, unit: total_tokens, limit: 1000000}
    - {name: providers, unit: total_tokens, limit: 1000000, per: [provider]}
    - {name: models, unit: total_tokens, limit: 1000000, per: [model]}
"""

    def test_what_was_open_is_charged_to_the_target_that_it_names(self):
        self.upstream.set_script("gpt-down", {"status": 503})
        self.upstream.set_script("gpt-slow", {"stall_before_first_byte": True})
        gateway = self.start()
        with RawConnection(gateway.http) as connection:
            connection.send(http_calls.request_bytes(chat("spared")))
            self.upstream.wait_for("started", "gpt-slow")
            gateway.kill()
        self.start().stop()
        entries = self.entries()
        charged = {}
        for debit in of_type(entries, "BUDGET_DEBIT"):
            for change in debit["metadata"]["gateway"]["budgets"]:
                name = "/".join([change["budget"],
                                 *(value for _, value
                                   in change.get("subject", []))])
                self.assertNotIn((debit["metadata"]["model_id"], name),
                                 charged)
                charged[debit["metadata"]["model_id"], name] = change["turns"]
        # The call was one, and each target was asked once.
        self.assertEqual(charged, {
            ("gpt-down", "all"): 1,
            ("gpt-down", "providers/first"): 1,
            ("gpt-down", "models/gpt-down"): 1,
            ("gpt-slow", "all"): 0,
            ("gpt-slow", "providers/second"): 1,
            ("gpt-slow", "models/gpt-slow"): 1})


if __name__ == "__main__":
    unittest.main()
