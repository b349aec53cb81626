"""What the tests of a ledger share whose machine fails: its disk, its clock, its
file's bytes; and what must be true of it whatever that does."""

import os
import subprocess

from tests.integration import ledger_case
from tests.integration.http_calls import ask, chat
from tests.integration.ledger_case import of_type
from tests.testing.gateway_process import environment
from tests.testing.machine_faults import MachineFaults

GATEWAYCTL = os.path.join("clients", "cli", "gatewayctl")
# A gateway that serves a few callers, its code among it.
_RESIDENT_MAX = 256 << 20


def verify_file(path):
    """What `gatewayctl ledger verify` says of a ledger's file, and its code."""
    done = subprocess.run(
        [GATEWAYCTL, "ledger", "verify", path], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env=environment(), check=False)
    return done.returncode, done.stdout


class LedgerFaultCase(ledger_case.LedgerCase):

    journal = False

    def setUp(self):
        super().setUp()
        self.machine = MachineFaults(self.state, journal=self.journal)
        self.addCleanup(self.machine.close)
        self.env = {**self.env, **self.machine.env}

    def call(self, gateway, **fields):
        return ask(gateway.http, chat("gpt-x", **fields))

    def assert_alive(self, gateway):
        self.assertEqual(ask(gateway.operations, path="/livez").status, 200)
        with open("/proc/%d/status" % gateway.pid, encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        self.assertLess(int(fields["VmHWM"].split()[0]) * 1024, _RESIDENT_MAX)

    def assert_true(self, acknowledged, path=None):
        """Of a ledger that nobody writes: what callers have the end of is
        there, once; each dispatch has its exchange; and so says gatewayctl.
        Returns all entries."""
        path = path or self.path
        entries = ledger_case.read_ledger(path)
        ledger_case.verify(self, entries)
        exchanges = of_type(entries, "EXCHANGE")
        decisions = {entry["id"]: entry["decision"] for entry in exchanges}
        self.assertLessEqual(
            {decisions.get(exchange) for exchange in acknowledged},
            {"SUCCESS"})
        closed = [entry["metadata"]["dispatch_entry_id"]
                  for entry in exchanges]
        self.assertEqual(len(set(closed)), len(closed))
        self.assertEqual(
            set(closed),
            {entry["id"] for entry in of_type(entries, "DISPATCH")})
        code, said = verify_file(path)
        self.assertEqual((code, said.splitlines()[:1]), (
            0, ["valid: %d entries, 0 failures, 0 warnings" % len(entries)]))
        return entries

    def assert_asked_as_written(self, entries):
        """Nobody was asked what the ledger does not have."""
        sent = [entry for entry in of_type(entries, "EXCHANGE")
                if entry["metadata"].get("error_code") !=
                "LEDGER_UNAVAILABLE"]
        self.assertEqual(len(sent), self.upstream.stat("gpt-x", "requests"))
