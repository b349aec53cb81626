"""Configuration files of other systems, loaded as they are.
docs/compatible_configurations.md tells what becomes of them."""

import json
import os
import re
import subprocess
import tempfile
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import ask
from tests.testing import gateway_process
from tests.testing.gateway_process import GatewayProcess

_MESSAGES = "/v1/messages"
_KEYS = {"ANTHROPIC_API_KEY": "key-of-anthropic-1234567890",
         "AZURE_API_KEY": "key-of-azure-1234567890",
         "DEEPSEEK_API_KEY": "key-of-deepseek-1234567890"}
# These files have no listeners of ours.
_LISTENERS = {"LLM_GATEWAY_LISTENERS_%s_ADDRESS" % name: "127.0.0.1:0"
              for name in ("GRPC", "HTTP", "ADMIN", "OPERATIONS")}
_UPSTREAM = "http://upstream.invalid"

_SETTINGS = {
    "agents": [{"name": "chief-architect", "model": "opus"}],
    "gatewayEnabled": True,
    "llmGateway": {
        "providers": {
            "anthropic": {"enabled": True, "providerType": "anthropic",
                          "baseUrl": _UPSTREAM,
                          "apiKeyRef": "ANTHROPIC_API_KEY",
                          "timeoutSecs": 300, "maxRetries": 2},
            "azure": {"enabled": True, "providerType": "azure",
                      "baseUrl": _UPSTREAM, "apiKeyRef": "$AZURE_API_KEY",
                      "deployment": "gpt-5.1-codex-mini",
                      "apiVersion": "2024-05-01-preview", "maxRetries": 0},
            "deepseek": {"enabled": True, "providerType": "deepseek",
                         "baseUrl": _UPSTREAM,
                         "apiKeyRef": "env:DEEPSEEK_API_KEY",
                         "defaultModel": "deepseek-chat"},
        },
        "routing": {
            "defaultProvider": "anthropic",
            "agentRules": {"code-reviewer": "azure", "test-engineer": "azure",
                           "python-specialist": "deepseek"},
            "modelTierRules": {"opus": "anthropic", "sonnet": "anthropic",
                               "haiku": "anthropic"},
            "fallbackChain": ["anthropic", "azure", "deepseek"],
        },
        "costTracking": {"enabled": True},
        "audit": {"enabled": True, "logRequestBodies": True,
                  "logResponseBodies": True, "retentionDays": 30,
                  "dbPath": os.path.join(tempfile.gettempdir(),
                                         "audit-%d" % os.getpid(),
                                         "audit.db")},
    },
}

_ROUTER = {
    "default_provider": "claude",
    "default_model": "claude-sonnet-4-5-20250929",
    "default_timeout_ms": 30000,
    "circuit_breaker": {"failure_threshold": 3, "recovery_timeout_ms": 30000,
                        "half_open_max": 1},
    "providers": {
        "claude": {"provider_class": "AnthropicProvider",
                   "config": {"base_url": _UPSTREAM}},
        "local": {"provider_class": "MockProvider"},
    },
    "domain_tag_routes": {"consolidation": {"provider_id": "local",
                                            "model_id": "llama-3-8b"}},
    "dev_mode": {"bypass_auth": True},
}


# Keeps GatewayProcess from adding listeners.
_COMMENT = "# listeners: by variables\n"
_EXPLAIN = "/llmgateway.v1.AdminService/ExplainRoute"


def _name(target):
    return target["provider"] + "/" + target["model"]


def _config(settings):
    """As GatewayCase takes it."""
    text = _COMMENT + json.dumps(settings, indent=2)
    text = text.replace("{", "{{").replace("}", "}}")
    return text.replace(_UPSTREAM, "http://{upstream}")


def _message(model):
    return {"model": model, "max_tokens": 100,
            "messages": [{"role": "user", "content": "Hello"}]}


class _CompatibleCase(gateway_case.GatewayCase):

    env = {**_KEYS, **_LISTENERS}
    calls_grpc = True

    def setUp(self):
        self.upstream.reset()

    def generate(self, model, headers=None):
        """A call by gRPC, which tells its route."""
        call = self.caller.start_generate(
            self.gateway.grpc, prompt(model),
            metadata=list((headers or {}).items()))
        call.wait()
        return call

    def served(self, model, headers=None):
        """Where the call goes, and why."""
        call = self.generate(model, headers)
        self.assertEqual(call.end["code"], "OK", call.end)
        route = call.response["route"]
        asked = self.upstream.stat(route["model"], "requests")
        # By HTTP it goes the same way.
        answer = ask(self.gateway.http, _message(model), path=_MESSAGES,
                     headers=headers)
        self.assertEqual(answer.status, 200, answer.body)
        if route["provider"] != "local":
            self.assertEqual(self.upstream.stat(route["model"], "requests"),
                             asked + 1)
        return _name(route), route["reason"]

    def fallbacks(self, model, agent=""):
        """Who would be asked next."""
        call = self.caller.call(
            self.gateway.admin, _EXPLAIN,
            {"request": prompt(model, scope={"agent_type": agent})})
        self.assertEqual(call.end["code"], "OK", call.end)
        return [target["provider"]
                for target in call.response["route"].get("fallbacks", ())]


class LlmGatewayTest(_CompatibleCase):

    config = _config(_SETTINGS)

    def test_an_agents_rule_comes_before_that_of_its_model(self):
        self.assertEqual(
            self.served("claude-sonnet-4-5",
                        {"x-llmgateway-agent-type": "code-reviewer"}),
            ("azure/gpt-5.1-codex-mini", "agent_rule:code-reviewer"))
        self.assertEqual(self.fallbacks("claude-sonnet-4-5", "code-reviewer"),
                         ["anthropic", "deepseek"])
        sent = self.upstream.last("gpt-5.1-codex-mini")
        self.assertIn(_KEYS["AZURE_API_KEY"], str(sent))
        self.assertEqual(
            self.served("claude-sonnet-4-5",
                        {"x-llmgateway-agent-type": "Python-Specialist"}),
            ("deepseek/deepseek-chat", "agent_rule:python-specialist"))

    def test_models_go_by_their_tier_and_others_to_the_default(self):
        self.assertEqual(self.served("claude-opus-4-1"),
                         ("anthropic/claude-opus-4-1", "model_tier:opus"))
        self.assertEqual(self.fallbacks("claude-opus-4-1"),
                         ["azure", "deepseek"])
        self.assertEqual(self.served("some-unknown-model"),
                         ("anthropic/some-unknown-model", "default"))
        # The shipped rules would have sent it elsewhere, or nowhere.
        self.assertEqual(self.served("deepseek-chat")[1], "default")

    def test_operators_may_have_such_a_text_checked(self):
        call = self.caller.call(
            self.gateway.admin, "/llmgateway.v1.AdminService/ValidateConfig",
            {"text": json.dumps({"llmGateway": {
                "providers": {"a": {"providerType": "ollama"}},
                "routing": {"agentRules": {"x": "b"}}, "audit": {}}})})
        self.assertEqual(call.end["code"], "OK", call.end)
        self.assertNotIn("valid", call.response)
        self.assertEqual(
            [(problem["path"], problem["severity"])
             for problem in call.response["problems"]],
            [("llmGateway.providers.a.baseUrl", "SEVERITY_ERROR"),
             ("llmGateway.routing.agentRules.x", "SEVERITY_ERROR"),
             ("llmGateway.routing.defaultProvider", "SEVERITY_WARNING"),
             ("llmGateway.audit", "SEVERITY_WARNING")])

    def test_the_chain_is_followed_when_a_provider_fails(self):
        self.upstream.set_script("gpt-5.1-codex-mini", {"status": 503})
        call = self.generate("claude-haiku-4-5",
                             {"x-llmgateway-agent-type": "test-engineer"})
        self.assertEqual(call.end["code"], "OK", call.end)
        self.assertEqual(call.response["route"]["provider"], "anthropic")
        self.assertEqual(
            self.upstream.stat("claude-haiku-4-5", "requests"), 1)

    def test_health_tells_the_chain_as_it_was_written(self):
        health = ask(self.gateway.http, path="/gateway/health").json()
        self.assertEqual(health["routing"], {
            "default_provider": "anthropic",
            "fallback_chain": ["anthropic", "azure", "deepseek"]})


class MinimalTest(_CompatibleCase):
    """Settings without rules."""

    config = _config({"llmGateway": {
        "providers": {
            "anthropic": _SETTINGS["llmGateway"]["providers"]["anthropic"],
            "openai": {"providerType": "openai", "baseUrl": _UPSTREAM},
            "ollama": {"providerType": "ollama", "enabled": False,
                       "baseUrl": _UPSTREAM}},
        "routing": {"defaultProvider": "anthropic",
                    "fallbackChain": ["anthropic"]}}})

    def test_every_model_goes_to_the_default(self):
        for model in ("claude-opus-4-1", "gpt-5-mini"):
            self.assertEqual(self.served(model),
                             ("anthropic/" + model, "default"))
            self.assertEqual(self.fallbacks(model), [])


class RouterConfigTest(_CompatibleCase):

    config = _config(_ROUTER)

    def test_one_provider_serves_all_calls_but_those_with_a_tag(self):
        self.assertEqual(self.served("claude-opus-4-1")[0],
                         "claude/claude-opus-4-1")
        self.assertEqual(self.served("gpt-5-mini")[0], "claude/gpt-5-mini")
        self.assertEqual(
            self.served("gpt-5-mini", {"x-llmgateway-tags": "consolidation"}),
            ("local/llama-3-8b", "domain_tag:consolidation"))
        call = self.generate("")
        self.assertEqual(call.response["route"]["model"],
                         "claude-sonnet-4-5-20250929")

    def test_the_breaker_opens_after_three_failures_and_nothing_is_retried(
            self):
        self.upstream.set_script("failing", {"status": 500})
        for _ in range(3):
            self.assertNotEqual(self.generate("failing").end.get("reason"),
                                "CIRCUIT_OPEN")
        self.assertEqual(self.generate("failing").end["reason"],
                         "CIRCUIT_OPEN")
        self.assertEqual(self.upstream.stat("failing", "requests"), 3)


class ExampleTest(unittest.TestCase):
    """The example of the page, as it stands there."""

    def test_calls_go_where_the_page_says(self):
        with open("docs/compatible_configurations.md",
                  encoding="utf-8") as file:
            section = file.read().split("\n### An example\n")[1]
        section = section.split("\n## ")[0]
        config = _COMMENT + section.split("```json\n")[1].split("```")[0]
        rows = [[re.findall("`([^`]+)`", cell) for cell in line.split("|")[1:5]]
                for line in section.splitlines() if line.startswith("| ")][2:]
        self.assertEqual(len(rows), 3)
        with GatewayProcess(config, env={**_KEYS, **_LISTENERS}) as gateway, \
                grpc_caller.GrpcCaller() as caller:
            for call, goes_to, reason, then in rows:
                agent = call[0] if len(call) == 2 else ""
                made = caller.call(
                    gateway.admin, _EXPLAIN,
                    {"request": prompt(call[-1], scope={"agent_type": agent})})
                route = made.response["route"]
                self.assertEqual(
                    ([_name(route)], [route["reason"]],
                     [_name(each) for each in route["fallbacks"]]),
                    (goes_to, reason, then))


class CheckTest(unittest.TestCase):
    """`--check_config` on such files."""

    def check(self, name, settings, env=None,
              address="https://api.example"):
        """(exit code, standard output, standard error)"""
        with tempfile.TemporaryDirectory(prefix="config") as folder:
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as file:
                if isinstance(settings, str):
                    file.write(settings)
                else:
                    text = json.dumps(settings, indent=2)
                    file.write(text.replace(_UPSTREAM, address))
            done = subprocess.run(
                [gateway_process.BINARY, "--check_config", "--config=" + path],
                env=gateway_process.environment(env), check=False, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, timeout=30)
            return done.returncode, done.stdout, done.stderr

    def test_what_is_shown_is_a_file_of_our_own(self):
        for name, settings in (("orchestra-config.json", _SETTINGS),
                               ("router_config.json", _ROUTER)):
            code, shown, _ = self.check(name, settings, _KEYS)
            self.assertEqual(code, 0)
            self.assertEqual(self.check("gateway.yaml", shown, _KEYS)[:2],
                             (0, shown))

    def test_what_has_no_counterpart_is_told(self):
        code, _, told = self.check("settings.json", _SETTINGS, _KEYS,
                                   address=_UPSTREAM)
        self.assertEqual(code, 0)
        self.assertRegex(told, r"settings\.json:\d+:5: llmGateway\.audit: ")
        self.assertIn("llmGateway.providers.azure.baseUrl: is not https",
                      told)

    def test_a_mistake_is_told_by_the_files_own_names(self):
        settings = json.loads(json.dumps(_SETTINGS))
        settings["llmGateway"]["routing"]["agentRules"]["x"] = "azur"
        settings["llmGateway"]["providers"]["azure"]["maxRetry"] = 1
        code, _, told = self.check("settings.json", settings)
        self.assertEqual(code, 1)
        self.assertRegex(
            told, r"settings\.json:\d+:9: llmGateway\.routing\.agentRules\.x: "
            r"names no configured provider; did you mean 'azure'\?")
        self.assertRegex(
            told, r"settings\.json:\d+:9: llmGateway\.providers\.azure\."
            r"maxRetry: unknown field; did you mean 'maxRetries'\?")

    def test_a_start_tells_the_same(self):
        with self.assertRaisesRegex(gateway_process.GatewayError,
                                    "llmGateway.providers: is required"):
            GatewayProcess('# listeners:\n{"llmGateway": {"routing": {}}}')


if __name__ == "__main__":
    unittest.main()
