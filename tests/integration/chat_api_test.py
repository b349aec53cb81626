"""Chat whose model is chosen by what a node needs, over real sockets: whole and
in the older form. docs/http_apis.md tells it; streams are in
chat_streams_test.py."""

import datetime
import json
import unittest
import uuid

from tests.integration.chat_case import (
    COMPLETE, PROVIDERS, ChatCase, events_of, say)

_PATHS = (COMPLETE, "/api/chat/stream", "/api/chat/send")


class CompleteTest(ChatCase):

    def test_an_answer_has_all_its_fields(self):
        self.upstream.set_script("gpt-w", {
            "text": "one two three",
            "usage": {"prompt_tokens": 9, "completion_tokens": 3}})
        answer = self.answered(say(node_name="writer", max_tokens=50))
        told = answer.json()
        self.assertEqual(told["content"], "one two three")
        self.assertEqual(told["model_used"], "gpt-w")
        self.assertEqual(told["provider"], "openai")
        self.assertEqual(told["tokens_used"],
                         {"input": 9, "output": 3, "total": 12})
        self.assertEqual(told["cost_usd"], 0.00000315)
        self.assertGreaterEqual(told["latency_ms"], 0)
        self.assertEqual(told["trace_id"], answer.headers["x-trace-id"])
        self.assertIsNone(told["conversation_id"])
        self.assertEqual(told["finish_reason"], "stop")
        datetime.datetime.fromisoformat(told["timestamp"].replace("Z", ""))
        self.assertIn("model=gpt-w; reason=selection:balanced",
                      answer.headers["x-llmgateway-route"])
        self.assertEqual(answer.headers["x-llmgateway-cost-usd"],
                         "0.00000315")
        self.assertNotIn("x-llmgateway-warnings", answer.headers)
        line = self.gateway.wait_for_access(path=COMPLETE)
        self.assertEqual((line["operation"], line["status"]),
                         ("POST " + COMPLETE, "OK"))

    def test_what_is_asked_reaches_the_provider(self):
        self.answered({"messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi."},
            {"role": "user", "content": "Go on"}],
            "node_name": "writer", "temperature": 1.5, "max_tokens": 8000})
        sent = self.sent("gpt-w")
        self.assertEqual([message["role"] for message in sent["messages"]],
                         ["system", "user", "assistant", "user"])
        self.assertEqual(sent["temperature"], 1.5)
        self.assertEqual(
            sent.get("max_tokens", sent.get("max_completion_tokens")), 8000)
        self.answered(say(node_name="writer"))
        self.assertEqual(self.sent("gpt-w")["temperature"], 0.7)

    def test_an_answer_is_whole_whatever_the_request_says(self):
        answer = self.answered(say(stream=True))
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertTrue(answer.json()["content"])

    def test_a_model_is_chosen_by_what_the_request_says(self):
        for fields, model in [
                ({"node_name": "writer"}, "gpt-w"),
                ({"capabilities": ["reasoning"]}, "claude-r"),
                ({"capabilities": ["tools"]}, "claude-r"),
                # A node that is not configured needs nothing of its own.
                ({"strategy": "cost_optimized"}, "gpt-w"),
                ({"strategy": "performance_optimized",
                  "cost_tier_override": "MEDIUM"}, "gpt-w"),
                ({"capabilities": ["streaming"],
                  "strategy": "cost_optimized",
                  "previous_failures": ["writer-model"]}, "claude-r"),
                ({"capabilities": ["streaming"],
                  "strategy": "performance_optimized",
                  "budget_remaining": 0.001}, "gpt-w")]:
            with self.subTest(fields=fields):
                told = self.answered(say(**fields)).json()
                self.assertEqual(told["model_used"], model)

    def test_headers_say_the_same(self):
        for headers, model in [
                ({"x-llmgateway-node": "writer"}, "gpt-w"),
                ({"x-llmgateway-capabilities": "reasoning"}, "claude-r"),
                ({"x-llmgateway-agent-type": "reviewer"}, "gpt-review")]:
            with self.subTest(headers=headers):
                told = self.answered(say(), headers=headers).json()
                self.assertEqual(told["model_used"], model)
        # Where both speak they must agree.
        detail = self.refused(say(node_name="search"),
                              headers={"x-llmgateway-node": "writer"})
        self.assertEqual(detail[0][0], ["header", "x-llmgateway-node"])
        self.assertIn("contradicts", detail[0][1])
        detail = self.refused(say(), headers={"x-llmgateway-colour": "red"})
        self.assertEqual(detail[0][0], ["header", "x-llmgateway-colour"])
        # An answer has by itself what details would add.
        answer = self.answered(say(), headers={"x-llmgateway-details": "true"})
        self.assertEqual(answer.body.count(b'"provider"'), 1)

    def test_when_the_model_fails_the_next_is_asked(self):
        self.upstream.set_script("gpt-w", {"status": 503})
        answer = self.answered(say(capabilities=["streaming"],
                                   strategy="cost_optimized"))
        self.assertEqual(answer.json()["model_used"], "claude-r")
        self.assertEqual(answer.json()["provider"], "anthropic")
        self.assertIn("attempts=2", answer.headers["x-llmgateway-route"])

    def test_a_trace_has_the_callers_id(self):
        headers = {}
        for name in ("request-id", "trace-id", "x-request-id", "x-trace-id"):
            headers[name] = "of-" + name
            answer = self.answered(say(), headers=headers)
            self.assertEqual(answer.headers["x-trace-id"], "of-" + name)
            self.assertEqual(answer.headers["x-request-id"], "of-" + name)
            self.assertEqual(answer.json()["trace_id"], "of-" + name)
        made_up = self.answered(say()).json()["trace_id"]
        uuid.UUID(made_up)
        self.assertNotEqual(made_up, self.answered(say()).json()["trace_id"])

    def test_for_whom_it_is_asked_is_recorded(self):
        self.answered(say(user_context={
            "user_id": "u-chat", "session_id": 7, "agent_type": "reviewer"}))
        line = self.gateway.wait_for_access(user="u-chat")
        self.assertEqual((line["session_id"], line["agent_type"]),
                         ("7", "reviewer"))

    def test_what_nobody_knows_is_told_as_left_out(self):
        answer = self.answered(say(top_p=0.5, user_context={"plan": "pro"}))
        warnings = answer.headers["x-llmgateway-warnings"]
        self.assertIn("top_p", warnings)
        self.assertIn("user_context", warnings)
        self.assertNotIn("top_p", self.sent_to_any())
        self.assertNotIn("plan", self.sent_to_any())
        # By the names that the caller has for them.
        self.assertNotIn("extensions", warnings)

    def test_fields_are_refused_by_name_on_both_sides_of_their_bounds(self):
        for good, bad, place, rule in [
                ({"temperature": 0}, {"temperature": -0.01},
                 ["temperature"], "must lie in 0 to 2"),
                ({"temperature": 2}, {"temperature": 2.01},
                 ["temperature"], "must lie in 0 to 2"),
                ({"max_tokens": 1}, {"max_tokens": 0},
                 ["max_tokens"], "must be between 1 and 8000"),
                ({"max_tokens": 8000}, {"max_tokens": 8001},
                 ["max_tokens"], "must be between 1 and 8000"),
                ({"node_name": "n" * 128}, {"node_name": "n" * 129},
                 ["node_name"], "is longer than 128 bytes"),
                ({"capabilities": ["streaming"] * 64},
                 {"capabilities": ["streaming"] * 65},
                 ["capabilities"], "has more than 64 entries"),
                ({"capabilities": []}, {"capabilities": ["flying"]},
                 ["capabilities", 0], "is no capability"),
                ({"previous_failures": ["x"] * 64},
                 {"previous_failures": ["x"] * 65},
                 ["previous_failures"], "has more than 64 entries"),
                ({"budget_remaining": 0}, {"budget_remaining": -0.01},
                 ["budget_remaining"], "must lie in 0"),
                ({"strategy": "balanced"}, {"strategy": "best"},
                 ["strategy"], "must be one of cost_optimized"),
                ({"cost_tier_override": "high"},
                 {"cost_tier_override": "dear"},
                 ["cost_tier_override"], "must be LOW"),
                ({"user_context": {"user_id": "u" * 512}},
                 {"user_context": {"user_id": "u" * 513}},
                 ["user_context", "user_id"], "is longer than 512"),
                ({"stream": False}, {"stream": "no"},
                 ["stream"], "expected true or false")]:
            with self.subTest(bad=str(bad)[:60]):
                self.answered(say(**good))
                (loc, message), = self.refused(say(**bad))
                self.assertEqual(loc, ["body"] + place)
                self.assertIn(rule, message)

    def test_messages_are_refused_by_their_place(self):
        for messages, place, rule in [
                ([], ["messages"], "is required"),
                ("Hello", ["messages"], "expected an array"),
                ([{"role": "user", "content": "a"},
                  {"role": "tool", "content": "b"}],
                 ["messages", 1, "role"], "must be user, assistant or system"),
                ([{"content": "a"}], ["messages", 0], "role must be set"),
                ([{"role": "user"}], ["messages", 0], "content must be set"),
                ([{"role": "user", "content": ["a"]}],
                 ["messages", 0, "content"], "expected a string")]:
            with self.subTest(messages=messages):
                (loc, message), = self.refused({"messages": messages})
                self.assertEqual(loc, ["body"] + place)
                self.assertIn(rule, message)
        (loc, _), = self.refused({})
        self.assertEqual(loc, ["body", "messages"])
        # All that is wrong with what could be read is told at once.
        faults = self.refused(say(temperature=3, capabilities=["flying"]))
        self.assertEqual([loc for loc, _ in faults],
                         [["body", "temperature"], ["body", "capabilities", 0]])

    def test_what_is_no_request_is_refused(self):
        for body in (b"", b"{", b"[1]", b'{"messages":[]} x',
                     b'{"messages":"\xff"}', b"[" * 2000):
            with self.subTest(body=body[:20]):
                (loc, _), = self.refused(body)
                self.assertEqual(loc[0], "body")
        (loc, message), = self.refused(
            b'{"node_name":"a","node_name":"b","messages":[]}')
        self.assertEqual((loc, message), (["body", "node_name"],
                                          "given twice"))
        detail = self.refused(say(), status=415,
                              headers={"content-encoding": "gzip"})
        self.assertIn("gzip", detail)

    def test_so_many_small_messages_are_not_read(self):
        message = b'{"role":"user","content":""}'
        for path in _PATHS:
            detail = self.refused(
                b'{"messages":[' + b",".join([message] * 60000) + b"]}",
                path, status=413)
            self.assertIn("many small values", detail)

    def test_what_nobody_can_do_is_refused_with_what_lacks(self):
        for fields in ({"node_name": "search"},
                       {"capabilities": ["web_search"]}):
            answer = self.ask(say(**fields))
            self.assertEqual(answer.status, 400)
            self.assertIn("reasoner (lacks web_search",
                          answer.json()["detail"])
            self.assertEqual(answer.json()["reason"], "CAPABILITY_UNSUPPORTED")

    def test_failures_of_providers_have_their_status(self):
        for script, status, reason in [
                ({"status": 429}, 429,
                 "PROVIDER_RATE_LIMITED"),
                ({"status": 500}, 502, "PROVIDER_UNAVAILABLE"),
                ({"status": 503}, 503, "PROVIDER_UNAVAILABLE"),
                ({"status": 401}, 502, "PROVIDER_AUTH_FAILED"),
                ({"body": "no JSON"}, 502, "PROVIDER_BAD_RESPONSE")]:
            with self.subTest(reason=reason):
                self.upstream.set_script("gpt-w", script)
                answer = self.ask(say(node_name="writer"))
                self.assertEqual(answer.status, status, answer.body)
                told = answer.json()
                self.assertEqual(told["reason"], reason)
                self.assertTrue(told["detail"])
                self.assertIn("provider=openai",
                              answer.headers["x-llmgateway-route"])
        self.assertEqual(self.upstream.stat("gpt-w", "requests"), 5)

    def test_paths_and_methods_that_there_are_not(self):
        detail = self.refused(say(), path="/api/chat/nothing", status=404)
        self.assertIn("POST " + COMPLETE, detail)
        answer = self.ask(None, method="GET")
        self.assertEqual(answer.status, 405)
        self.assertEqual(answer.headers["allow"], "POST")
        self.assertIsInstance(answer.json()["detail"], str)

    def sent(self, model):
        """The body that the provider was sent."""
        return json.loads(self.upstream.last_body(model))

    def sent_to_any(self):
        return str([self.upstream.last(model)
                    for model in ("gpt-w", "claude-r")
                    if self.upstream.stat(model, "requests")])


class SendTest(ChatCase):

    path = "/api/chat/send"

    def test_a_mode_says_what_is_needed(self):
        for fields, model in [
                ({"mode": "creative"}, "gpt-w"),
                ({"mode": "Writing"}, "gpt-w"),
                ({"mode": "analysis"}, "claude-r"),
                ({"mode": "code"}, "claude-r"),
                # Said outright, in the request or beside it.
                ({"mode": "code", "capabilities": ["creative_writing"]},
                 "gpt-w"),
                ({"mode": "research", "node_name": "writer",
                  "capabilities": ["streaming"]}, "gpt-w")]:
            with self.subTest(fields=fields):
                told = self.answered(say(**fields), self.path).json()
                self.assertEqual(told["model_used"], model)
        for headers in ({"x-llmgateway-capabilities": "reasoning"},
                        {"x-llmgateway-node": "writer"}):
            self.answered(say(mode="general"), self.path, headers=headers)
        answer = self.ask(say(mode="research"), self.path)
        self.assertEqual(answer.status, 400)
        self.assertIn("lacks web_search", answer.json()["detail"])
        # That of a mode that nobody knows is any that streams.
        for fields in ({"mode": "dancing"}, {}):
            self.answered(say(**fields), self.path)

    def test_messages_may_be_one_text(self):
        self.answered({"messages": "Hello", "mode": "writing"}, self.path)
        sent = json.loads(self.upstream.last_body("gpt-w"))
        self.assertEqual(sent["messages"],
                         [{"role": "user", "content": "Hello"}])

    def test_an_answer_is_streamed_if_that_is_asked(self):
        answer = self.answered(say(mode="writing", stream=True), self.path)
        events = events_of(answer.body)
        self.assertEqual((events[0][0], events[-1][0]), ("metadata", "done"))
        answer = self.answered(say(mode="writing"), self.path)
        self.assertTrue(answer.json()["content"])
        line = self.gateway.wait_for_access(path=self.path)
        self.assertEqual(line["operation"], "POST " + self.path)

    def test_a_mode_has_a_bound(self):
        self.answered(say(mode="m" * 64), self.path)
        (loc, rule), = self.refused(say(mode="m" * 65), self.path)
        self.assertEqual((loc, rule), (["body", "mode"],
                                       "is longer than 64 bytes"))


class LimitsTest(ChatCase):

    config = ChatCase.config + """\
limits: {{messages_limit: 3}}
listeners:
  grpc: {{address: "127.0.0.1:0"}}
  http: {{address: "127.0.0.1:0", body_bytes_limit: 4KiB}}
  admin: {{address: "127.0.0.1:0"}}
  operations: {{address: "127.0.0.1:0"}}
"""

    def test_bodies_and_messages_have_limits(self):
        for path in _PATHS:
            self.answered(say("x" * 3900), path)
            answer = self.ask(say("x" * 4096), path)
            self.assertEqual(answer.status, 413)
            self.assertEqual(answer.json()["reason"], "REQUEST_TOO_LARGE")
            self.assertIsInstance(answer.json()["detail"], str)
            message = {"role": "user", "content": "a"}
            self.answered({"messages": [message] * 3}, path)
            (loc, rule), = self.refused({"messages": [message] * 4}, path)
            self.assertEqual(loc, ["body", "messages"])
            self.assertIn("more than 3", rule)


class KeysTest(ChatCase):

    config = ChatCase.config + """\
auth: {{callers: {{api_keys: [{{id: alice, key: "env:ALICE"}}]}}}}
"""
    env = {"ALICE": "alice-0123456789"}

    def test_callers_show_their_keys_here_as_elsewhere(self):
        for path in _PATHS:
            for headers in ({"authorization": "Bearer alice-0123456789"},
                            {"x-api-key": "alice-0123456789"}):
                self.answered(say(), path, headers=headers)
            for headers in ({}, {"authorization": "Bearer alice-012345678"},
                            {"x-api-key": "nobody"}):
                detail = self.refused(say(), path, status=401,
                                      headers=headers)
                self.assertNotIn("alice", detail)
                # Before anything of the body is read.
                self.refused(b"{", path, status=401, headers=headers)


class NoPoliciesTest(ChatCase):

    config = PROVIDERS + """\
routing:
  default_target: openai/gpt-default
"""

    def test_the_default_target_answers(self):
        for fields in ({}, {"node_name": "writer"},
                       {"strategy": "cost_optimized"}, {"capabilities": []}):
            with self.subTest(fields=fields):
                answer = self.answered(say(**fields))
                self.assertEqual(answer.json()["model_used"], "gpt-default")
                self.assertIn("reason=default",
                              answer.headers["x-llmgateway-route"])
                # The price is the shipped table's, which does not know it.
                self.assertEqual(answer.json()["cost_usd"], 0)
                self.assertNotIn("x-llmgateway-cost-usd", answer.headers)

    def test_capabilities_that_are_asked_for_are_not_passed_over(self):
        answer = self.ask(say(capabilities=["vision"]))
        self.assertEqual(answer.status, 400)
        self.assertEqual(answer.json()["reason"], "CAPABILITY_UNSUPPORTED")


    def test_a_mode_is_no_wish_where_there_is_no_choice(self):
        answer = self.answered(say(mode="research"), "/api/chat/send")
        self.assertEqual(answer.json()["model_used"], "gpt-default")
        events = events_of(self.answered(say(), "/api/chat/stream").body)
        metadata = events[0][1]
        self.assertEqual((metadata["model"], metadata["reasoning"],
                          metadata["estimated_cost"]),
                         ("gpt-default", "default", None))


class NothingToChooseTest(ChatCase):

    config = PROVIDERS

    def test_the_refusal_says_what_to_configure(self):
        answer = self.ask(say())
        self.assertEqual(answer.status, 404)
        self.assertIn("routing.default_target", answer.json()["detail"])


if __name__ == "__main__":
    unittest.main()
