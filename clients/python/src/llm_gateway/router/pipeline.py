"""RoutePipeline takes a prompt to a provider in this process, and tells the
ledger: log, send, log, count.

    request --> valid? --> known caller? --> within budget? --> circuit closed?
            --> DISPATCH --> send --> EXCHANGE --> debit --> output valid?

Whatever is refused before DISPATCH is one PROMPT_REJECTED and asks no provider.
An answer that is no ProviderResponse is an error of the provider, not debited.
What the ledger cannot take is not sent: its exception is the caller's.

Thread-safe, if ledger, budgeter and providers are.
"""

from __future__ import annotations

import hashlib
import importlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llm_gateway.router.anthropic_provider import AnthropicProvider
from llm_gateway.router.budgets import BudgetScope, TokenUsage
from llm_gateway.router.circuit_breaker import (
    CircuitBreaker,
    CircuitBreakerConfig,
)
from llm_gateway.router.config_file import RouterConfig
from llm_gateway.router.ledger_entry import LedgerEntry
from llm_gateway.router.messages import (
    PromptRequest,
    PromptResponse,
    RouteOutcome,
    request_problem,
)
from llm_gateway.router.output_check import check_output
from llm_gateway.router.provider import MockProvider, ProviderError

BUDGET_MODES = ("enforce", "warn", "off")
_NEVER_RETRIED = ("AUTH_ERROR", "INVALID_REQUEST")
_PROVIDER_CLASSES = {
    "AnthropicProvider": AnthropicProvider,
    "MockProvider": MockProvider,
}


class _Rejected(Exception):
    """A request goes to no provider."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass
class _Call:
    """A request on its way, and what is known of it so far."""

    request: PromptRequest
    model_id: str
    provider_id: str
    began_at: float  # Unix seconds.
    began: float  # By time.perf_counter.
    context_hash: str = ""
    dispatch_entry_id: str = ""

    def latency_ms(self) -> float:
        return (time.perf_counter() - self.began) * 1000

    def response(
        self, outcome: RouteOutcome, exchange_entry_id: str, **fields: Any
    ) -> PromptResponse:
        members: dict[str, Any] = {
            "content": "",
            "input_tokens": 0,
            "output_tokens": 0,
            **fields,
        }
        return PromptResponse(
            outcome=outcome,
            model_id=self.model_id,
            provider_id=self.provider_id,
            latency_ms=self.latency_ms(),
            timestamp=time.strftime(
                "%Y-%m-%dT%H:%M:%S", time.gmtime(self.began_at)
            ),
            exchange_entry_id=exchange_entry_id,
            dispatch_entry_id=self.dispatch_entry_id,
            **members,
        )


class RoutePipeline:
    def __init__(
        self,
        ledger_client: Any,
        budgeter: Any = None,
        config: RouterConfig | None = None,
        dev_mode: bool = False,
        budget_mode: str = "enforce",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """In `dev_mode` nobody is asked for a token. A `budget_mode` that is
        none of BUDGET_MODES is `enforce`. `sleep` waits between attempts."""
        self.config = config or RouterConfig()
        self.circuit_breaker = CircuitBreaker(
            self.config.circuit_breaker or CircuitBreakerConfig()
        )
        self.dev_mode = dev_mode
        mode = str(budget_mode).lower()
        self.budget_mode = mode if mode in BUDGET_MODES else "enforce"
        self._ledger = ledger_client
        self._budgeter = budgeter
        self._sleep = sleep
        self._lock = threading.Lock()
        self._providers: dict[str, Any] = {}

    def register_provider(self, provider_id: str, provider: Any) -> None:
        with self._lock:
            self._providers[provider_id] = provider

    def route(self, request: PromptRequest) -> PromptResponse:
        tag_provider, tag_model = self._tag_route(request)
        call = _Call(
            request=request,
            model_id=(
                request.model_id or tag_model or self.config.default_model
            ),
            provider_id=(
                request.provider_id
                or tag_provider
                or self.config.default_provider
            ),
            began_at=time.time(),
            began=time.perf_counter(),
        )
        try:
            if problem := request_problem(request):
                raise _Rejected("INVALID_INPUT", problem)
            if not self.dev_mode and not request.auth_token:
                raise _Rejected("AUTH_ERROR", "Authentication required")
            self._check_budget(call)
            context_hash = hashlib.sha256(
                request.prompt.encode("utf-8")
            ).hexdigest()
            if not self.circuit_breaker.allow_request():
                raise _Rejected("CIRCUIT_OPEN", "Circuit breaker is open")
        except _Rejected as rejected:
            return self._reject(call, rejected)
        call.context_hash = context_hash
        try:
            call.dispatch_entry_id = self._write(
                call,
                "DISPATCH",
                "DISPATCHED",
                f"Dispatching to {call.provider_id}/{call.model_id}",
                {
                    "contract_id": request.contract_id,
                    "agent_id": request.agent_id,
                    "session_id": request.session_id,
                },
            )
        except BaseException:
            self.circuit_breaker.release()
            raise
        return self._dispatch(call)

    # Before a provider is asked.

    def _tag_route(self, request: PromptRequest) -> tuple[str, str]:
        """The provider and the model of the first tag that has any, if the
        request names no provider."""
        if request.provider_id:
            return "", ""
        for tag in request.domain_tags or ():
            route = self.config.domain_tag_routes.get(tag)
            if isinstance(route, str) and route:
                return route, ""
            if isinstance(route, dict) and route.get("provider_id"):
                return route["provider_id"], route.get("model_id", "")
        return "", ""

    def _check_budget(self, call: _Call) -> None:
        if self._budgeter is None or self.budget_mode == "off":
            return
        request = call.request
        checked = self._budgeter.check(
            BudgetScope(
                session_id=request.session_id,
                work_order_id=request.work_order_id,
                agent_id=request.agent_id,
                requested_tokens=request.max_tokens,
                model_id=call.model_id,
            )
        )
        if checked.allowed:
            return
        why = getattr(checked.reason, "value", checked.reason)
        message = f"Budget check failed: {why}"
        if self.budget_mode == "enforce":
            raise _Rejected("BUDGET_EXHAUSTED", message)
        self._write(
            call,
            "BUDGET_WARNING",
            "WARNING",
            message,
            {
                "agent_id": request.agent_id,
                "session_id": request.session_id,
                "work_order_id": request.work_order_id,
                "contract_id": request.contract_id,
                "model_id": call.model_id,
                "requested_tokens": request.max_tokens,
                "remaining": checked.remaining,
                "budget_mode": self.budget_mode,
            },
        )

    def _reject(self, call: _Call, rejected: _Rejected) -> PromptResponse:
        entry_id = self._write(
            call,
            "PROMPT_REJECTED",
            "REJECTED",
            f"{rejected.code}: {rejected.message}",
            {
                "agent_id": call.request.agent_id,
                "session_id": call.request.session_id,
                "contract_id": call.request.contract_id,
                "error_code": rejected.code,
                "error_message": rejected.message,
            },
        )
        return call.response(
            RouteOutcome.REJECTED,
            entry_id,
            error_code=rejected.code,
            error_message=rejected.message,
        )

    # The provider, and what it says.

    def _dispatch(self, call: _Call) -> PromptResponse:
        """Sends, again if that may help, and tells what came of it."""
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self._send(call)
            except Exception as error:  # A provider may raise anything.
                self.circuit_breaker.record_failure()
                code = _error_code(error)
                again = (
                    attempt <= self.config.max_retries
                    and self._is_retryable(code, error)
                )
                failed = self._failed(call, code, error, attempt, again)
                if not again:
                    return failed
                self._sleep(self._backoff_s(attempt))
            except BaseException:
                self.circuit_breaker.release()
                raise
            else:
                self.circuit_breaker.record_success()
                return self._succeeded(call, answer, attempt)

    def _send(self, call: _Call) -> Any:
        provider = self._provider(call.provider_id)
        if provider is None:
            raise ProviderError(
                f"Provider '{call.provider_id}' not registered",
                "PROVIDER_NOT_FOUND",
            )
        answer = provider.send(
            model_id=call.model_id,
            prompt=call.request.prompt,
            max_tokens=call.request.max_tokens,
            temperature=call.request.temperature,
            timeout_ms=self.config.default_timeout_ms,
            structured_output=call.request.structured_output,
            tools=call.request.tools,
        )
        if problem := _answer_problem(answer):
            raise ProviderError(
                f"Provider '{call.provider_id}' gave no valid answer: {problem}"
            )
        return answer

    def _provider(self, provider_id: str) -> Any:
        """The one that is registered, or made as the configuration says."""
        with self._lock:
            provider = self._providers.get(provider_id)
            if provider is None and provider_id in self.config.providers:
                provider = _make_provider(
                    provider_id, self.config.providers[provider_id]
                )
                self._providers[provider_id] = provider
            return provider

    def _is_retryable(self, code: str, error: Exception) -> bool:
        if code == "PROVIDER_NOT_FOUND" or code in _NEVER_RETRIED:
            return False
        return code in self.config.retryable_errors or bool(
            getattr(error, "retryable", False)
        )

    def _backoff_s(self, attempt: int) -> float:
        times = (
            self.config.retry_backoff_multiplier ** (attempt - 1)
            if self.config.retry_backoff_multiplier != 1.0
            else attempt
        )
        return self.config.retry_backoff_ms * times / 1000

    def _failed(
        self,
        call: _Call,
        code: str,
        error: Exception,
        attempt: int,
        again: bool,
    ) -> PromptResponse:
        timed_out = code == "TIMEOUT"
        message = (
            error.message
            if isinstance(error, ProviderError) and code == "PROVIDER_NOT_FOUND"
            else str(error)
        )
        metadata = {
            **_identity(call.request),
            "prompt": call.request.prompt,
            "response": "",
            "outcome": "timeout" if timed_out else "error",
            "error_code": code,
            "error_message": message,
            "context_hash": call.context_hash,
            "dispatch_entry_id": call.dispatch_entry_id,
            "model_id": call.model_id,
            "latency_ms": call.latency_ms(),
        }
        if self.config.max_retries > 0:
            metadata.update(
                retry_attempt=attempt - 1,
                retryable=self._is_retryable(code, error),
                will_retry=again,
                max_retries=self.config.max_retries,
            )
        entry_id = self._write(
            call, "EXCHANGE", "ERROR", f"{code}: {message}", metadata
        )
        return call.response(
            RouteOutcome.TIMEOUT if timed_out else RouteOutcome.ERROR,
            entry_id,
            context_hash=call.context_hash,
            error_code=code,
            error_message=message,
        )

    def _succeeded(
        self, call: _Call, answer: Any, attempt: int
    ) -> PromptResponse:
        request = call.request
        finish_reason = getattr(answer, "finish_reason", None) or "stop"
        metadata = {
            **_identity(request),
            "prompt": request.prompt,
            "response": answer.content,
            "outcome": "success",
            "input_tokens": answer.input_tokens,
            "output_tokens": answer.output_tokens,
            "context_hash": call.context_hash,
            "dispatch_entry_id": call.dispatch_entry_id,
            "model_id": call.model_id,
            "finish_reason": finish_reason,
            "latency_ms": call.latency_ms(),
        }
        if request.tools:
            metadata.update(
                tools_offered=len(request.tools),
                tool_use_in_response=finish_reason == "tool_use",
            )
        if self.config.max_retries > 0:
            metadata.update(retry_count=attempt - 1, attempts_total=attempt)
        entry_id = self._write(
            call, "EXCHANGE", "SUCCESS", "Exchange completed", metadata
        )
        cost, remaining = self._debit(request, answer)
        valid, errors = check_output(answer.content, request.output_schema)
        blocks = getattr(answer, "content_blocks", None)
        return call.response(
            RouteOutcome.SUCCESS,
            entry_id,
            content=answer.content,
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            output_valid=valid,
            output_validation_errors=errors,
            context_hash=call.context_hash,
            cost_incurred=cost,
            budget_remaining=remaining,
            finish_reason=finish_reason,
            content_blocks=None if blocks is None else tuple(blocks),
        )

    def _debit(
        self, request: PromptRequest, answer: Any
    ) -> tuple[float, int | None]:
        if self._budgeter is None:
            return 0.0, None
        debited = self._budgeter.debit(
            BudgetScope(
                request.session_id, request.work_order_id, request.agent_id
            ),
            TokenUsage(answer.input_tokens, answer.output_tokens, answer.model),
        )
        return debited.cost_incurred, debited.remaining

    def _write(
        self,
        call: _Call,
        event_type: str,
        decision: str,
        reason: str,
        metadata: dict[str, Any],
    ) -> str:
        entry_id: str = self._ledger.write(
            LedgerEntry(
                event_type=event_type,
                submission_id=call.request.contract_id,
                decision=decision,
                reason=reason,
                metadata=metadata,
            )
        )
        return entry_id


def _identity(request: PromptRequest) -> dict[str, Any]:
    return {
        "agent_id": request.agent_id,
        "session_id": request.session_id,
        "work_order_id": request.work_order_id,
        "tier": request.tier,
        "contract_id": request.contract_id,
        "framework_id": request.framework_id,
    }


def _error_code(error: Exception) -> str:
    """Any provider's error may have a `code`, whatever class it is of."""
    code = getattr(error, "code", None)
    if isinstance(code, str) and code:
        return code
    return "TIMEOUT" if isinstance(error, TimeoutError) else "PROVIDER_ERROR"


def _answer_problem(answer: Any) -> str | None:
    """Why what a provider returned is no ProviderResponse; None if it has all
    of one that is told or counted."""
    if answer is None:
        return "it is None"
    for name in ("content", "model"):
        if not isinstance(getattr(answer, name, None), str):
            return f"{name} is not a string"
    for name in ("input_tokens", "output_tokens"):
        count = getattr(answer, name, None)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            return f"{name} is {count!r}"
    finish_reason = getattr(answer, "finish_reason", None)
    if not isinstance(finish_reason, (str, type(None))):
        return "finish_reason is not a string"
    blocks = getattr(answer, "content_blocks", None)
    if not isinstance(blocks, (list, tuple, type(None))):
        return "content_blocks is not a sequence"
    return None


def _make_provider(provider_id: str, wanted: dict[str, Any]) -> Any:
    """Of a class of ours, or one that is named as `package.module.Class`."""
    name = wanted.get("provider_class", "")
    made = _PROVIDER_CLASSES.get(name)
    try:
        if made is None:
            module, _, attribute = name.rpartition(".")
            made = getattr(importlib.import_module(module), attribute)
        return made(**wanted.get("config", {}))
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ProviderError(
            f"providers.{provider_id}: no provider can be made of "
            f"{name!r}: {error}",
            "PROVIDER_NOT_FOUND",
        ) from error
