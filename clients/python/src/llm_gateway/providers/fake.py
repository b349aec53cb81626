"""A provider that answers what it is told to, for tests.

fake = FakeLLMProvider()
fake.set_response(Answer, Answer(text="42"))
async with LLMClient(provider_instance=fake) as llm:
    ...
assert fake.call_count == 1
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from llm_gateway.cost import build_token_usage, is_priced
from llm_gateway.exceptions import ResponseValidationError
from llm_gateway.types import LLMMessage, LLMResponse

if TYPE_CHECKING:
    from llm_gateway.config import GatewayConfig

T = TypeVar("T")


@dataclass(frozen=True)
class FakeCall:
    """What one call asked for."""

    messages: list[LLMMessage]
    response_model: type[Any]
    model: str
    max_tokens: int
    temperature: float | None


class FakeLLMProvider:
    """Answers by the type that is asked for, and keeps what it was asked.

    Args:
      factory: makes the answer where set_response has not said; gets the type
        and the messages.
      input_tokens, output_tokens: what each answer is said to have taken.
    """

    name = "fake"

    def __init__(
        self,
        factory: Callable[[type[Any], list[LLMMessage]], Any] | None = None,
        input_tokens: int = 100,
        output_tokens: int = 50,
    ) -> None:
        self.calls: list[FakeCall] = []
        self.closed = False
        self._factory = factory
        self._tokens = (input_tokens, output_tokens)
        self._answers: dict[type[Any], Any] = {}

    @classmethod
    def from_config(cls, config: GatewayConfig) -> FakeLLMProvider:
        return cls()

    @property
    def call_count(self) -> int:
        return len(self.calls)

    def set_response(self, response_model: type[T], response: T) -> None:
        """From now on the answer to whoever asks for this type."""
        self._answers[response_model] = response

    async def complete(
        self,
        messages: Sequence[LLMMessage],
        response_model: type[T],
        model: str,
        max_tokens: int = 4096,
        temperature: float | None = 0.0,
    ) -> LLMResponse[T]:
        asked = list(messages)
        self.calls.append(
            FakeCall(asked, response_model, model, max_tokens, temperature)
        )
        if response_model in self._answers:
            answer = self._answers[response_model]
        elif self._factory is not None:
            answer = self._factory(response_model, asked)
        else:
            raise ResponseValidationError(
                response_model.__name__,
                "the fake provider has no answer; call set_response, or "
                "give it a factory",
            )
        return LLMResponse(
            content=cast(T, answer),
            usage=build_token_usage(model, *self._tokens),
            model=model,
            provider=self.name,
            metadata={"cost_known": is_priced(model)},
        )

    async def close(self) -> None:
        self.closed = True
