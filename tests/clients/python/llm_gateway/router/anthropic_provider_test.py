"""AnthropicProvider asks Anthropic's API, played by the mock upstream."""

import http.server
import json
import socket
import threading
import unittest

from tests.clients.python.llm_gateway import client_path  # For the path.
from tests.testing.mock_upstream import MockUpstream

from llm_gateway.router.anthropic_provider import AnthropicProvider
from llm_gateway.router.provider import ProviderError

_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


class AnthropicProviderTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.upstream = MockUpstream()
        cls.addClassCleanup(cls.upstream.close)

    def setUp(self):
        super().setUp()
        self.upstream.reset()
        self.provider = AnthropicProvider(
            "key-of-anthropic", base_url="http://" + self.upstream.address)

    def script(self, **step):
        self.upstream.set_script("claude-x", step)

    def send(self, **fields):
        return self.provider.send("claude-x", "Hello", **fields)

    def sent(self):
        """The body of what was asked last."""
        return json.loads(self.upstream.last_body("claude-x"))

    def failure(self, **fields):
        with self.assertRaises(ProviderError) as caught:
            self.send(**fields)
        return caught.exception

    def test_asks_and_is_answered(self):
        self.script(text="Good day.", usage={"prompt_tokens": 7,
                                             "completion_tokens": 3})
        answer = self.send(max_tokens=9, temperature=0.25)
        self.assertEqual(
            (answer.content, answer.input_tokens, answer.output_tokens,
             answer.finish_reason, answer.provider_id, answer.model),
            ("Good day.", 7, 3, "stop", "anthropic", "claude-x"))
        self.assertEqual(answer.content_blocks[0]["type"], "text")
        self.assertTrue(answer.request_id)
        self.assertEqual(self.sent(), {
            "model": "claude-x", "max_tokens": 9, "temperature": 0.25,
            "messages": [{"role": "user", "content": "Hello"}]})

    def test_what_was_cut_off_says_so(self):
        self.script(text="Good", finish_reason="max_tokens")
        self.assertEqual(self.send().finish_reason, "length")

    def test_offers_tools(self):
        self.script(tool_calls=[{"name": "f", "arguments": '{"a":1}'}])
        tools = [{"name": "f", "input_schema": {"type": "object"}}]
        answer = self.send(tools=tools)
        self.assertEqual((answer.content, answer.finish_reason),
                         ('{"a": 1}', "tool_use"))
        self.assertEqual(self.sent()["tools"], tools)
        self.assertEqual(self.sent()["tool_choice"],
                         {"type": "auto"})

    def test_asks_for_structured_output_by_a_tool(self):
        self.script(tool_calls=[{"name": "output_json",
                                 "arguments": '{"city":"Oslo"}'}])
        answer = self.send(structured_output=_SCHEMA)
        self.assertEqual(answer.content, '{"city": "Oslo"}')
        body = self.sent()
        self.assertEqual(body["tool_choice"],
                         {"type": "tool", "name": "output_json"})
        self.assertEqual(body["tools"][-1]["input_schema"], _SCHEMA)

    def test_what_it_refuses_has_a_code(self):
        for status, code, retryable in (
                (400, "INVALID_REQUEST", False), (401, "AUTH_ERROR", False),
                (403, "AUTH_ERROR", False), (404, "SERVER_ERROR", True),
                (429, "RATE_LIMITED", True), (500, "SERVER_ERROR", True),
                (529, "SERVER_ERROR", True)):
            self.script(status=status, error={"message": "because"})
            error = self.failure()
            self.assertEqual(
                (error.code, error.retryable, error.details),
                (code, retryable, {"http_status": status}), status)
            self.assertIn("because", error.message)

    def test_a_redirect_is_a_refusal_and_shows_nobody_the_key(self):
        asked = []

        class Redirecting(http.server.BaseHTTPRequestHandler):

            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                asked.append(self.path)
                self.send_response(302)
                self.send_header("location", "/elsewhere")
                self.end_headers()

            def do_GET(self):
                asked.append(self.path)
                self.send_response(404)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Redirecting)
        self.addCleanup(server.server_close)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        self.provider = AnthropicProvider(
            "key", base_url="http://127.0.0.1:%d" % server.server_port)
        error = self.failure()
        self.assertEqual(
            (error.code, error.retryable, error.details),
            ("SERVER_ERROR", False, {"http_status": 302}))
        self.assertEqual(asked, ["/v1/messages"])

    def test_silence_is_a_timeout(self):
        self.script(stall_before_first_byte=True)
        error = self.failure(timeout_ms=50)
        self.assertEqual((error.code, error.retryable), ("TIMEOUT", True))

    def test_so_is_nobody_there(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        self.provider = AnthropicProvider(
            "key", base_url="http://127.0.0.1:%d" % port)
        self.assertEqual(self.failure().code, "TIMEOUT")

    def test_what_is_no_answer_is_an_error(self):
        for body in ("nonsense", "[]"):
            self.script(body=body)
            self.assertEqual(self.failure().code, "SERVER_ERROR")

    def test_wants_a_key(self):
        with self.assertRaises(ProviderError) as caught:
            AnthropicProvider(api_key="")
        self.assertEqual(caught.exception.code, "AUTH_ERROR")
        self.assertIn("ANTHROPIC_API_KEY", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
