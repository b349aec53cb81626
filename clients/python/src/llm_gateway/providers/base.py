"""What a provider must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar, runtime_checkable

from llm_gateway.types import LLMMessage, LLMResponse

T = TypeVar("T")


@runtime_checkable
class LLMProvider(Protocol):
    """Asks one kind of model; anything with these two methods is one.

    Calls may run at the same time, in one event loop.
    """

    async def complete(
        self,
        messages: Sequence[LLMMessage],
        response_model: type[T],
        model: str,
        max_tokens: int = 4096,
        temperature: float | None = 0.0,
    ) -> LLMResponse[T]:
        """Asks `model`, and returns an answer that fits `response_model`.

        `temperature` None is none at all: some models take no such thing.

        Raises ResponseValidationError, with the usage, where the model's
        answer does not fit, and ProviderError for all else that goes wrong,
        after as many attempts as make sense.
        """
        ...

    async def close(self) -> None:
        """Lets go of connections and processes; may be called again."""
        ...
