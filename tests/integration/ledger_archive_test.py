"""Months of a ledger go into files, while gateways write on."""

import glob
import json
import os
import subprocess
import tempfile

import unittest

from tests.integration import grpc_caller
from tests.integration import ledger_case
from tests.integration.ledger_case import Callers
from tests.testing.gateway_process import GatewayProcess
from tests.testing.postgres_process import PostgresProcess

_GATEWAYCTL = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "clients", "cli",
    "gatewayctl")
_ADMIN = "/llmgateway.v1.AdminService/"
_LEDGER = """\
ledger:
  postgres: {connection: "%s", join_interval: 1s}
"""
# What was written so far, as if it were two months ago. A commit's time is not
# among what is hashed.
_TWO_MONTHS_AGO = """\
DO $$
DECLARE
  begins timestamptz := date_trunc('month', now() AT TIME ZONE 'UTC')
    AT TIME ZONE 'UTC' - interval '2 months';
  partition text := to_char(begins AT TIME ZONE 'UTC', '"commits_"YYYY_MM');
BEGIN
  SET search_path TO llm_gateway;
  SET timezone TO 'UTC';
  EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF commits FOR '
    'VALUES FROM (%L) TO (%L)', partition, begins,
    begins + interval '1 month');
  UPDATE commits SET time = begins + interval '5 days';
END $$
"""


class LedgerArchiveTest(ledger_case.LedgerCase):

    def setUp(self):
        super().setUp()
        self.postgres = PostgresProcess()
        self.addCleanup(self.postgres.close)
        folder = tempfile.TemporaryDirectory(prefix="archive")
        self.addCleanup(folder.cleanup)
        self.archive = os.path.join(folder.name, "archive")
        self.caller = grpc_caller.GrpcCaller()
        self.addCleanup(self.caller.close)
        self.replicas = 0

    def start_replica(self):
        self.replicas += 1
        gateway = GatewayProcess(
            self.config.format(upstream=self.upstream.address) +
            "runtime: {state_dir: '%s-%d'}\n" % (self.state, self.replicas) +
            _LEDGER % self.postgres.conninfo, env=self.env)
        self.addCleanup(gateway.kill)
        return gateway

    def gatewayctl(self, *words):
        return subprocess.run(
            [_GATEWAYCTL, "ledger", *words], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, check=False)

    def by_postgres(self, *words):
        """What gatewayctl says of the database, as JSON."""
        done = self.gatewayctl(*words, "--postgres", self.postgres.conninfo,
                               "--output", "json")
        self.assertEqual(done.stderr, "")
        return done.returncode, json.loads(done.stdout)

    def archive_before(self):
        return self.by_postgres(
            "archive", "--before",
            self.postgres.ask("SELECT to_char(now() AT TIME ZONE 'UTC', "
                              "'YYYY-MM')"), "--out", self.archive)

    def archived_entries(self):
        """All that is in files, by chains; each is verified."""
        chains = {}
        manifests = [json.load(open(path, encoding="utf-8"))
                     for path in glob.glob(self.archive + "/*.manifest.json")]
        for manifest in sorted(manifests, key=lambda each:
                               each["first_entry"]):
            with open(os.path.join(self.archive, manifest["file"]),
                      encoding="utf-8") as file:
                entries = [json.loads(line) for line in file]
            self.assertEqual(len(entries), manifest["count"])
            chains.setdefault(manifest["chain"], []).extend(entries)
        for entries in chains.values():
            ledger_case.verify(self, entries)
        return chains

    def test_calls_go_on_while_months_are_archived(self):
        gateways = [self.start_replica(), self.start_replica()]
        callers = [Callers(gateway.http) for gateway in gateways]
        for each in callers:
            each.wait_for(30)
        files = 0
        for _ in range(3):
            self.postgres.ask(_TWO_MONTHS_AGO)
            code, done = self.archive_before()
            self.assertEqual(code, 0, done)
            self.assertEqual(len(done["dropped"]), 1)
            files += len(done["archived"])
            for each in callers:
                each.wait_for(20)
        for each in callers:
            each.stop()
        code, verified = self.by_postgres("verify", "--archive", self.archive)
        self.assertEqual(code, 0, verified)
        self.assertGreater(int(verified["archived_entries"]), 0)
        chains = self.archived_entries()
        self.assertEqual(
            sum(len(entries) for entries in chains.values()),
            int(verified["archived_entries"]))
        # What is in files and what is in the database are all, once.
        left = [json.loads(line) for line in self.gatewayctl(
            "export", "--postgres",
            self.postgres.conninfo).stdout.splitlines()]
        ids = [entry["id"] for entries in [left, *chains.values()]
               for entry in entries]
        self.assertEqual(len(set(ids)), len(ids))
        self.assertEqual(len(ids), int(verified["checked_entries"]))
        self.assertLessEqual({each for group in callers
                              for each in group.acknowledged}, set(ids))
        self.ask_of_archived(gateways, chains, left)
        for gateway in gateways:
            gateway.stop()
        self.start_again(int(verified["checked_entries"]))

    def ask_of_archived(self, gateways, chains, left):
        """What gateways say of what is in files, and of what is not."""
        archived = chains["1"][3]["id"]
        for gateway in gateways:
            told = self.caller.call(gateway.admin, _ADMIN + "GetLedgerEntry",
                                    {"id": archived})
            self.assertEqual(told.end["code"], "NOT_FOUND", told.end)
            self.assertIn("older entries are in archives",
                          told.end["message"])
            found = self.caller.call(gateway.admin, _ADMIN + "GetLedgerEntry",
                                     {"id": left[-1]["id"]})
            self.assertEqual(found.end["code"], "OK", found.end)
            page = self.caller.call(gateway.admin, _ADMIN + "QueryLedger",
                                    {"page_size": 1000})
            self.assertLessEqual(
                {entry["id"] for entry in page.response["entries"]},
                {entry["id"] for entry in left})
            verified = self.caller.start(
                gateway.admin, _ADMIN + "VerifyLedger", {}, stream=True)
            verified.wait()
            self.assertTrue(verified.events[-1]["valid"], verified.events[-1])
            self.assertEqual(int(verified.events[-1]["archived_entries"]),
                             sum(len(each) for each in chains.values()))
        got = self.gatewayctl("get", archived, "--archive", self.archive)
        self.assertIn(archived, got.stdout)

    def start_again(self, entries):
        """A gateway that has nothing goes on with the first chain."""
        gateway = self.start_replica()
        opened = gateway.wait_for_log(msg="The ledger is open")
        self.assertEqual(opened["chain"], 1)
        callers = Callers(gateway.http)
        callers.wait_for(10)
        callers.stop()
        gateway.stop()
        code, verified = self.by_postgres("verify", "--archive", self.archive)
        self.assertEqual(code, 0, verified)
        self.assertGreaterEqual(int(verified["checked_entries"]), entries + 20)

    def test_what_is_in_an_archive_is_proven_and_verified(self):
        gateway = self.start_replica()
        callers = Callers(gateway.http)
        callers.wait_for(20)
        callers.stop()
        gateway.stop()
        self.postgres.ask(_TWO_MONTHS_AGO)
        code, done = self.archive_before()
        self.assertEqual(code, 0, done)
        [piece] = done["archived"]
        entry = self.archived_entries()["1"][7]
        proof = self.gatewayctl("prove", entry["id"], "--archive",
                                self.archive)
        self.assertEqual(proof.returncode, 0, proof)
        proof = json.loads(proof.stdout)
        self.assertEqual(proof["entry"], entry)
        self.assertEqual(proof["root"], piece["merkle_root"])
        path = os.path.join(self.archive, "proof.json")

        def check(root=piece["merkle_root"]):
            with open(path, "w", encoding="utf-8") as file:
                json.dump(proof, file)
            return self.gatewayctl("prove", "--check", path, "--root", root)

        checked = check()
        self.assertEqual(checked.returncode, 0, checked)
        self.assertIn("valid: %s is entry 8 under this root, of" % entry["id"],
                      checked.stdout)
        self.assertEqual(check("a" * 64).returncode, 1)
        proof["entry"]["reason"] += "!"
        checked = check()
        self.assertEqual(checked.returncode, 1)
        self.assertIn("it was altered", checked.stdout)

        lines = os.path.join(self.archive, piece["file"])
        with open(lines, encoding="utf-8") as file:
            before = file.read()
        with open(lines, "w", encoding="utf-8") as file:
            file.write(before.replace('"decision": "SUCCESS"',
                                      '"decision": "ERROR"', 1))
        code, found = self.by_postgres("verify")
        self.assertEqual(code, 0, "the files are another thing")
        code, found = self.by_postgres("verify", "--archive", self.archive)
        self.assertEqual(code, 1)
        self.assertIn(lines + ": line ", found["problem"])
        self.assertIn("it was altered", found["problem"])


if __name__ == "__main__":
    unittest.main()
