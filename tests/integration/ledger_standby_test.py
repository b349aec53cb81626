"""A ledger in a PostgreSQL that has a standby: the server is killed under load,
and the standby takes over."""

import json
import os
import subprocess
import unittest

from tests.integration import ledger_case
from tests.integration.ledger_case import Callers
from tests.integration.ledger_case import of_type
from tests.integration.samples import await_sample
from tests.testing.gateway_process import GatewayProcess
from tests.testing.postgres_process import PostgresProcess

_GATEWAYCTL = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "clients", "cli",
    "gatewayctl")
_LEDGER = """\
ledger:
  postgres:
    connection: "host=127.0.0.1,127.0.0.1 port=%d,%d dbname=postgres user=gateway target_session_attrs=read-write"
    timeout: 20s
    join_interval: 1s
"""


class LedgerStandbyTest(ledger_case.LedgerCase):

    def setUp(self):
        super().setUp()
        self.primary = PostgresProcess()
        self.addCleanup(self.primary.close)
        self.standby = PostgresProcess(standby_of=self.primary)
        self.addCleanup(self.standby.close)
        self.primary.await_standby("async")
        self.replicas = 0

    def start_replica(self):
        self.replicas += 1
        gateway = GatewayProcess(
            self.config.format(upstream=self.upstream.address) +
            "runtime: {state_dir: '%s-%d'}\n" % (self.state, self.replicas) +
            _LEDGER % (self.primary.port, self.standby.port), env=self.env)
        self.addCleanup(gateway.kill)
        return gateway

    def chains(self):
        """The entries of each chain, by the standby."""
        chains = {}
        rows = self.standby.ask(
            "SELECT chain, encode(texts, 'hex') FROM llm_gateway.commits "
            "ORDER BY chain, number")
        for row in rows.splitlines():
            chain, texts = row.split("|")
            chains.setdefault(chain, []).extend(
                json.loads(line)
                for line in bytes.fromhex(texts).decode().splitlines())
        for entries in chains.values():
            ledger_case.verify(self, entries)
        return chains

    def verify(self):
        verified = subprocess.run(
            [_GATEWAYCTL, "ledger", "verify", "--postgres",
             self.standby.conninfo, "--output", "json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            check=False)
        self.assertEqual(verified.returncode, 0, verified)
        return json.loads(verified.stdout)

    def await_join(self):
        """Until all that is there is joined by the standby."""
        joins = "SELECT max(number) FROM llm_gateway.joins"
        last = self.standby.ask(joins)
        while self.standby.ask(joins) == last:
            pass

    def test_a_synchronous_standby_has_all_that_was_acknowledged(self):
        self.primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'",
                         "SELECT pg_reload_conf()")
        self.primary.await_standby("sync")
        gateways = [self.start_replica(), self.start_replica()]
        callers = [Callers(gateway.http) for gateway in gateways]
        for each in callers:
            each.wait_for(40)
        self.primary.kill_hard()
        self.standby.promote()
        for each in callers:
            each.wait_for(40)
        self.await_join()
        for each in callers:
            each.stop()
        for gateway in gateways:
            gateway.stop()
        entries = [entry for chain in self.chains().values()
                   for entry in chain]
        self.assertFalse(of_type(entries, "ENTRIES_LOST"))
        exchanges = of_type(entries, "EXCHANGE")
        decisions = {entry["id"]: entry["decision"] for entry in exchanges}
        self.assertEqual(len(decisions), len(exchanges))
        self.assertEqual(
            {decisions.get(each) for group in callers
             for each in group.acknowledged}, {"SUCCESS"})
        closed = [entry["metadata"]["dispatch_entry_id"]
                  for entry in exchanges]
        self.assertEqual(len(set(closed)), len(closed))
        verified = self.verify()
        self.assertEqual(verified["checked_entries"], str(len(entries)))
        self.assertEqual(verified["checked_chains"], 2)

    def test_what_a_standby_does_not_have_is_told(self):
        gateway = self.start_replica()
        callers = Callers(gateway.http)
        callers.wait_for(20)
        # From now on it follows nobody.
        self.standby.kill()
        callers.wait_for(40)
        self.primary.kill_hard()
        self.standby.start()
        self.standby.promote()
        told = gateway.wait_for_log(
            msg="The ledger has lost entries that were committed: a server "
                "has taken over that did not have them")
        after = len(callers.acknowledged)
        callers.wait_for(20)
        callers.stop()
        await_sample(gateway, "llmgw_ledger_lost_entries_total",
                     told["entries"])
        gateway.stop()
        entries = [entry for chain in self.chains().values()
                   for entry in chain]
        [loss] = of_type(entries, "ENTRIES_LOST")
        self.assertEqual(loss["metadata"]["entries"], told["entries"])
        self.assertEqual(loss["metadata"]["last_hash"], told["last_hash"])
        # No less than the exchanges of those that were acknowledged meanwhile
        # and are gone.
        there = {entry["id"] for entry in entries}
        missing = [each for each in callers.acknowledged if each not in there]
        self.assertGreater(len(missing), 0)
        self.assertLessEqual(len(missing), told["entries"])
        self.assertLessEqual(set(missing), set(callers.acknowledged[:after]))
        self.assertNotIn(told["last_hash"],
                         [entry["entry_hash"] for entry in entries])
        self.verify()


if __name__ == "__main__":
    unittest.main()
