"""What differs for a model of a provider: its retries, its breaker, how many
attempts it takes at once, and how long it is waited for. docs/resilience.md."""

import unittest

from tests.integration import gateway_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask, chat


class ModelPoliciesTest(gateway_case.GatewayCase):

    config = """\
providers:
  - name: one
    openai:
      base_url: "http://{upstream}/v1"
    model_aliases: {{quick: swift}}
    resilience:
      retry: {{attempts_limit: 2}}
      circuit_breaker: {{consecutive_failures: 4}}
      models:
        - {{model: fragile, retry: {{attempts_limit: 1}},
           circuit_breaker: {{consecutive_failures: 1}}}}
        - {{model: narrow, concurrent_attempts_limit: 1}}
        - {{model: swift, timeouts: {{first_byte: 100ms,
           stream_first_byte: 120ms}}}}
        - {{model: terse, timeouts: {{first_content: 150ms}}}}
routing: {{default_target: one}}
resilience:
  retry: {{backoff_base: 1ms, backoff_limit: 5ms}}
"""
    calls_grpc = True

    def setUp(self):
        self.upstream.reset()

    def generate(self, model):
        """The code by which a call by gRPC ends, and its message."""
        call = self.caller.start_generate(self.gateway.grpc, prompt(model))
        call.wait()
        return call.end["code"], call.end["message"]

    def admin(self, method):
        call = self.caller.call(self.gateway.admin,
                                "/llmgateway.v1.AdminService/" + method, {})
        self.assertEqual(call.end["code"], "OK", call.end)
        return call.response

    def test_a_breaker_and_retries_of_its_own(self):
        for model in ("fragile", "sturdy"):
            self.upstream.set_script(model, {"status": 500})
        self.assertEqual(ask(self.gateway.http, chat("sturdy")).status, 502)
        self.assertEqual(self.upstream.stat("sturdy", "requests"), 2)
        self.assertEqual(ask(self.gateway.http, chat("fragile")).status, 502)
        self.assertEqual(self.upstream.stat("fragile", "requests"), 1)
        # One failure is enough for the one, and not for the other.
        self.assertEqual(ask(self.gateway.http, chat("fragile")).status, 503)
        self.assertIn("rests after it has failed", self.generate("fragile")[1])
        self.assertEqual(self.upstream.stat("fragile", "requests"), 1)
        self.upstream.set_script("sturdy", {})
        self.assertEqual(ask(self.gateway.http, chat("sturdy")).status, 200)
        circuits = self.admin("ListCircuits")["circuits"]
        self.assertEqual({c["model"]: c["state"] for c in circuits
                          if c["model"] in ("fragile", "sturdy")},
                         {"fragile": "STATE_OPEN", "sturdy": "STATE_CLOSED"})

    def test_a_limit_of_attempts_that_is_its_own(self):
        self.upstream.set_script("narrow", {"first_byte_delay_ms": 5000})
        slow = self.caller.start_generate(self.gateway.grpc, prompt("narrow"))
        self.upstream.wait_for("started", "narrow")
        answer = ask(self.gateway.http, chat("narrow"))
        self.assertEqual(answer.status, 503)
        self.assertIn("the model has 1 attempts under way",
                      answer.body.decode())
        self.assertEqual(self.generate("wide")[0], "OK")
        self.assertEqual(slow.wait()["code"], "OK")
        self.assertEqual(self.generate("narrow")[0], "OK")

    def test_it_is_waited_for_as_long_as_it_says(self):
        # By an alias as well: the name that the provider is asked for counts.
        for model, stream, without in (
                ("swift", False, "a first byte"), ("quick", True, "a first byte"),
                ("terse", True, "no content")):
            self.upstream.set_script(
                "terse" if model == "terse" else "swift",
                {"stall_before_first_byte": True})
            answer = ask(self.gateway.http, chat(model, stream=stream))
            self.assertEqual(answer.status, 504, model)
            self.assertIn(without, answer.body.decode())
        self.upstream.set_script("patient", {"first_byte_delay_ms": 300})
        self.assertEqual(ask(self.gateway.http, chat("patient")).status, 200)


if __name__ == "__main__":
    unittest.main()
