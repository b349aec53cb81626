"""What goes into a call and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypedDict, TypeVar

T = TypeVar("T")


class LLMMessage(TypedDict):
    """One turn of a conversation.

    A plain dict as the vendors' SDKs take it:

        {"role": "user", "content": "What is 2 + 2?"}
    """

    role: Literal["user", "assistant", "system"]
    content: str


@dataclass(frozen=True)
class TokenUsage:
    """What one call consumed.

    Costs are US dollars; 0 where the price of the model is not known, which
    `LLMResponse.metadata["cost_known"]` tells apart from what is free.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    input_cost_usd: float = 0.0
    output_cost_usd: float = 0.0

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def total_cost_usd(self) -> float:
        return self.input_cost_usd + self.output_cost_usd


@dataclass
class LLMResponse(Generic[T]):
    """A validated answer and what it took.

    Fields:
      content: what the model said, as an instance of the `response_model`.
      usage: tokens and dollars.
      model: as the provider was asked for it.
      provider: by its name in the registry.
      latency_ms: from the call to the validated answer, retries included.
      metadata: what else is known: `cost_known` always; `tokens_estimated`
        where nobody counted; what the gateway tells of its route.
    """

    content: T
    usage: TokenUsage
    model: str
    provider: str
    latency_ms: float = 0.0
    metadata: dict[str, Any] = field(default_factory=dict)
