"""A span of OpenTelemetry for each call, named `llm.complete`.

Without the extra `tracing`, or with LLM_TRACE_ENABLED unset, nothing happens
and nothing is imported. Prompts and answers are in no span.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from llm_gateway.types import LLMResponse, TokenUsage

if TYPE_CHECKING:
    from llm_gateway.config import GatewayConfig

_log = logging.getLogger(__name__)
_TRACE_KEYS = ("traceparent", "tracestate")
_lock = threading.Lock()
# The tracer, once a configuration has asked for one.
_tracer: Any = None
_missing_is_told = False


class CallSpan:
    """The span of one call; without tracing, nothing."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def tell(self, response: LLMResponse[Any]) -> None:
        """What the answer took."""
        self.tell_usage(response.usage)
        self._set("llm.model", response.model)
        self._set("llm.latency_ms", response.latency_ms)

    def tell_usage(self, usage: TokenUsage) -> None:
        self._set("llm.input_tokens", usage.input_tokens)
        self._set("llm.output_tokens", usage.output_tokens)
        self._set("llm.total_tokens", usage.total_tokens)
        self._set("llm.cost_usd", usage.total_cost_usd)

    def _set(self, name: str, value: Any) -> None:
        if self._span is not None:
            self._span.set_attribute(name, value)


def configure_tracing(config: GatewayConfig) -> None:
    """Has calls traced from now on, if the configuration says so.

    With an exporter, a tracer provider of our own is set up, once in a
    process, unless the program has one already; that one is used, then.
    """
    global _tracer, _missing_is_told
    if not config.trace_enabled:
        return
    with _lock:
        if _tracer is not None:
            return
        try:
            from opentelemetry import trace
        except ImportError:
            if not _missing_is_told:
                _missing_is_told = True
                _log.warning(
                    "LLM_TRACE_ENABLED is set, and nothing is traced: "
                    "pip install 'llm-gateway[tracing]'"
                )
            return
        if config.trace_exporter != "none":
            _set_up(config)
        _tracer = trace.get_tracer("llm_gateway")


def _set_up(config: GatewayConfig) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import (
        BatchSpanProcessor,
        ConsoleSpanExporter,
        SimpleSpanProcessor,
    )

    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    provider = TracerProvider(
        resource=Resource.create({"service.name": config.trace_service_name})
    )
    if config.trace_exporter == "console":
        provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    else:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
            OTLPSpanExporter,
        )

        provider.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(config.trace_endpoint))
        )
    trace.set_tracer_provider(provider)


@contextmanager
def traced_llm_call(model: str, provider: str) -> Iterator[CallSpan]:
    """The span around one call; what the block raises is its status."""
    if _tracer is None:
        yield CallSpan()
        return
    # Records the exception and sets the status by itself.
    with _tracer.start_as_current_span(
        "llm.complete",
        attributes={"llm.model": model, "llm.provider": provider},
    ) as span:
        yield CallSpan(span)


def open_span_headers() -> dict[str, str]:
    """`traceparent` and `tracestate` of the span that the program has open, if
    it has OpenTelemetry. What else there is, such as baggage, stays in it."""
    try:
        from opentelemetry import propagate
    except ImportError:
        return {}
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return {name: headers[name] for name in _TRACE_KEYS if name in headers}


def trace_headers() -> dict[str, str]:
    """`traceparent` of the span that is open, for who is called next."""
    if _tracer is None:
        return {}
    from opentelemetry import propagate

    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers
