"""CallPlan is one call on its way: its metadata, its time, its attempts."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from llm_gateway.observability.tracing import open_span_headers
from llm_gateway.rpc.errors import CallError
from llm_gateway.rpc.options import (
    CallFields,
    ClientOptions,
    check_text,
    check_timeout,
    sendable_metadata,
)
from llm_gateway.rpc.retrying import RetryBudget

# A hundred years: gRPC can send none that are much longer.
_TIMEOUT_S_MAX = 36500 * 86400.0


class CallPlan:
    """Made when a call begins; not thread-safe."""

    def __init__(
        self,
        options: ClientOptions,
        budget: RetryBudget,
        timeout_s: float,
        repeatable: bool,
        call: CallFields,
        once: bool = False,
    ) -> None:
        """`timeout_s` is for calls that have none of their own; `repeatable`
        as RetryPolicy.wait_s says; `once` for no other attempt at all.
        ConfigurationError names what is wrong in `call`."""
        unknown = call.keys() - CallFields.__annotations__.keys()
        if unknown:
            raise TypeError(
                f"a call has no {', '.join(sorted(unknown))}; there are "
                + ", ".join(CallFields.__annotations__)
            )
        given: dict[str, Any] = {
            name: value for name, value in call.items() if value is not None
        }
        timeout_s = given.get("timeout_s", timeout_s)
        check_timeout("timeout_s", timeout_s)
        if timeout_s > _TIMEOUT_S_MAX:
            timeout_s = math.inf
        self._deadline = time.monotonic() + timeout_s
        self._policy = options.retry
        self._budget = budget
        self._repeatable = repeatable
        self._once = once
        self._attempt = 0
        self._wait_for_ready = given.get(
            "wait_for_ready", options.wait_for_ready
        )
        self._metadata = list(_metadata(options, given).items())

    def begin_attempt(self) -> dict[str, Any]:
        """What the stub's method is given beside the request."""
        self._attempt += 1
        return {
            # gRPC refuses a call without time, and says that it is over.
            "timeout": None if self._left_s() == math.inf else self._left_s(),
            "metadata": self._metadata,
            "wait_for_ready": self._wait_for_ready,
        }

    def succeeded(self) -> None:
        self._budget.succeeded()

    def wait_s(self, error: CallError) -> float | None:
        """How long to wait for the next attempt; None if the error is to be
        raised."""
        if self._once:
            return None
        wait = self._policy.wait_s(error, self._attempt, self._repeatable)
        if wait is None or wait >= self._left_s():
            return None
        return wait if self._budget.failed() else None

    def _left_s(self) -> float:
        return max(0.0, self._deadline - time.monotonic())


def _metadata(
    options: ClientOptions, call: Mapping[str, Any]
) -> Mapping[str, str | bytes]:
    each = options.metadata
    metadata: dict[str, str | bytes] = {
        **_trace(call),
        **sendable_metadata((each() or {}) if callable(each) else each),
    }
    api_key = call.get("api_key", options.api_key)
    if callable(api_key):
        api_key = api_key()
    if api_key:
        check_text("api_key", api_key)
        metadata["authorization"] = f"Bearer {api_key}"
    if "request_id" in call:
        check_text("request_id", call["request_id"])
        metadata["x-request-id"] = call["request_id"]
    return {**metadata, **sendable_metadata(call.get("metadata", {}))}


def _trace(call: Mapping[str, Any]) -> dict[str, str]:
    """The call's own, or that of the span which is open."""
    if "traceparent" in call:
        check_text("traceparent", call["traceparent"])
        return {"traceparent": call["traceparent"]}
    return open_span_headers()
