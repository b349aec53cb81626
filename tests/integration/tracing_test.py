"""Traces of calls, from the caller's to the provider's, as
docs/observability.md tells them: what a collector gets, what operators see,
what providers are told."""

import json
import re
import socket
import tempfile
import unittest

from tests.integration import gateway_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask, chat
from tests.integration.otlp_collector import OtlpCollector
from tests.integration.samples import await_sample, sample
from tests.testing.gateway_process import GatewayProcess

_ADMIN = "/llmgateway.v1.AdminService/"
_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
_SPAN = "00f067aa0ba902b7"
_PARENT = "00-%s-%s-01" % (_TRACE, _SPAN)
_UNSAMPLED = "00-%s-%s-00" % (_TRACE, _SPAN)
_SECRET = "token-of-the-collector-1234567890"
_CANARY = "canary-in-the-prompt"

_TRACING = """\
tracing:
  exporter: %(exporter)s
  endpoint: "http://%(endpoint)s"
  headers: [{{name: x-token, value: "env:COLLECTOR_TOKEN"}}]
  batch_interval: 20ms
  service_name: gateway-of-the-test
  resource_attributes: {{deployment.environment.name: test}}
  %(more)s
"""


def tracing(exporter, endpoint, more=""):
    return gateway_case.CONFIG + _TRACING % {
        "exporter": exporter, "endpoint": endpoint, "more": more}


class _TracingCase(gateway_case.GatewayCase):

    env = {**gateway_case.ENV, "COLLECTOR_TOKEN": _SECRET}
    calls_grpc = True
    exporter = "otlp_http"
    more = ""

    @classmethod
    def setUpClass(cls):
        cls.collector = OtlpCollector()
        cls.addClassCleanup(cls.collector.close)
        endpoint = (cls.collector.grpc if cls.exporter == "otlp_grpc"
                    else cls.collector.http)
        cls.config = tracing(cls.exporter, endpoint, cls.more)
        super().setUpClass()

    def setUp(self):
        self.upstream.reset()

    def operate(self, method, **request):
        return self.caller.call(self.gateway.admin, _ADMIN + method, request)

    def traceparent(self, model):
        """What the provider was told: trace, span, flags."""
        fields = {name.lower(): value for name, value in
                  self.upstream.last(model)["headers"]}
        self.assertRegex(fields["traceparent"],
                         r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
        return fields["traceparent"].split("-")[1:], fields.get("tracestate")

    def spans_of(self, trace, count):
        """Those of a trace, by their names."""
        return {span["name"]: span for span in
                self.collector.wait_for_spans(count, trace_id=trace)}


class LedgerSpansTest(_TracingCase):

    def test_waits_for_the_ledger_are_spans(self):
        with tempfile.TemporaryDirectory(prefix="traced") as state:
            with GatewayProcess(
                    self.config.format(upstream=self.upstream.address) +
                    "ledger: {}\nruntime: {state_dir: '%s'}\n" % state,
                    env=self.env) as gateway:
                answer = ask(gateway.http, chat("gpt-ledger"))
                self.assertEqual(answer.status, 200)
                spans = self.collector.wait_for_spans(
                    4, trace_id=answer.headers["x-trace-id"])
        dispatch, exchange = sorted(
            (span for span in spans if span["name"] == "ledger commit"),
            key=lambda span: span["start"])
        call, = (span for span in spans if span["kind"] == "server")
        attempt, = (span for span in spans if span["kind"] == "client")
        self.assertEqual(
            [span["attributes"]["llmgateway.ledger.event_type"]
             for span in (dispatch, exchange)], ["DISPATCH", "EXCHANGE"])
        for span in (dispatch, attempt, exchange):
            self.assertEqual(span["parent_span_id"], call["span_id"])
        self.assertEqual(dispatch["attributes"]["db.system.name"], "sqlite")
        for name in ("dispatch", "exchange"):
            self.assertEqual(
                attempt["attributes"]["llmgateway.%s_entry_id" % name],
                answer.headers["x-llmgateway-%s-entry-id" % name])


class ExportByHttpTest(_TracingCase):

    def test_a_call_is_a_part_of_its_callers_trace(self):
        answer = ask(self.gateway.http, chat("gpt-parent", _CANARY), headers={
            "traceparent": _PARENT, "tracestate": "congo=t61rcWkgMzE",
            "x-request-id": "call-of-the-parent"})
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["x-trace-id"], _TRACE)
        spans = self.spans_of(_TRACE, 2)
        call = spans["POST /v1/chat/completions"]
        attempt = spans["chat gpt-parent"]
        self.assertEqual((call["kind"], call["parent_span_id"]),
                         ("server", _SPAN))
        self.assertEqual(call["flags"], 0x301)
        self.assertEqual(call["trace_state"], "congo=t61rcWkgMzE")
        self.assertEqual((attempt["kind"], attempt["parent_span_id"]),
                         ("client", call["span_id"]))
        self.assertLessEqual(call["start"], attempt["start"])
        # The provider goes on from the attempt's span.
        told, state = self.traceparent("gpt-parent")
        self.assertEqual(told, [_TRACE, attempt["span_id"], "01"])
        self.assertEqual(state, "congo=t61rcWkgMzE")
        self.assertEqual(
            self.gateway.wait_for_access(model="gpt-parent")["trace_id"],
            _TRACE)
        attributes = call["attributes"]
        usage = answer.json()["usage"]
        self.assertEqual(
            {name: attributes[name] for name in (
                "gen_ai.operation.name", "gen_ai.provider.name",
                "gen_ai.request.model", "gen_ai.response.model",
                "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
                "gen_ai.response.finish_reasons", "http.request.method",
                "http.route", "http.response.status_code",
                "llmgateway.request_id")},
            {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
             "gen_ai.request.model": "gpt-parent",
             "gen_ai.response.model": "gpt-parent",
             "gen_ai.usage.input_tokens": usage["prompt_tokens"],
             "gen_ai.usage.output_tokens": usage["completion_tokens"],
             "gen_ai.response.finish_reasons": ["stop"],
             "http.request.method": "POST",
             "http.route": "/v1/chat/completions",
             "http.response.status_code": 200,
             "llmgateway.request_id": "call-of-the-parent"})

    def test_an_export_says_whose_it_is_and_nothing_secret(self):
        ask(self.gateway.http, chat("gpt-resource", _CANARY))
        self.collector.wait_for_span(name="chat gpt-resource")
        export = self.collector.exports[-1]
        resource = export["resource"]
        self.assertEqual(resource["service.name"], "gateway-of-the-test")
        self.assertEqual(resource["deployment.environment.name"], "test")
        self.assertTrue(resource["service.version"])
        self.assertEqual(export["protocol"],
                         self.exporter.rpartition("_")[2])
        self.assertEqual(export["headers"]["x-token"], _SECRET)
        spans = json.dumps([export["spans"] for export in
                            self.collector.exports])
        for secret in (_CANARY, _SECRET, *gateway_case.ENV.values()):
            self.assertNotIn(secret, spans)

    def test_a_call_without_a_trace_begins_one(self):
        answer = ask(self.gateway.http, chat("gpt-new"))
        trace = answer.headers["x-trace-id"]
        self.assertRegex(trace, "^[0-9a-f]{32}$")
        self.assertNotEqual(trace, ask(self.gateway.http,
                                       chat("gpt-new")).headers["x-trace-id"])
        spans = self.spans_of(trace, 2)
        call = spans["POST /v1/chat/completions"]
        self.assertEqual(call["parent_span_id"], "")

    def test_what_is_no_traceparent_counts_as_none(self):
        for wrong in ("nonsense", _PARENT.upper(), "00-%s-%s-01" % ("0" * 32,
                                                                    _SPAN)):
            answer = ask(self.gateway.http, chat("gpt-wrong"),
                         headers={"traceparent": wrong})
            self.assertEqual(answer.status, 200)
            trace = answer.headers["x-trace-id"]
            self.assertNotEqual(trace, _TRACE)
            self.assertEqual(self.traceparent("gpt-wrong")[0][0], trace)

    def test_each_attempt_is_a_span_of_its_own(self):
        self.upstream.set_script("gpt-retry", [{"status": 503}, {}])
        answer = ask(self.gateway.http, chat("gpt-retry"))
        self.assertEqual(answer.status, 200)
        trace = answer.headers["x-trace-id"]
        spans = self.collector.wait_for_spans(3, trace_id=trace)
        call, first, second = sorted(spans, key=lambda span: span["start"])
        self.assertFalse(call["failed"])
        self.assertEqual(call["attributes"]["llmgateway.attempts"], 2)
        self.assertTrue(first["failed"])
        self.assertEqual(first["attributes"]["error.type"],
                         "PROVIDER_UNAVAILABLE")
        self.assertEqual(first["attributes"]["http.response.status_code"], 503)
        self.assertEqual(second["attributes"]["llmgateway.attempt.kind"],
                         "retry")
        self.assertEqual(self.traceparent("gpt-retry")[0][1],
                         second["span_id"])
        self.assertEqual({first["parent_span_id"], second["parent_span_id"]},
                         {call["span_id"]})
        self.assertNotEqual(first["span_id"], second["span_id"])

    def test_streams_by_grpc_that_are_cancelled_are_traced(self):
        self.upstream.set_script("gpt-cancel",
                                 {"chunks": 1000, "chunk_delay_ms": 20})
        stream = self.caller.stream(
            self.gateway.grpc, prompt("gpt-cancel"),
            metadata=[["traceparent", _PARENT.replace(_TRACE, "a" * 32)]])
        while "delta" not in stream.next_event():
            pass
        stream.cancel()
        self.assertEqual(stream.wait()["code"], "CANCELLED")
        spans = self.spans_of("a" * 32, 2)
        call = spans["llmgateway.v1.GatewayService/StreamGenerate"]
        self.assertTrue(call["failed"])
        attributes = call["attributes"]
        self.assertEqual(attributes["rpc.status_code"], "CANCELLED")
        self.assertEqual(attributes["error.type"], "CANCELLED")
        self.assertIs(attributes["gen_ai.request.stream"], True)
        self.assertGreater(attributes["gen_ai.response.time_to_first_chunk"],
                           0)
        self.assertEqual(self.traceparent("gpt-cancel")[0][1],
                         spans["chat gpt-cancel"]["span_id"])

    def test_a_call_by_grpc_tells_its_trace(self):
        call = self.caller.generate(self.gateway.grpc, prompt("gpt-grpc"))
        self.assertEqual(call.end["code"], "OK", call.end)
        trace = call.trailer("x-trace-id")
        spans = self.spans_of(trace, 2)
        self.assertIn("llmgateway.v1.GatewayService/Generate", spans)
        events = self.operate("GetTrace", trace_id=trace).response
        self.assertEqual(events["trace_id"], trace)
        shown = {span["name"]: span for span in events["spans"]}
        attempt = shown["chat gpt-grpc"]
        self.assertEqual(attempt["kind"], "KIND_CLIENT")
        self.assertEqual(
            attempt["span_id"], spans["chat gpt-grpc"]["span_id"])
        self.assertEqual(
            attempt["parent_span_id"],
            shown["llmgateway.v1.GatewayService/Generate"]["span_id"])
        values = {each["key"]: each for each in attempt["attributes"]}
        self.assertEqual(values["gen_ai.provider.name"]["text"], "openai")

    def test_operators_find_what_is_kept(self):
        self.upstream.set_script("gpt-bad", {"status": 400})
        ask(self.gateway.http, chat("gpt-good"),
            headers={"x-request-id": "find-me"})
        bad = ask(self.gateway.http, chat("gpt-bad"))
        self.assertEqual(bad.status, 400)
        listed = self.operate("ListTraces", model="gpt-good").response
        self.assertEqual([trace["request_id"] for trace in listed["traces"]],
                         ["find-me"])
        trace = listed["traces"][0]
        self.assertEqual((trace["provider"], trace["span_count"]),
                         ("openai", 2))
        # By the id of the call, too.
        found = self.operate("GetTrace", trace_id="find-me").response
        self.assertEqual(found["trace_id"], trace["trace_id"])
        failed = self.operate("ListTraces",
                              outcome="OUTCOME_FAILED").response["traces"]
        self.assertIn(bad.headers["x-trace-id"],
                      [each["trace_id"] for each in failed])
        self.assertTrue(all("failure" in each for each in failed))
        self.assertNotIn("traces", self.operate(
            "ListTraces", min_duration="3600s").response)
        page = self.operate("ListTraces", page_size=1).response
        more = self.operate("ListTraces", page_size=1,
                            page_token=page["next_page_token"]).response
        self.assertNotEqual(page["traces"][0]["span_id"],
                            more["traces"][0]["span_id"])
        metrics = self.operate("GetTraceMetrics").response
        self.assertGreaterEqual(int(metrics["call_count"]), 2)
        self.assertGreaterEqual(int(metrics["failed_count"]), 1)
        self.assertIn("gpt-good", metrics["models"])
        self.assertIn("POST /v1/chat/completions",
                      [each["operation"] for each in metrics["operations"]])
        for method, request in (
                ("ListTraces", {"window": "0s"}),
                ("ListTraces", {"page_token": "x"}),
                ("ListTraces", {"min_duration": "-1s"}),
                ("GetTrace", {}),
                ("GetTraceMetrics", {"window": "90000s"})):
            call = self.operate(method, **request)
            self.assertEqual(call.end["code"], "INVALID_ARGUMENT", request)
        self.assertEqual(
            self.operate("GetTrace", trace_id="f" * 32).end["code"],
            "NOT_FOUND")

    def test_what_is_counted_is_told(self):
        ask(self.gateway.http, chat("gpt-counted"))
        self.collector.wait_for_span(name="chat gpt-counted")
        await_sample(self.gateway, "llmgw_spans_exported_total",
                     len(self.collector.spans()))
        self.assertEqual(
            sample(self.gateway, 'llmgw_spans_dropped_total{reason="refused"}'),
            0)
        self.assertGreater(sample(self.gateway, "llmgw_traces_kept"), 0)


class ExportByGrpcTest(ExportByHttpTest):

    exporter = "otlp_grpc"


class SamplingTest(_TracingCase):

    more = "sampling_ratio: 0"

    def test_of_calls_that_succeed_none_is_kept(self):
        self.assertEqual(ask(self.gateway.http, chat("gpt-none")).status, 200)
        told = self.operate("GetTraceMetrics").response
        self.assertGreaterEqual(int(told["call_count"]), 1)
        self.assertNotIn("traces", self.operate(
            "ListTraces", model="gpt-none").response)
        # A provider is told that nobody keeps it.
        self.assertEqual(self.traceparent("gpt-none")[0][2], "02")

    def test_failed_calls_are(self):
        self.upstream.set_script("gpt-fails", {"status": 400})
        for parent in ({}, {"traceparent": _UNSAMPLED}):
            answer = ask(self.gateway.http, chat("gpt-fails"), headers=parent)
            self.assertEqual(answer.status, 400)
            trace = answer.headers["x-trace-id"]
            call = self.spans_of(trace, 2)["POST /v1/chat/completions"]
            self.assertTrue(call["failed"])
            self.assertEqual(call["attributes"]["error.type"],
                             "INVALID_REQUEST")

    def test_so_is_what_its_caller_has_sampled(self):
        parent = _PARENT.replace(_TRACE, "b" * 32)
        ask(self.gateway.http, chat("gpt-sampled"),
            headers={"traceparent": parent})
        self.spans_of("b" * 32, 2)
        ask(self.gateway.http, chat("gpt-unsampled"), headers={
            "traceparent": _UNSAMPLED.replace(_TRACE, "c" * 32)})
        self.assertEqual(self.traceparent("gpt-unsampled")[0][2], "00")
        self.assertNotIn("traces", self.operate(
            "ListTraces", model="gpt-unsampled").response)


class SlowTest(_TracingCase):

    more = "sampling_ratio: 0\n  slow_threshold: 100ms"

    def test_slow_calls_are_kept(self):
        self.upstream.set_script("gpt-slow", {"first_byte_delay_ms": 150})
        answer = ask(self.gateway.http, chat("gpt-slow"))
        self.spans_of(answer.headers["x-trace-id"], 2)


def _free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class CollectorAwayTest(gateway_case.GatewayCase):

    env = {**gateway_case.ENV, "COLLECTOR_TOKEN": _SECRET}
    address = "127.0.0.1:%d" % _free_port()
    config = tracing("otlp_http", address,
                     "queue_spans_limit: 10\n  batch_spans_limit: 4")

    def test_calls_are_unharmed_and_what_is_lost_is_counted(self):
        for _ in range(30):
            self.assertEqual(ask(self.gateway.http, chat("gpt-away")).status,
                             200)
        dropped = 'llmgw_spans_dropped_total{reason="queue_full"}'
        self.assertGreater(sample(self.gateway, dropped), 0)
        self.assertEqual(sample(self.gateway, "llmgw_spans_exported_total"), 0)
        self.gateway.wait_for_log(msg="spans could not be exported")
        # It comes back, and gets what has waited.
        with OtlpCollector(http=self.address) as collector:
            collector.wait_for_spans(5, name="chat gpt-away")


class RefusingCollectorTest(_TracingCase):

    def test_it_is_left_alone_for_as_long_as_it_wants(self):
        self.collector.answer(http_status=503, retry_after="5")
        ask(self.gateway.http, chat("gpt-later"))
        await_sample(self.gateway, "llmgw_span_exports_failed_total", 1)
        self.collector.answer()
        self.collector.wait_for_span(name="chat gpt-later")
        self.assertEqual(
            sample(self.gateway, "llmgw_span_exports_failed_total"), 1)


class ShutdownTest(_TracingCase):

    def test_what_waits_is_sent_before_the_end(self):
        gateway = GatewayProcess(
            tracing("otlp_http", self.collector.http).replace(
                "batch_interval: 20ms", "batch_interval: 1m").format(
                    upstream=self.upstream.address), env=self.env)
        self.addCleanup(gateway.kill)
        answer = ask(gateway.http, chat("gpt-last"))
        gateway.stop()
        self.spans_of(answer.headers["x-trace-id"], 2)


class ConsoleTest(gateway_case.GatewayCase):

    config = gateway_case.CONFIG + "tracing: {{exporter: console, " \
        "batch_interval: 10ms, llm_attributes: true}}\n"

    def test_spans_are_lines_of_the_log(self):
        answer = ask(self.gateway.http, chat("gpt-log"))
        line = self.gateway.wait_for_log(msg="span", name="chat gpt-log")
        self.assertEqual(line["trace_id"], answer.headers["x-trace-id"])
        self.assertEqual(line["module"], "tracing")
        call = self.gateway.wait_for_log(msg="span",
                                         span_id=line["parent_span_id"])
        told = dict(re.findall(r"(\S+)=(\S*)", call["attributes"]))
        self.assertEqual((told["llm.model"], told["llm.provider"]),
                         ("gpt-log", "openai"))
        self.assertEqual(int(told["llm.total_tokens"]),
                         answer.json()["usage"]["total_tokens"])


class WithoutTracingTest(gateway_case.GatewayCase):

    calls_grpc = True

    def headers(self, model):
        return {name.lower(): value for name, value in
                self.upstream.last(model)["headers"]}

    def test_the_callers_trace_is_passed_on_as_it_is(self):
        answer = ask(self.gateway.http, chat("gpt-through"), headers={
            "traceparent": _UNSAMPLED, "tracestate": "a=b"})
        self.assertNotIn("x-trace-id", answer.headers)
        told = self.headers("gpt-through")
        self.assertEqual((told["traceparent"], told["tracestate"]),
                         (_UNSAMPLED, "a=b"))
        call = self.caller.generate(self.gateway.grpc, prompt("gpt-through2"),
                                    metadata=[["traceparent", _PARENT]])
        self.assertEqual(call.end["code"], "OK", call.end)
        self.assertEqual(self.headers("gpt-through2")["traceparent"], _PARENT)

    def test_otherwise_providers_are_told_of_none(self):
        ask(self.gateway.http, chat("gpt-plain"))
        self.assertNotIn("traceparent", self.headers("gpt-plain"))
        ask(self.gateway.http, chat("gpt-plain2"),
            headers={"traceparent": "nonsense"})
        self.assertNotIn("traceparent", self.headers("gpt-plain2"))
        self.assertNotIn("trace_id",
                         self.gateway.wait_for_access(model="gpt-plain2"))

    def test_operators_hear_that_it_is_not_configured(self):
        for method in ("ListTraces", "GetTrace", "GetTraceMetrics"):
            call = self.caller.call(self.gateway.admin, _ADMIN + method, {})
            self.assertEqual(
                (call.end["code"], call.end["reason"]),
                ("FAILED_PRECONDITION", "NOT_CONFIGURED"))


if __name__ == "__main__":
    unittest.main()
