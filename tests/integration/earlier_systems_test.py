"""What earlier systems did, where no other test shows it through a port: the
lines of docs/features.md that name this file."""

import contextlib
import json
import tempfile
import unittest

from tests.integration import http_calls
from tests.integration import ledger_case
from tests.integration.grpc_caller import GrpcCaller, prompt
from tests.integration.http_calls import ask, chat
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream

_ADMIN = "/llmgateway.v1.AdminService/"
_MESSAGES = "/v1/messages"
_KEY = "key-of-a-vendor-1234567890"
_OTHERS_LISTENERS = {
    "LLM_GATEWAY_LISTENERS_%s_ADDRESS" % name: "127.0.0.1:0"
    for name in ("GRPC", "HTTP", "ADMIN", "OPERATIONS")}


def _message(model, **fields):
    return {"model": model, "max_tokens": 100, **fields,
            "messages": [{"role": "user", "content": "Hello"}]}


class _Case(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.upstream = stack.enter_context(MockUpstream())
            cls.caller = stack.enter_context(GrpcCaller())
            cls.addClassCleanup(stack.pop_all().close)

    def setUp(self):
        self.upstream.reset()

    def start(self, config, **env):
        """With @ in the configuration for the upstream's address."""
        gateway = GatewayProcess(
            config.replace("@", self.upstream.address),
            env={"VENDOR_KEY": _KEY, **env})
        self.addCleanup(gateway.kill)
        return gateway

    def generate(self, gateway, model, metadata=(), **fields):
        request = prompt(model, **fields)
        if not model:
            del request["model"]
        return self.caller.generate(gateway.grpc, request,
                                    metadata=list(metadata))


_OF_ALL_STAGES = """\
providers:
  - name: openai
    openai: {base_url: "http://@/v1", api_key: "env:VENDOR_KEY"}
routing:
  agent_rules: [{agent_type: code-reviewer, targets: [openai/by-agent]},
                {agent_type: rust-specialist, targets: [openai/by-words]}]
  domain_tag_rules: [{tag: law, targets: [openai/by-tag]}]
  model_rules: [{prefix: "gpt-", targets: [openai/by-rule]}]
  model_tier_rules: [{tier: opus, contains: [opus],
                      targets: [openai/by-tier]}]
  agent_inference: {enabled: true}
  default_target: openai/by-default
  selection:
    policies:
      - {id: best, target: openai/by-selection, capabilities: [streaming],
         cost_tier: low}
      - {id: told, target: openai/by-override, capabilities: [streaming],
         cost_tier: high}
    nodes: [{name: writer, required_capabilities: [streaming]},
            {name: editor, required_capabilities: [streaming]}]
"""
_RUST = "Write it in Rust, with cargo."


class OrderTest(_Case):

    def test_each_stage_comes_before_all_that_follow_it(self):
        gateway = self.start(_OF_ALL_STAGES)
        given = self.caller.call(
            gateway.admin, _ADMIN + "UpdateNodePolicy",
            {"node_name": "writer", "model_id": "told"})
        self.assertEqual(given.end["code"], "OK", given.end)
        # All that a call can say; the strongest is taken away each time.
        said = {
            "provider_id": "openai",
            "selection": {"node_name": "writer"},
            "scope": {"agent_type": "code-reviewer"},
            "domain_tags": ["law"],
        }
        model = "gpt-opus"
        for change, served, reason in (
                ({}, model, "explicit"),
                ({"provider_id": None}, "by-override", "override:writer"),
                ({"selection": {"node_name": "editor"}}, "by-agent",
                 "agent_rule:code-reviewer"),
                ({"scope": None}, "by-selection", "selection:balanced"),
                ({"selection": None}, "by-tag", "domain_tag:law"),
                ({"domain_tags": None}, "by-rule", "model_rule:gpt-"),
                ({"model": "my-opus"}, "by-tier", "model_tier:opus"),
                ({"model": "mine"}, "by-words",
                 "inferred_agent:rust-specialist"),
                ({"text": "Hello"}, "by-default", "default")):
            said.update(change)
            fields = {name: value for name, value in said.items()
                      if value is not None}
            call = self.generate(gateway, fields.pop("model", model),
                                 text=fields.pop("text", _RUST), **fields)
            self.assertEqual(call.end["code"], "OK", call.end)
            route = call.response["route"]
            self.assertEqual((route["model"], route["reason"]),
                             (served, reason))
        gateway.stop()

    def test_which_agent_asks_is_not_guessed_unless_that_is_wanted(self):
        gateway = self.start(_OF_ALL_STAGES.replace(
            "agent_inference: {enabled: true}", ""))
        route = self.generate(gateway, "mine", text=_RUST).response["route"]
        self.assertEqual(route["reason"], "default")
        gateway.stop()


def _vendor(name, path=""):
    return ('  - {name: %s, %s: {base_url: "http://@%s", '
            'api_key: "env:%s_KEY"}}\n' % (name, name, path, name.upper()))


_VENDORS = (("anthropic", ""), ("openai", "/v1"), ("gemini", "/v1beta"),
            ("deepseek", "/v1"), ("openrouter", "/v1"))
_OF_SHIPPED_RULES = (
    ("claude-sonnet-4-5", "anthropic"), ("gpt-4o", "openai"),
    ("o1-mini", "openai"), ("o3", "openai"), ("o4-mini", "openai"),
    ("gemini-2.5-pro", "gemini"), ("deepseek-chat", "deepseek"),
    ("some-unknown-model", "openrouter"))


class ShippedRulesTest(_Case):

    providers = "providers:\n" + "".join(
        _vendor(name, path) for name, path in _VENDORS)
    keys = {name.upper() + "_KEY": _KEY for name, _ in _VENDORS}

    def served(self, gateway, model):
        call = self.caller.call(
            gateway.admin, _ADMIN + "ExplainRoute",
            {"request": prompt(model)})
        self.assertEqual(call.end["code"], "OK", call.end)
        return call.response["route"]["provider"]

    def test_models_go_to_their_makers_and_all_others_to_openrouter(self):
        gateway = self.start(self.providers, **self.keys)
        for model, provider in _OF_SHIPPED_RULES:
            self.assertEqual(self.served(gateway, model), provider, model)
        answer = ask(gateway.http, chat("some-unknown-model"))
        self.assertIn("provider=openrouter;",
                      answer.headers["x-llmgateway-route"])
        gateway.stop()

    def test_without_its_key_the_default_has_what_is_unknown(self):
        keys = {**self.keys}
        del keys["OPENROUTER_KEY"]
        gateway = self.start(
            self.providers + "routing: {default_target: deepseek}\n", **keys)
        self.assertEqual(self.served(gateway, "some-unknown-model"),
                         "deepseek")
        self.assertEqual(self.served(gateway, "claude-sonnet-4-5"),
                         "anthropic")
        gateway.wait_for_log(
            level="warn", field="providers[4].openrouter.api_key")
        gateway.stop()

    def test_strictness_refuses_what_is_unknown(self):
        keys = {**self.keys}
        del keys["OPENROUTER_KEY"]
        gateway = self.start(
            self.providers + "routing: {default_target: deepseek, "
            "strict: true}\n", **keys)
        self.assertEqual(
            self.generate(gateway, "some-unknown-model").end["code"],
            "NOT_FOUND")
        self.assertEqual(ask(gateway.http, chat("nobodys")).status, 404)
        self.assertEqual(ask(gateway.http, chat("gpt-4o")).status, 200)
        gateway.stop()


_SETTINGS = {
    "llmGateway": {
        "providers": {"anthropic": {
            "providerType": "anthropic", "baseUrl": "http://@",
            "apiKeyRef": "VENDOR_KEY", "timeoutSecs": 1, "maxRetries": 2,
            "headers": {"x-of-the-house": "yes"},
            "modelAliases": {"claude-mine": "claude-theirs"}}},
        "routing": {"defaultProvider": "anthropic"},
        "costTracking": {"enabled": True, "pricingOverrides": {
            "claude-priced": {"inputPerMillion": 3, "outputPerMillion": 15,
                              "cacheWritePerMillion": 3.75,
                              "cacheReadPerMillion": 0.3}}},
    },
}


class SettingsTest(_Case):
    """What a file with `llmGateway` says of a provider holds."""

    def start_with(self, **fields):
        settings = json.dumps({**_SETTINGS, **fields}, indent=2)
        return self.start("# listeners: by variables\n" + settings,
                          **_OTHERS_LISTENERS)

    def ask(self, gateway, model):
        return ask(gateway.http, _message(model), path=_MESSAGES)

    def test_it_is_asked_under_its_name_with_its_headers(self):
        gateway = self.start_with()
        self.assertEqual(self.ask(gateway, "claude-mine").status, 200)
        sent = self.upstream.last("claude-theirs")
        self.assertIn(["x-of-the-house", "yes"],
                      [[name.lower(), value]
                       for name, value in sent["headers"]])
        gateway.stop()

    def test_two_retries_are_three_attempts(self):
        gateway = self.start_with()
        self.upstream.set_script("claude-down", {"status": 503})
        # As Anthropic says it of a service that is overloaded.
        self.assertEqual(self.ask(gateway, "claude-down").status, 529)
        self.assertEqual(self.upstream.stat("claude-down", "requests"), 3)
        gateway.stop()

    def test_its_time_is_up_after_as_many_seconds_as_it_says(self):
        gateway = self.start_with()
        self.upstream.set_script("claude-slow",
                                 {"first_byte_delay_ms": 60000})
        answer = self.ask(gateway, "claude-slow")
        self.assertEqual(answer.status, 504, answer.body)
        self.assertEqual(self.upstream.stat("claude-slow", "requests"), 1)
        gateway.stop()

    def test_its_prices_are_those_of_the_answer(self):
        gateway = self.start_with()
        self.upstream.set_script("claude-priced", {"usage": {
            "prompt_tokens": 1000000, "completion_tokens": 100000}})
        answer = self.ask(gateway, "claude-priced").json()
        self.assertEqual((answer["provider"], answer["cost_usd"]),
                         ("anthropic", 4.5))
        self.assertGreaterEqual(answer["latency_ms"], 0)
        gateway.stop()

    def test_switched_off_it_refuses_calls(self):
        gateway = self.start_with(gatewayEnabled=False)
        self.assertEqual(self.ask(gateway, "claude-x").status, 403)
        self.assertEqual(self.generate(gateway, "claude-x").end["reason"],
                         "NOT_ROLLED_OUT")
        self.assertEqual(self.upstream.stat("claude-x", "requests"), 0)
        gateway.stop()


_ROUTER = {
    "default_provider": "claude", "default_model": "claude-x",
    "default_timeout_ms": 30000,
    "providers": {"claude": {"provider_class": "AnthropicProvider",
                             "config": {"base_url": "http://@"}}},
    "dev_mode": {"bypass_auth": True},
}
_BUDGETS = {
    "defaults": {"session_token_limit": 100000, "wo_token_limit": 50000,
                 "agent_token_limit": 10000, "wo_turn_limit": 20,
                 "wo_timeout_seconds": 3600},
    "pricing": {"claude-x": {"input_per_1k": 0.003, "output_per_1k": 0.015}},
}


class RouterConfigTest(_Case):
    """What a router's configuration says holds."""

    def start_with(self, budget_config=None, **fields):
        sections = {"router_config": {**_ROUTER, **fields},
                    "budget_config": {**_BUDGETS, **(budget_config or {})}}
        return self.start("# listeners: by variables\n" +
                          json.dumps(sections, indent=2),
                          ANTHROPIC_API_KEY=_KEY, **_OTHERS_LISTENERS)

    def test_its_timeout_holds_for_an_attempt(self):
        gateway = self.start_with(default_timeout_ms=100)
        self.upstream.set_script("claude-slow",
                                 {"first_byte_delay_ms": 60000})
        self.assertEqual(self.generate(gateway, "claude-slow").end["code"],
                         "DEADLINE_EXCEEDED")
        gateway.stop()

    def test_nothing_is_retried_unless_its_policy_says_so(self):
        self.upstream.set_script("claude-down", {"status": 503})
        for policy, asked in (({}, 1), ({"retry_policy": {
                "max_retries": 2, "backoff_base_ms": 0}}, 3)):
            self.upstream.reset(keep_scripts=True)
            gateway = self.start_with(**policy)
            self.assertEqual(
                self.generate(gateway, "claude-down").end["code"],
                "UNAVAILABLE")
            self.assertEqual(self.upstream.stat("claude-down", "requests"),
                             asked)
            gateway.stop()

    def test_its_prices_are_by_the_thousand(self):
        gateway = self.start_with()
        self.upstream.set_script("claude-x", {"usage": {
            "prompt_tokens": 1000, "completion_tokens": 100}})
        usage = self.generate(gateway, "").response["usage"]
        self.assertEqual(usage["cost_usd_nanos"], "4500000")
        gateway.stop()

    def test_its_sessions_have_tokens_and_a_rate(self):
        gateway = self.start_with({
            "rate_limits": {"requests_per_minute": 2}})
        self.upstream.set_script("claude-x", {"usage": {
            "prompt_tokens": 10, "completion_tokens": 5}})
        one = {"session_id": "SES-1"}
        for _ in range(2):
            self.assertEqual(
                self.generate(gateway, "", scope=one).end["code"], "OK")
        refused = self.generate(gateway, "", scope=one).end
        self.assertEqual((refused["code"], refused["reason"]),
                         ("RESOURCE_EXHAUSTED", "RATE_LIMITED"))
        self.assertEqual(refused["metadata"]["limit"], "scope-requests")
        # Another session has its own.
        self.assertEqual(
            self.generate(gateway, "", scope={"session_id": "SES-2"}
                          ).end["code"], "OK")
        spent = self.caller.call(gateway.admin, _ADMIN + "GetSessionSummary",
                                 {"session_id": "SES-1"}).response
        self.assertEqual(spent["total_tokens"], "30")
        gateway.stop()


class CostVariablesTest(_Case):

    def test_before_the_limit_of_all_calls_answers_warn(self):
        gateway = self.start(
            'providers: [{name: openai, openai: {base_url: "http://@/v1", '
            'api_key: "env:VENDOR_KEY"}}]\n'
            'routing: {default_target: openai}\n',
            LLM_COST_LIMIT_USD="1", LLM_COST_WARN_USD="0.01")
        # A cent and a quarter.
        self.upstream.set_script("gpt-4o", {"usage": {
            "prompt_tokens": 1000, "completion_tokens": 1000}})
        first, second = [self.generate(gateway, "gpt-4o",
                                       max_output_tokens=1)
                         for _ in range(2)]
        self.assertEqual(first.response["usage"]["cost_usd_nanos"],
                         "12500000")
        # The first one is beyond it by what it has cost.
        for call in (first, second):
            self.assertEqual(call.end["code"], "OK")
            warning, = call.response["warnings"]
            self.assertEqual(warning["field"], "budgets.cost-warning")
        gateway.stop()


class RejectionTest(_Case):

    def test_who_shows_no_key_is_one_entry_and_nobody_is_asked(self):
        folder = self.enterContext(
            tempfile.TemporaryDirectory(prefix="ledger"))
        path = folder + "/ledger.db"
        gateway = self.start(
            'providers: [{name: openai, openai: {base_url: "http://@/v1", '
            'api_key: "env:VENDOR_KEY"}}]\n'
            'routing: {default_target: openai}\n'
            'auth: {callers: {api_keys: [{id: team, key: "env:TEAM_KEY"}]}}\n'
            'ledger: {path: "%s"}\n' % path,
            TEAM_KEY="key-of-the-team-1234567890")
        self.assertEqual(self.generate(gateway, "gpt-x").end["code"],
                         "UNAUTHENTICATED")
        gateway.stop()
        entry, = ledger_case.read_ledger(path)
        self.assertEqual(
            (entry["event_type"], entry["metadata"]["error_code"]),
            ("PROMPT_REJECTED", "AUTH_ERROR"))
        self.assertEqual(self.upstream.stat("gpt-x", "requests"), 0)


_ANSWER_SCHEMA = {"type": "object", "required": ["answer"],
                  "properties": {"answer": {"type": "string"}}}


class StructuredOutputTest(_Case):

    config = """\
providers: [{name: openai, openai: {base_url: "http://@/v1",
             api_key: "env:VENDOR_KEY"}}]
routing: {default_target: openai}
"""
    form = {"kind": "KIND_JSON_SCHEMA", "name": "said",
            "schema": json.dumps(_ANSWER_SCHEMA)}
    openai_form = {"type": "json_schema", "json_schema": {
        "name": "said", "schema": _ANSWER_SCHEMA}}

    def test_what_breaks_its_schema_is_delivered_and_told(self):
        gateway = self.start(self.config)
        for text, valid in (("Mock response", False), ('{"other": 1}', False),
                            ('{"answer": "four"}', True)):
            self.upstream.set_script("gpt-x", {"text": text})
            call = self.generate(gateway, "gpt-x", response_format=self.form)
            self.assertEqual(call.end["code"], "OK", call.end)
            self.assertIs(call.response.get("output_valid", False), valid)
            self.assertEqual(bool(call.response.get("output_errors")),
                             not valid)
            stream = self.caller.stream(
                gateway.grpc, prompt("gpt-x", response_format=self.form))
            self.assertEqual(stream.wait()["code"], "OK")
            end = stream.events[-1]["end"]
            self.assertIs(end.get("output_valid", False), valid)
        self.upstream.set_script("gpt-x", {"text": "Mock response"})
        without = self.generate(gateway, "gpt-x").response
        self.assertNotIn("output_valid", without)
        gateway.stop()

    def test_who_wants_strictness_gets_an_error(self):
        gateway = self.start(self.config)
        self.upstream.set_script("gpt-x", {"text": '{"other": 1}'})
        end = self.generate(gateway, "gpt-x", response_format=self.form,
                            strict_output=True).end
        self.assertEqual(end["reason"], "RESPONSE_VALIDATION", end)
        request = chat("gpt-x", response_format=self.openai_form)
        strict = {"x-llmgateway-strict-output": "true"}
        self.assertGreaterEqual(
            ask(gateway.http, request, headers=strict).status, 400)
        self.assertEqual(ask(gateway.http, request).status, 200)
        self.upstream.set_script("gpt-x", {"text": '{"answer": "four"}'})
        self.assertEqual(ask(gateway.http, request, headers=strict).text(),
                         '{"answer": "four"}')
        gateway.stop()


class RecentCallsTest(_Case):

    def test_of_1100_calls_a_thousand_are_remembered_and_all_are_counted(
            self):
        gateway = self.start("providers: [{name: mock, mock: {}}]\n"
                             "runtime: {event_loops: 1}\n")
        connection = http_calls.RawConnection(gateway.http)
        request = http_calls.request_bytes(chat("m"))
        with connection:
            for _ in range(1100):
                connection.send(request)
                connection.read_answer()
        page = ask(gateway.http, path="/gateway/metrics?recent_limit=1000"
                   ).json()
        self.assertEqual(page["summary"]["total_requests"], 1100)
        self.assertEqual(len(page["recent"]), 1000)
        gateway.stop()


class OpenRouterLimitsTest(_Case):

    def test_who_is_told_of_a_limit_is_not_asked_until_it_has_passed(self):
        gateway = self.start("""\
providers:
  - name: openrouter
    openrouter: {base_url: "http://@/v1", api_key: "env:VENDOR_KEY"}
  - name: openai
    openai: {base_url: "http://@/v1", api_key: "env:VENDOR_KEY"}
routing:
  default_target: openrouter/or-x
  fallbacks: [openai/gpt-spare]
resilience:
  # So that nothing but what the headers say keeps it from being asked.
  credential_cooling: {default_cooling: 0s}
  circuit_breaker: {mode: "off"}
""")
        # In milliseconds since 1970, as OpenRouter writes it: in 2100.
        self.upstream.set_script("or-x", {"status": 429, "headers": {
            "x-ratelimit-limit": "20", "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": "4102444800000"}})
        for _ in range(3):
            call = self.generate(gateway, "")
            self.assertEqual(call.end["code"], "OK", call.end)
            self.assertEqual(call.response["route"]["provider"], "openai")
        self.assertEqual(self.upstream.stat("or-x", "requests"), 1)
        gateway.stop()


class MetricNamesTest(_Case):

    def test_metrics_have_the_names_and_labels_of_the_documents(self):
        gateway = self.start("""\
providers: [{name: openai, openai: {base_url: "http://@/v1",
             api_key: "env:VENDOR_KEY"}}]
routing: {default_target: openai}
resilience:
  retry: {backoff_base: 1ms, attempts_limit: 2}
  circuit_breaker: {consecutive_failures: 2}
""")
        self.assertEqual(ask(gateway.http, chat("gpt-x")).status, 200)
        self.upstream.set_script("gpt-down", {"status": 503})
        self.assertEqual(ask(gateway.http, chat("gpt-down")).status, 503)
        gateway.wait_for_access(model="gpt-down")
        text = ask(gateway.operations, path="/metrics").body.decode()
        for name, kind, labels in (
                ("llm_request_duration_seconds", "histogram",
                 ["provider", "model"]),
                ("llm_request_total", "counter", ["provider", "model"]),
                ("llm_tokens_total", "counter", ["provider", "model", "type"]),
                ("llm_errors_total", "counter", ["provider", "type"]),
                ("circuit_breaker_state", "gauge", ["provider", "model"]),
                ("circuit_breaker_failures", "counter",
                 ["provider", "model"]),
                ("retry_attempts_total", "counter",
                 ["provider", "operation"])):
            self.assertIn("# TYPE %s %s\n" % (name, kind), text)
            samples = [line for line in text.splitlines()
                       if line.split("{")[0] in (name, name + "_count")
                       and float(line.split()[-1]) > 0]
            self.assertTrue(samples, name)
            for label in labels:
                self.assertIn(label + '="', samples[0])
        gateway.stop()


class ChatLimitsTest(_Case):

    def test_the_paths_of_a_system_have_limits_of_their_own(self):
        gateway = self.start("""\
providers: [{name: openai, openai: {base_url: "http://@/v1",
             api_key: "env:VENDOR_KEY"}}]
routing: {default_target: openai/gpt-x}
rate_limits:
  - {name: chat, unit: requests, limit: 60, burst: 2, per: [caller],
     match: {apis: [chat]}}
""")
        message = {"messages": [{"role": "user", "content": "hi"}]}
        path = "/api/chat/complete"
        statuses = []
        for _ in range(3):
            answer = ask(gateway.http, message, path=path)
            statuses.append(answer.status)
        self.assertEqual(statuses, [200, 200, 429])
        # Others are let in meanwhile.
        self.assertEqual(ask(gateway.http, chat("gpt-x")).status, 200)
        gateway.stop()


if __name__ == "__main__":
    unittest.main()
