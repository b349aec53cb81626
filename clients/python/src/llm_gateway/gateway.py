"""LLMGateway sends prompts to language models and tells a ledger of each.

In a program of its own it is a pipe: it logs, sends, logs and counts.

    gateway = LLMGateway(LedgerClient("ledger/governance.jsonl"))
    gateway.register_provider("anthropic", AnthropicProvider())
    response = gateway.route(PromptRequest(prompt="What is 2 + 2?", ...))

As a client of a gateway that runs elsewhere, it leaves all that to it:

    with LLMGateway.connect("llm.example.com:443", api_key=key) as gateway:
        answer = gateway.generate(GenerateRequest(model="gpt-x", ...))

PromptRouter is its old name. Thread-safe. What is here and in
llm_gateway.router needs nothing but the standard library.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from llm_gateway.router.budgets import (
    BudgetAllocation,
    BudgetConfig,
    BudgetScope,
)
from llm_gateway.router.circuit_breaker import (
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitState,
)
from llm_gateway.router.config_file import RouterConfig, read_router_config
from llm_gateway.router.ledger_client import LedgerClient
from llm_gateway.router.ledger_entry import LedgerEntry
from llm_gateway.router.messages import (
    PromptRequest,
    PromptResponse,
    RouteOutcome,
)
from llm_gateway.router.pipeline import RoutePipeline
from llm_gateway.router.provider import (
    MockProvider,
    PromptProvider,
    ProviderResponse,
)
from llm_gateway.router.token_budgeter import TokenBudgeter

if TYPE_CHECKING:
    from llm_gateway.rpc.async_client import AsyncLLMGatewayClient
    from llm_gateway.rpc.client import LLMGatewayClient


class LLMGateway:
    def __init__(
        self,
        ledger_client: Any,
        budgeter: Any = None,
        config: RouterConfig | None = None,
        auth_provider: Any = None,
        dev_mode: bool = False,
        budget_mode: str = "enforce",
    ) -> None:
        """A gateway in this process.

        `ledger_client` has `write`, as LedgerClient; `budgeter` has `check`
        and `debit`, as TokenBudgeter. Without one no tokens are counted. In
        `dev_mode` requests need no `auth_token`. `auth_provider` is kept for
        the program, and is not asked. `budget_mode` is `enforce`, `warn`,
        which sends what is over its budget and tells the ledger, or `off`;
        anything else is `enforce`.
        """
        self.auth_provider = auth_provider
        self._pipeline = RoutePipeline(
            ledger_client, budgeter, config, dev_mode, budget_mode
        )

    @classmethod
    def from_config_file(
        cls,
        path: str | os.PathLike[str],
        ledger_client: Any,
        budgeter: Any = None,
        dev_mode: bool = False,
    ) -> LLMGateway:
        """A gateway in this process, as a router_config.json says.

        ConfigError names the file and the key of what is wrong in it. What its
        `dev_mode` turns off is off, whatever the argument says.
        """
        config, dev = read_router_config(path)
        gateway = cls(
            ledger_client,
            budgeter,
            config,
            dev_mode=dev_mode or dev.bypass_auth,
            budget_mode="off" if dev.bypass_budget else "enforce",
        )
        if dev.use_mock_provider:
            gateway.register_provider(config.default_provider, MockProvider())
        return gateway

    @staticmethod
    def connect(target: str, **options: Any) -> LLMGatewayClient:
        """A client of the gateway that listens at `target`, by gRPC.

        What `options` there are is told by LLMGatewayClient. ImportError
        without the extra `grpc`.
        """
        client: LLMGatewayClient = _rpc_class("client", "LLMGatewayClient")(
            target, **options
        )
        return client

    @staticmethod
    def connect_async(target: str, **options: Any) -> AsyncLLMGatewayClient:
        """The same for coroutines. To be called where an event loop runs."""
        client: AsyncLLMGatewayClient = _rpc_class(
            "async_client", "AsyncLLMGatewayClient"
        )(target, **options)
        return client

    def register_provider(
        self, provider_id: str, provider: PromptProvider
    ) -> None:
        """Has `provider` answer those requests whose provider has this id."""
        self._pipeline.register_provider(provider_id, provider)

    def route(self, request: PromptRequest) -> PromptResponse:
        """Sends the prompt, unless it is to be refused.

        `outcome` says how it ended: what a provider raises is no exception
        here. What the ledger raises is one.
        """
        return self._pipeline.route(request)


def _rpc_class(module: str, name: str) -> Any:
    try:
        return getattr(
            importlib.import_module(f"llm_gateway.rpc.{module}"), name
        )
    except ImportError as error:
        raise ImportError(
            f"a gateway elsewhere is called by gRPC, which is not there "
            f"({error}); pip install 'llm-gateway[grpc]'"
        ) from error


# The old name.
PromptRouter = LLMGateway

# What module `prompt_router` had, and what a program needs beside it.
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
