"""What environment variables of other systems do, seen from outside; their
fields and units are compatibility_variables_test.cc's."""

import socket
import unittest

from tests.integration import gateway_case
from tests.integration.http_calls import ask, chat
from tests.testing.gateway_process import GatewayError, GatewayProcess
from tests.testing.mock_upstream import MockUpstream

_CONFIG = """\
providers:
  - name: openai
    openai: {base_url: "http://%(upstream)s/v1", api_key: "env:OPENAI_KEY"}
  - name: openrouter
    openrouter: {base_url: "http://%(upstream)s/v1", api_key: "env:OPENAI_KEY"}
routing:
  model_rules:
    - {prefix: "gpt-", targets: [openai], fallbacks: [openrouter/or-spare]}
    - {glob: "*", targets: [openrouter]}
  selection:
    policies:
      - {id: first, target: openai/gpt-first, capabilities: [streaming],
         cost_tier: low, fallback_models: [second]}
      - {id: second, target: openrouter/or-second, capabilities: [streaming]}
      - {id: third, target: openai/gpt-third, capabilities: [streaming],
         cost_tier: high}
    default_strategy: cost_optimized
    nodes: [{name: writer, required_capabilities: [streaming]}]
resilience:
  retry: {backoff_base: 1ms, backoff_limit: 5s}
  circuit_breaker: {mode: "off"}
"""


class VariablesTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.upstream = MockUpstream()
        cls.addClassCleanup(cls.upstream.close)

    def gateway(self, config=_CONFIG, **env):
        self.upstream.reset()
        gateway = GatewayProcess(
            config % {"upstream": self.upstream.address},
            env={**gateway_case.ENV, **env})
        self.addCleanup(gateway.kill)
        return gateway

    def ask(self, gateway, model, **headers):
        return ask(gateway.http, chat(model), headers=headers)

    def test_the_port_is_taken(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        gateway = self.gateway(LLM_GATEWAY_PORT=str(port))
        self.assertEqual(gateway.http, "127.0.0.1:%d" % port)
        self.assertEqual(self.ask(gateway, "gpt-x").status, 200)

    def test_retries_and_fallbacks(self):
        gateway = self.gateway(GATEWAY_MAX_RETRIES="1",
                               GATEWAY_FALLBACK_ENABLED="false")
        self.upstream.set_script("gpt-x", {"status": 503})
        self.assertEqual(self.ask(gateway, "gpt-x").status, 503)
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 2)
        self.assertEqual(self.upstream.stat("or-spare", "requests"), 0)
        gateway = self.gateway(GATEWAY_MAX_RETRIES="0",
                               GATEWAY_FALLBACK_ENABLED="true")
        self.upstream.set_script("gpt-x", {"status": 503})
        self.assertEqual(self.ask(gateway, "gpt-x").status, 200)
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 1)
        self.assertEqual(self.upstream.stat("or-spare", "requests"), 1)

    def test_openrouter_is_out_of_rules_and_chains(self):
        gateway = self.gateway(OPENROUTER_FALLBACK_ENABLED="false",
                               GATEWAY_MAX_RETRIES="0")
        self.upstream.set_script("gpt-x", {"status": 503})
        self.assertEqual(self.ask(gateway, "gpt-x").status, 503)
        self.assertEqual(self.upstream.stat("or-spare", "requests"), 0)
        self.assertEqual(self.ask(gateway, "anything").status, 404)
        named = self.ask(gateway, "anything",
                         **{"x-llmgateway-provider": "openrouter"})
        self.assertEqual(named.status, 200, named.body)
        gateway = self.gateway(OPENROUTER_FALLBACK_ENABLED="true")
        self.assertEqual(self.ask(gateway, "anything").status, 200)

    def test_switches_reach_what_is_selected(self):
        node = {"x-llmgateway-node": "writer"}
        for env, status, asked in (
                ({}, 200, ["gpt-first", "or-second"]),
                ({"GATEWAY_FALLBACK_ENABLED": "false"}, 503, ["gpt-first"]),
                ({"OPENROUTER_FALLBACK_ENABLED": "false"}, 200,
                 ["gpt-first", "gpt-third"])):
            with self.subTest(env=env):
                gateway = self.gateway(GATEWAY_MAX_RETRIES="0", **env)
                self.upstream.set_script("gpt-first", {"status": 503})
                # By both ways to ask for it.
                for answer in (
                        self.ask(gateway, "any", **node),
                        ask(gateway.http, {"messages": [
                            {"role": "user", "content": "hi"}],
                            "node_name": "writer"},
                            path="/api/chat/complete")):
                    self.assertEqual(answer.status, status, answer.body)
                for model in ("gpt-first", "or-second", "gpt-third"):
                    self.assertEqual(
                        self.upstream.stat(model, "requests") > 0,
                        model in asked, model)
                gateway.kill()

    def test_openrouter_is_no_baseline(self):
        config = _CONFIG.replace(
            "routing:\n", "routing:\n"
            "  rollout: {enabled: false, baseline: openrouter/or-base}\n")
        answer = self.ask(self.gateway(config), "gpt-x")
        self.assertEqual(answer.json()["model"], "or-base")
        gateway = self.gateway(config, OPENROUTER_FALLBACK_ENABLED="false")
        self.assertEqual(self.ask(gateway, "gpt-x").status, 403)

    def test_the_rollout(self):
        user = {"x-llmgateway-user": "team-a"}  # Its place: 29.91 %.
        for status, env in (
                (403, {"GATEWAY_V2_ENABLED": "false"}),
                (200, {"GATEWAY_V2_ENABLED": "false",
                       "ENABLE_GATEWAY_V2": "true"}),
                (403, {"GATEWAY_V2_PERCENTAGE": "29"}),
                (200, {"GATEWAY_V2_PERCENTAGE": "30"})):
            with self.subTest(env=env):
                gateway = self.gateway(**env)
                self.assertEqual(self.ask(gateway, "gpt-x", **user).status,
                                 status)
                gateway.kill()

    def test_the_address_of_a_provider_and_its_key(self):
        gateway = self.gateway(LLM_PROVIDER="openai", LLM_MODEL="gpt-told",
                               LLM_API_KEY="sk-of-llm-1234567890",
                               LLM_BASE_URL="http://%s/v1" %
                               self.upstream.address)
        request = chat("")
        del request["model"]
        self.assertEqual(ask(gateway.http, request).json()["model"],
                         "gpt-told")
        self.assertIn("sk-of-llm-1234567890",
                      str(self.upstream.last("gpt-told")))

    def test_what_is_wrong_is_told_of_the_variable(self):
        with self.assertRaisesRegex(
                GatewayError,
                "environment: LLM_PROVIDER: names no configured provider"):
            self.gateway(LLM_PROVIDER="nobody")

    def test_the_cheapest_is_chosen_where_cost_is_optimized(self):
        for strategy, switch, reason in (
                ("balanced", "true", "cost_optimized"),
                ("balanced", "false", "balanced"),
                ("cost_optimized", "false", "balanced")):
            with self.subTest(strategy=strategy, switch=switch):
                gateway = self.gateway(
                    _CONFIG.replace("default_strategy: cost_optimized",
                                    "default_strategy: " + strategy),
                    ENABLE_COST_OPTIMIZATION=switch)
                answer = self.ask(gateway, "any",
                                  **{"x-llmgateway-node": "writer"})
                self.assertEqual(answer.status, 200, answer.body)
                self.assertIn("reason=selection:" + reason,
                              answer.headers["x-llmgateway-route"])
                gateway.kill()

    def test_what_is_not_followed_is_warned_of(self):
        gateway = self.gateway(LLM_GATEWAY_ENVIRONMENT="production")
        line = gateway.wait_for_log(field="LLM_GATEWAY_ENVIRONMENT")
        self.assertEqual((line["level"], line["config"]),
                         ("warn", "environment"))


if __name__ == "__main__":
    unittest.main()
