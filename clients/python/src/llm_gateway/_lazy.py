"""The names of the package beyond its `__all__`, imported when first used.

So `import llm_gateway` needs neither gRPC nor a vendor's SDK. A name is here
with the module that defines it; `llm_gateway/__init__.py` has the same names
for type checkers, and tests/unit/test_public_names.py compares both.
"""

LAZY_NAMES = {
    # What LLMClient raises where the environment is wrong.
    "ConfigurationError": "llm_gateway.exceptions",
    # Providers for tests.
    "FakeLLMProvider": "llm_gateway.testing",
    # Models by what a node needs.
    "ModelRecommendations": "llm_gateway.services.model_selector",
    "NodeClient": "llm_gateway.services.node_integration",
    "NodeClientFactory": "llm_gateway.services.node_integration",
    "SelectionContext": "llm_gateway.services.model_selector",
    "SelectionResult": "llm_gateway.services.model_selector",
    "SelectionStrategy": "llm_gateway.services.model_selector",
    "get_llm_gateway": "llm_gateway.services.gateway",
    "get_model_policy_registry": "llm_gateway.services.model_policy",
    "get_model_selector": "llm_gateway.services.model_selector",
    "get_node_client_factory": "llm_gateway.services.node_integration",
    "get_tracer": "llm_gateway.services.tracing",
    # The prompt router, and the client of a gateway elsewhere.
    "BudgetAllocation": "llm_gateway.gateway",
    "BudgetConfig": "llm_gateway.gateway",
    "BudgetScope": "llm_gateway.gateway",
    "CircuitBreaker": "llm_gateway.gateway",
    "CircuitBreakerConfig": "llm_gateway.gateway",
    "CircuitState": "llm_gateway.gateway",
    "LLMGateway": "llm_gateway.gateway",
    "LedgerClient": "llm_gateway.gateway",
    "LedgerEntry": "llm_gateway.gateway",
    "MockProvider": "llm_gateway.gateway",
    "PromptRequest": "llm_gateway.gateway",
    "PromptResponse": "llm_gateway.gateway",
    "PromptRouter": "llm_gateway.gateway",
    "ProviderResponse": "llm_gateway.gateway",
    "RouteOutcome": "llm_gateway.gateway",
    "RouterConfig": "llm_gateway.gateway",
    "TokenBudgeter": "llm_gateway.gateway",
    "AsyncLLMGatewayClient": "llm_gateway.rpc.async_client",
    "CallError": "llm_gateway.rpc.errors",
    "LLMGatewayClient": "llm_gateway.rpc.client",
}
