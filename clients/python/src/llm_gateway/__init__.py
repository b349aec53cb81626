"""One client for every language model.

    from pydantic import BaseModel
    from llm_gateway import LLMClient

    class Answer(BaseModel):
        text: str

    async with LLMClient() as llm:  # Reads LLM_* and .env.
        response = await llm.complete(
            [{"role": "user", "content": "What is 2 + 2?"}], Answer)
        print(response.content.text, response.usage.total_cost_usd)

`__all__` is what most programs need, and imports no more than pydantic,
pydantic-settings and tenacity. What `_lazy.py` lists is there, too, and is
imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from llm_gateway._lazy import LAZY_NAMES
from llm_gateway.client import LLMClient
from llm_gateway.config import GatewayConfig
from llm_gateway.cost import CostTracker, calculate_cost, register_pricing
from llm_gateway.exceptions import (
    CLINotFoundError,
    CostLimitExceededError,
    GatewayError,
    ProviderError,
    ProviderInitError,
    ProviderNotFoundError,
    ResponseValidationError,
)
from llm_gateway.providers.base import LLMProvider
from llm_gateway.registry import (
    build_provider,
    list_providers,
    register_provider,
)
from llm_gateway.types import LLMMessage, LLMResponse, TokenUsage

if TYPE_CHECKING:
    from llm_gateway.exceptions import ConfigurationError as ConfigurationError
    from llm_gateway.gateway import BudgetAllocation as BudgetAllocation
    from llm_gateway.gateway import BudgetConfig as BudgetConfig
    from llm_gateway.gateway import BudgetScope as BudgetScope
    from llm_gateway.gateway import CircuitBreaker as CircuitBreaker
    from llm_gateway.gateway import CircuitBreakerConfig as CircuitBreakerConfig
    from llm_gateway.gateway import CircuitState as CircuitState
    from llm_gateway.gateway import LedgerClient as LedgerClient
    from llm_gateway.gateway import LedgerEntry as LedgerEntry
    from llm_gateway.gateway import LLMGateway as LLMGateway
    from llm_gateway.gateway import MockProvider as MockProvider
    from llm_gateway.gateway import PromptRequest as PromptRequest
    from llm_gateway.gateway import PromptResponse as PromptResponse
    from llm_gateway.gateway import PromptRouter as PromptRouter
    from llm_gateway.gateway import ProviderResponse as ProviderResponse
    from llm_gateway.gateway import RouteOutcome as RouteOutcome
    from llm_gateway.gateway import RouterConfig as RouterConfig
    from llm_gateway.gateway import TokenBudgeter as TokenBudgeter
    from llm_gateway.rpc.async_client import (
        AsyncLLMGatewayClient as AsyncLLMGatewayClient,
    )
    from llm_gateway.rpc.client import LLMGatewayClient as LLMGatewayClient
    from llm_gateway.rpc.errors import CallError as CallError
    from llm_gateway.services.gateway import get_llm_gateway as get_llm_gateway
    from llm_gateway.services.model_policy import (
        get_model_policy_registry as get_model_policy_registry,
    )
    from llm_gateway.services.model_selector import (
        ModelRecommendations as ModelRecommendations,
    )
    from llm_gateway.services.model_selector import (
        SelectionContext as SelectionContext,
    )
    from llm_gateway.services.model_selector import (
        SelectionResult as SelectionResult,
    )
    from llm_gateway.services.model_selector import (
        SelectionStrategy as SelectionStrategy,
    )
    from llm_gateway.services.model_selector import (
        get_model_selector as get_model_selector,
    )
    from llm_gateway.services.node_integration import NodeClient as NodeClient
    from llm_gateway.services.node_integration import (
        NodeClientFactory as NodeClientFactory,
    )
    from llm_gateway.services.node_integration import (
        get_node_client_factory as get_node_client_factory,
    )
    from llm_gateway.services.tracing import get_tracer as get_tracer
    from llm_gateway.testing import FakeLLMProvider as FakeLLMProvider

__all__ = [
    "CLINotFoundError",
    "CostLimitExceededError",
    "CostTracker",
    "GatewayConfig",
    "GatewayError",
    "LLMClient",
    "LLMMessage",
    "LLMProvider",
    "LLMResponse",
    "ProviderError",
    "ProviderInitError",
    "ProviderNotFoundError",
    "ResponseValidationError",
    "TokenUsage",
    "build_provider",
    "calculate_cost",
    "list_providers",
    "register_pricing",
    "register_provider",
]


def __getattr__(name: str) -> Any:
    if name not in LAZY_NAMES:
        raise AttributeError(f"module 'llm_gateway' has no attribute '{name}'")
    value = getattr(importlib.import_module(LAZY_NAMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *LAZY_NAMES})
