"""Backward-compatibility shim. Use llm_gateway for new code."""

from llm_gateway import (
    BudgetAllocation,
    BudgetConfig,
    BudgetScope,
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitState,
    LedgerClient,
    LedgerEntry,
    LLMGateway,
    MockProvider,
    PromptRequest,
    PromptResponse,
    ProviderResponse,
    RouteOutcome,
    RouterConfig,
    TokenBudgeter,
)

PromptRouter = LLMGateway

__all__ = [
    "BudgetAllocation",
    "BudgetConfig",
    "BudgetScope",
    "CircuitBreaker",
    "CircuitBreakerConfig",
    "CircuitState",
    "LLMGateway",
    "LedgerClient",
    "LedgerEntry",
    "MockProvider",
    "PromptRequest",
    "PromptResponse",
    "PromptRouter",
    "ProviderResponse",
    "RouteOutcome",
    "RouterConfig",
    "TokenBudgeter",
]
