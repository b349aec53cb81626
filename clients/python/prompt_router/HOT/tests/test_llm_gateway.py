"""PKG-LLM-GATEWAY-001 is the prompt router by its new name, and by its old one.

    python3 -m pytest PKG-LLM-GATEWAY-001/HOT/tests/test_llm_gateway.py -v

`python3 -m unittest` runs them, too. No model is asked.
"""

import dataclasses
import inspect
import sys
import tempfile
import unittest
from pathlib import Path

KERNEL = Path(__file__).resolve().parents[1] / "kernel"
sys.path.insert(0, str(KERNEL))

import prompt_router  # noqa: E402

import llm_gateway  # noqa: E402

# What the module prompt_router of PKG-PROMPT-ROUTER-001 has.
ORIGINAL_NAMES = [
    "CircuitBreaker",
    "CircuitBreakerConfig",
    "CircuitState",
    "PromptRequest",
    "PromptResponse",
    "PromptRouter",
    "RouteOutcome",
    "RouterConfig",
]


class LLMGatewayPackageTest(unittest.TestCase):
    def route(self, gateway_class):
        """What such a gateway answers, and what its ledger has then."""
        with tempfile.TemporaryDirectory() as folder:
            ledger = llm_gateway.LedgerClient(Path(folder) / "ledger.jsonl")
            gateway = gateway_class(ledger)
            gateway.register_provider("mock", llm_gateway.MockProvider())
            response = gateway.route(
                llm_gateway.PromptRequest(
                    prompt="What is 2+2?",
                    prompt_pack_id="PRC-1",
                    contract_id="PRC-TEST-1",
                    agent_id="agent-1",
                    agent_class="ADMIN",
                    framework_id="FMWK-000",
                    package_id="PKG-1",
                    work_order_id="WO-1",
                    session_id="SES-TEST0001",
                    tier="hot",
                    auth_token="token",
                )
            )
            return response, ledger.read_all()

    def assert_routed(self, response, entries):
        self.assertIsInstance(response, llm_gateway.PromptResponse)
        self.assertEqual(response.outcome, llm_gateway.RouteOutcome.SUCCESS)
        self.assertEqual(response.content, "Mock response")
        self.assertEqual(
            [entry.event_type for entry in entries], ["DISPATCH", "EXCHANGE"]
        )

    def test_llm_gateway_class_exists(self):
        self.assertTrue(inspect.isclass(llm_gateway.LLMGateway))
        self.assertEqual(Path(llm_gateway.__file__).parent, KERNEL)

    def test_prompt_router_alias_in_gateway(self):
        self.assertIs(llm_gateway.PromptRouter, llm_gateway.LLMGateway)

    def test_route_method_exists(self):
        self.assertTrue(callable(llm_gateway.LLMGateway.route))

    def test_from_config_file_exists(self):
        method = inspect.getattr_static(
            llm_gateway.LLMGateway, "from_config_file"
        )
        self.assertIsInstance(method, classmethod)

    def test_register_provider_exists(self):
        self.assertTrue(callable(llm_gateway.LLMGateway.register_provider))

    def test_prompt_request_dataclass(self):
        self.assertTrue(dataclasses.is_dataclass(llm_gateway.PromptRequest))

    def test_prompt_response_dataclass(self):
        self.assertTrue(dataclasses.is_dataclass(llm_gateway.PromptResponse))

    def test_route_outcome_enum(self):
        self.assertEqual(
            [outcome.name for outcome in llm_gateway.RouteOutcome],
            ["SUCCESS", "REJECTED", "TIMEOUT", "ERROR"],
        )

    def test_circuit_state_enum(self):
        self.assertEqual(
            [state.name for state in llm_gateway.CircuitState],
            ["CLOSED", "OPEN", "HALF_OPEN"],
        )

    def test_router_config_dataclass(self):
        config = llm_gateway.RouterConfig()
        self.assertTrue(dataclasses.is_dataclass(config))
        self.assertEqual(config.default_provider, "mock")

    def test_circuit_breaker_config_dataclass(self):
        config = llm_gateway.CircuitBreakerConfig()
        self.assertTrue(dataclasses.is_dataclass(config))
        self.assertEqual(config.failure_threshold, 3)

    def test_circuit_breaker_class(self):
        breaker = llm_gateway.CircuitBreaker(llm_gateway.CircuitBreakerConfig())
        self.assertIs(breaker.state, llm_gateway.CircuitState.CLOSED)

    def test_route_success(self):
        self.assert_routed(*self.route(llm_gateway.LLMGateway))

    def test_backward_compat_import_shim(self):
        self.assertIs(prompt_router.PromptRouter, llm_gateway.LLMGateway)
        self.assertEqual(Path(prompt_router.__file__).parent, KERNEL)

    def test_backward_compat_route_via_shim(self):
        self.assert_routed(*self.route(prompt_router.PromptRouter))

    def test_all_exports_present(self):
        self.assertEqual(
            sorted(llm_gateway.__all__), sorted(prompt_router.__all__)
        )
        for name in [*ORIGINAL_NAMES, *llm_gateway.__all__]:
            self.assertIs(
                getattr(llm_gateway, name), getattr(prompt_router, name), name
            )

    def test_no_api_change_route_signature(self):
        signature = inspect.signature(llm_gateway.LLMGateway.route)
        self.assertEqual(list(signature.parameters), ["self", "request"])
        self.assertEqual(
            (
                signature.parameters["request"].annotation,
                signature.return_annotation,
            ),
            ("PromptRequest", "PromptResponse"),
        )

    def test_no_api_change_constructor(self):
        parameters = inspect.signature(llm_gateway.LLMGateway).parameters
        self.assertEqual(
            {
                name: parameter.default
                for name, parameter in parameters.items()
                if name != "budget_mode"
            },
            {
                "ledger_client": inspect.Parameter.empty,
                "budgeter": None,
                "config": None,
                "auth_provider": None,
                "dev_mode": False,
            },
        )


if __name__ == "__main__":
    unittest.main()
