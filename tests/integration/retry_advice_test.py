"""What callers are told to do about a provider's failure: try again, or mend a
credential of their own."""

import json
import unittest

from tests.integration import gateway_case
from tests.integration.http_calls import ask, chat


def _message(model):
    return {"model": model, "max_tokens": 64,
            "messages": [{"role": "user", "content": "Hello"}]}


def _prompt():
    return {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}


class _AdviceCase(gateway_case.GatewayCase):

    def play(self, model, body, status, headers=None):
        """These very bytes are the answer."""
        self.upstream.set_script(model, {
            "status": status, "body": body, "headers": headers or {},
            "content_type": "application/json"})

    def chat(self, model):
        return ask(self.gateway.http, chat(model))


class OwnCredentialTest(_AdviceCase):
    """A credential of the caller's own is the caller's to mend."""

    config = gateway_case.CONFIG.replace(
        "    openai:\n",
        "    credential_passthrough: true\n    openai:\n").replace(
            "    anthropic:\n",
            "    credential_passthrough: true\n    anthropic:\n")
    OWN = {"x-provider-authorization": "Bearer sk-of-the-callers-own"}

    def refuse(self, model, status, **error):
        self.play(model, json.dumps({"error": error}), status)

    def own_chat(self, model):
        return ask(self.gateway.http, chat(model), headers=self.OWN)

    def test_a_wrong_one_is_401_at_every_api(self):
        self.refuse("gpt-x", 401, message="Incorrect API key",
                    type="invalid_request_error", code="invalid_api_key")
        answer = self.own_chat("gpt-x")
        self.assertEqual((answer.status, answer.error()["code"]),
                         (401, "invalid_api_key"))
        self.assertEqual(answer.headers["x-should-retry"], "false")
        answer = ask(self.gateway.http, _message("gpt-x"), path="/v1/messages",
                     headers=self.OWN)
        self.assertEqual((answer.status, answer.error()["type"]),
                         (401, "authentication_error"))
        answer = ask(self.gateway.http, _prompt(), headers=self.OWN,
                     path="/v1beta/models/gpt-x:generateContent")
        self.assertEqual((answer.status, answer.error()["status"]),
                         (401, "UNAUTHENTICATED"))
        info = answer.error()["details"][0]
        self.assertEqual((info["reason"], info["metadata"]["credential"]),
                         ("PROVIDER_AUTH_FAILED", "caller"))

    def test_one_that_may_not_is_403(self):
        self.play("claude-x", json.dumps({"type": "error", "error": {
            "type": "permission_error", "message": "no access"}}), 403)
        answer = ask(self.gateway.http, _message("claude-x"),
                     path="/v1/messages", headers=self.OWN)
        self.assertEqual((answer.status, answer.error()["type"]),
                         (403, "permission_error"))

    def test_its_account_without_money_is_a_spent_budget(self):
        self.refuse("gpt-x", 429, message="quota", type="insufficient_quota",
                    code="insufficient_quota")
        answer = self.own_chat("gpt-x")
        self.assertEqual((answer.status, answer.error()["code"]),
                         (429, "insufficient_quota"))

    def test_the_gateways_is_not_told_as_the_callers(self):
        self.refuse("gpt-x", 401, message="Incorrect API key",
                    type="invalid_request_error", code="invalid_api_key")
        answer = self.chat("gpt-x")
        self.assertEqual((answer.status, answer.error()["code"]),
                         (502, "upstream_auth"))

    def test_operators_are_not_sent_to_look_at_theirs(self):
        self.refuse("gpt-quiet", 401, message="Incorrect API key")
        answer = ask(self.gateway.http, chat("gpt-quiet"),
                     headers={**self.OWN, "x-request-id": "quiet"})
        self.assertEqual(answer.status, 401)
        self.gateway.wait_for_access(request_id="quiet")
        self.assertNotIn("caller", [line.get("credential")
                                    for line in self.gateway.log_lines()])


class RetryAdviceTest(_AdviceCase):

    # Without credentials, of which none would be asked while they cool; one rests
    # after a test.
    config = gateway_case.KEYLESS_CONFIG.replace(
        "routing:\n  model_rules:\n",
        "  - {{name: limits, openai: {{base_url: \"http://{upstream}/v1\"}}}}\n"
        "routing:\n  model_rules:\n"
        "    - {{prefix: limited-, targets: [limits]}}\n")

    def advice(self, model, status, told=None):
        headers = {} if told is None else {"x-should-retry": told}
        self.play(model, "{}", status, headers)
        return self.chat(model).headers.get("x-should-retry")

    def test_the_vendors_advice_is_not_contradicted(self):
        self.assertIsNone(self.advice("gpt-x", 503, "true"))
        self.assertEqual(self.advice("gpt-x", 503, "false"), "false")

    def test_what_the_vendor_says_would_fail_again_is_asked_once(self):
        for status in (501, 503, 429):
            with self.subTest(status=status):
                self.play("gpt-once", "{}", status,
                          {"x-should-retry": "false"})
                answer = ask(self.gateway.http, chat("gpt-once"), headers={
                    "x-request-id": "once-%d" % status})
                self.assertEqual(answer.headers["x-should-retry"], "false")
                line = self.gateway.wait_for_access(
                    request_id="once-%d" % status)
                self.assertEqual(line["attempt_count"], 1)

    def test_what_was_not_retried_is_left_to_the_caller(self):
        self.play("limited-x", "{}", 429, {"retry-after": "100"})
        answer = self.chat("limited-x")
        self.assertEqual((answer.status, answer.headers["retry-after"]),
                         (429, "100"))
        self.assertNotIn("x-should-retry", answer.headers)

    def test_what_was_retried_is_not(self):
        for status in (429, 503):
            self.assertEqual(self.advice("gpt-x", status, "no"), "false")

    def test_no_retry_mends_what_only_the_caller_can(self):
        self.assertEqual(self.advice("gpt-x", 400), "false")
        self.assertEqual(self.advice("gpt-x", 404), "false")

    def test_an_operation_that_a_provider_lacks_is_not_tried_again(self):
        answer = ask(self.gateway.http,
                     {"model": "claude-x", "input": "Hello"},
                     path="/v1/embeddings")
        self.assertEqual(answer.status, 501)
        self.assertEqual(answer.headers["x-should-retry"], "false")


if __name__ == "__main__":
    unittest.main()
