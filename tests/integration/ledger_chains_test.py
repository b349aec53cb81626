"""What the rpcs of the ledger say of several chains: two gateways on one
database, each asked for what both have written."""

import base64
import json
import unittest

from tests.integration import grpc_caller
from tests.integration import ledger_case
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess
from tests.testing.postgres_process import PostgresProcess

_ADMIN = "/llmgateway.v1.AdminService/"
_CALLS = 12
_LEDGER = """\
ledger:
  postgres: {connection: "%s", join_interval: 1s}
"""


class LedgerChainsTest(ledger_case.LedgerCase):

    def setUp(self):
        super().setUp()
        self.postgres = PostgresProcess()
        self.addCleanup(self.postgres.close)
        self.caller = grpc_caller.GrpcCaller()
        self.addCleanup(self.caller.close)
        self.gateways = [self.start_replica(number) for number in (1, 2)]
        # In turn, so that times of chains alternate.
        for call in range(_CALLS):
            answer = ask(self.gateways[call % 2].http,
                         chat("gpt-x" if call % 3 else "gpt-y"))
            self.assertEqual(answer.status, 200)
        rows = self.postgres.ask(
            "SELECT chain, encode(texts, 'hex') FROM llm_gateway.commits "
            "ORDER BY chain, number")
        self.lines = {"1": b"", "2": b""}
        for row in rows.splitlines():
            chain, texts = row.split("|")
            self.lines[chain] += bytes.fromhex(texts)
        self.written = {
            chain: [json.loads(line) for line in lines.splitlines()]
            for chain, lines in self.lines.items()}

    def start_replica(self, number):
        gateway = GatewayProcess(
            self.config.format(upstream=self.upstream.address) +
            "runtime: {state_dir: '%s-%d'}\n" % (self.state, number) +
            _LEDGER % self.postgres.conninfo, env=self.env)
        self.addCleanup(gateway.kill)
        return gateway

    def ask(self, gateway, method, request):
        """What it answers; the stream's messages, if it streams."""
        streams = method in ("VerifyLedger", "ExportLedger")
        call = self.caller.start(gateway.admin, _ADMIN + method, request,
                                 stream=streams)
        call.wait()
        self.assertEqual(call.end["code"], "OK", call.end)
        return call.events if streams else call.response

    def refusal(self, method, request):
        streams = method == "VerifyLedger"
        call = self.caller.start(self.gateways[0].admin, _ADMIN + method,
                                 request, stream=streams)
        call.wait()
        self.assertEqual(call.end["code"], "INVALID_ARGUMENT", call.end)
        return call.end["message"]

    def await_indexed(self):
        """Until both find all that was written, the other's, too."""
        for gateway in self.gateways:
            while int(self.ask(gateway, "QueryLedger", {}).get(
                    "indexed_entries", 0)) < 4 * _CALLS // 2:
                pass

    def pages(self, gateway, page_size, **query):
        entries = []
        token = ""
        while True:
            page = self.ask(gateway, "QueryLedger", {
                **query, "page_size": page_size, "page_token": token})
            self.assertLessEqual(len(page.get("entries", [])), page_size)
            entries += page.get("entries", [])
            token = page.get("next_page_token", "")
            if not token:
                return entries

    def test_pages_have_each_entry_of_both_once_in_the_order_of_times(self):
        self.await_indexed()
        expected = {(chain, number): entry
                    for chain, entries in self.written.items()
                    for number, entry in enumerate(entries, 1)}
        for gateway in self.gateways:
            for page_size in (1, 3, 7, 1000):
                for newest_first in (False, True):
                    found = self.pages(gateway, page_size,
                                       newest_first=newest_first)
                    places = [(entry["chain"], int(entry["number"]))
                              for entry in found]
                    self.assertEqual(sorted(places), sorted(expected))
                    for place, entry in zip(places, found):
                        self.assertEqual(json.loads(entry["json"]),
                                         expected[place])
                    times = [expected[place]["timestamp"]
                             for place in places]
                    self.assertEqual(times,
                                     sorted(times, reverse=newest_first))
            of_two = self.pages(gateway, 5, filter={
                "chain": "2", "event_types": ["EXCHANGE"], "model": "gpt-y"})
            self.assertEqual(
                [entry["id"] for entry in of_two],
                [entry["id"] for entry in self.written["2"]
                 if entry["event_type"] == "EXCHANGE" and
                 entry["metadata"]["model_id"] == "gpt-y"])
            self.assertTrue(of_two)
        token = self.ask(self.gateways[0], "QueryLedger",
                         {"page_size": 3})["next_page_token"]
        # A page goes on at the other gateway.
        self.assertEqual(
            self.ask(self.gateways[1], "QueryLedger",
                     {"page_size": 3, "page_token": token})["entries"],
            self.ask(self.gateways[0], "QueryLedger",
                     {"page_size": 3, "page_token": token})["entries"])
        self.assertIn("page_token", self.refusal("QueryLedger", {
            "page_token": token, "newest_first": True}))
        self.assertIn("page_token", self.refusal("QueryLedger", {
            "page_token": token, "filter": {"chain": "1"}}))

    def test_each_gateway_has_the_entries_of_both(self):
        for gateway in self.gateways:
            for chain, entries in self.written.items():
                for number in (1, len(entries)):
                    entry = entries[number - 1]
                    found = self.ask(gateway, "GetLedgerEntry",
                                     {"id": entry["id"]})
                    self.assertEqual((found["chain"], int(found["number"])),
                                     (chain, number))
                    self.assertEqual(json.loads(found["json"]), entry)

    def test_exports_are_the_lines_of_one_chain_after_the_other(self):
        def export(gateway, **filters):
            pieces = self.ask(gateway, "ExportLedger", {"filter": filters})
            lines = b"".join(base64.b64decode(piece["lines"])
                             for piece in pieces)
            self.assertEqual(sum(int(piece["entries"]) for piece in pieces),
                             lines.count(b"\n"))
            return lines

        for gateway in self.gateways:
            self.assertEqual(export(gateway),
                             self.lines["1"] + self.lines["2"])
            self.assertEqual(export(gateway, chain="2"), self.lines["2"])
            exchanges = [json.loads(line) for line in export(
                gateway, event_types=["EXCHANGE"]).splitlines()]
            self.assertEqual(
                exchanges, [entry for entries in self.written.values()
                            for entry in entries
                            if entry["event_type"] == "EXCHANGE"])

    def test_both_verify_all_chains_and_what_joins_them(self):
        while int(self.postgres.ask(
                "SELECT count(*) FROM llm_gateway.joins "
                "WHERE text LIKE '%%\"entries\": %d%%'"
                % len(self.written["2"]))) == 0:
            pass
        for gateway in self.gateways:
            told = self.ask(gateway, "VerifyLedger", {})[-1]
            self.assertTrue(told["done"] and told["valid"], told)
            self.assertEqual(int(told["checked_entries"]), 2 * _CALLS)
            self.assertEqual(told["checked_chains"], 2)
            self.assertGreater(int(told["checked_joins"]), 0)
            one = self.ask(gateway, "VerifyLedger", {"chain": "2"})[-1]
            self.assertTrue(one["valid"], one)
            self.assertEqual(one["last_hash"],
                             self.written["2"][-1]["entry_hash"])
            behind = self.ask(gateway, "VerifyLedger",
                              {"chain": "2", "after_entry": 4})[-1]
            self.assertTrue(behind["valid"], behind)
            self.assertEqual(int(behind["checked_entries"]),
                             len(self.written["2"]) - 4)
        self.assertIn("chain", self.refusal("VerifyLedger",
                                            {"chain": "7"}))
        self.assertIn("after_entry", self.refusal("VerifyLedger",
                                                  {"after_entry": 4}))
        self.assertIn("after_entry", self.refusal(
            "VerifyLedger", {"chain": "2", "after_entry": 1000}))
        self.postgres.ask(
            "UPDATE llm_gateway.commits SET texts = set_byte(texts, 100, "
            "get_byte(texts, 100) # 1) WHERE chain = 2 AND number = 3")
        first = self.postgres.ask("SELECT first_entry FROM "
                                  "llm_gateway.commits WHERE chain = 2 "
                                  "AND number = 3")
        for gateway in self.gateways:
            told = self.ask(gateway, "VerifyLedger", {})[-1]
            self.assertFalse(told.get("valid", False), told)
            self.assertEqual(told["broken_chain"], "2")
            self.assertEqual(told["broken_entry"], first)
            self.assertIn("chain 2: the entry " + first, told["problem"])


if __name__ == "__main__":
    unittest.main()
