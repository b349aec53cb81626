"""Gateways that share budgets through a Redis, and have their ledgers in one
PostgreSQL: whatever becomes of them and of the Redis, what the ledger has is
spent, and once. docs/budgets.md tells it."""

import json
import tempfile
import unittest

from tests.integration import http_calls
from tests.integration.http_calls import chat
from tests.integration.samples import await_sample
from tests.integration.shared_budgets_case import CALL_TOKENS
from tests.integration.shared_budgets_case import SharedBudgetsCase
from tests.testing.postgres_process import PostgresProcess

_RULE = "{name: b, unit: total_tokens, limit: 1000000}"
_MONTHLY = "{name: b, unit: total_tokens, limit: 1000000, period: month}"
_ROLLING = ("{name: b, unit: total_tokens, limit: 1000000, "
            "rolling_window: 86400s}")
_LEDGER = 'ledger: {postgres: {connection: "%s", join_interval: 1s}}'


class SharedBudgetsPostgresTest(SharedBudgetsCase):

    def setUp(self):
        super().setUp()
        self.postgres = PostgresProcess()
        self.addCleanup(self.postgres.close)

    def start(self, rule, ledger=None):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="share"))
        return self.start_with(rule, _LEDGER % self.postgres.conninfo,
                               runtime=', state_dir: "%s"' % folder)

    def entries(self):
        rows = self.postgres.ask(
            "SELECT encode(texts, 'hex') FROM llm_gateway.commits")
        return [json.loads(line) for row in rows.splitlines()
                for line in bytes.fromhex(row).decode().splitlines()]

    def recorded(self):
        """The tokens that the ledger says were spent of the budget."""
        return sum(
            change["input_tokens"] + change["output_tokens"]
            for entry in self.entries()
            if entry["event_type"] == "BUDGET_DEBIT"
            for change in entry["metadata"]["gateway"]["budgets"]
            if change["budget"] == "b")

    def hang(self, gateway, calls):
        """Begins calls that do not end, and are in the ledger."""
        wanted = self.dispatches() + calls
        for _ in range(calls):
            connection = self.enterContext(
                http_calls.RawConnection(gateway.http))
            connection.send(http_calls.request_bytes(
                chat("slow", max_tokens=20)))
        while self.dispatches() < wanted:
            pass

    def dispatches(self):
        return len([entry for entry in self.entries()
                    if entry["event_type"] == "DISPATCH"])

    def test_after_all_are_killed_an_emptied_redis_forgets_nothing(self):
        gateways = self.two(_RULE)
        for gateway in gateways:
            self.spend(gateway, 10)
        self.operate(gateways[0], "AllocateBudget", rule="b", limit=800)
        self.await_usage(gateways, spent=20 * CALL_TOKENS, limit=800)
        for gateway in gateways:
            gateway.kill()
        self.redis.ask("FLUSHALL")
        gateways = self.two(_RULE)
        for gateway in gateways:
            usage = self.usage(gateway)
            self.assertEqual(usage["spent"], str(20 * CALL_TOKENS))
            self.assertEqual(usage["limit"], "800")
        # It counts once, whoever goes on with a chain.
        for gateway in gateways:
            self.spend(gateway, 2)
        self.await_usage(gateways, spent=24 * CALL_TOKENS)
        for gateway in gateways:
            gateway.stop()
        self.redis.ask("FLUSHALL")
        gateways = self.two(_RULE)
        self.await_usage(gateways, spent=24 * CALL_TOKENS)
        self.assertEqual(self.recorded(), 24 * CALL_TOKENS)

    def test_what_one_that_is_gone_has_spent_is_not_in_redis_alone(self):
        one, other = self.two(_MONTHLY)
        self.spend(one, 10)
        self.spend(other, 5)
        self.await_usage([one, other], spent=15 * CALL_TOKENS)
        one.kill()
        self.redis.ask("FLUSHALL")
        self.spend(other, 1)
        one = self.start(_MONTHLY)
        await_sample(one, "llmgw_budget_sharing_replicas", 2)
        self.await_usage([one, other], spent=16 * CALL_TOKENS)
        self.operate(one, "ResetBudget", rule="b")
        self.await_usage([one, other], spent=0)
        self.spend(other, 2)
        self.await_usage([one, other], spent=2 * CALL_TOKENS)

    def test_what_is_closed_for_one_that_was_killed_is_spent(self):
        one, other = self.two(_ROLLING)
        self.spend(one, 10)
        self.hang(one, 3)
        # Not all of it is told.
        self.spend(one, 5)
        one.kill()
        self.await_usage([other], spent=15 * CALL_TOKENS)
        one = self.start(_ROLLING)
        self.await_usage([one, other], spent=15 * CALL_TOKENS)
        # As soon as another closes what was left open, a minute later.
        closed = {"msg": "A replica has gone, and its chain was closed"}
        while not (one.log_lines(**closed) or other.log_lines(**closed)):
            self.usage(one)
        recorded = self.recorded()
        unknown = [entry for entry in self.entries()
                   if entry["event_type"] == "EXCHANGE"
                   and entry["decision"] == "UNKNOWN"]
        self.assertEqual(len(unknown), 3)
        self.await_usage([one, other], spent=recorded)
        # Who goes on with that chain counts nothing twice.
        third = self.start(_ROLLING)
        opened = third.wait_for_log(msg="The ledger is open")
        self.assertEqual(str(opened["chain"]), "1")
        self.spend(third, 1)
        self.await_usage([one, other, third], spent=recorded + CALL_TOKENS)


if __name__ == "__main__":
    unittest.main()
