"""Who shows no right key fills nothing: not the ledger, not the audit log, not
the traces, not the access log, whatever he is refused with."""

import json
import os
import tempfile
import time
import unittest

from tests.integration import grpc_caller
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.integration.ledger_case import of_type
from tests.integration.ledger_case import read_ledger
from tests.integration.samples import await_sample
from tests.integration.samples import sample
from tests.testing.gateway_process import GatewayProcess

_KEY = "key-of-a-caller-0123456789"
_OPERATOR = "key-of-an-operator-0123456789"
_ENV = {"KEY": _KEY, "OPERATOR": _OPERATOR}
# Of one loop, so that there are this many a second of all.
_PER_SECOND = 3
_FREE = 5  # Guesses, of which each is refused as such.
_CONFIG = """\
providers: [{name: mock, mock: {reply: "hello"}}]
routing: {default_target: mock}
auth:
  guess_limit: {failures_limit: %(free)d, base_delay: 60s}
  callers:
    api_keys:
      - {id: team, key: "env:KEY"}
      - {id: other, key: "env:KEY2", scopes: ["api:grpc"]}
  operators: {api_keys: [{id: on-call, key: "env:OPERATOR"}]}
ledger: {unknown_callers_per_second: %(each)d}
audit:
  unknown_callers_per_second: %(each)d
  bodies: [{request: true, response: true}]
tracing: {exporter: none, sampling_ratio: 0}
runtime: {event_loops: 1, state_dir: "%(state)s"}
"""
_CANARY = "canary-of-a-stranger"
_CALLS = 200
_LEFT_OUT = "llmgw_audit_unknown_callers_left_out_total"


class UnknownCallersTest(unittest.TestCase):

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="unknown")
        self.addCleanup(folder.cleanup)
        self.state = os.path.join(folder.name, "state")
        self.caller = grpc_caller.GrpcCaller()
        self.addCleanup(self.caller.close)
        self.gateway = GatewayProcess(
            _CONFIG % {"each": _PER_SECOND, "free": _FREE,
                       "state": self.state},
            env={**_ENV, "KEY2": "key-of-another-0123456789"})
        self.addCleanup(self.gateway.kill)

    def ask(self, key, body=None, **fields):
        headers = {name.replace("_", "-"): value
                   for name, value in fields.items()}
        if key is not None:
            headers["authorization"] = "Bearer " + key
        return ask(self.gateway.http, body or chat("x"), headers=headers)

    def flood(self, key="guess-%d", **fields):
        """How strangers are refused, as often as it was."""
        told = {}
        for i in range(_CALLS):
            name = "%s-%d" % (_CANARY, i)
            answer = self.ask(key and key % i, chat(name, user=name),
                              x_llmgateway_project=name,
                              x_llmgateway_agent_type=name, **fields)
            told[answer.status] = told.get(answer.status, 0) + 1
        return told

    def operate(self, method, service="AdminService", **request):
        call = self.caller.call(
            self.gateway.admin, "/llmgateway.v1.%s/%s" % (service, method),
            request, metadata=[["authorization", "Bearer " + _OPERATOR]])
        self.assertEqual(call.end["code"], "OK", call.end)
        return call.response

    def assert_few(self, count, what):
        """Those of a second at least, and not all."""
        self.assertGreaterEqual(count, _PER_SECOND, what)
        self.assertLess(count, _CALLS - _FREE, what)

    def audited(self):
        """All entries of strangers, and how many more they stand for."""
        entries = self.operate("SearchAudit", page_size=1000,
                               include_bodies=True).get("entries", [])
        strangers = [one for one in entries if not one.get("caller")]
        return strangers, sum(int(one.get("entries", 0)) for one in strangers)

    def await_equality(self, calls):
        """What calls there were is what entries there are, and what had
        none."""
        deadline = time.monotonic() + 20
        while True:
            written = sample(self.gateway, "llmgw_audit_entries_total")
            left_out = sample(self.gateway, _LEFT_OUT)
            if written + left_out == calls or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        self.assertEqual(written + left_out, calls)
        self.assertGreater(left_out, 0)
        summary = ask(self.gateway.http, path="/gateway/metrics",
                      headers={"authorization": "Bearer " + _OPERATOR}
                      ).json()["summary"]
        self.assertEqual(summary["successful_requests"] +
                         summary["failed_requests"], calls)
        return int(written)

    def test_refusals_after_too_many_guesses_are_bounded_as_those_before(self):
        told = self.flood()
        self.assertEqual(set(told), {401, 429})
        # One who has a key is served, and recorded, as before.
        self.assertEqual(self.ask(_KEY).status, 200)

        entries = of_type(read_ledger(os.path.join(self.state, "ledger.db")),
                          "PROMPT_REJECTED")
        self.assert_few(len(entries), "the ledger")

        written = self.await_equality(_CALLS + 1)
        strangers, _ = self.audited()
        self.assertEqual(len(strangers), written - 1)
        self.assert_few(len(strangers), "the audit log")
        # Nothing of what strangers say is kept.
        for one in strangers:
            self.assertNotIn("request", one)

        summed = self.operate(
            "GetCostSummary", "MetricsService",
            group_by=["CALL_DIMENSION_PROJECT", "CALL_DIMENSION_AGENT"])
        self.assertNotIn(_CANARY, json.dumps(summed))

        self.assertEqual(self.operate("ListTraces").get("traces", []), [])

    def test_the_next_entry_says_for_how_many_it_stands(self):
        self.flood(key=None)
        calls, stood_for = _CALLS, 0
        # Until a second has begun, whose first refusal has an entry.
        while not stood_for:
            self.assertEqual(self.ask(None).status, 401)
            calls += 1
            strangers, stood_for = self.audited()
        self.assertIn("before it of callers who are not known",
                      next(one for one in strangers
                           if "entries" in one)["message"])
        self.await_equality(calls)

    def test_a_stranger_has_no_trace_kept_by_saying_that_it_is_sampled(self):
        parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        self.assertEqual(self.ask(None, traceparent=parent).status, 401)
        self.assertEqual(self.ask("guess", traceparent=parent).status, 401)
        self.assertEqual(self.operate("ListTraces").get("traces", []), [])
        self.assertEqual(self.ask(_KEY, traceparent=parent).status, 200)
        self.assertEqual(len(self.operate("ListTraces")["traces"]), 1)

    def test_a_caller_who_may_not_is_known(self):
        for _ in range(2 * _PER_SECOND):
            refused = self.ask("key-of-another-0123456789")
            self.assertEqual(refused.status, 403, refused.body)
        await_sample(self.gateway, "llmgw_audit_entries_total",
                     2 * _PER_SECOND)
        entries = self.operate("SearchAudit",
                               filter={"caller": "other"})["entries"]
        self.assertEqual(len(entries), 2 * _PER_SECOND)

    def test_the_access_log_has_a_few_lines(self):
        self.flood()
        self.assertEqual(self.ask(_KEY).status, 200)
        self.gateway.wait_for_access(caller="team")
        for status in (401, 429):
            self.assertLess(
                len(self.gateway.access_lines(http_status=status)),
                _CALLS - _FREE, status)


if __name__ == "__main__":
    unittest.main()
