"""Configuration files are read whole, and what is wrong is named."""

import copy
import json
import unittest

from tests.clients.python.llm_gateway import router_case

from llm_gateway.router.config_file import (
    ConfigError, DevMode, RouterConfig, read_budget_config,
    read_router_config)

_ROUTER = {
    "default_provider": "anthropic", "default_model": "claude-x",
    "default_timeout_ms": 20000,
    "circuit_breaker": {"failure_threshold": 5, "recovery_timeout_ms": 10,
                        "half_open_max": 2},
    "retry_policy": {"max_retries": 4, "backoff_base_ms": 20,
                     "backoff_multiplier": 3,
                     "retryable_errors": ["TIMEOUT"]},
    "providers": {"anthropic": {"provider_class": "AnthropicProvider",
                                "config": {"api_key": "k"}}},
    "dev_mode": {"bypass_auth": True},
    "domain_tag_routes": {"code": "anthropic",
                          "prose": {"provider_id": "p", "model_id": "m"}},
}
_BUDGETS = {
    "defaults": {"session_token_limit": 5, "wo_token_limit": 4,
                 "agent_token_limit": 3, "wo_turn_limit": 2,
                 "wo_timeout_seconds": 1},
    "rate_limits": {"requests_per_minute": 6, "burst_allowance": 1.5,
                    "cooldown_ms": 100},
    "provider_limits": {"anthropic": {"rpm_limit": 50, "tpm_limit": 1000}},
    "pricing": {"claude-x": {"input_per_1k": 0.003, "output_per_1k": 0.015}},
    "enforcement": {"hard_limit": True, "warn_threshold": 0.5},
}


class ConfigFileCase(router_case.RouterCase):

    whole = None
    read = None

    def file(self, config):
        return self.write("config.json", json.dumps(config))

    def refused(self, path, value):
        """What is said of the file with `value` at the dotted path; of one
        without it if it is None."""
        config = copy.deepcopy(self.whole)
        *folders, name = path.split("/")
        members = config
        for folder in folders:
            members = members[folder]
        if value is None:
            del members[name]
        else:
            members[name] = value
        with self.assertRaises(ConfigError, msg=path) as caught:
            type(self).read(self.file(config))
        return str(caught.exception)

    def check_refusals(self, refusals):
        for path, value, told in refusals:
            self.assertEqual(self.refused(path, value), "%s: %s" % (
                self.path("config.json"), told))


class SectionsTest(ConfigFileCase):
    """The gateway takes both as sections of one file, and so is it read."""

    def setUp(self):
        super().setUp()
        self.sections = {"router_config": dict(_ROUTER),
                         "budget_config": _BUDGETS,
                         "another_system": {"x": 1}}

    def test_a_section_is_read_as_the_whole_file_is(self):
        whole = read_router_config(self.file(_ROUTER))
        budgets = read_budget_config(self.file(_BUDGETS))
        file = self.file(self.sections)
        self.assertEqual(read_router_config(file), whole)
        self.assertEqual(read_budget_config(file), budgets)

    def test_a_null_is_as_good_as_nothing(self):
        del self.sections["router_config"]["dev_mode"]
        without = read_router_config(self.file(self.sections))
        self.sections["router_config"]["dev_mode"] = None
        self.assertEqual(read_router_config(self.file(self.sections)), without)

    def told(self, read):
        with self.assertRaises(ConfigError) as caught:
            read(self.file(self.sections))
        return str(caught.exception).removeprefix(
            self.path("config.json") + ": ")

    def test_what_is_wrong_is_named_with_its_section(self):
        self.sections["router_config"] = dict(_ROUTER, default_timeout_ms=9)
        self.assertEqual(self.told(read_router_config),
                         "router_config.default_timeout_ms is 9; it is at "
                         "least 100")
        self.sections["budget_config"] = 7
        self.assertEqual(self.told(read_budget_config),
                         "budget_config is no object")
        del self.sections["budget_config"]
        self.assertEqual(self.told(read_budget_config),
                         "budget_config is missing")


class RouterConfigTest(ConfigFileCase):

    whole = _ROUTER
    read = staticmethod(read_router_config)

    def test_all_is_read(self):
        config, dev_mode = read_router_config(self.file(_ROUTER))
        self.assertEqual(config.default_provider, "anthropic")
        self.assertEqual(config.default_model, "claude-x")
        self.assertEqual(config.default_timeout_ms, 20000)
        self.assertEqual(config.circuit_breaker.failure_threshold, 5)
        self.assertEqual((config.max_retries, config.retry_backoff_ms,
                          config.retry_backoff_multiplier,
                          config.retryable_errors), (4, 20, 3.0, ("TIMEOUT",)))
        self.assertEqual(config.domain_tag_routes["code"], "anthropic")
        self.assertIn("anthropic", config.providers)
        self.assertEqual(dev_mode, DevMode(bypass_auth=True))

    def test_three_members_are_enough(self):
        config, dev_mode = read_router_config(self.file(
            {name: _ROUTER[name] for name in (
                "default_provider", "default_model", "default_timeout_ms")}))
        self.assertEqual((config.max_retries, config.retry_backoff_ms),
                         (0, 0))
        self.assertEqual(config.circuit_breaker.failure_threshold, 3)
        self.assertEqual(dev_mode, DevMode())

    def test_an_empty_retry_policy_has_the_published_defaults(self):
        config, _ = read_router_config(self.file(
            {**_ROUTER, "retry_policy": {}}))
        self.assertEqual(
            (config.max_retries, config.retry_backoff_ms,
             config.retry_backoff_multiplier, config.retryable_errors),
            (2, 1000, 2.0, ("TIMEOUT", "RATE_LIMITED", "SERVER_ERROR")))

    def test_without_a_file_there_are_the_published_defaults(self):
        config = RouterConfig()
        self.assertEqual(
            (config.default_provider, config.default_model,
             config.default_timeout_ms, config.circuit_breaker,
             config.max_retries, config.retry_backoff_ms,
             config.domain_tag_routes),
            ("mock", "mock-model-1", 30000, None, 0, 0, {}))

    def test_what_is_wrong_is_named(self):
        self.check_refusals((
            ("default_model", None, "default_model is missing"),
            ("default_model", " ", "default_model is empty"),
            ("default_timeout_ms", 99,
             "default_timeout_ms is 99; it is at least 100"),
            ("default_timeout_ms", True,
             "default_timeout_ms is not an integer"),
            ("circuit_breaker/half_open_max", 0,
             "circuit_breaker.half_open_max is 0; it is at least 1"),
            ("retry_policy/backoff_multiplier", "2",
             "retry_policy.backoff_multiplier is not a number"),
            ("retry_policy/retryable_errors", [1],
             "retry_policy.retryable_errors has what is no text"),
            ("providers/anthropic", {}, "providers.anthropic.provider_class "
                                        "is missing"),
            ("dev_mode", [], "dev_mode is not an object"),
            ("domain_tag_routes/code", 5, "domain_tag_routes.code is neither "
                                          "a provider's name nor an object"),
            ("dev_mode/bypass_all", True,
             "dev_mode.bypass_all is not known; there are bypass_auth, "
             "bypass_budget, use_mock_provider"),
        ))

    def test_what_is_no_file_of_json_is_refused(self):
        with self.assertRaisesRegex(ConfigError, "cannot be read"):
            read_router_config(self.path("missing.json"))
        with self.assertRaisesRegex(ConfigError, "is no JSON"):
            read_router_config(self.write("x.json", "{"))
        with self.assertRaisesRegex(ConfigError, "the whole is no object"):
            read_router_config(self.write("x.json", "[]"))


class BudgetConfigTest(ConfigFileCase):

    whole = _BUDGETS
    read = staticmethod(read_budget_config)

    def test_all_is_read(self):
        config, rates = read_budget_config(self.file(_BUDGETS))
        self.assertEqual(
            (config.session_token_limit, config.wo_token_limit,
             config.agent_token_limit, config.wo_turn_limit,
             config.wo_timeout_seconds), (5, 4, 3, 2, 1))
        self.assertEqual(config.pricing["claude-x"]["output_per_1k"], 0.015)
        self.assertEqual(config.enforcement_warn_threshold, 0.5)
        self.assertEqual((rates.requests_per_minute, rates.burst_allowance,
                          rates.cooldown_ms, rates.window_seconds),
                         (6, 1.5, 100, 60))

    def test_rates_are_optional(self):
        config, rates = read_budget_config(self.file(
            {"defaults": _BUDGETS["defaults"]}))
        self.assertIsNone(rates)
        self.assertEqual(config.enforcement_warn_threshold, 0.8)

    def test_what_is_wrong_is_named(self):
        self.check_refusals((
            ("defaults", None, "defaults is missing"),
            ("defaults/wo_turn_limit", None,
             "defaults.wo_turn_limit is missing"),
            ("defaults/wo_turn_limit", 0,
             "defaults.wo_turn_limit is 0; it is at least 1"),
            ("pricing/claude-x/input_per_1k", -1,
             "pricing.claude-x.input_per_1k is -1; it is at least 0"),
            ("provider_limits/anthropic/rpm_limit", 1.5,
             "provider_limits.anthropic.rpm_limit is not an integer"),
            ("rate_limits/per_day", 1,
             "rate_limits.per_day is not known; there are burst_allowance, "
             "cooldown_ms, requests_per_minute, tokens_per_minute, "
             "window_seconds"),
        ))


if __name__ == "__main__":
    unittest.main()
