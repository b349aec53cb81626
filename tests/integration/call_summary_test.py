"""What calls consumed, summed: exact to the nano-dollar whatever became of
them, through a reset and a restart, by rpc and by HTTP as docs/observability.md
has it."""

import datetime
import json
import os
import tempfile
import threading
import unittest

from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.integration.http_calls import request_bytes
from tests.testing.gateway_process import LISTENERS, GatewayProcess
from tests.testing.mock_upstream import MockUpstream

_METRICS = "/llmgateway.v1.MetricsService/"
_KEYS = {"OPENAI_KEY": "key-of-openai-1234567890",
         "ANTHROPIC_KEY": "key-of-anthropic-1234567890",
         "TEAM_A": "key-of-team-a-1234567890",
         "TEAM_B": "key-of-team-b-1234567890",
         "OPS": "key-of-operators-1234567890"}
# Prices of which each call costs an odd number of nano-dollars.
_CONFIG = """\
providers:
  - name: openai
    openai: {base_url: "http://%(upstream)s/v1", api_key: "env:OPENAI_KEY"}
  - name: anthropic
    anthropic: {base_url: "http://%(upstream)s", api_key: "env:ANTHROPIC_KEY"}
routing:
  model_rules:
    - {alias: spare, targets: [openai/gpt-broken], fallbacks: [openai/gpt-b]}
    - {prefix: "claude-", targets: [anthropic]}
  default_target: openai
  selection:
    policies: [{id: chosen, target: openai/gpt-a, capabilities: [vision]}]
resilience:
  retry: {attempts_limit: 1}
  circuit_breaker: {mode: "off"}
prices:
  models:
    - {model: gpt-a, input: "0.333", output: "1.777"}
    - {model: gpt-b, input: "2.001", output: "7.003"}
    - {model: gpt-c, input: "1", output: "3"}
    - {model: gpt-broken, input: "5", output: "11"}
    - {model: claude-x, input: "3.111", output: "15.007"}
auth:
  callers:
    api_keys:
    - {id: team-a, key: "env:TEAM_A"}
    - {id: team-b, key: "env:TEAM_B"}
  operators: {api_keys: [{id: ops, key: "env:OPS"}]}
metrics: {exemplars: true, compatible_names: true}
runtime: {state_dir: "%(state)s", event_loops: 2}
""" + LISTENERS + '  admin_http: {address: "127.0.0.1:0"}\n'
_ENDLESS = {"chunks": 1000000, "chunk_bytes": 16, "chunk_delay_ms": 5}


def _usage(prompt, completion, **more):
    return {"text": "Hi", "usage": {"prompt_tokens": prompt,
                                    "completion_tokens": completion}, **more}


def _number(totals, name):
    return int(totals.get(name, 0))


class CallSummaryTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="summary")
        self.addCleanup(folder.cleanup)
        self.state = os.path.join(folder.name, "state")
        self.upstream = self.enterContext(MockUpstream())
        self.gateway = None
        self.start()

    def start(self):
        self.gateway = GatewayProcess(
            _CONFIG % {"upstream": self.upstream.address,
                       "state": self.state}, env=_KEYS)
        self.addCleanup(self.gateway.kill)

    def as_(self, who):
        return {"authorization": "Bearer " + _KEYS[who]}

    def operate(self, method, **request):
        call = self.caller.call(
            self.gateway.admin, _METRICS + method, request,
            channel=str(self.gateway.pid),
            metadata=[["authorization", "Bearer " + _KEYS["OPS"]]])
        self.assertEqual(call.end["code"], "OK", call.end)
        return call.response

    def get(self, path, who="OPS", **more):
        return ask(self.gateway.http, path=path, headers=self.as_(who), **more)

    def post(self, model, script, status=200, who="TEAM_A",
             path=http_calls.CHAT, **fields):
        """One call, until it is counted."""
        self.upstream.set_script(model, script)
        answer = ask(self.gateway.http, chat(model, **fields), path=path,
                     headers=self.as_(who))
        self.assertEqual(answer.status, status, answer.body)
        self.gateway.wait_for_access(
            request_id=answer.headers["x-request-id"])

    def leave(self, model):
        """A stream whose caller leaves in the middle of it."""
        self.upstream.set_script(model, _ENDLESS)
        before = len(self.gateway.access_lines(status="CANCELLED"))
        with RawConnection(self.gateway.http) as connection:
            connection.send(request_bytes(
                chat(model, stream=True),
                headers=["authorization: Bearer " + _KEYS["TEAM_B"]]))
            self.assertEqual(connection.read_head()[0], 200)
            connection.read_chunk()
            connection.reset()
        self.gateway.wait_for_access(model=model, status="CANCELLED")
        self.assertEqual(len(self.gateway.access_lines(status="CANCELLED")),
                         before + 1)

    def make_calls(self):
        """Eight calls of all kinds: five succeed."""
        self.post("gpt-a", _usage(31, 7))
        self.post("gpt-a", _usage(17, 3), stream=True)
        self.post("claude-x", _usage(41, 5), path="/v1/messages",
                  max_tokens=9, agent_type="reviewer", project_id="p-1")
        self.upstream.set_script("gpt-b", _usage(23, 9))
        generated = self.caller.generate(
            self.gateway.grpc, grpc_caller.prompt(
                "gpt-b", scope={"agent_type": "writer", "project_id": "p-2"}),
            channel=str(self.gateway.pid),
            metadata=[["authorization", "Bearer " + _KEYS["TEAM_B"]]])
        self.assertEqual(generated.end["code"], "OK")
        self.gateway.wait_for_access(model="gpt-b")
        self.upstream.set_script("gpt-broken", {"status": 503})
        self.post("spare", {})  # Goes on to gpt-b.
        self.leave("gpt-c")
        self.post("gpt-a", {"status": 400}, status=400)
        self.post("gpt-a", {"status": 503}, status=503)

    def logged_cost(self):
        """What the access log has of all calls, in nano-dollars."""
        return sum(line.get("cost_usd_nanos", 0)
                   for line in self.gateway.access_lines())

    def check_sums(self, cost):
        """What make_calls has left, wherever it is told."""
        summary = self.operate("GetCostSummary")
        totals = summary["totals"]
        self.assertEqual(_number(totals, "cost_usd_nanos"), cost)
        self.assertEqual(_number(totals, "succeeded_count"), 5)
        self.assertEqual(_number(totals, "failed_count"), 3)
        self.assertEqual(_number(totals, "cancelled_count"), 1)
        for dimension in ("AGENT", "PROVIDER", "MODEL", "PROJECT", "KEY",
                          "CALLER"):
            groups = self.operate(
                "GetCostSummary", bucket="BUCKET_HOUR",
                group_by=["CALL_DIMENSION_" + dimension])
            for parts in (groups["groups"], groups["buckets"]):
                self.assertEqual(
                    sum(_number(part["totals"], "cost_usd_nanos")
                        for part in parts), cost, dimension)
                self.assertEqual(
                    sum(_number(part["totals"], "succeeded_count") +
                        _number(part["totals"], "failed_count")
                        for part in parts), 8, dimension)

    def costs_by(self, dimension, field):
        groups = self.operate(
            "GetCostSummary",
            group_by=["CALL_DIMENSION_" + dimension])["groups"]
        return {group["group"].get(field, ""):
                _number(group["totals"], "cost_usd_nanos")
                for group in groups}

    def test_sums_are_exact_whatever_became_of_the_calls(self):
        self.make_calls()
        cost = self.logged_cost()
        self.assertGreater(cost, 0)
        self.check_sums(cost)
        # Worked out by hand: tokens by dollars for a million of them, in nanos.
        self.assertEqual(self.costs_by("MODEL", "model")["claude-x"],
                         41 * 3111 + 5 * 15007)
        self.assertEqual(self.costs_by("MODEL", "model")["gpt-b"],
                         2 * (23 * 2001 + 9 * 7003))
        self.assertEqual(self.costs_by("PROJECT", "project_id")["p-2"],
                         23 * 2001 + 9 * 7003)
        self.assertEqual(self.costs_by("AGENT", "agent_type")["reviewer"],
                         41 * 3111 + 5 * 15007)
        self.assertEqual(set(self.costs_by("KEY", "key")),
                         {"team-a", "team-b"})
        # As Prometheus has it.
        text = ask(self.gateway.operations, path="/metrics").body.decode()
        told = sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith("llm_cost_usd_total{"))
        self.assertAlmostEqual(told, cost / 1e9, places=9)

    def test_sums_outlast_a_restart_and_not_a_reset(self):
        self.make_calls()
        cost = self.logged_cost()
        self.gateway.stop()
        self.start()
        self.check_sums(cost)
        self.post("gpt-a", _usage(31, 7))
        more = 31 * 333 + 7 * 1777
        self.assertEqual(
            _number(self.operate("GetCostSummary")["totals"],
                    "cost_usd_nanos"), cost + more)
        counted = ask(self.gateway.operations, path="/metrics").body
        reset = self.operate("ResetMetrics")
        self.assertEqual(_number(reset["forgotten"], "cost_usd_nanos"),
                         cost + more)
        # What Prometheus reads only grows.
        self.assertIn(b"llm_cost_usd_total", counted)
        self.assertEqual(
            [line for line in ask(self.gateway.operations,
                                  path="/metrics").body.splitlines()
             if line.startswith(b"llm_cost_usd_total")],
            [line for line in counted.splitlines()
             if line.startswith(b"llm_cost_usd_total")])
        self.assertEqual(self.operate("ListRecentRequests"), {})
        self.gateway.stop()
        self.start()
        summary = self.operate("GetCostSummary")
        self.assertEqual(_number(summary["totals"], "cost_usd_nanos"), 0)
        self.assertEqual(summary["since_time"], reset["reset_time"])

    def test_an_orderly_stop_keeps_the_last_call_and_leaves_no_log_behind(self):
        self.post("gpt-a", _usage(31, 7))
        self.gateway.stop()
        self.assertEqual(
            [name for name in os.listdir(self.state) if "-wal" in name], [])
        self.start()
        self.assertEqual(
            _number(self.operate("GetCostSummary")["totals"],
                    "succeeded_count"), 1)

    def test_a_process_that_is_killed_loses_no_more_than_the_last_second(self):
        self.post("gpt-a", _usage(31, 7))
        path = os.path.join(self.state, "summary.db-wal")
        size = os.path.getsize(path)
        # A second call is in another write than the first.
        self.post("gpt-b", _usage(1, 1))
        while os.path.getsize(path) == size:
            self.operate("GetCallStatistics")
        size = os.path.getsize(path)
        self.post("gpt-c", _usage(1, 1))
        while os.path.getsize(path) == size:
            self.operate("GetCallStatistics")
        self.gateway.kill()
        self.start()
        self.assertGreaterEqual(
            _number(self.operate("GetCostSummary")["totals"],
                    "succeeded_count"), 2)

    def test_the_latest_calls_are_listed(self):
        self.make_calls()
        listed = self.operate("ListRecentRequests")
        self.assertEqual(listed["matched_count"], 8)
        self.assertEqual(len(listed["requests"]), 8)
        lines = {line["request_id"]: line
                 for line in self.gateway.access_lines()}
        for call in listed["requests"]:
            line = lines[call["request_id"]]
            self.assertEqual(call["caller"], line["caller"])
            self.assertEqual(
                int(call.get("usage", {}).get("cost_usd_nanos", 0)),
                line.get("cost_usd_nanos", 0))
        failed = self.operate("ListRecentRequests", failures_only=True,
                              limit=1)
        self.assertEqual(failed["matched_count"], 3)
        self.assertEqual(len(failed["requests"]), 1)
        mine = self.operate("ListRecentRequests",
                            filter={"project_id": "p-1"})["requests"]
        self.assertEqual([call["route"]["model"] for call in mine],
                         ["claude-x"])

    def test_other_gateways_dashboards_find_what_they_ask_for(self):
        self.make_calls()
        cost = self.logged_cost()
        self.assertEqual(self.get("/gateway/metrics", who="TEAM_A").status,
                         401)
        page = self.get("/gateway/metrics?include_project=true&"
                        "recent_limit=3").json()
        summary = page["summary"]
        self.assertEqual(summary["total_requests"], 8)
        self.assertEqual(
            (summary["successful_requests"], summary["failed_requests"]),
            (5, 3))
        self.assertAlmostEqual(summary["total_cost_usd"], cost / 1e9,
                               places=9)
        self.assertEqual(set(page["by_agent"]), {"reviewer", "writer"})
        self.assertEqual(set(page["by_project"]), {"p-1", "p-2"})
        self.assertAlmostEqual(sum(page["by_provider"].values()), cost / 1e9,
                               places=9)
        self.assertEqual(len(page["recent"]), 3)
        self.assertEqual(
            self.get("/gateway/metrics/reset", method="POST").status, 200)
        self.assertEqual(
            self.get("/gateway/metrics").json()["summary"]["total_requests"],
            0)

    def test_six_figures_of_the_last_hours(self):
        self.make_calls()
        cost = self.logged_cost()
        self.upstream.set_script("gpt-a", _usage(1, 1))
        chosen = ask(self.gateway.http, chat("any"), headers={
            **self.as_("TEAM_A"), "x-llmgateway-capabilities": "vision"})
        self.assertEqual(chosen.status, 200, chosen.body)
        self.gateway.wait_for_access(
            request_id=chosen.headers["x-request-id"])
        cost += 333 + 1777
        figures = ask(self.gateway.admin_http,
                      path="/api/admin/gateway/metrics?hours=2",
                      headers=self.as_("OPS")).json()
        self.assertEqual(figures["request_count"], 9)
        self.assertAlmostEqual(figures["error_rate"], 3 / 9)
        self.assertGreater(figures["avg_latency"], 0)
        self.assertAlmostEqual(figures["cost_per_request"], cost / 9 / 1e9,
                               places=9)
        self.assertEqual(figures["model_distribution"]["gpt-a"], 5)
        self.assertEqual(figures["capability_usage"], {"vision": 1})
        refused = ask(self.gateway.admin_http,
                      path="/api/admin/gateway/metrics?hours=169",
                      headers=self.as_("OPS"))
        self.assertEqual(refused.status, 400)

    def test_events_tell_of_calls_as_they_go(self):
        with RawConnection(self.gateway.http) as connection:
            connection.send((
                "GET /api/streams/subscribe HTTP/1.1\r\nhost: localhost\r\n"
                "authorization: Bearer %s\r\n\r\n" % _KEYS["OPS"]).encode())
            status, headers = connection.read_head()[:2]
            self.assertEqual(status, 200)
            self.assertEqual(headers["content-type"], "text/event-stream")
            self.post("gpt-a", _usage(31, 7), stream=True)
            self.post("gpt-a", {"status": 400}, status=400)
            text = b""
            while b"event: error" not in text or not text.endswith(b"\n\n"):
                text += connection.read_chunk()
            # Whoever listens holds no drain up, and sees the end.
            self.gateway.stop()
            self.assertEqual(connection.read_chunks(), b"")
        events = [(event["event"], json.loads(event["data"]))
                  for event in (dict(line.split(": ", 1)
                                     for line in block.splitlines())
                                for block in text.decode().split("\n\n")
                                if block.startswith("event"))]
        self.assertEqual([name for name, _ in events],
                         ["started", "first_token", "completed", "started",
                          "error"])
        completed = events[2][1]
        self.assertEqual(completed["model"], "gpt-a")
        self.assertAlmostEqual(completed["cost_usd"],
                               (31 * 333 + 7 * 1777) / 1e9)
        self.assertEqual(events[4][1]["error"], "INVALID_REQUEST")

    def first_event(self, watch):
        """Makes calls of team-b until the watcher is told of one: from then on
        it is told of all."""
        over = threading.Event()

        def call():
            while not over.is_set():
                ask(self.gateway.http, chat("gpt-a"),
                    headers=self.as_("TEAM_B"))

        calling = threading.Thread(target=call)
        calling.start()
        try:
            return watch.next_event()
        finally:
            over.set()
            calling.join()

    def test_usage_is_told_while_streams_go_on_and_at_their_end(self):
        watch = self.caller.start(
            self.gateway.admin, _METRICS + "WatchUsage",
            {"include_progress": True, "filter": {"key": "team-b"}},
            stream=True,
            metadata=[["authorization", "Bearer " + _KEYS["OPS"]]])
        self.upstream.set_script("gpt-a", _usage(2, 1))
        seen = self.first_event(watch)
        self.assertEqual(seen["ended"]["usage"]["cost_usd_nanos"],
                         str(2 * 333 + 1777))
        self.upstream.set_script("gpt-c", _ENDLESS)
        with RawConnection(self.gateway.http) as connection:
            connection.send(request_bytes(
                chat("gpt-c", stream=True),
                headers=["authorization: Bearer " + _KEYS["TEAM_B"]]))
            self.assertEqual(connection.read_head()[0], 200)
            event = watch.next_event()
            while "progress" not in event:
                event = watch.next_event()
            self.assertEqual(event["progress"]["caller"], "team-b")
            self.assertEqual(event["progress"]["route"]["model"], "gpt-c")
            self.assertGreater(int(event["progress"]["response_bytes"]), 0)
            connection.reset()
        line = self.gateway.wait_for_access(model="gpt-c")
        while event.get("ended", {}).get("request_id") != line["request_id"]:
            event = watch.next_event()
        self.assertEqual(
            int(event["ended"]["usage"].get("cost_usd_nanos", 0)),
            line.get("cost_usd_nanos", 0))
        watch.cancel()

    def test_who_watches_calls_is_told_how_far_streams_are(self):
        watch = self.caller.start(
            self.gateway.admin, _METRICS + "WatchRequests",
            {"include_progress": True}, stream=True,
            metadata=[["authorization", "Bearer " + _KEYS["OPS"]]])
        self.upstream.set_script("gpt-a", _usage(2, 1))
        self.first_event(watch)
        self.upstream.set_script("gpt-c", _ENDLESS)
        told = {}  # The kinds of events of each call.
        with RawConnection(self.gateway.http) as connection:
            connection.send(request_bytes(
                chat("gpt-c", stream=True),
                headers=["authorization: Bearer " + _KEYS["TEAM_B"]]))
            self.assertEqual(connection.read_head()[0], 200)
            sent = []
            while len(sent) < 2:
                for kind, event in watch.next_event().items():
                    if kind == "progress":
                        self.assertEqual(event["route"]["model"], "gpt-c")
                        self.assertEqual(event["caller"], "team-b")
                        sent.append(int(event["response_bytes"]))
                        last = event["request_id"]
                    if kind != "dropped_events":
                        told.setdefault(event["request_id"], []).append(kind)
            self.assertGreater(sent[1], sent[0])
            self.assertEqual(told[last], ["started", "first_token",
                                          "progress", "progress"])
            connection.reset()
        watch.cancel()

    def test_metrics_of_a_window_are_what_was_added_in_it(self):
        self.post("gpt-a", _usage(2, 1))
        names = ["llm_request_total", "llm_request_duration_seconds",
                 "process_start_time_seconds"]
        told = self.operate("GetMetrics", names=names, window="60s")
        families = {one["name"]: one for one in told["families"]}
        self.assertEqual(families["llm_request_total"]["metrics"][0]["number"],
                         1)
        histogram = families["llm_request_duration_seconds"]["metrics"][0][
            "histogram"]
        self.assertEqual(histogram["count"], "1")
        self.assertEqual(histogram["buckets"][-1]["count"], "1")
        # The process is younger than a minute: since its first reading.
        started = families["process_start_time_seconds"]["metrics"][0]["number"]
        since = datetime.datetime.fromisoformat(told["window_start_time"])
        self.assertGreaterEqual(since.timestamp(), started - 1)
        self.assertLess(told["window_start_time"], told["read_time"])
        for window in ("59s", "3601s"):
            call = self.caller.call(
                self.gateway.admin, _METRICS + "GetMetrics",
                {"window": window},
                metadata=[["authorization", "Bearer " + _KEYS["OPS"]]])
            self.assertEqual(call.end["code"], "INVALID_ARGUMENT")
            self.assertIn("window: must be 1m to 1h", call.end["message"])

    def test_metrics_are_streamed(self):
        stream = self.caller.start(
            self.gateway.admin, _METRICS + "StreamMetrics",
            {"names": ["llm_request_total"], "interval": "1s"}, stream=True,
            metadata=[["authorization", "Bearer " + _KEYS["OPS"]]])
        first = stream.next_event()
        self.assertEqual(first["metrics"].get("families", []), [])
        self.post("gpt-a", _usage(2, 1))
        later = stream.next_event()
        while not later["metrics"].get("families"):
            later = stream.next_event()
        self.assertEqual(
            later["metrics"]["families"][0]["name"], "llm_request_total")
        stream.cancel()

    def test_scrapers_of_openmetrics_are_told_which_calls_were_slow(self):
        self.post("gpt-a", _usage(2, 1))
        line = self.gateway.wait_for_access(model="gpt-a")
        answer = ask(self.gateway.operations, path="/metrics", headers={
            "accept": "application/openmetrics-text;version=1.0.0;q=0.5,"
                      "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"})
        self.assertIn("application/openmetrics-text",
                      answer.headers["content-type"])
        text = answer.body.decode()
        self.assertTrue(text.endswith("# EOF\n"))
        exemplars = [each for each in text.splitlines()
                     if each.startswith("llm_request_duration_seconds_bucket")
                     and "# {" in each]
        self.assertEqual(len(exemplars), 1)
        self.assertIn('# {request_id="%s"}' % line["request_id"],
                      exemplars[0])
        plain = ask(self.gateway.operations, path="/metrics")
        self.assertIn("text/plain", plain.headers["content-type"])
        self.assertNotIn("# {", plain.body.decode())

    def test_metrics_have_the_names_of_another_gateway_too(self):
        self.post("gpt-a", _usage(2, 1))
        self.upstream.set_script("gpt-broken", {"status": 503})
        self.post("spare", _usage(11, 2))
        text = ask(self.gateway.operations, path="/metrics").body.decode()
        for sample in (
                'llm_gateway_requests_total{method="POST",'
                'path="/v1/chat/completions",status="200"} 2',
                'llm_gateway_tokens_total{model="gpt-a",provider="openai",'
                'type="prompt"} 2',
                'llm_gateway_provider_requests_total{provider="openai"} 3',
                'llm_gateway_fallback_chain_successes_total{'
                'chain_name="default",backend_name="openai"} 1'):
            name, labels, value = (sample.split("{")[0],
                                   set(sample.split("{")[1].split("}")[0]
                                       .split(",")), sample.split()[-1])
            self.assertTrue(
                any(line.startswith(name + "{") and
                    labels == set(line.split("{")[1].split("}")[0].split(","))
                    and line.endswith(" " + value)
                    for line in text.splitlines()), sample)


if __name__ == "__main__":
    unittest.main()
