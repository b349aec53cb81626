"""What browsers are told about pages of other origins."""

import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.http_calls import chat
from tests.testing import gateway_process
from tests.testing.gateway_process import GatewayProcess

_PAGE = "https://app.example"
_KEY = "key-of-a-page-0123456789"
_CONFIG = """\
providers:
  - {name: mock, mock: {reply: "for the page"}}
routing: {default_target: mock}
auth: {callers: {api_keys: [{id: page, key: "env:PAGE_KEY"}]}}
"""
_LISTENERS = gateway_process.LISTENERS.replace(
    'http: {address: "127.0.0.1:0"',
    'http: {address: "127.0.0.1:0", body_bytes_limit: 2KiB, '
    'cors: {allowed_origins: ["%s"]}' % _PAGE)
_WITH_CORS = _LISTENERS + _CONFIG


class _CorsCase(unittest.TestCase):

    config = _WITH_CORS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway = GatewayProcess(cls.config, env={"PAGE_KEY": _KEY})
        cls.addClassCleanup(cls.gateway.kill)

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()
        super().tearDownClass()

    def ask(self, body=None, origin=_PAGE, key=_KEY, **more):
        headers = {"authorization": "Bearer " + key, **more.pop("headers", {})}
        if origin:
            headers["origin"] = origin
        return http_calls.ask(self.gateway.http, body, headers=headers, **more)

    def preflight(self, origin):
        """As a browser asks: without any key."""
        return http_calls.ask(
            self.gateway.http, method="OPTIONS", path=http_calls.CHAT,
            headers={"origin": origin,
                     "access-control-request-method": "POST",
                     "access-control-request-headers":
                         "authorization,content-type,x-stainless-lang"})

    def assert_no_word_of_cors(self, answer):
        self.assertEqual([name for name in answer.headers
                          if name.startswith("access-control")], [])


class CorsTest(_CorsCase):

    def assert_for_the_page(self, answer):
        self.assertEqual(answer.headers["access-control-allow-origin"], _PAGE)
        self.assertEqual(answer.headers["vary"], "Origin")
        self.assertIn("x-request-id",
                      answer.headers["access-control-expose-headers"])

    def test_a_page_asks_first_and_needs_no_key_for_that(self):
        answer = self.preflight(_PAGE)
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(answer.headers["access-control-allow-origin"], _PAGE)
        self.assertEqual(answer.headers["access-control-allow-headers"],
                         "authorization,content-type,x-stainless-lang")
        self.assertIn("POST", answer.headers["access-control-allow-methods"])
        self.assertEqual(answer.headers["access-control-max-age"], "600")

    def test_a_page_of_another_origin_is_refused(self):
        answer = self.preflight("https://evil.example")
        self.assertEqual(answer.status, 403)
        self.assert_no_word_of_cors(answer)

    def test_whole_and_streamed_answers_are_for_the_page(self):
        for stream in (False, True):
            answer = self.ask(chat("m", stream=stream))
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.text(), "for the page")
            self.assert_for_the_page(answer)

    def test_errors_are_for_the_page(self):
        wrong_key = self.ask(chat("m"), key="wrong-key-0123456789")
        self.assertEqual(wrong_key.status, 401)
        self.assert_for_the_page(wrong_key)
        bad_request = self.ask(b"{}")
        self.assertEqual(bad_request.status, 400)
        self.assert_for_the_page(bad_request)
        no_such_path = self.ask(path="/nowhere")
        self.assertEqual(no_such_path.status, 404)
        self.assert_for_the_page(no_such_path)
        too_large = self.ask(chat("m", "x" * 3000))
        self.assertEqual(too_large.status, 413)
        self.assertIn("error", too_large.json())
        self.assert_for_the_page(too_large)

    def test_who_is_no_browser_is_served_as_ever(self):
        answer = self.ask(chat("m"), origin=None)
        self.assertEqual(answer.text(), "for the page")
        self.assert_no_word_of_cors(answer)

    def test_other_listeners_are_not_concerned(self):
        answer = http_calls.ask(self.gateway.operations, path="/readyz",
                                headers={"origin": _PAGE})
        self.assertEqual(answer.status, 200)
        self.assert_no_word_of_cors(answer)
        self.assertNotIn("vary", answer.headers)


class WithoutCorsTest(_CorsCase):

    config = _CONFIG

    def test_nothing_is_said(self):
        answer = self.ask(chat("m"))
        self.assertEqual(answer.text(), "for the page")
        self.assert_no_word_of_cors(answer)
        self.assertNotIn("vary", answer.headers)
        self.assertNotEqual(self.preflight(_PAGE).status, 204)
        self.assert_no_word_of_cors(self.preflight(_PAGE))


class ExposedTest(gateway_case.GatewayCase):

    config = _LISTENERS.replace("{", "{{").replace(
        "}", "}}") + gateway_case.CONFIG + (
            "cache: {{}}\n"
            "idempotency: {{}}\n"
            "overload: {{concurrency: {{calls_limit: 9}}}}\n"
            "rate_limits:\n"
            "- {{name: rpm, unit: requests, limit: 100}}\n"
            "- {{name: tpm, unit: total_tokens, limit: 100000}}\n")

    def test_a_page_may_read_what_is_said_beside_the_answer(self):
        sent = {"x-request-id": "req_upstream"}
        for unit in ("requests", "tokens"):
            for what in ("limit", "remaining", "reset"):
                sent["x-ratelimit-%s-%s" % (what, unit)] = "7"
                sent["anthropic-ratelimit-%s-%s" % (unit, what)] = "7"
        self.upstream.set_script("gpt-told", {"status": 503, "headers": sent})
        answer = http_calls.ask(self.gateway.http, chat("gpt-told"),
                                headers={"origin": _PAGE})
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        told = [name for name in answer.headers
                if name.startswith("x-llmgateway-")]
        self.assertGreater(len(told), 12, answer.headers)
        for name in told + ["x-should-retry", "x-llmgateway-warnings"]:
            self.assertIn(name, exposed)

    def test_so_it_may_what_is_said_of_limits_load_and_reuse(self):
        for _ in range(2):
            answer = http_calls.ask(self.gateway.http, chat("gpt-limits"),
                                    headers={"origin": _PAGE,
                                             "idempotency-key": "k"})
        self.assertEqual(answer.status, 200, answer.body)
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        told = [name for name in answer.headers
                if name.startswith("x-") or name == "age"]
        for name in ("x-ratelimit-remaining-tokens", "x-memory-pressure",
                     "x-llmgateway-answer-of"):
            self.assertIn(name, told)
        for name in told:
            self.assertIn(name, exposed)


if __name__ == "__main__":
    unittest.main()
