"""Models that are chosen by what a call needs, over real ports: by HTTP, by
gRPC, and as operators see and change it. docs/routing.md tells it."""

import os
import shutil
import subprocess
import tempfile
import unittest

from tests.integration import gateway_case
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask, chat
from tests.testing import gateway_process
from tests.testing.gateway_process import GatewayProcess

_ADMIN = "/llmgateway.v1.AdminService/"
_SEED_FILES = "tests/service/config/policies"

# The published policies and nodes, in their own form, at the mock.
_SELECTION = """\
routing:
  agent_rules:
    - {{agent_type: reviewer, targets: [openai/gpt-review]}}
    - {{agent_type: thinker, targets: [openai/gpt-review],
       fallbacks: [openai/sonnet-x]}}
  model_rules: [{{prefix: "gpt-", targets: [openai]}}]
  selection:
    policies:
      gemini-2.5-pro:
        provider: openai
        provider_model_id: gemini-x
        capabilities: {{streaming: true, function_calling: true,
                       long_context: true, creative_writing: true}}
        cost_tier: MEDIUM
        context_window: 32000
        input_cost_per_1k: 0.00015
        output_cost_per_1k: 0.0006
        fallback_models: [claude-sonnet, gpt-4o]
      claude-sonnet:
        provider: openai
        provider_model_id: sonnet-x
        capabilities: {{streaming: true, reasoning: true,
                       function_calling: true}}
        cost_tier: HIGH
        context_window: 200000
        input_cost_per_1k: 0.003
        output_cost_per_1k: 0.015
        fallback_models: [gpt-4o, gemini-2.5-pro]
    nodes:
      writer:
        required_capabilities: [streaming, creative_writing]
        preferred_capabilities: [long_context, function_calling]
        min_context_window: 8000
        max_cost_tier: HIGH
      evaluator:
        required_capabilities: [reasoning]
        preferred_capabilities: [function_calling]
        min_context_window: 8000
        max_cost_tier: PREMIUM
        reasoning_required: true
      search_perplexity:
        required_capabilities: [web_search]
        min_context_window: 16000
        max_cost_tier: HIGH
resilience:
  retry: {{attempts_limit: 1}}
  # Breakers have a test of their own.
  circuit_breaker: {{mode: "off"}}
"""


class _SelectionCase(gateway_case.GatewayCase):

    config = gateway_case.PROVIDERS + _SELECTION
    calls_grpc = True

    def setUp(self):
        self.upstream.reset()

    def generate(self, selection=None, model="", metadata=(), **fields):
        request = prompt(model, **fields)
        if not model:
            del request["model"]
        if selection is not None:
            request["selection"] = selection
        return self.caller.generate(self.gateway.grpc, request,
                                    metadata=list(metadata))

    def route(self, *args, **fields):
        call = self.generate(*args, **fields)
        self.assertEqual(call.end["code"], "OK", call.end)
        return call.response["route"]


class RestingModelsTest(_SelectionCase):

    config = _SelectionCase.config.replace(
        'mode: "off"', "consecutive_failures: 3, open_duration: 1h")

    def test_a_model_that_rests_is_passed_over(self):
        self.upstream.set_script("gemini-x", {"status": 503})
        for _ in range(3):
            self.generate({"node_name": "writer"})
        route = self.route({"strategy": "STRATEGY_COST_OPTIMIZED"})
        self.assertEqual(route["model"], "sonnet-x")
        self.assertEqual(self.upstream.stat("gemini-x", "requests"), 3)
        # Where there is no other, the caller hears until when.
        call = self.generate({"node_name": "writer"})
        self.assertEqual(call.end["reason"], "CIRCUIT_OPEN")


class RestingCredentialsTest(_SelectionCase):

    config = """\
providers:
  - name: limited
    openai: {{base_url: "http://{upstream}/v1", api_key: "env:OPENAI_KEY"}}
  - {{name: well, openai: {{base_url: "http://{upstream}/v1"}}}}
routing:
  selection:
    default_strategy: cost_optimized
    policies:
      - {{id: cheap, target: limited/gpt-cheap, cost_tier: low}}
      - {{id: dear, target: well/gpt-dear, cost_tier: high}}
    nodes: [{{name: writer}}]
resilience: {{circuit_breaker: {{mode: "off"}}}}
"""

    def told(self):
        """Whom each that recommends a model names."""
        def asked(method, request):
            call = self.caller.call(self.gateway.admin, _ADMIN + method,
                                    request)
            self.assertEqual(call.end["code"], "OK", call.end)
            return call.response
        selection = {"node_name": "writer"}
        preview = ask(self.gateway.http, selection,
                      path="/api/chat/select-model")
        return {
            asked("TestSelection", {"selection": selection})
            ["selection"]["model_id"],
            asked("ListAssignments", {})["assignments"][0]["model_id"],
            asked("ExplainRoute", {"request": {"selection": selection}})
            ["route"]["selection"]["model_id"],
            preview.json()["selected_model"]}

    def test_nobody_recommends_a_model_that_a_call_would_not_get(self):
        self.assertEqual(self.told(), {"cheap"})
        for failure in ({"status": 429, "retry_after": "200"},
                        {"status": 401}):
            self.upstream.set_script("gpt-cheap", failure)
            self.assertEqual(self.route({"node_name": "writer"})["model"],
                             "gpt-dear")
            self.assertEqual(self.told(), {"dear"})
            call = self.caller.call(self.gateway.admin, _ADMIN + "ResetCircuit",
                                    {"provider": "limited"})
            self.assertEqual(call.end["code"], "OK", call.end)
            self.assertEqual(self.told(), {"cheap"})


class SelectionTest(_SelectionCase):

    def tearDown(self):
        for node in ("writer", "evaluator", "translator"):
            self.admin("UpdateNodePolicy", {"node_name": node})

    def admin(self, method, request=None, **options):
        return self.caller.call(self.gateway.admin, _ADMIN + method,
                                request or {}, **options)

    def asked(self, method, request=None):
        call = self.admin(method, request)
        self.assertEqual(call.end["code"], "OK", call.end)
        return call.response

    def test_a_node_gets_the_model_that_suits_it(self):
        route = self.route({"node_name": "writer"})
        self.assertEqual((route["model"], route["reason"]),
                         ("gemini-x", "selection:balanced"))
        selection = route["selection"]
        self.assertEqual(selection["model_id"], "gemini-2.5-pro")
        self.assertEqual(selection["estimated_cost_usd_nanos"], "450000")
        self.assertIn("the best of 1 model", selection["reasoning"])
        self.assertGreater(selection["confidence"], 0.4)
        route = self.route({"node_name": "evaluator",
                            "strategy": "STRATEGY_ADMIN_PREFERRED"})
        self.assertEqual((route["model"], route["reason"]),
                         ("sonnet-x", "selection:admin_preferred"))
        self.assertEqual(route["selection"]["confidence"], 1)

    def test_what_the_call_names_counts_whatever_its_model_is(self):
        route = self.route({"capabilities": ["reasoning"]}, model="gpt-x")
        self.assertEqual(route["model"], "sonnet-x")
        route = self.route({"strategy": "STRATEGY_COST_OPTIMIZED"})
        self.assertEqual(route["model"], "gemini-x")
        self.assertEqual(route["selection"]["alternatives"],
                         ["claude-sonnet"])
        # Who asks, and who is to answer, come first.
        route = self.route({"node_name": "writer"}, model="gpt-x",
                           scope={"agent_type": "reviewer"})
        self.assertEqual(route["reason"], "agent_rule:reviewer")
        self.assertNotIn("selection", route)
        route = self.route({"node_name": "writer"}, model="gpt-x",
                           provider_id="openai")
        self.assertEqual(route["reason"], "explicit")
        # An empty one asks for nothing.
        self.assertEqual(self.route({}, model="gpt-x")["reason"],
                         "model_rule:gpt-")

    def test_what_the_call_names_holds_beside_a_provider_and_an_agent(self):
        for capability, model in (("reasoning", "sonnet-x"),
                                  ("creative_writing", "gemini-x")):
            route = self.route({"capabilities": [capability]}, model=model,
                               provider_id="openai")
            self.assertEqual((route["model"], route["reason"]),
                             (model, "explicit"))
        route = self.route({"capabilities": ["reasoning"]},
                           scope={"agent_type": "thinker"})
        self.assertEqual((route["model"], route["reason"]),
                         ("sonnet-x", "agent_rule:thinker"))
        self.upstream.reset()
        for beside in ({"provider_id": "openai"},
                       {"scope": {"agent_type": "reviewer"}},
                       {"scope": {"agent_type": "thinker"}}):
            call = self.generate({"capabilities": ["web_search"]},
                                 model="sonnet-x", **beside)
            self.assertEqual((call.end["reason"], call.end["fields"]),
                             ("CAPABILITY_UNSUPPORTED",
                              ["selection.capabilities"]), beside)
            self.assertIn("is not known to have web_search",
                          call.end["message"])
        for path, body in [
                ("/v1/chat/completions", chat("sonnet-x")),
                ("/v1/messages", {**chat("sonnet-x"), "max_tokens": 9}),
                ("/v1/responses", {"model": "sonnet-x", "input": "Hello"}),
                ("/v1beta/models/sonnet-x:generateContent",
                 {"contents": [{"role": "user",
                                "parts": [{"text": "Hello"}]}]})]:
            for beside in ({"x-llmgateway-provider": "openai"},
                           {"x-llmgateway-agent-type": "reviewer"}):
                answer = ask(self.gateway.http, body, path=path, headers={
                    **beside, "x-llmgateway-capabilities": "web_search"})
                self.assertEqual(answer.status // 100, 4, (path, beside))
                self.assertIn("is not known to have web_search",
                              answer.error()["message"])
        for model in ("sonnet-x", "gpt-review"):
            self.assertEqual(self.upstream.stat(model, "requests"), 0)

    def test_headers_say_the_same_at_each_api(self):
        for path, body in [
                ("/v1/chat/completions", chat("")),
                ("/v1/messages", {**chat(""), "max_tokens": 9}),
                ("/v1/responses", {"input": "Hello"})]:
            body.pop("model", None)
            for headers, model in [
                    ({"x-llmgateway-node": "writer"}, "gemini-x"),
                    ({"x-llmgateway-capabilities": "reasoning, tools"},
                     "sonnet-x"),
                    ({"x-llmgateway-strategy": "cost_optimized"},
                     "gemini-x")]:
                self.upstream.reset()
                answer = ask(self.gateway.http, body, path=path,
                             headers=headers)
                self.assertEqual(answer.status, 200, (path, answer.body))
                self.assertEqual(self.upstream.stat(model, "requests"), 1,
                                 (path, headers))
                self.assertNotIn("x-llmgateway-",
                                 str(self.upstream.last(model)).lower())

    def test_metadata_says_the_same(self):
        route = self.route(metadata=[("x-llmgateway-node", "evaluator")])
        self.assertEqual(route["model"], "sonnet-x")
        route = self.route({"node_name": "evaluator"},
                           metadata=[("x-llmgateway-node", "evaluator"),
                                     ("x-llmgateway-strategy",
                                      "cost_optimized")])
        self.assertEqual(route["reason"], "selection:cost_optimized")

    def test_streams_are_chosen_for_as_well(self):
        stream = self.caller.stream_all(
            self.gateway.grpc,
            {**prompt("x"), "selection": {"node_name": "writer"}})
        self.assertEqual(stream.end["code"], "OK")
        end = stream.events[-1]["end"]
        self.assertEqual(end["route"]["selection"]["model_id"],
                         "gemini-2.5-pro")

    def test_what_nobody_has_is_refused_with_what_lacks(self):
        call = self.generate({"node_name": "search_perplexity"})
        self.assertEqual(call.end["reason"], "CAPABILITY_UNSUPPORTED")
        self.assertIn("claude-sonnet (lacks web_search)", call.end["message"])
        for path, body in [("/v1/chat/completions", chat("gpt-x")),
                           ("/v1/messages",
                            {**chat("gpt-x"), "max_tokens": 9}),
                           ("/v1/responses",
                            {"model": "gpt-x", "input": "Hello"})]:
            answer = ask(self.gateway.http, body, path=path,
                         headers={"x-llmgateway-capabilities": "vision"})
            self.assertEqual(answer.status // 100, 4)
            self.assertIn("lacks vision", answer.error()["message"])
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 0)

    def test_what_is_not_understood_is_refused_by_name(self):
        for headers, field in [
                ({"x-llmgateway-capabilities": "flying"},
                 "x-llmgateway-capabilities"),
                ({"x-llmgateway-strategy": "best"}, "x-llmgateway-strategy"),
                ({"x-llmgateway-node": "n" * 129}, "x-llmgateway-node")]:
            answer = ask(self.gateway.http, chat("gpt-x"), headers=headers)
            self.assertEqual(answer.status, 400)
            self.assertIn(field, answer.error()["message"])
        for selection, field in [
                ({"capabilities": ["flying"]}, "selection.capabilities[0]"),
                ({"node_name": "n" * 129}, "selection.node_name"),
                ({"budget_remaining_usd_nanos": "-1"},
                 "selection.budget_remaining_usd_nanos")]:
            call = self.generate(selection)
            self.assertEqual(call.end["code"], "INVALID_ARGUMENT")
            self.assertIn(field, call.end["message"])
        for name, value in [("node", "evaluator"),
                            ("capabilities", "reasoning"),
                            ("strategy", "balanced")]:
            call = self.generate(
                {"node_name": "writer", "capabilities": ["streaming"],
                 "strategy": "STRATEGY_COST_OPTIMIZED"},
                metadata=[("x-llmgateway-" + name, value)])
            self.assertEqual(call.end["code"], "INVALID_ARGUMENT")
            self.assertIn("contradicts the request", call.end["message"])
        answer = ask(self.gateway.http,
                     {"model": "gpt-x", "input": "Hello"},
                     path="/v1/embeddings",
                     headers={"x-llmgateway-node": "writer"})
        self.assertEqual(answer.status, 400)
        self.assertIn("x-llmgateway-node", answer.error()["message"])

    def test_a_budget_is_kept_to(self):
        route = self.route({"capabilities": ["streaming"],
                            "strategy": "STRATEGY_PERFORMANCE_OPTIMIZED",
                            "budget_remaining_usd_nanos": "1000000"})
        self.assertEqual(route["model"], "gemini-x")
        self.assertEqual(route["selection"]["confidence"], 0.7)

    def test_when_the_model_fails_the_next_best_is_asked(self):
        self.upstream.set_script("gemini-x", {"status": 503})
        call = self.generate({"capabilities": ["streaming"],
                              "strategy": "STRATEGY_COST_OPTIMIZED"})
        self.assertEqual(call.end["code"], "OK")
        self.assertEqual([attempt["model"]
                          for attempt in call.response["attempts"]],
                         ["gemini-x", "sonnet-x"])
        selection = call.response["route"]["selection"]
        self.assertEqual(selection["model_id"], "claude-sonnet")
        self.assertIn("in place of gemini-2.5-pro", selection["reasoning"])
        self.assertNotIn("fallback_chain", selection)
        # Nobody else has what the writer needs.
        call = self.generate({"node_name": "writer"})
        self.assertEqual(call.end["code"], "UNAVAILABLE")
        self.assertEqual(self.upstream.stat("sonnet-x", "requests"), 1)

    def test_how_calls_went_is_remembered_and_counts(self):
        before = self.asked("GetModelPerformance",
                            {"model_id": "claude-sonnet"})["models"][0]
        for _ in range(2):
            self.route({"capabilities": ["reasoning"]})
        self.upstream.set_script("sonnet-x", {"status": 500})
        self.generate({"capabilities": ["reasoning"]})
        # A wrong request says nothing of the model.
        self.upstream.set_script("sonnet-x", {"status": 400})
        self.generate({"capabilities": ["reasoning"]})
        after = self.asked("GetModelPerformance",
                           {"model_id": "claude-sonnet"})["models"][0]
        self.assertEqual(int(after["successes"]),
                         int(before.get("successes", 0)) + 2)
        self.assertEqual(int(after["failures"]),
                         int(before.get("failures", 0)) + 1)
        self.assertEqual(after["recent_failures"], 1)
        self.assertIn("average_latency", after)
        self.assertIn("last_failure_time", after)
        call = self.admin("GetModelPerformance", {"model_id": "gone"})
        self.assertEqual(call.end["code"], "NOT_FOUND")

    def test_an_operators_model_comes_first_and_at_once(self):
        answer = self.asked("UpdateNodePolicy",
                            {"node_name": "writer",
                             "model_id": "claude-sonnet", "ttl": "3600s"})
        override = answer["assignment"]["override"]
        self.assertEqual(override["model_id"], "claude-sonnet")
        self.assertIn("expire_time", override)
        route = self.route({"node_name": "writer"})
        self.assertEqual((route["model"], route["reason"]),
                         ("sonnet-x", "override:writer"))
        self.assertEqual(route["selection"]["fallback_chain"],
                         ["gemini-2.5-pro"])
        # It does not take what the call itself needs away.
        route = self.route({"node_name": "writer",
                            "capabilities": ["creative_writing"]})
        self.assertEqual(route["reason"], "selection:balanced")
        # It comes before the agents.
        route = self.route({"node_name": "writer"}, model="gpt-x",
                           scope={"agent_type": "reviewer"})
        self.assertEqual(route["reason"], "override:writer")
        self.asked("UpdateNodePolicy", {"node_name": "writer"})
        self.assertEqual(self.route({"node_name": "writer"})["reason"],
                         "selection:balanced")

    def test_what_is_wrong_with_an_override_is_told(self):
        for update, field in [
                ({"node_name": "writer", "model_id": "gpt-4o"}, "model_id"),
                ({"model_id": "claude-sonnet"}, "node_name"),
                ({"node_name": "writer", "model_id": "claude-sonnet",
                  "ttl": "0.5s"}, "ttl"),
                ({"node_name": "writer", "ttl": "5s"}, "ttl")]:
            call = self.admin("UpdateNodePolicy", update)
            self.assertEqual(call.end["code"], "INVALID_ARGUMENT")
            self.assertIn(field, call.end["message"])
        answer = self.asked("UpdateNodePolicy",
                            {"node_name": "writer", "validate_only": True,
                             "model_id": "claude-sonnet"})
        self.assertEqual(answer["assignment"]["model_id"], "claude-sonnet")
        self.assertEqual(self.route({"node_name": "writer"})["reason"],
                         "selection:balanced")

    def test_several_overrides_take_effect_together(self):
        answer = self.asked("BulkUpdateNodePolicies", {"updates": [
            {"node_name": "writer", "model_id": "claude-sonnet"},
            {"node_name": "evaluator", "model_id": "gone"},
            {"node_name": "translator", "model_id": "gemini-2.5-pro"}]})
        first, second, third = answer["results"]
        self.assertEqual(first["assignment"]["model_id"], "claude-sonnet")
        self.assertIn("no model policy has the id 'gone'",
                      second["failure_message"])
        self.assertEqual(third["assignment"]["model_id"], "gemini-2.5-pro")
        self.assertEqual(self.route({"node_name": "translator"})["reason"],
                         "override:translator")
        names = [each["node_name"] for each in
                 self.asked("ListAssignments")["assignments"]]
        self.assertEqual(names, ["writer", "evaluator", "search_perplexity",
                                 "translator"])

    def test_operators_see_policies_nodes_and_assignments(self):
        first = self.asked("ListPolicies", {"page_size": 1})
        self.assertEqual(first["policies"][0]["id"], "gemini-2.5-pro")
        second = self.asked("ListPolicies",
                            {"page_size": 1,
                             "page_token": first["next_page_token"]})
        self.assertEqual(second["policies"][0]["id"], "claude-sonnet")
        self.assertNotIn("next_page_token", second)
        for request in ({"page_size": -1}, {"page_token": "x"}):
            call = self.admin("ListPolicies", request)
            self.assertEqual(call.end["code"], "INVALID_ARGUMENT")
        nodes = self.asked("ListNodeRequirements")["nodes"]
        self.assertEqual(nodes[1]["cost_tier_max"], "COST_TIER_PREMIUM")
        writer, evaluator, search = self.asked(
            "ListAssignments")["assignments"]
        self.assertEqual((writer["model_id"], writer["score"]),
                         ("gemini-2.5-pro", 48.0))
        self.assertEqual((evaluator["model_id"], evaluator["score"]),
                         ("claude-sonnet", 30.0))
        self.assertNotIn("model_id", search)

    def test_operators_try_a_choice(self):
        answer = self.asked("TestSelection", {
            "selection": {"node_name": "writer", "capabilities": ["streaming"]}})
        self.assertEqual(answer["selection"]["model_id"], "gemini-2.5-pro")
        self.assertEqual(answer["route"]["provider"], "openai")
        self.assertEqual([(each["model_id"], each["outcome"])
                          for each in answer["candidates"]],
                         [("gemini-2.5-pro", "chosen"),
                          ("claude-sonnet", "lacks creative_writing")])
        answer = self.asked("TestSelection", {
            "selection": {"node_name": "search_perplexity"}})
        self.assertNotIn("selection", answer)
        self.assertEqual(answer["failure"],
                         "ERROR_REASON_CAPABILITY_UNSUPPORTED")
        call = self.admin("TestSelection", {})
        self.assertEqual(call.end["code"], "INVALID_ARGUMENT")
        self.assertEqual(self.upstream.stat("gemini-x", "requests"), 0)

    def test_operators_are_advised(self):
        recommendations = self.asked(
            "GetRecommendations", {"node_name": "evaluator"})[
                "recommendations"]
        self.assertEqual(len(recommendations), 5)
        self.assertEqual({each["strategy"]: each["selection"]["model_id"]
                          for each in recommendations},
                         {"STRATEGY_COST_OPTIMIZED": "claude-sonnet",
                          "STRATEGY_PERFORMANCE_OPTIMIZED": "claude-sonnet",
                          "STRATEGY_BALANCED": "claude-sonnet",
                          # Whatever the node asks for.
                          "STRATEGY_CAPABILITY_STRICT": "gemini-2.5-pro",
                          "STRATEGY_ADMIN_PREFERRED": "claude-sonnet"})
        self.asked("UpdateNodePolicy",
                   {"node_name": "writer", "model_id": "claude-sonnet"})
        advice = self.asked("GetCostOptimization")
        self.assertEqual(advice["total_nodes_analyzed"], "3")
        self.assertEqual(advice["opportunities"][0]["recommended_model_id"],
                         "gemini-2.5-pro")
        # 0.0105 $ against 0.00045 $.
        self.assertEqual(advice["estimated_savings_usd_nanos_per_request"],
                         "10050000")

    def test_a_route_is_explained_model_by_model(self):
        answer = self.asked("ExplainRoute", {"request": {
            "selection": {"node_name": "writer"}}})
        self.assertEqual(answer["route"]["selection"]["model_id"],
                         "gemini-2.5-pro")
        steps = {step["rule"]: step for step in answer["steps"]}
        self.assertIn("score", steps["policy:gemini-2.5-pro"]["detail"])
        self.assertEqual(steps["policy:claude-sonnet"]["detail"],
                         "lacks creative_writing")
        self.assertEqual(steps["selection:balanced"]["verdict"],
                         "VERDICT_CHOSEN")
        answer = self.asked("ExplainRoute", {"request": {
            "selection": {"node_name": "search_perplexity"}}})
        self.assertEqual(answer["failure"],
                         "ERROR_REASON_CAPABILITY_UNSUPPORTED")


class KeptOverridesTest(_SelectionCase):

    def test_an_override_survives_a_restart_with_who_gave_it(self):
        with tempfile.TemporaryDirectory(prefix="state") as folder:
            config = self.config.format(upstream=self.upstream.address) + (
                "runtime: {state_dir: %s/state}\n"
                "auth: {operators: {api_keys: [{id: ops, key: 'env:OPS'}]}}\n"
                % folder)
            env = {**self.env, "OPS": "operator-key-0123456789"}
            key = [("authorization", "Bearer " + env["OPS"])]
            with GatewayProcess(config, env=env) as gateway:
                call = self.caller.call(
                    gateway.admin, _ADMIN + "UpdateNodePolicy",
                    {"node_name": "writer", "model_id": "claude-sonnet"},
                    metadata=key)
                self.assertEqual(call.end["code"], "OK", call.end)
                kept = call.response["assignment"]["override"]
                self.assertEqual(kept["updated_by"], "ops")
            with GatewayProcess(config, env=env) as gateway:
                call = self.caller.call(gateway.admin,
                                        _ADMIN + "ListAssignments", {},
                                        metadata=key)
                self.assertEqual(call.response["assignments"][0]["override"],
                                 kept)
                call = self.caller.generate(
                    gateway.grpc,
                    {**prompt("x"), "selection": {"node_name": "writer"}})
                self.assertEqual(call.response["route"]["reason"],
                                 "override:writer")


class SeedFilesTest(unittest.TestCase):

    def test_the_published_files_pass_with_three_warnings(self):
        with tempfile.TemporaryDirectory(prefix="seed") as folder:
            for name in ("model_policies.yaml", "node_requirements.yaml"):
                shutil.copy(os.path.join(_SEED_FILES, name), folder)
            path = os.path.join(folder, "gateway.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(
                    "providers:\n"
                    "  - {name: openrouter, openrouter: "
                    "{api_key: 'env:OPENROUTER_API_KEY'}}\n"
                    "routing:\n"
                    "  selection:\n"
                    "    files: [model_policies.yaml, "
                    "node_requirements.yaml]\n")
            check = subprocess.run(
                [gateway_process.BINARY, "--check_config", "--config", path],
                env=gateway_process.environment(
                    {"OPENROUTER_API_KEY": "sk-or-0123456789"}),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, check=False, text=True, timeout=30)
        self.assertEqual(check.returncode, 0, check.stderr)
        self.assertEqual(check.stderr.count("fallback 'gpt-4o' of policy"), 2)
        self.assertEqual(
            check.stderr.count("no model can serve node 'search_perplexity'"),
            1)


if __name__ == "__main__":
    unittest.main()
