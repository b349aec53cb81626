"""Which callers the rules are for, and where the others go: routing.rollout."""

import unittest

from tests.integration import gateway_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask, chat

_RULES = """\
routing:
  model_rules:
    - {{prefix: "gpt-", targets: [openai/gpt-new]}}
  default_target: openai
  rollout: {{percentage: %s%s}}
"""
_UPDATE = "/llmgateway.v1.AdminService/UpdateRollout"
_EXPLAIN = "/llmgateway.v1.AdminService/ExplainRoute"


class _RolloutCase(gateway_case.GatewayCase):

    calls_grpc = True

    def setUp(self):
        self.upstream.reset()

    def served(self, user, model="gpt-x", **headers):
        answer = ask(self.gateway.http, chat(model),
                     headers={"x-llmgateway-user": user, **headers})
        if answer.status != 200:
            return answer.status, answer.error()
        return answer.json()["model"], answer.headers["x-llmgateway-route"]

    def update(self, **request):
        call = self.caller.call(self.gateway.admin, _UPDATE, request)
        self.assertEqual(call.end["code"], "OK", call.end)
        return call.response


class BaselineTest(_RolloutCase):
    """team-a has its place at 29.91 %, team-b at 25.84 %."""

    config = gateway_case.PROVIDERS + _RULES % (
        27, ", baseline: anthropic/claude-old")

    def test_the_share_outside_goes_to_the_baseline(self):
        self.assertEqual(self.served("team-b")[0], "gpt-new")
        model, route = self.served("team-a")
        self.assertEqual(model, "claude-old")
        self.assertIn("reason=rollout:baseline;", route)

    def test_a_named_provider_is_the_baselines_or_refused(self):
        provider = "x-llmgateway-provider"
        self.assertEqual(
            self.served("team-a", **{provider: "anthropic"})[0], "claude-old")
        status, error = self.served("team-a", **{provider: "openai"})
        self.assertEqual(status, 403)
        self.assertIn("its calls go to 'anthropic'", error["message"])
        self.assertEqual(self.served("team-b", **{provider: "openai"})[0],
                         "gpt-x")

    def test_operators_are_told_what_a_caller_would_meet(self):
        def explained(**fields):
            call = self.caller.call(
                self.gateway.admin, _EXPLAIN,
                {"request": {"model": "gpt-x", **fields}})
            self.assertEqual(call.end["code"], "OK", call.end)
            return call.response
        for user in ("team-a", "team-b"):
            model, route = self.served(user)
            told = explained(scope={"user_id": user})
            self.assertEqual(told["route"]["model"], model)
            self.assertIn("reason=%s;" % told["route"]["reason"], route)
            self.assertIn("27.00 %", told["steps"][0]["detail"])
        call = self.caller.call(
            self.gateway.admin, _EXPLAIN, {"request": {"model": "gpt-x"}},
            metadata=[("x-llmgateway-caller", "team-z")])
        self.assertEqual(call.end["code"], "INVALID_ARGUMENT")
        self.assertIn("x-llmgateway-caller", call.end["message"])
        refused = explained(scope={"user_id": "team-a"}, provider_id="openai")
        self.assertEqual(refused["failure"], "ERROR_REASON_NOT_ROLLED_OUT")
        self.assertIn("its calls go to 'anthropic'",
                      refused["failure_message"])

    def test_a_change_is_in_force_for_every_new_call(self):
        self.addCleanup(self.update, reset=True)
        self.assertEqual(self.update(percentage=30),
                         {"enabled": True, "percentage": 30.0,
                          "overridden": True})
        self.assertEqual(self.served("team-a")[0], "gpt-new")
        self.upstream.set_script("gpt-new", {"stall_after_chunks": 1})
        running = self.caller.stream(self.gateway.grpc, prompt(
            "gpt-x", scope={"user_id": "team-b"}))
        running.next_event()
        self.update(enabled=False)
        for user in ("team-a", "team-b"):
            self.assertEqual(self.served(user)[0], "claude-old")
        # Those that run go on.
        self.assertIsNone(running.end)
        running.cancel()
        self.assertEqual(running.wait()["code"], "CANCELLED")


class WithoutBaselineTest(_RolloutCase):

    config = gateway_case.PROVIDERS + _RULES % (27, "")

    def test_the_share_outside_is_refused_at_every_api(self):
        for path, body in (
                ("/v1/chat/completions", chat("gpt-x")),
                ("/v1/messages", chat("gpt-x", max_tokens=9)),
                ("/v1/responses", {"model": "gpt-x", "input": "Hello"}),
                ("/v1beta/models/gpt-x:generateContent",
                 {"contents": [{"parts": [{"text": "Hello"}]}]})):
            answer = ask(self.gateway.http, body, path=path,
                         headers={"x-llmgateway-user": "team-a"})
            self.assertEqual(answer.status, 403, answer.body)
            self.assertIn(b"not rolled out", answer.body)
        call = self.caller.start_generate(
            self.gateway.grpc, prompt("gpt-x", scope={"user_id": "team-a"}))
        end = call.wait()
        self.assertEqual((end["code"], end["reason"]),
                         ("PERMISSION_DENIED", "NOT_ROLLED_OUT"))
        self.assertEqual(self.served("team-b")[0], "gpt-new")


if __name__ == "__main__":
    unittest.main()
