import asyncio
import logging
import subprocess
import sys

import pytest

from llm_gateway import (
    GatewayConfig,
    GatewayError,
    LLMClient,
    ProviderError,
    ResponseValidationError,
)
from llm_gateway.observability.tracing import trace_headers
from llm_gateway.providers.structured import validated_text
from llm_gateway.services.node_integration import get_node_client_factory
from llm_gateway.testing import FakeLLMProvider

from .answers import QUESTION, Answer
from .scripted_server import Reply, ScriptedServer

trace = pytest.importorskip("opentelemetry.trace", reason="the extra `tracing`")
sdk = pytest.importorskip("opentelemetry.sdk.trace")
export = pytest.importorskip("opentelemetry.sdk.trace.export")
memory = pytest.importorskip(
    "opentelemetry.sdk.trace.export.in_memory_span_exporter"
)


@pytest.fixture
def spans(monkeypatch):
    """The spans that are done, of a program with its own tracer provider."""
    exporter = memory.InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter.get_finished_spans
    provider.shutdown()


def client(fake=None, **fields):
    config = GatewayConfig(
        provider="fake", model="gpt-4o", trace_enabled=True, **fields
    )
    return LLMClient(
        config, fake or FakeLLMProvider(lambda *_: Answer(value=4))
    )


async def test_a_call_is_a_span_with_what_it_took(spans):
    async with client() as llm:
        await llm.complete(QUESTION, Answer)
    (span,) = spans()
    assert span.name == "llm.complete"
    latency_ms = span.attributes["llm.latency_ms"]
    assert latency_ms > 0
    assert dict(span.attributes) == {
        "llm.model": "gpt-4o",
        "llm.provider": "fake",
        "llm.input_tokens": 100,
        "llm.output_tokens": 50,
        "llm.total_tokens": 150,
        "llm.cost_usd": 0.00075,
        "llm.latency_ms": latency_ms,
    }
    assert span.status.is_ok


async def test_a_failure_is_the_status_of_its_span(spans):
    class Gone(FakeLLMProvider):
        async def complete(self, *_, **__):
            raise ProviderError("gone", OSError("no"))

    async with client(Gone()) as llm:
        with pytest.raises(ProviderError):
            await llm.complete(QUESTION, Answer)
    (span,) = spans()
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.events[0].name == "exception"
    assert "provider 'gone' failed" in span.status.description


async def test_spans_are_children_of_the_programs_own(spans):
    async with client() as llm:
        with trace.get_tracer("program").start_as_current_span("work") as work:
            await llm.complete(QUESTION, Answer)
    ours, _ = spans()
    assert ours.parent.span_id == work.get_span_context().span_id


async def test_prompts_and_answers_are_in_no_span(spans):
    async with client() as llm:
        await llm.complete(QUESTION, Answer)
    assert "2 + 2" not in spans()[0].to_json()


async def test_an_answer_that_does_not_fit_is_in_no_span(spans):
    # Beside the lines that a trace of the stack shows.
    said = '{"value": "secret of the user"}'

    def answer(*_):
        return validated_text(Answer, said)

    async with client(FakeLLMProvider(answer)) as llm:
        with pytest.raises(ResponseValidationError):
            await llm.complete(QUESTION, Answer)
    assert spans()[0].events[0].name == "exception"
    assert "secret" not in spans()[0].to_json()


async def test_the_gateway_goes_on_with_the_trace(spans):
    reply = Reply(503, {})
    async with ScriptedServer([reply]) as server:
        config = GatewayConfig(gateway_url=server.url, trace_enabled=True)
        async with LLMClient(config) as llm:
            with pytest.raises(ProviderError):
                await llm.complete(QUESTION, Answer)
    (span,) = spans()
    trace_id = format(span.context.trace_id, "032x")
    span_id = format(span.context.span_id, "016x")
    traceparent = server.requests[0].headers["traceparent"]
    assert traceparent.startswith(f"00-{trace_id}-{span_id}-")


async def test_a_node_goes_on_with_the_programs_trace(spans, monkeypatch):
    node = get_node_client_factory().create_writer_client()
    async with ScriptedServer([Reply(422, {})]) as server:
        monkeypatch.setenv("GATEWAY_URL", server.url)
        with trace.get_tracer("program").start_as_current_span("work") as work:
            with pytest.raises(GatewayError):
                await node.ainvoke("Go.")
            with pytest.raises(GatewayError):
                await asyncio.to_thread(node.invoke, "Go.")
    trace_id = format(work.get_span_context().trace_id, "032x")
    for request in server.requests:
        assert request.headers["traceparent"].startswith(f"00-{trace_id}-")
    assert len(server.requests) == 2


async def test_nothing_is_traced_unless_it_is_asked_for(spans):
    fake = FakeLLMProvider(lambda *_: Answer(value=4))
    async with LLMClient(GatewayConfig(provider="fake"), fake) as llm:
        await llm.complete(QUESTION, Answer)
    assert spans() == ()
    assert trace_headers() == {}


async def test_without_the_extra_it_is_said_once(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with caplog.at_level(logging.WARNING, "llm_gateway"):
        client()
        client()
    assert caplog.text.count("pip install 'llm-gateway[tracing]'") == 1


PROGRAM = """\
import asyncio
from pydantic import BaseModel
from llm_gateway import LLMClient
from llm_gateway.testing import FakeLLMProvider

class Answer(BaseModel):
    value: int

async def main():
    fake = FakeLLMProvider(lambda *_: Answer(value=4))
    async with LLMClient(provider_instance=fake) as llm:
        await llm.complete([{"role": "user", "content": "Hello"}], Answer)

asyncio.run(main())
"""


def test_the_console_shows_spans(monkeypatch):
    monkeypatch.setenv("LLM_TRACE_ENABLED", "true")
    monkeypatch.setenv("LLM_TRACE_EXPORTER", "console")
    monkeypatch.setenv("LLM_TRACE_SERVICE_NAME", "mine")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"name": "llm.complete"' in done.stdout
    assert '"service.name": "mine"' in done.stdout


def test_an_own_provider_is_not_replaced(spans):
    before = trace.get_tracer_provider()
    client(trace_exporter="otlp")
    assert trace.get_tracer_provider() is before
