"""What would be chosen for a chat, and what may be asked for, over real
sockets. docs/http_apis.md tells it."""

import unittest
from urllib.parse import urlencode

from tests.integration.chat_case import PROVIDERS, ChatCase, events_of, say
from tests.integration.http_calls import ask
from tests.testing import upstreams

_CAPABILITIES = "/api/chat/capabilities"
_PREVIEW = "/api/chat/select-model"
# Of the models of each kind of provider.
_PREFIXES = ("gpt-", "claude-", "llama-", "azure-", "deepseek-", "gemini-",
             "router-")


class _PreviewCase(ChatCase):

    def preview(self, body=b"", query="", **options):
        return self.answered(body, _PREVIEW + query, method="POST",
                             **options).json()

    def choice(self, *args, **options):
        return self.preview(*args, **options)["selected_model"]


class PreviewTest(_PreviewCase):

    def test_it_says_what_would_be_chosen_and_why(self):
        told = self.preview({"node_name": "writer"})
        self.assertIn("the best of 1 model", told.pop("reasoning"))
        abilities = told.pop("capabilities")
        self.assertEqual({name for name, has in abilities.items() if has},
                         {"streaming", "long_context", "creative_writing"})
        self.assertEqual(len(abilities), 16)
        self.assertEqual(told, {
            "selected_model": "writer-model", "provider": "openai",
            "confidence_score": 0.6, "estimated_cost": 0.00045,
            "alternatives": [], "fallback_chain": []})
        told = self.preview({"strategy": "cost_optimized"})
        self.assertEqual((told["selected_model"], told["confidence_score"]),
                         ("writer-model", 0.8))
        self.assertEqual(told["alternatives"], ["reasoner"])
        self.assertEqual(told["fallback_chain"], ["reasoner"])
        # Nobody is asked for that.
        for model in ("gpt-w", "claude-r"):
            self.assertEqual(self.upstream.stat(model, "requests"), 0)

    def test_it_is_what_a_call_gets(self):
        for fields in ({}, {"node_name": "writer"},
                       {"capabilities": ["reasoning"]},
                       {"strategy": "performance_optimized"},
                       {"capabilities": ["streaming"],
                        "previous_failures": ["writer-model"],
                        "strategy": "cost_optimized"}):
            with self.subTest(fields=fields):
                told = self.preview(fields)
                answer = self.answered(say(**fields)).json()
                self.assertEqual(told["provider"], answer["provider"])

    def test_it_takes_the_very_body_of_the_call(self):
        body = say(node_name="writer", temperature=0.1, max_tokens=9,
                   stream=True, user_context={"agent_type": "reviewer"},
                   top_p=1)
        answer = self.ask(body, _PREVIEW)
        self.assertEqual(answer.status, 200, answer.body)
        # As a call of that agent does.
        self.assertEqual(answer.json()["selected_model"], "gpt-review")
        self.assertIn("top_p: left out", answer.headers[
            "x-llmgateway-warnings"])
        del body["user_context"]
        self.assertEqual(self.choice(body), "writer-model")
        (loc, rule), = self.refused(
            say(user_context={"agent_type": "reviewer"}), _PREVIEW,
            headers={"x-llmgateway-agent-type": "editor"})
        self.assertIn("contradicts", rule)

    def test_a_call_of_any_length_is_read(self):
        # More than 4 KiB are counted as they are read.
        for length in (4096, 4097, 100000, 3000000):
            with self.subTest(length=length):
                self.assertEqual(self.choice(
                    say("x" * length, node_name="writer")), "writer-model")
        (_, told), = self.refused(
            b'{"messages":[' + b",".join([b"{}"] * 400000) + b"]}", _PREVIEW)
        self.assertTrue(told)
        self.assertEqual(self.choice({"node_name": "writer"}), "writer-model")

    def test_parameters_that_nobody_reads_are_refused(self):
        for query, rule in (("?node=writer", "is no parameter here"),
                            ("?strategy=balanced&x=1", "is no parameter here"),
                            ("?strategy=balanced&strategy=balanced",
                             "given twice"),
                            ("?%ff=1", "must be UTF-8")):
            with self.subTest(query=query):
                (_, told), = self.refused({}, _PREVIEW + query)
                self.assertIn(rule, told)

    def test_it_is_asked_by_body_query_or_headers(self):
        for body, query, headers, model in [
                (["reasoning"], {}, {}, "reasoner"),
                (b"", {"node_name": "writer"}, {}, "writer-model"),
                (["streaming"], {"node_name": "writer",
                                 "strategy": "cost_optimized"}, {},
                 "writer-model"),
                (b"", {}, {"x-llmgateway-capabilities": "reasoning"},
                 "reasoner"),
                (b"", {}, {"x-llmgateway-node": "writer"}, "writer-model"),
                (b"", {}, {"x-llmgateway-agent-type": "reviewer"},
                 "gpt-review"),
                ({"node_name": "writer"}, {"node_name": "writer"},
                 {"x-llmgateway-node": "writer"}, "writer-model")]:
            with self.subTest(body=body, query=query, headers=headers):
                self.assertEqual(
                    self.choice(body, "?" + urlencode(query),
                                headers=headers), model)

    def test_what_contradicts_itself_is_refused(self):
        for body, query, headers, place in [
                ({"node_name": "writer"}, "?node_name=search", {},
                 ["body", "node_name"]),
                ({"strategy": "balanced"}, "?strategy=cost_optimized", {},
                 ["body", "strategy"]),
                ({"node_name": "writer"}, "", {"x-llmgateway-node": "search"},
                 ["header", "x-llmgateway-node"]),
                (["streaming"], "",
                 {"x-llmgateway-capabilities": "reasoning"},
                 ["header", "x-llmgateway-capabilities"]),
                ({"strategy": "balanced"}, "",
                 {"x-llmgateway-strategy": "cost_optimized"},
                 ["header", "x-llmgateway-strategy"])]:
            with self.subTest(place=place):
                (loc, rule), = self.refused(body, _PREVIEW + query,
                                            headers=headers)
                self.assertEqual(loc, place)
                self.assertIn("contradicts", rule)

    def test_what_is_not_understood_is_refused_by_name(self):
        for body, query, place in [
                ({"node_name": "n" * 129}, "", ["node_name"]),
                (["flying"], "", ["capabilities", 0]),
                (["streaming"] * 65, "", ["capabilities"]),
                ({"strategy": "best"}, "", ["strategy"]),
                (b"", "?strategy=best", ["strategy"]),
                (b"{", "", [])]:
            with self.subTest(body=str(body)[:40]):
                (loc, _), = self.refused(body, _PREVIEW + query,
                                         method="POST")
                self.assertEqual(loc, ["body"] + place)
        self.choice(["streaming"] * 64)
        self.choice({"node_name": "n" * 128})

    def test_what_nobody_can_do_is_refused_with_what_lacks(self):
        answer = self.ask({"node_name": "search"}, _PREVIEW)
        self.assertEqual(answer.status, 400)
        self.assertEqual(answer.json()["reason"], "CAPABILITY_UNSUPPORTED")
        self.assertIn("reasoner (lacks web_search", answer.json()["detail"])


class CapabilitiesTest(ChatCase):

    def test_every_capability_and_strategy_is_told(self):
        told = ask(self.gateway.http, path=_CAPABILITIES).json()
        capabilities = {each["name"]: each for each in told["capabilities"]}
        self.assertEqual(len(capabilities), 16)
        self.assertEqual(capabilities["streaming"]["models"],
                         ["writer-model", "reasoner"])
        self.assertEqual(capabilities["reasoning"]["models"], ["reasoner"])
        self.assertEqual(capabilities["web_search"]["models"], [])
        for each in capabilities.values():
            self.assertTrue(each["description"] and each["category"])
        # Each is one that may be asked for, if only to hear who lacks it.
        for name, each in capabilities.items():
            answer = self.ask(say(capabilities=[name]))
            self.assertEqual(answer.status, 200 if each["models"] else 400)
        strategies = [each["name"] for each in told["strategies"]]
        self.assertEqual(strategies, [
            "cost_optimized", "performance_optimized", "balanced",
            "capability_strict", "admin_preferred"])
        for name in strategies:
            self.answered(say(strategy=name))


class NoPoliciesTest(_PreviewCase):

    config = PROVIDERS + """\
routing:
  default_target: openai/gpt-default
"""

    def test_the_default_target_would_answer(self):
        self.assertEqual(self.preview({"node_name": "writer"}), {
            "selected_model": "gpt-default", "provider": "openai",
            "reasoning": "default", "confidence_score": None,
            "estimated_cost": None, "alternatives": [], "fallback_chain": [],
            "capabilities": None})
        answer = self.ask(["vision"], _PREVIEW)
        self.assertEqual(answer.json()["reason"], "CAPABILITY_UNSUPPORTED")


class OutsideOfTheRolloutTest(ChatCase):

    config = ChatCase.config.replace(
        "routing:\n", "routing:\n  rollout: {{enabled: false}}\n", 1)

    def test_the_share_outside_is_refused(self):
        for path, body in (("complete", say()), ("stream", say()),
                           ("send", say()), ("select-model", {})):
            answer = self.ask(body, "/api/chat/" + path)
            self.assertEqual(answer.status, 403)
            self.assertEqual(answer.json()["reason"], "NOT_ROLLED_OUT")


class RolloutTest(_PreviewCase):

    config = ChatCase.config.replace(
        "routing:\n", "routing:\n"
        "  rollout: {{percentage: 27, baseline: openai/gpt-before}}\n", 1)

    def test_the_preview_is_of_the_callers_own_share(self):
        models = set()
        for number in range(20):
            headers = {"x-llmgateway-user": "team-%d" % number}
            told = self.answered(say(node_name="writer"),
                                 headers=headers).json()["model_used"]
            models.add(told)
            self.assertEqual(
                self.choice({"node_name": "writer"}, headers=headers),
                {"gpt-w": "writer-model"}.get(told, told))
        self.assertEqual(models, {"gpt-w", "gpt-before"})


class EveryProviderTest(ChatCase):
    """Whoever answers, the answer has the same form."""

    config = upstreams.config().replace(
        "routing:\n", "routing:\n  agent_rules:\n" + "".join(
            "    - {{agent_type: %s, targets: [%s/%smock]}}\n"
            % (upstreams.of(prefix + "mock").kind,
               upstreams.of(prefix + "mock").kind, prefix)
            for prefix in _PREFIXES), 1)
    env = upstreams.ENV

    def said_by(self, prefix):
        return say(user_context={
            "agent_type": upstreams.of(prefix + "mock").kind})

    def test_answers_and_streams(self):
        for prefix in _PREFIXES:
            with self.subTest(prefix=prefix):
                model = prefix + "mock"
                self.upstream.set_script(model, {
                    "text": "one two three", "usage": {
                        "prompt_tokens": 9, "completion_tokens": 33}})
                told = self.answered(self.said_by(prefix)).json()
                self.assertEqual(
                    (told["content"], told["model_used"], told["tokens_used"],
                     told["finish_reason"]),
                    ("one two three", model,
                     {"input": 9, "output": 33, "total": 42}, "stop"))
                answer = self.answered(self.said_by(prefix),
                                       "/api/chat/stream")
                events = events_of(answer.body)
                self.assertEqual(events[0][1]["model"], model)
                self.assertEqual(
                    "".join(data["token"] for name, data in events
                            if name == "content"), "one two three")
                self.assertEqual(
                    (events[-1][0], events[-1][1]["total_tokens"],
                     events[-1][1]["finish_reason"]), ("done", 33, "stop"))

    def test_failures(self):
        for prefix in _PREFIXES:
            with self.subTest(prefix=prefix):
                model = prefix + "mock"
                self.upstream.set_script(model, {"status": 400})
                answer = self.ask(self.said_by(prefix))
                self.assertEqual(answer.status, 400)
                self.assertEqual(answer.json()["reason"], "INVALID_REQUEST")
                self.assertIsInstance(answer.json()["detail"], str)
                self.upstream.set_script(model, {"chunks": 5,
                                                 "reset_after_chunks": 2})
                answer = self.answered(self.said_by(prefix),
                                       "/api/chat/stream")
                names = [name for name, _ in events_of(answer.body)]
                self.assertEqual((names[-1], names.count("error"),
                                  names.count("done")), ("error", 1, 0))


class KeysTest(ChatCase):

    config = ChatCase.config + """\
auth: {{callers: {{api_keys: [{{id: alice, key: "env:ALICE"}}]}}}}
"""
    env = {"ALICE": "alice-0123456789"}

    def test_callers_show_their_keys(self):
        for path, body in ((_CAPABILITIES, None), (_PREVIEW, {})):
            answer = ask(self.gateway.http, body, path=path,
                         headers={"x-trace-id": "mine"})
            self.assertEqual(answer.status, 401)
            self.assertEqual(answer.json()["trace_id"], "mine")
            answer = ask(self.gateway.http, body, path=path,
                         headers={"x-api-key": "alice-0123456789"})
            self.assertEqual(answer.status, 200)


if __name__ == "__main__":
    unittest.main()
