"""Clients for the nodes of a pipeline, by what they need.

client = get_node_client_factory().create_writer_client(
    node_name="writer", strategy=SelectionStrategy.BALANCED)
response = await client.ainvoke([{"role": "user", "content": "Write."}])
print(response.content)
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llm_gateway.http_json import HttpAnswer, reading_answer, retry_advice
from llm_gateway.observability.tracing import open_span_headers
from llm_gateway.providers.retrying import retrying
from llm_gateway.services.listeners import caller_listener, in_own_loop
from llm_gateway.services.model_selector import (
    SelectionStrategy,
    strategy_name,
)

_TIMEOUT_S = 120.0
_TRIES = 3
# The words of those who have messages as objects.
_ROLES = {
    "ai": "assistant",
    "assistant": "assistant",
    "human": "user",
    "system": "system",
    "user": "user",
}


@dataclass(frozen=True)
class NodeResponse:
    """An answer, and what it took.

    Fields:
      tokens_used: `input`, `output` and `total`.
      cost_usd: 0 also where the price is not known; `cost_known` says it.
    """

    content: str
    model_used: str
    provider: str
    tokens_used: Mapping[str, int]
    cost_usd: float
    cost_known: bool
    latency_ms: float
    trace_id: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NodeClient:
    """Asks whichever model the gateway chooses for the node.

    Each call is chosen for anew, so that what operators change counts at once.
    """

    node_name: str
    capabilities: tuple[str, ...]
    strategy: str
    trace_id: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None

    async def ainvoke(
        self, messages: str | Sequence[Any], **options: Any
    ) -> NodeResponse:
        """Asks; `messages` is a text, or dicts, pairs or objects with a role
        and a content. `temperature` and `max_tokens` may be given here.

        Raises GatewayError where the gateway cannot or will not, ValueError
        and TypeError for what is no message or option.
        """
        body = self._body(messages, options)
        headers = {
            "x-llmgateway-timeout": f"{_TIMEOUT_S:g}s",
            **open_span_headers(),
        }
        if self.trace_id:
            headers["x-trace-id"] = self.trace_id
        listener = caller_listener()

        async def attempt() -> HttpAnswer:
            return await listener.ask(
                "POST", "/api/chat/complete", body, _TIMEOUT_S + 5, headers
            )

        answer = await retrying(attempt, attempts=_TRIES, advice=retry_advice)
        with reading_answer():
            told = answer.json
            return NodeResponse(
                content=told["content"],
                model_used=told["model_used"],
                provider=told["provider"],
                tokens_used=told["tokens_used"],
                cost_usd=told["cost_usd"],
                cost_known="x-llmgateway-cost-usd" in answer.headers,
                latency_ms=told["latency_ms"],
                trace_id=told["trace_id"],
                metadata={
                    "finish_reason": told.get("finish_reason"),
                    "route": answer.headers.get("x-llmgateway-route"),
                },
            )

    def invoke(
        self, messages: str | Sequence[Any], **options: Any
    ) -> NodeResponse:
        """The same for programs without an event loop."""
        return in_own_loop(self.ainvoke(messages, **options))

    def _body(
        self, messages: str | Sequence[Any], options: dict[str, Any]
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "messages": as_messages(messages),
            "node_name": self.node_name,
            "capabilities": list(self.capabilities),
            "strategy": self.strategy,
        }
        limits = {
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
        }
        for name, value in options.items():
            if name not in limits:
                raise TypeError(
                    f"'{name}' is no option; there are temperature and "
                    "max_tokens"
                )
            limits[name] = value
        body.update({k: v for k, v in limits.items() if v is not None})
        return body


def as_messages(messages: str | Sequence[Any]) -> list[dict[str, str]]:
    """As the gateway takes them; ValueError for what is no message."""
    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    return [_as_message(index, each) for index, each in enumerate(messages)]


def _as_message(index: int, message: Any) -> dict[str, str]:
    if isinstance(message, Mapping):
        role, content = message.get("role"), message.get("content")
    elif isinstance(message, tuple) and len(message) == 2:
        role, content = message
    else:
        role = getattr(message, "role", None) or getattr(message, "type", None)
        content = getattr(message, "content", None)
    if role not in _ROLES or not isinstance(content, str):
        raise ValueError(
            f"messages[{index}] must have a role, user, assistant or system, "
            "and a content, a text"
        )
    return {"role": _ROLES[role], "content": content}


class NodeClientFactory:
    """Makes clients for the kinds of nodes that pipelines have."""

    def create_writer_client(
        self,
        node_name: str = "writer",
        strategy: SelectionStrategy | str = SelectionStrategy.BALANCED,
        trace_id: str | None = None,
    ) -> NodeClient:
        """For nodes that write: streaming, creative writing, long contexts."""
        return self.create_client(
            node_name,
            ("streaming", "creative_writing", "long_context"),
            strategy,
            trace_id,
        )

    def create_researcher_client(
        self,
        node_name: str = "researcher",
        strategy: SelectionStrategy
        | str = SelectionStrategy.PERFORMANCE_OPTIMIZED,
        trace_id: str | None = None,
    ) -> NodeClient:
        """For nodes that look things up: the web, reasoning, long contexts."""
        return self.create_client(
            node_name,
            ("web_search", "reasoning", "long_context"),
            strategy,
            trace_id,
        )

    def create_evaluator_client(
        self,
        node_name: str = "evaluator",
        strategy: SelectionStrategy
        | str = SelectionStrategy.PERFORMANCE_OPTIMIZED,
        trace_id: str | None = None,
    ) -> NodeClient:
        """For nodes that evaluate: reasoning, function calls."""
        return self.create_client(
            node_name, ("reasoning", "function_calling"), strategy, trace_id
        )

    def create_formatter_client(
        self,
        node_name: str = "formatter",
        strategy: SelectionStrategy | str = SelectionStrategy.COST_OPTIMIZED,
        trace_id: str | None = None,
    ) -> NodeClient:
        """For nodes that lay out: streaming, function calls, cheap."""
        return self.create_client(
            node_name, ("streaming", "function_calling"), strategy, trace_id
        )

    def create_client(
        self,
        node_name: str,
        capabilities: Sequence[str] = (),
        strategy: SelectionStrategy | str = SelectionStrategy.BALANCED,
        trace_id: str | None = None,
    ) -> NodeClient:
        """For any node; ValueError for what is no strategy."""
        return NodeClient(
            node_name, tuple(capabilities), strategy_name(strategy), trace_id
        )


@functools.lru_cache(maxsize=1)
def get_node_client_factory() -> NodeClientFactory:
    return NodeClientFactory()
