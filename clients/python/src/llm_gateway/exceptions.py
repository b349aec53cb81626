"""Why a call failed. `GatewayError` is the base of all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_gateway.types import LLMResponse, TokenUsage


class GatewayError(Exception):
    """The base of everything that this package raises on purpose.

    It can be pickled, as for the processes of a pool.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        # Not by a call of __init__, whose parameters `args` are not.
        return _unpickled, (type(self), self.args), self.__dict__


def _unpickled(kind: type[GatewayError], args: tuple[Any, ...]) -> GatewayError:
    error = kind.__new__(kind)
    error.args = args
    return error


class ConfigurationError(GatewayError, ValueError):
    """What the environment, the file `.env` or an option says cannot be used.

    Fields:
      problems: what is wrong and what would be right, by the name of the
        variable, or of the option of LLMGateway.connect or of a call.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(
            "\n".join(f"{name} {told}" for name, told in problems.items())
        )


class ProviderNotFoundError(GatewayError):
    """No provider is registered by this name."""

    def __init__(
        self,
        provider: str,
        known: list[str] | None = None,
        extra: str | None = None,
    ) -> None:
        self.provider = provider
        message = f"there is no provider '{provider}'"
        if extra is not None:
            message += f" before pip install 'llm-gateway[{extra}]'"
        if known:
            message += f"; LLM_PROVIDER may be one of: {', '.join(known)}"
        super().__init__(message)


class ProviderInitError(GatewayError):
    """The provider is known, and could not be made from the configuration."""

    def __init__(self, provider: str, reason: str) -> None:
        self.provider = provider
        self.reason = reason
        super().__init__(f"provider '{provider}' cannot be used: {reason}")


class ProviderError(GatewayError):
    """The provider failed; `original` is what it raised."""

    def __init__(self, provider: str, original: Exception) -> None:
        self.provider = provider
        self.original = original
        super().__init__(f"provider '{provider}' failed: {original}")


class CLINotFoundError(ProviderError):
    """The `claude` command line program is not on the PATH."""

    def __init__(self) -> None:
        super().__init__(
            "local_claude",
            FileNotFoundError(
                "no program 'claude' on the PATH; install Claude Code, or "
                "choose another LLM_PROVIDER"
            ),
        )


class CostLimitExceededError(GatewayError):
    """The client has spent its limit, `LLM_COST_LIMIT_USD`.

    Fields:
      current, limit: US dollars.
      response: the answer that reached the limit, which is paid for; None
        where the call was refused and no provider was asked.
    """

    def __init__(
        self,
        current: float,
        limit: float,
        response: LLMResponse[Any] | None = None,
    ) -> None:
        self.current = current
        self.limit = limit
        self.response = response
        super().__init__(
            f"${current:.4f} of the limit of ${limit:.4f} are spent"
            + (
                "; the call was not made"
                if response is None
                else "; the answer that reached it is in `response`"
            )
            + ". Raise LLM_COST_LIMIT_USD, or make a new LLMClient"
        )


class ResponseValidationError(GatewayError):
    """What the model said does not fit the `response_model`.

    Fields:
      model_name: of the `response_model`.
      usage: what the answer took, where that is known: it is paid for.
      refusal: what the model said where it refuses to answer; in no message,
        since it may repeat what it was asked.
    """

    def __init__(
        self,
        model_name: str,
        reason: str,
        usage: TokenUsage | None = None,
        refusal: str | None = None,
    ) -> None:
        self.model_name = model_name
        self.reason = reason
        self.usage = usage
        self.refusal = refusal
        super().__init__(f"the answer is no {model_name}: {reason}")
