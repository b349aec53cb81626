"""Two replicas have their ledger in one PostgreSQL: whatever happens to them,
to it and between them, each call that was acknowledged is there once."""

import json
import os
import subprocess
import unittest

from tests.integration import ledger_case
from tests.integration.ledger_case import Callers, of_type
from tests.testing import postgres_process
from tests.testing.gateway_process import GatewayProcess
from tests.testing.postgres_process import PostgresProcess

_GATEWAYCTL = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "clients", "cli",
    "gatewayctl")
_LEDGER = """\
ledger:
  postgres:
    connection: "%s"
    password: env:LEDGER_PASSWORD
    timeout: %s
    join_interval: 1s
"""
# Of which there are many while replicas start and end.
_END_SESSIONS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE application_name = 'llm-gateway ledger'")


class LedgerPostgresTest(ledger_case.LedgerCase):

    def setUp(self):
        super().setUp()
        self.postgres = PostgresProcess()
        self.addCleanup(self.postgres.close)
        self.postgres.require_password()
        self.replicas = 0

    def start_replica(self, timeout="5s"):
        self.replicas += 1
        gateway = GatewayProcess(
            self.config.format(upstream=self.upstream.address) +
            "runtime: {state_dir: '%s-%d'}\n" % (self.state, self.replicas) +
            _LEDGER % (self.postgres.conninfo, timeout),
            env={**self.env, "LEDGER_PASSWORD": postgres_process.PASSWORD})
        self.addCleanup(gateway.kill)
        return gateway

    def chains(self):
        """The entries of each chain, which is verified."""
        chains = {}
        rows = self.postgres.ask(
            "SELECT chain, number, encode(texts, 'hex') "
            "FROM llm_gateway.commits ORDER BY chain, number")
        for row in rows.splitlines():
            chain, number, texts = row.split("|")
            entries, numbers = chains.setdefault(chain, ([], []))
            numbers.append(int(number))
            entries += [json.loads(line) for line in
                        bytes.fromhex(texts).decode().splitlines()]
        for entries, numbers in chains.values():
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
            ledger_case.verify(self, entries)
        return {chain: entries for chain, (entries, _) in chains.items()}

    def gatewayctl(self, *words):
        return subprocess.run(
            [_GATEWAYCTL, "ledger", *words, "--postgres",
             self.postgres.conninfo, "--output", "json"],
            env={**os.environ, "PGPASSWORD": postgres_process.PASSWORD},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            check=False)

    def await_joins(self, count):
        wanted = int(self.postgres.ask(
            "SELECT coalesce(max(number), 0) FROM llm_gateway.joins")) + count
        while int(self.postgres.ask(
                "SELECT coalesce(max(number), 0) FROM llm_gateway.joins")
                  ) < wanted:
            pass

    def check(self, acknowledged):
        """All that was acknowledged is there once, and all is as written."""
        entries = [entry for chain in self.chains().values()
                   for entry in chain]
        exchanges = of_type(entries, "EXCHANGE")
        ids = [entry["id"] for entry in exchanges]
        self.assertEqual(len(set(ids)), len(ids))
        decisions = {entry["id"]: entry["decision"] for entry in exchanges}
        self.assertEqual({decisions.get(each) for each in acknowledged},
                         {"SUCCESS"})
        closed = [entry["metadata"]["dispatch_entry_id"]
                  for entry in exchanges]
        self.assertEqual(len(set(closed)), len(closed))
        self.assertLessEqual(
            set(closed),
            {entry["id"] for entry in of_type(entries, "DISPATCH")})
        verified = self.gatewayctl("verify")
        self.assertEqual(verified.returncode, 0, verified)
        return json.loads(verified.stdout), entries

    def test_nothing_acknowledged_is_lost_and_nothing_is_there_twice(self):
        one, two = self.start_replica(), self.start_replica()
        callers = [Callers(one.http), Callers(two.http)]

        def go_on(count=20):
            for each in callers[:2]:
                each.wait_for(count)

        go_on()
        for _ in range(3):
            self.postgres.ask(_END_SESSIONS)
            go_on()
        let_go = self.postgres.hold(
            "LOCK TABLE llm_gateway.commits IN EXCLUSIVE MODE")
        self.postgres.ask("SELECT pg_sleep(0.3)")
        let_go()
        go_on()
        self.postgres.kill()
        self.postgres.start()
        go_on()
        self.postgres.ask(
            "ALTER SYSTEM SET default_transaction_read_only = on",
            "SELECT pg_reload_conf()")
        self.postgres.ask("SELECT pg_sleep(0.3)")
        self.postgres.ask(
            "ALTER SYSTEM RESET default_transaction_read_only",
            "SELECT pg_reload_conf()")
        go_on()
        one.kill()
        callers[0].join()
        three = self.start_replica()
        callers.append(Callers(three.http))
        callers[2].wait_for(20)
        callers[1].wait_for(20)
        for each in callers[1:]:
            each.stop()
        self.await_joins(1)
        two.stop()
        three.stop()
        verified, entries = self.check(
            [each for group in callers for each in group.acknowledged])
        self.assertEqual(verified["checked_entries"], str(len(entries)))
        self.assertEqual(verified["checked_chains"], 3)
        self.assertGreater(int(verified["checked_joins"]), 0)
        self.assertNotIn(postgres_process.PASSWORD,
                         one.output + two.output + three.output)

    def test_calls_fail_while_it_is_away_and_go_on_by_themselves(self):
        gateway = self.start_replica(timeout="2s")
        callers = Callers(gateway.http)
        callers.wait_for(10)
        self.postgres.kill()
        gateway.wait_for_log(msg="The ledger cannot be written")
        self.postgres.start()
        gateway.wait_for_log(msg="The ledger is written again")
        callers.wait_for(10)
        callers.stop()
        gateway.stop()
        self.check(callers.acknowledged)

    def test_one_that_ended_is_gone_on_from(self):
        for _ in range(3):
            gateway = self.start_replica()
            callers = Callers(gateway.http)
            callers.wait_for(5)
            callers.stop()
            gateway.stop()
        self.assertEqual(list(self.chains()), ["1"])

    def test_an_altered_byte_is_found_and_named(self):
        gateway = self.start_replica()
        callers = Callers(gateway.http)
        callers.wait_for(20)
        callers.stop()
        gateway.stop()
        self.postgres.ask(
            "UPDATE llm_gateway.commits SET texts = set_byte(texts, 100, "
            "get_byte(texts, 100) # 1) WHERE number = 3")
        first = self.postgres.ask(
            "SELECT first_entry FROM llm_gateway.commits WHERE number = 3")
        verified = self.gatewayctl("verify")
        self.assertEqual(verified.returncode, 1, verified)
        found = json.loads(verified.stdout)
        self.assertEqual(found["broken_chain"], "1")
        self.assertEqual(found["broken_entry"], first)


if __name__ == "__main__":
    unittest.main()
