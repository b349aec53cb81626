"""Where calls go, by rules, by what callers say beside the request, and by what
becomes of targets that fail. docs/routing.md and docs/resilience.md tell it."""

import unittest

from tests.integration import gateway_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import RawConnection, ask, chat
from tests.integration.http_calls import request_bytes

_CONFIG = gateway_case.PROVIDERS + """\
routing:
  agent_rules:
    - {{agent_type: code-reviewer, targets: [openai/gpt-review]}}
  domain_tag_rules:
    - {{tag: law, targets: [openai/gpt-law]}}
  model_rules:
    - {{alias: house, targets: [openai/gpt-a, openai/gpt-b],
       balancing: round_robin}}
    - {{alias: ranked, targets: [openai/gpt-first, {{provider: openai,
       model: gpt-spare, priority: 1}}], fallbacks: [openai/gpt-last]}}
    - {{alias: refused, targets: [openai/gpt-broken],
       fallbacks: [openai/gpt-strict, openai/gpt-never]}}
    - {{alias: vectors, targets: [anthropic/claude-x, {{provider: openai,
       model: gpt-vectors, priority: 1}}]}}
    - {{alias: kept, targets: [openai/gpt-k1, openai/gpt-k2, openai/gpt-k3,
       openai/gpt-k4], balancing: sticky}}
    - {{alias: resting, targets: [openai/gpt-rests]}}
    - {{alias: short, targets: [openai/gpt-short]}}
    - {{prefix: "gpt-", targets: [openai]}}
  model_tier_rules:
    - {{tier: fast, targets: [openai/gpt-mini]}}
    - {{tier: opus, contains: [opus], targets: [openai/gpt-opus]}}
  default_target: openai/gpt-default
  failure_fallbacks:
    context_length: [openai/gpt-long]
resilience:
  retry: {{attempts_limit: 1}}
  circuit_breaker: {{consecutive_failures: 3, open_duration: 1h}}
"""


class RoutingTest(gateway_case.GatewayCase):

    config = _CONFIG
    calls_grpc = True

    def setUp(self):
        self.upstream.reset()

    def served(self, model="", headers=None, **fields):
        """The model that the provider was asked for, and why."""
        request = chat(model, **fields)
        if not model:
            del request["model"]
        answer = ask(self.gateway.http, request, headers=headers)
        self.assertEqual(answer.status, 200, answer.body)
        # By gRPC, which tells its route.
        call = self.caller.start_generate(
            self.gateway.grpc, prompt(model, **fields),
            metadata=list((headers or {}).items()))
        self.assertEqual(call.wait()["code"], "OK", call.end)
        route = call.response["route"]
        self.assertEqual(answer.json()["model"], route["model"])
        return route["model"] + " " + route["reason"]

    def test_a_field_that_is_given_twice_is_refused(self):
        fields = ("x-llmgateway-user: a", "X-LLMGateway-User: a")
        with RawConnection(self.gateway.http) as connection:
            connection.send(request_bytes(chat("gpt-x"), headers=fields))
            head = connection.read_until(b"\r\n\r\n").decode()
            self.assertTrue(head.startswith("HTTP/1.1 400"), head)
            body = connection.read_until(b"}}").decode()
            self.assertIn("x-llmgateway-user: is given twice", body)
        call = self.caller.start_generate(
            self.gateway.grpc, prompt("gpt-x"),
            metadata=[("x-llmgateway-timeout", "9s"),
                      ("x-llmgateway-timeout", "9s")])
        self.assertEqual((call.wait()["code"], call.end["fields"]),
                         ("INVALID_ARGUMENT", ["x-llmgateway-timeout"]))
        # Lists may come in several.
        call = self.caller.start_generate(
            self.gateway.grpc, prompt("gpt-x"),
            metadata=[("x-llmgateway-tags", "tax"),
                      ("x-llmgateway-tags", "law")])
        self.assertEqual(call.wait()["code"], "OK")
        self.assertEqual(call.response["route"]["reason"], "domain_tag:law")

    def test_the_first_that_applies_decides(self):
        agent = {"x-llmgateway-agent-type": "Code-Reviewer"}
        law = {"x-llmgateway-tags": "tax, law"}
        self.assertEqual(self.served("gpt-x"), "gpt-x model_rule:gpt-")
        self.assertEqual(self.served("gpt-x", law), "gpt-law domain_tag:law")
        self.assertEqual(self.served("gpt-x", {**law, **agent}),
                         "gpt-review agent_rule:code-reviewer")
        self.assertEqual(
            self.served("gpt-x", {**agent, "x-llmgateway-provider": "openai"}),
            "gpt-x explicit")
        self.assertEqual(self.served("my-opus-4"), "gpt-opus model_tier:opus")
        self.assertEqual(self.served("tier:fast"), "gpt-mini model_tier:fast")
        self.assertEqual(self.served("other"), "gpt-default default")
        self.assertEqual(self.served(), "gpt-default default")
        self.assertEqual(self.served("", law), "gpt-law domain_tag:law")

    def test_what_is_said_beside_the_request_does_not_reach_the_provider(self):
        self.served("gpt-x", {"x-llmgateway-user": "u-1",
                              "x-llmgateway-timeout": "20s"})
        self.assertNotIn("x-llmgateway",
                         str(self.upstream.last("gpt-x")).lower())
        line = self.gateway.wait_for_access(user="u-1")
        self.assertEqual(line["model_served"], "gpt-x")

    def test_what_is_not_understood_is_refused_by_name(self):
        for headers, status, field in [
                ({"x-llmgateway-colour": "red"}, 400, "x-llmgateway-colour"),
                ({"x-llmgateway-timeout": "soon"}, 400,
                 "x-llmgateway-timeout"),
                ({"x-llmgateway-priority": "1"}, 400,
                 "x-llmgateway-priority")]:
            answer = ask(self.gateway.http, chat("gpt-x"), headers=headers)
            self.assertEqual(answer.status, status)
            self.assertIn(field, answer.error()["message"])
            call = self.caller.start_generate(
                self.gateway.grpc, prompt("gpt-x"),
                metadata=list(headers.items()))
            call.wait()
            self.assertIn(field, call.end["message"])
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 0)

    def test_lists_refuse_what_is_not_known_too(self):
        bogus = "x-llmgateway-bogus"
        for path in ("/v1/models", "/v1/models/gpt-x", "/v1beta/models",
                     "/api/chat/capabilities"):
            with self.subTest(path=path):
                answer = ask(self.gateway.http, path=path,
                             headers={bogus: "1"})
                self.assertIn(answer.status, (400, 422), answer.body)
                self.assertIn(bogus, answer.body.decode())
        for method in ("ListModels", "GetModel"):
            call = self.caller.start(
                self.gateway.grpc, "/llmgateway.v1.GatewayService/" + method,
                {}, metadata=[(bogus, "1")])
            self.assertEqual((call.wait()["code"], call.end["fields"]),
                             ("INVALID_ARGUMENT", [bogus]), method)
        answer = ask(self.gateway.http, path="/v1/models",
                     headers={"x-llmgateway-user": "u-1"})
        self.assertEqual(answer.status, 200, answer.body)

    def test_what_contradicts_the_request_is_refused(self):
        call = self.caller.start_generate(
            self.gateway.grpc,
            prompt("gpt-x", scope={"agent_type": "a"}),
            metadata=[("x-llmgateway-agent-type", "b")])
        call.wait()
        self.assertEqual(call.end["code"], "INVALID_ARGUMENT")
        self.assertIn("x-llmgateway-agent-type", call.end["message"])

    def test_targets_of_one_name_share_its_calls(self):
        for _ in range(6):
            self.assertEqual(ask(self.gateway.http, chat("house")).status, 200)
        self.assertEqual(self.upstream.stat("gpt-a", "requests"), 3)
        self.assertEqual(self.upstream.stat("gpt-b", "requests"), 3)

    def kept(self, path, question, system="", **fields):
        """The target of a call whose caller says nothing of himself."""
        if path == "grpc":
            request = prompt("kept", question, **fields)
            if system:
                request["messages"].insert(0, {
                    "role": "ROLE_SYSTEM", "parts": [{"text": system}]})
            call = self.caller.start_generate(self.gateway.grpc, request)
            self.assertEqual(call.wait()["code"], "OK", call.end)
            return call.response["route"]["model"]
        request = chat("kept", question, **fields)
        if path == "/v1/messages":
            request.update({"max_tokens": 9},
                           **{"system": system} if system else {})
        elif system:
            request["messages"].insert(
                0, {"role": "system", "content": system})
        answer = ask(self.gateway.http, request, path=path)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()["model"]

    def test_calls_of_one_beginning_stay_together(self):
        apis = ("/v1/chat/completions", "/v1/messages", "grpc")
        served = {self.kept(path, "question %d" % i, "S" * 2000)
                  for path in apis for i in range(6)}
        self.assertEqual(len(served), 1, served)
        served = {self.kept(path, "question %d" % i, prompt_cache_key="k9")
                  for path in ("/v1/chat/completions", "grpc")
                  for i in range(6)}
        self.assertEqual(len(served), 1, served)

    def test_an_unnamed_caller_does_not_go_to_one_target(self):
        for path in ("/v1/chat/completions", "/v1/messages", "grpc"):
            served = {self.kept(path, "question %d" % i) for i in range(12)}
            self.assertGreater(len(served), 1, path)

    def test_after_a_target_the_next_of_its_name_and_then_the_fallbacks(self):
        self.upstream.set_script("gpt-first", {"status": 503})
        answer = ask(self.gateway.http, chat("ranked"))
        self.assertEqual(answer.status, 200)
        self.upstream.set_script("gpt-spare", {"status": 503})
        for stream in (False, True):
            answer = ask(self.gateway.http, chat("ranked", stream=stream))
            self.assertEqual(answer.status, 200)
        self.assertEqual(
            [self.upstream.stat("gpt-" + name, "requests")
             for name in ("first", "spare", "last")], [3, 3, 2])

    def test_what_is_refused_after_a_target_is_refused(self):
        self.upstream.set_script("gpt-broken", {"status": 503})
        self.upstream.set_script("gpt-strict", {"status": 400})
        for stream in (False, True):
            answer = ask(self.gateway.http, chat("refused", stream=stream))
            self.assertEqual(answer.status, 400, answer.body)
        self.assertEqual(
            [self.upstream.stat("gpt-" + name, "requests")
             for name in ("broken", "strict", "never")], [2, 2, 0])

    def test_embeddings_are_made_by_whoever_makes_them(self):
        answer = ask(self.gateway.http, {"model": "vectors", "input": "x"},
                     path="/v1/embeddings")
        self.assertEqual(answer.status, 200, answer.body)

    def test_a_target_that_keeps_failing_rests(self):
        self.upstream.set_script("gpt-rests", {"status": 503})
        for _ in range(3):
            self.assertEqual(ask(self.gateway.http, chat("resting")).status,
                             503)
        answer = ask(self.gateway.http, chat("resting"))
        self.assertEqual(answer.status, 503)
        self.assertIn("rests", answer.error()["message"])
        self.assertIn("retry-after", answer.headers)
        # Nobody was asked, so that whoever waits may ask again.
        self.assertNotIn("x-should-retry", answer.headers)
        self.assertEqual(self.upstream.stat("gpt-rests", "requests"), 3)
        # Another model of the provider has a breaker of its own.
        self.assertEqual(ask(self.gateway.http, chat("gpt-y")).status, 200)

    def test_what_is_too_long_goes_where_it_fits(self):
        self.upstream.set_script("gpt-short", {
            "status": 400, "content_type": "application/json",
            "body": '{"error": {"message": "too long", "type": '
                    '"invalid_request_error", "code": '
                    '"context_length_exceeded"}}'})
        self.assertEqual(ask(self.gateway.http, chat("short")).status, 200)
        self.assertEqual(self.upstream.stat("gpt-long", "requests"), 1)

    def test_a_time_limit_beside_the_request_holds(self):
        self.upstream.set_script("gpt-slow", {"first_byte_delay_ms": 20000})
        answer = ask(self.gateway.http, chat("gpt-slow"),
                     headers={"x-llmgateway-timeout": "200ms"})
        self.assertEqual(answer.status, 504)


if __name__ == "__main__":
    unittest.main()
