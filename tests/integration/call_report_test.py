"""What a call cost and who served it, told at every API: docs/headers.md."""

import json
import re
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask, chat

_MILLION = 1000 * 1000

# Prices of the systems that came before, which are what the figures below were
# worked out with, and one of each kind of model.
_CONFIG = gateway_case.PROVIDERS + """\
  - name: gemini
    gemini: {{base_url: "http://{upstream}", api_key: "env:OPENAI_KEY"}}
routing:
  model_rules:
    - {{alias: house, targets: [openai/gpt-dear, openai/gpt-cheap,
       openai/gpt-unpriced], balancing: cheapest}}
    - {{alias: spare, targets: [openai/gpt-fails],
       fallbacks: [openai/gpt-4o]}}
    - {{prefix: "claude-", targets: [anthropic]}}
    - {{prefix: "gemini-", targets: [gemini]}}
  default_target: openai
resilience:
  retry: {{attempts_limit: 1}}
  circuit_breaker: {{mode: "off"}}
prices:
  models:
    - {{model: claude-sonnet, input: "3", output: "15", cached_input: "0.3",
       cache_write: "3.75"}}
    - {{model: gemini-2.5-pro, input: "0.15", output: "0.6"}}
    - {{model: gpt-dear, input: "7", output: "7"}}
    - {{model: gpt-cheap, kind: openai, input: "0.1", output: "0.1"}}
"""


def _usage(prompt_tokens, completion_tokens, **more):
    return {"text": "Hi", "usage": {"prompt_tokens": prompt_tokens,
                                    "completion_tokens": completion_tokens,
                                    **more}}


class _ReportCase(gateway_case.GatewayCase):

    config = _CONFIG
    calls_grpc = True

    def setUp(self):
        self.upstream.reset()

    def post(self, model, path=http_calls.CHAT, details=False, **fields):
        headers = {"x-llmgateway-details": "true"} if details else None
        if path == "/v1/messages":
            fields.setdefault("max_tokens", 9)
        body = chat(model, **fields)
        if path == "/v1/responses":
            body = {"model": model, "input": "Hello", **fields}
        if path.startswith("/v1beta"):
            body = {"contents": [{"parts": [{"text": "Hello"}]}]}
        return ask(self.gateway.http, body, path=path, headers=headers)

    def gemini_path(self, model, stream=False):
        return "/v1beta/models/%s:%s" % (
            model, "streamGenerateContent?alt=sse" if stream
            else "generateContent")

    def metric(self, name, **labels):
        text = ask(self.gateway.operations, path="/metrics").body.decode()
        wanted = ['%s="%s"' % label for label in labels.items()]
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith(name + "{") and
                   all(label in line for label in wanted))


class CostTest(_ReportCase):
    """The figures of requirements 002, 003 and 004, and where they are told."""

    FIGURES = [
        # 003: a million tokens each way; a model that nobody knows.
        ("gpt-4o", _usage(_MILLION, _MILLION), "12.5"),
        ("gpt-nobody-knows", _usage(_MILLION, _MILLION), None),
        # 004: what is written to the cache and read from it has its own price.
        ("claude-sonnet", _usage(_MILLION, 100 * 1000), "4.5"),
        # (5.025 dollars, and a token of the answer: one of none has no text.)
        ("claude-sonnet", _usage(2 * _MILLION, 1, cached_tokens=500 * 1000,
                                 cache_write_tokens=500 * 1000), "5.025015"),
        # 002: what is estimated of a call when a model is chosen.
        ("gemini-2.5-pro", _usage(1000, 500), "0.00045"),
        ("claude-sonnet", _usage(3000, 1500), "0.0315"),
    ]

    def test_whole_answers(self):
        for model, script, dollars in self.FIGURES:
            self.upstream.set_script(model, script)
            for path in (http_calls.CHAT, "/v1/messages", "/v1/responses",
                         self.gemini_path(model)):
                with self.subTest(model=model, path=path):
                    answer = self.post(model, path, details=True)
                    self.assertEqual(answer.status, 200, answer.body)
                    self.assertEqual(
                        answer.headers.get("x-llmgateway-cost-usd"), dollars)
                    told = re.search(rb'"cost_usd":([^,}]*)', answer.body)
                    self.assertEqual(told and told[1].decode(), dollars)

    def test_what_is_no_generation_tells_its_details_too(self):
        for details in (True, False):
            answer = ask(
                self.gateway.http, {"model": "gpt-4o", "input": "x"},
                path="/v1/embeddings",
                headers={"x-llmgateway-details": str(details).lower()})
            self.assertEqual(answer.status, 200, answer.body)
            told = answer.json()
            self.assertEqual(told["object"], "list")
            self.assertEqual("latency_ms" in told, details)
            if details:
                self.assertEqual(told["provider"], "openai")

    def test_by_grpc_whole_and_streamed(self):
        for model, script, dollars in self.FIGURES:
            self.upstream.set_script(model, script)
            nanos = str(round(float(dollars or 0) * 10 ** 9))
            for stream in (False, True):
                with self.subTest(model=model, stream=stream):
                    call = self.generate(model, stream)
                    answer = (call.events[-1]["end"] if stream
                              else call.response)
                    self.check_usage(answer["usage"], dollars, nanos)
                    self.check_usage(answer["attempts"][0]["usage"], dollars,
                                     nanos)
                    self.assertEqual(
                        dict(call.end["trailers"]).get(
                            "x-llmgateway-cost-usd"), dollars)

    def generate(self, model, stream):
        if stream:
            return self.caller.stream_all(self.gateway.grpc, prompt(model))
        return self.caller.generate(self.gateway.grpc, prompt(model))

    def check_usage(self, usage, dollars, nanos):
        self.assertEqual(usage.get("cost_known", False), dollars is not None)
        self.assertEqual(usage.get("cost_usd_nanos", "0"), nanos)

    def test_log_and_metrics(self):
        before = self.metric("llm_cost_usd_total")
        self.upstream.set_script("gpt-4.1", _usage(_MILLION, _MILLION))
        self.upstream.set_script("gpt-unheard", _usage(5, 5))
        for stream in (False, True):
            self.post("gpt-4.1", stream=stream)
        line = self.gateway.wait_for_access(model="gpt-4.1", stream=True)
        self.assertEqual(line["cost_usd_nanos"], 10 * 10 ** 9)
        self.post("gpt-unheard")
        line = self.gateway.wait_for_access(model="gpt-unheard")
        self.assertNotIn("cost_usd_nanos", line)
        self.assertAlmostEqual(self.metric("llm_cost_usd_total") - before, 20)
        self.assertAlmostEqual(
            self.metric("llm_cost_usd_total", model="gpt-4.1"), 20)
        self.assertAlmostEqual(
            self.metric("llmgw_caller_cost_usd_total", caller="none",
                        provider="openai") -
            self.metric("llm_cost_usd_total", provider="openai"), 0)
        self.assertEqual(
            self.metric("llmgw_unpriced_requests_total", model="gpt-unheard"),
            1)

    def test_embeddings(self):
        answer = ask(self.gateway.http, {
            "model": "text-embedding-3-small", "input": "Hello"},
                     path="/v1/embeddings")
        tokens = answer.json()["usage"]["prompt_tokens"]
        self.assertAlmostEqual(
            float(answer.headers["x-llmgateway-cost-usd"]) * 10 ** 9,
            tokens * 20)
        call = self.caller.call(
            self.gateway.grpc, "/llmgateway.v1.GatewayService/Embed",
            {"model": "text-embedding-3-small", "inputs": [{"text": "Hello"}]})
        usage = call.response["usage"]
        self.assertEqual(int(usage["input_tokens"]), tokens)
        self.assertEqual(int(usage["cost_usd_nanos"]), tokens * 20)
        self.assertEqual(usage["cost_breakdown"],
                         {"input_nanos": str(tokens * 20)})
        self.assertAlmostEqual(
            float(call.trailer("x-llmgateway-cost-usd")) * 10 ** 9,
            tokens * 20)

    def test_a_stream_that_breaks_off_costs_what_had_come(self):
        self.upstream.set_script("gpt-4o", {
            "text": "word " * 100, "usage_in": "never",
            "close_after_chunks": 50})
        self.post("gpt-4o", stream=True)
        line = self.gateway.wait_for_access(
            model="gpt-4o", error_reason="STREAM_INTERRUPTED")
        self.assertTrue(line["usage_estimated"])
        self.assertEqual(line["cost_usd_nanos"],
                         line["input_tokens"] * 2500 +
                         line["output_tokens"] * 10000)

    def test_the_tier_that_served_has_its_price(self):
        for stream in (False, True):
            for path, body in (
                    (http_calls.CHAT, self.chat_of("flex", stream)),
                    ("/v1/messages", self.chat_of("flex", stream))):
                self.upstream.set_script("gpt-5.4", {
                    "body": body, "content_type": "text/event-stream" if stream
                    else "application/json"})
                answer = self.post("gpt-5.4", path, stream=stream)
                line = self.gateway.wait_for_access(
                    request_id=answer.headers["x-request-id"])
                self.assertEqual(line["cost_usd_nanos"], 1000 * 1250, line)

    @staticmethod
    def chat_of(tier, stream):
        usage = {"prompt_tokens": 1000, "completion_tokens": 0,
                 "total_tokens": 1000}
        facts = {"id": "c", "created": 1, "model": "m", "service_tier": tier}
        if not stream:
            return json.dumps({
                **facts, "object": "chat.completion", "usage": usage,
                "choices": [{"index": 0, "finish_reason": "stop", "message": {
                    "role": "assistant", "content": ""}}]})
        chunks = [{"choices": [{"index": 0, "delta": delta,
                                "finish_reason": reason}]}
                  for delta, reason in (({"content": ""}, None),
                                        ({}, "stop"))]
        chunks.append({"choices": [], "usage": usage})
        return "".join("data: %s\n\n" % json.dumps({
            **facts, "object": "chat.completion.chunk", **chunk})
                       for chunk in chunks) + "data: [DONE]\n\n"

    def test_the_cheapest_target_is_asked(self):
        for _ in range(5):
            self.assertEqual(self.post("house").status, 200)
        self.assertEqual(self.upstream.stat("gpt-cheap", "requests"), 5)
        self.upstream.set_script("gpt-cheap", {"status": 503})
        self.assertEqual(self.post("house").status, 200)
        self.assertEqual(self.upstream.stat("gpt-dear", "requests"), 1)


class RouteTest(_ReportCase):
    """Who served a call is told by every answer that a provider had part in."""

    def test_whole_and_streamed_and_failed(self):
        for path in (http_calls.CHAT, "/v1/messages", "/v1/responses", None):
            for stream in (False, True):
                for script, status in (({}, 200), ({"status": 400}, 400)):
                    self.upstream.set_script("gpt-4o", script)
                    answer = self.post(
                        "gpt-4o", path or self.gemini_path("gpt-4o", stream),
                        **({"stream": stream} if path else {}))
                    with self.subTest(path=path, stream=stream, status=status):
                        self.assertEqual(answer.status, status, answer.body)
                        self.assertEqual(
                            answer.headers["x-llmgateway-route"],
                            "provider=openai; model=gpt-4o; reason=default; "
                            "attempts=1")

    def test_after_a_fallback(self):
        self.upstream.set_script("gpt-fails", {"status": 503})
        answer = self.post("spare")
        self.assertEqual(
            answer.headers["x-llmgateway-route"],
            "provider=openai; model=gpt-4o; reason=model_rule:spare; "
            "attempts=2")

    def test_what_was_asked_of_nobody_has_none(self):
        answer = ask(self.gateway.http, chat("gpt-4o"),
                     headers={"x-llmgateway-colour": "red"})
        self.assertEqual(answer.status, 400)
        self.assertNotIn("x-llmgateway-route", answer.headers)

    def test_names_cannot_end_a_value_or_a_field(self):
        model = "gpt; cost=0\u00e4,%41"
        answer = self.post(model)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertIn("model=gpt%3B%20cost%3D0%C3%A4%2C%2541; ",
                      answer.headers["x-llmgateway-route"])

    def test_trailers_of_grpc(self):
        self.upstream.set_script("gpt-4o", _usage(
            30, 4, cached_tokens=10, reasoning_tokens=2))
        for stream in (False, True):
            call = (self.caller.stream_all if stream
                    else self.caller.generate)(self.gateway.grpc,
                                               prompt("gpt-4o"))
            trailers = dict(call.end["trailers"])
            self.assertEqual(trailers["x-llmgateway-route"],
                             "provider=openai; model=gpt-4o; reason=default; "
                             "attempts=1")
            self.assertEqual(
                trailers["x-llmgateway-usage"],
                "input=30; output=4; cached_input=10; reasoning=2")
            self.assertEqual(
                "x-llmgateway-time-to-first-token" in trailers, stream)
            if stream:
                self.assertRegex(trailers["x-llmgateway-time-to-first-token"],
                                 r"^[0-9.]+(ms|\u00b5s|us|s)$")

    def test_trailers_of_a_call_that_failed(self):
        self.upstream.set_script("gpt-4o", {"status": 400})
        for method in (self.caller.start_generate, self.caller.stream):
            call = method(self.gateway.grpc, prompt("gpt-4o"))
            trailers = dict(call.wait()["trailers"])
            self.assertIn("model=gpt-4o", trailers["x-llmgateway-route"])
            self.assertNotIn("x-llmgateway-usage", trailers)

    def test_warnings_at_a_streams_end(self):
        call = self.caller.stream_all(
            self.gateway.grpc, prompt("gpt-4o", sampling={"top_k": 5}))
        self.assertRegex(dict(call.end["trailers"])["x-llmgateway-warnings"],
                         "^sampling.top_k: ")


class DetailsTest(_ReportCase):
    """Streams tell the same where it is asked for, and are as they were where it
    is not."""

    def test_a_comment_behind_the_last_event(self):
        self.upstream.set_script("gpt-4o", _usage(1000, 10))
        self.upstream.set_script("claude-sonnet", _usage(1000, 10))
        for path in (http_calls.CHAT, "/v1/messages", "/v1/responses"):
            for model, dollars in (("gpt-4o", 0.0026),
                                   ("claude-sonnet", 0.00315)):
                plain = self.post(model, path, stream=True)
                self.assertNotIn(b"llmgateway", plain.body)
                told = self.post(model, path, stream=True, details=True)
                events, _, comment = told.body.rpartition(
                    b": x-llmgateway-details: ")
                self.assertTrue(comment.endswith(b"}\n\n"), told.body)
                self.assertEqual(events.count(b"\n\n"),
                                 plain.body.count(b"\n\n"))
                details = json.loads(comment)
                with self.subTest(path=path, model=model):
                    self.assertEqual(details["cost_usd"], dollars)
                    self.assertEqual(details["model"], model)
                    self.assertEqual(details["attempts"], 1)
                    self.assertEqual(details["usage"]["input_tokens"], 1000)
                    self.assertIn("time_to_first_token_ms", details)
                    self.assertEqual(details["warnings"], [])

    def test_googles_clients_do_not_skip_comments(self):
        for model in ("gemini-2.5-pro", "gpt-4o"):
            self.upstream.set_script(model, _usage(1000, 500))
            answer = self.post(model, self.gemini_path(model, stream=True),
                               details=True)
            lines = [line for line in answer.body.split(b"\n") if line.strip()]
            self.assertTrue(all(line.startswith(b"data: ") for line in lines))
            details = json.loads(lines[-1][6:])["llmgatewayDetails"]
            self.assertEqual(details["model"], model)
            self.assertGreater(details["cost_usd"], 0)


if __name__ == "__main__":
    unittest.main()
