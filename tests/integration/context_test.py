"""How full prompts make contexts, as callers and providers are told, and the
context service that has to be there for large ones. docs/overload.md tells
it."""

import http.server
import threading
import unittest

from tests.integration import gateway_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import RawConnection, ask, chat, \
    request_bytes

# Of a model of which nothing is known: 4 characters a token.
_LIMIT = 8192
_MODEL = "gpt-of-the-house"


def text_of(tokens):
    """A text that makes a prompt of one message of so many tokens."""
    return "x" * ((tokens - 4) * 4)


class Health(http.server.BaseHTTPRequestHandler):
    """A context service that only tells how it is."""

    status = 200
    asked = []

    def do_GET(self):
        Health.asked.append(self.path)
        self.send_response(Health.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class ContextTest(gateway_case.GatewayCase):

    calls_grpc = True

    @classmethod
    def setUpClass(cls):
        service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health)
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        cls.addClassCleanup(thread.join)
        cls.addClassCleanup(service.shutdown)
        cls.config = gateway_case.CONFIG.replace(
            "  - name: openai\n",
            "  - name: openai\n    model_capabilities:\n"
            "      - {{model: gpt-5.2-small, input_tokens_limit: 32000}}\n") + (
            "cms: {{url: \"http://127.0.0.1:%d\", aware_providers: "
            "[anthropic]}}\n" % service.server_address[1])
        super().setUpClass()

    def setUp(self):
        self.service_is(200)

    def service_is(self, status):
        """What the gateway has heard before is forgotten."""
        Health.status = status
        deadline = threading.Event()
        deadline.wait(1.1)

    def ask(self, tokens, mode=None, **fields):
        return ask(self.gateway.http,
                   chat(_MODEL, text=text_of(tokens), **fields),
                   headers={"x-cms-mode": mode} if mode else {})

    def test_a_window_that_is_configured_counts_first(self):
        answer = ask(self.gateway.http, chat("gpt-5.2-ours", text="hi"))
        self.assertEqual(answer.headers["x-token-limit"], "128000")
        answer = ask(self.gateway.http, chat("gpt-5.2-small", text="hi"))
        self.assertEqual(answer.headers["x-token-limit"], "32000")

    def test_each_tier_is_told(self):
        for tokens, tier, routed, headroom in (
                (2047, "1", "false", "75"), (2048, "2", "true", "75"),
                (3000, "2", "true", "63"), (4096, "3", "true", "50"),
                (6144, "4", "true", "25")):
            with self.subTest(tokens):
                answer = self.ask(tokens)
                self.assertEqual(answer.status, 200, answer.body)
                self.assertEqual(
                    [answer.headers[name] for name in (
                        "x-cms-tier", "x-cms-routed", "x-token-count",
                        "x-token-limit", "x-headroom-pct")],
                    [tier, routed, str(tokens), str(_LIMIT), headroom])

    def test_a_caller_may_say_what_is_to_be_done(self):
        self.assertEqual(self.ask(100, "Plan").headers["x-cms-routed"],
                         "true")
        self.assertEqual(self.ask(3000, "none").headers["x-cms-routed"],
                         "false")
        self.assertEqual(self.ask(3000, "whatever").headers["x-cms-routed"],
                         "true")

    def test_streams_are_told_in_their_heads(self):
        stream = self.enter(RawConnection(self.gateway.http))
        stream.send(request_bytes(
            chat(_MODEL, text=text_of(3000), stream=True)))
        status, headers = stream.read_head()
        self.assertEqual(status, 200)
        self.assertEqual(headers["x-cms-tier"], "2")
        self.assertEqual(headers["x-headroom-pct"], "63")
        stream.read_chunks()

    def test_grpc_is_told_in_trailers_and_on_request_in_the_answer(self):
        call = self.caller.generate(
            self.gateway.grpc, prompt(_MODEL, text=text_of(3000)))
        self.assertEqual(call.end["code"], "OK", call.end)
        self.assertEqual(call.trailer("x-cms-tier"), "2")
        self.assertEqual(call.trailer("x-token-count"), "3000")
        self.assertNotIn("context_budget", call.response)
        asked = prompt(_MODEL, text=text_of(3000),
                       include_context_budget=True)
        call = self.caller.generate(self.gateway.grpc, asked)
        self.assertEqual(call.response["context_budget"], {
            "tier": 2, "token_count": "3000", "token_limit": str(_LIMIT),
            "headroom_percent": 63, "routed": True})
        stream = self.caller.stream_all(self.gateway.grpc, asked)
        self.assertEqual(
            stream.events[-1]["end"]["context_budget"]["tier"], 2)
        call = self.caller.generate(
            self.gateway.grpc, prompt(_MODEL, text=text_of(3000)),
            metadata=[("x-cms-mode", "none")])
        self.assertEqual(call.trailer("x-cms-routed"), "false")

    def test_only_providers_that_want_to_know_are_told(self):
        self.ask(3000)
        headers = dict(self.upstream.last(_MODEL)["headers"])
        self.assertNotIn("x-cms-tier", headers)
        answer = ask(self.gateway.http, chat("claude-of-the-house"))
        self.assertEqual(answer.status, 200, answer.body)
        headers = {name.lower(): value for name, value in
                   self.upstream.last("claude-of-the-house")["headers"]}
        self.assertEqual(headers["x-cms-origin"], "gateway")
        self.assertEqual(headers["x-cms-tier"], "1")
        self.assertEqual(headers["x-cms-mode"], "none")
        self.assertIn("x-token-limit", headers)

    def test_large_prompts_need_the_service_and_small_ones_do_not(self):
        self.service_is(503)
        self.assertEqual(self.ask(4095).status, 200)
        self.assertEqual(self.ask(4096, "none").status, 200)
        for mode in (None, "validate"):
            answer = self.ask(4096, mode)
            self.assertEqual(answer.status, 503)
            self.assertEqual(answer.error()["code"],
                             "context_service_unavailable")
            self.assertIn("tier 3", answer.error()["message"])
            self.assertEqual(answer.headers["retry-after"], "1")
            self.assertNotIn("x-cms-tier", answer.headers)
        call = self.caller.generate(
            self.gateway.grpc, prompt(_MODEL, text=text_of(4096)))
        self.assertEqual(call.end["reason"], "CONTEXT_SERVICE_UNAVAILABLE")
        self.assertEqual(call.end["metadata"]["tier"], "3")
        self.service_is(200)
        self.assertEqual(self.ask(4096).status, 200)
        self.assertEqual(set(Health.asked), {"/health"})

    def test_an_answer_that_may_not_find_room_is_warned_of(self):
        self.assertNotIn("x-llmgateway-warnings", self.ask(6900).headers)
        self.assertIn("may not find room",
                      self.ask(7000).headers["x-llmgateway-warnings"])


class UnaskedTest(gateway_case.GatewayCase):
    """Without `cms` nothing is told, but who asks is."""

    calls_grpc = True

    def test_only_the_answer_tells_who_asks(self):
        answer = ask(self.gateway.http, chat(_MODEL),
                     headers={"x-cms-mode": "plan"})
        self.assertEqual(answer.status, 200)
        self.assertNotIn("x-cms-tier", answer.headers)
        call = self.caller.generate(
            self.gateway.grpc, prompt(_MODEL, include_context_budget=True))
        self.assertEqual(call.response["context_budget"]["tier"], 1)
        self.assertIsNone(call.trailer("x-cms-tier"))


if __name__ == "__main__":
    unittest.main()
