import subprocess
import sys
from types import SimpleNamespace

import pytest

from llm_gateway import ConfigurationError, GatewayError
from llm_gateway.http_json import HttpFailureError
from llm_gateway.services.gateway import get_llm_gateway
from llm_gateway.services.model_policy import get_model_policy_registry
from llm_gateway.services.model_selector import (
    SelectionContext,
    SelectionStrategy,
    get_model_selector,
)
from llm_gateway.services.node_integration import get_node_client_factory
from llm_gateway.services.tracing import get_tracer

from .scripted_server import Reply, ScriptedServer

COMPLETE = Reply(
    200,
    {
        "content": "Done.",
        "model_used": "gemini-2.5-pro",
        "provider": "openrouter",
        "tokens_used": {"input": 10, "output": 5, "total": 15},
        "cost_usd": 0.25,
        "latency_ms": 12.5,
        "trace_id": "t-1",
        "finish_reason": "stop",
    },
    {"x-llmgateway-cost-usd": "0.25", "x-llmgateway-route": "provider=x"},
)
PREVIEW = Reply(
    200,
    {
        "selected_model": "gemini-2.5-pro",
        "provider": "openrouter",
        "reasoning": "the best of 1 model",
        "confidence_score": 0.6,
        "estimated_cost": 0.00045,
        "alternatives": ["a"],
        "fallback_chain": ["b"],
        "capabilities": {"streaming": True},
    },
)


@pytest.fixture
def serve(monkeypatch):
    """A server as the caller's listener, and as the operators'."""

    def serve(*replies):
        return _At(monkeypatch, ScriptedServer(replies))

    return serve


class _At:
    def __init__(self, monkeypatch, server):
        self._monkeypatch = monkeypatch
        self._server = server

    async def __aenter__(self):
        server = await self._server.__aenter__()
        self._monkeypatch.setenv("GATEWAY_URL", server.url)
        self._monkeypatch.setenv("GATEWAY_KEY", "key-c")
        self._monkeypatch.setenv("GATEWAY_ADMIN_URL", server.url)
        self._monkeypatch.setenv("GATEWAY_OPERATOR_KEY", "key-o")
        return server

    async def __aexit__(self, *error):
        await self._server.__aexit__(*error)


@pytest.mark.parametrize(
    ("kind", "strategy", "capabilities"),
    [
        (
            "writer",
            "balanced",
            ["streaming", "creative_writing", "long_context"],
        ),
        (
            "researcher",
            "performance_optimized",
            ["web_search", "reasoning", "long_context"],
        ),
        (
            "evaluator",
            "performance_optimized",
            ["reasoning", "function_calling"],
        ),
        ("formatter", "cost_optimized", ["streaming", "function_calling"]),
    ],
)
async def test_each_kind_of_node_asks_for_what_it_needs(
    serve, kind, strategy, capabilities
):
    factory = get_node_client_factory()
    client = getattr(factory, f"create_{kind}_client")()
    async with serve(COMPLETE) as server:
        await client.ainvoke("Go.")
    (request,) = server.requests
    assert request.path == "/api/chat/complete"
    assert request.headers["authorization"] == "Bearer key-c"
    assert request.json == {
        "messages": [{"role": "user", "content": "Go."}],
        "node_name": kind,
        "strategy": strategy,
        "capabilities": capabilities,
    }


async def test_an_answer_says_what_it_took(serve):
    client = get_node_client_factory().create_writer_client(
        node_name="writer_2",
        strategy=SelectionStrategy.COST_OPTIMIZED,
        trace_id="t-1",
    )
    async with serve(COMPLETE) as server:
        response = await client.ainvoke("Go.", temperature=0.5, max_tokens=9)
    assert response.content == "Done."
    assert response.model_used == "gemini-2.5-pro"
    assert response.tokens_used["total"] == 15
    assert (response.cost_usd, response.cost_known) == (0.25, True)
    assert response.trace_id == "t-1"
    assert response.metadata["route"] == "provider=x"
    request = server.requests[0]
    assert request.headers["x-trace-id"] == "t-1"
    assert request.json["node_name"] == "writer_2"
    assert request.json["strategy"] == "cost_optimized"
    assert (request.json["temperature"], request.json["max_tokens"]) == (0.5, 9)


async def test_messages_may_be_dicts_pairs_or_objects(serve):
    client = get_node_client_factory().create_formatter_client("formatter")
    async with serve(COMPLETE) as server:
        await client.ainvoke(
            [
                {"role": "system", "content": "a"},
                ("human", "b"),
                SimpleNamespace(type="ai", content="c"),
                SimpleNamespace(role="user", content="d"),
            ]
        )
    assert server.requests[0].json["messages"] == [
        {"role": "system", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d"},
    ]


@pytest.mark.parametrize(
    "message", ["text", ("tool", "x"), {"role": "user"}, None]
)
async def test_what_is_no_message_is_refused_by_its_place(message):
    client = get_node_client_factory().create_writer_client()
    with pytest.raises(ValueError, match=r"messages\[1\]"):
        await client.ainvoke([("user", "a"), message])


async def test_what_is_no_option_is_refused():
    client = get_node_client_factory().create_writer_client()
    with pytest.raises(TypeError, match="'top_k' is no option"):
        await client.ainvoke("Go.", top_k=1)


def test_what_is_no_strategy_is_refused():
    with pytest.raises(ValueError, match="'fastest'"):
        get_node_client_factory().create_writer_client(strategy="fastest")


async def test_a_refusal_is_a_gateway_error(serve):
    refusal = Reply(422, {"detail": "no model can", "reason": "NO_MODEL"})
    async with serve(refusal) as server:
        client = get_node_client_factory().create_writer_client()
        with pytest.raises(HttpFailureError) as caught:
            await client.ainvoke("Go.")
        assert len(server.requests) == 1
    assert isinstance(caught.value, GatewayError)
    assert caught.value.reason == "no_model"


@pytest.mark.parametrize("told", [[], "text", None, {"content": "a"}])
@pytest.mark.parametrize(
    "ask",
    [
        lambda: get_node_client_factory().create_client("a").ainvoke("Go."),
        lambda: get_model_selector().select_model(SelectionContext("a")),
        lambda: get_model_policy_registry().aget_all_policies(),
    ],
    ids=["complete", "select", "policies"],
)
async def test_an_answer_of_another_form_is_a_gateway_error(serve, ask, told):
    async with serve(Reply(200, told)):
        with pytest.raises(GatewayError):
            await ask()


async def test_without_a_loop_there_is_invoke(serve):
    client = get_node_client_factory().create_writer_client()
    async with serve(Reply(503, {})):
        pass
    # Nobody is there any more, and that is told in this thread.
    with pytest.raises(GatewayError):
        client.invoke("Go.")


PROGRAM = """
import os, signal, socket, threading
from llm_gateway.services.node_integration import get_node_client_factory

server = socket.create_server(("127.0.0.1", 0))
os.environ["GATEWAY_URL"] = f"http://127.0.0.1:{server.getsockname()[1]}"
heard = []

def serve():
    connection, _ = server.accept()
    connection.recv(65536)
    os.kill(os.getpid(), signal.SIGINT)
    connection.settimeout(30)
    try:
        connection.recv(1)
    except TimeoutError:
        heard.append("it still waits")
    except OSError:
        pass

caller = threading.Thread(target=serve)
caller.start()
try:
    get_node_client_factory().create_writer_client().invoke("Go.")
except KeyboardInterrupt:
    heard.append("interrupted")
caller.join()
print(heard, [each.name for each in threading.enumerate()])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_who_is_interrupted_cancels_the_call():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "['interrupted'] ['MainThread']\n", done.stderr


async def test_a_selection_is_asked_for_in_full(serve):
    context = SelectionContext(
        node_name="writer",
        capabilities=["streaming"],
        user_id="u-1",
        cost_tier_override="HIGH",
        strategy=SelectionStrategy.CAPABILITY_STRICT,
        budget_remaining=0.5,
        previous_failures=["claude-sonnet"],
        trace_id="t-2",
    )
    async with serve(PREVIEW) as server:
        result = await get_model_selector().select_model(context)
    assert result.selected_model.logical_id == "gemini-2.5-pro"
    assert result.selected_model.capabilities == {"streaming": True}
    assert result.reasoning == "the best of 1 model"
    assert (result.estimated_cost, result.confidence_score) == (0.00045, 0.6)
    assert (result.alternatives, result.fallback_chain) == (["a"], ["b"])
    (request,) = server.requests
    assert request.path == "/api/chat/select-model"
    assert request.headers["x-trace-id"] == "t-2"
    assert request.json == {
        "node_name": "writer",
        "capabilities": ["streaming"],
        "user_context": {"user_id": "u-1"},
        "cost_tier_override": "HIGH",
        "strategy": "capability_strict",
        "budget_remaining": 0.5,
        "previous_failures": ["claude-sonnet"],
    }


async def test_recommendations_are_for_operators(serve):
    told = {"recommendations": {}, "performance_data": {"a": 1}}
    async with serve(Reply(200, told)) as server:
        selector = get_model_selector()
        assert await selector.get_model_recommendations("a/b") == told
    (request,) = server.requests
    assert request.path == "/api/admin/gateway/recommendations/a%2Fb"
    assert request.headers["authorization"] == "Bearer key-o"


async def test_policies_are_read_within_a_loop_and_without(serve):
    policy = {
        "provider": "openrouter",
        "provider_model_id": "google/gemini-2.0-flash-exp",
        "capabilities": {"streaming": True},
        "cost_tier": "medium",
        "context_window": 32000,
        "input_cost_per_1k": 0.00015,
        "output_cost_per_1k": 0.0006,
        "fallback_models": ["claude-sonnet"],
        "a_field_of_tomorrow": 1,
    }
    async with serve(Reply(200, {"gemini-2.5-pro": policy})):
        registry = get_model_policy_registry()
        policies = await registry.aget_all_policies()
    spec = policies["gemini-2.5-pro"]
    assert spec.logical_id == "gemini-2.5-pro"
    assert spec.context_window == 32000
    assert spec.fallback_models == ("claude-sonnet",)
    assert spec.admin_overridable
    with pytest.raises(GatewayError):
        registry.get_all_policies()  # The server has gone.


async def test_health_is_what_operators_are_told(serve):
    told = {"overall_status": "healthy", "providers": {}, "problems": []}
    async with serve(Reply(200, told)) as server:
        assert await get_llm_gateway().health_check() == told
    assert server.requests[0].path == "/api/admin/gateway/health"


async def test_without_operators_health_is_what_callers_are_told(
    serve, monkeypatch
):
    told = {"status": "degraded", "providers": {"a": True, "b": False}}
    async with serve(Reply(200, told)) as server:
        monkeypatch.delenv("GATEWAY_ADMIN_URL")
        health = await get_llm_gateway().health_check()
    assert health == {
        "overall_status": "degraded",
        "providers": {
            "a": {"status": "healthy"},
            "b": {"status": "degraded"},
        },
    }
    assert server.requests[0].path == "/gateway/health"


async def test_metrics_of_traces_are_of_some_hours(serve):
    told = {"error_rate": 0.0, "avg_duration_ms": 1.0}
    async with serve(Reply(200, told)) as server:
        assert await get_tracer().get_trace_metrics(hours=1) == told
    path = "/api/admin/gateway/traces/metrics?hours=1"
    assert server.requests[0].path == path


@pytest.mark.parametrize("hours", [0, 25])
async def test_hours_beyond_what_is_kept_are_refused(hours):
    with pytest.raises(ValueError, match="must be 1 to 24"):
        await get_tracer().get_trace_metrics(hours)


async def test_an_operators_address_that_is_none_is_named(monkeypatch):
    monkeypatch.setenv("GATEWAY_ADMIN_URL", "127.0.0.1:50053")
    with pytest.raises(ConfigurationError, match="GATEWAY_ADMIN_URL"):
        await get_tracer().get_trace_metrics()


async def test_who_has_no_operators_address_hears_how_to_give_one():
    with pytest.raises(GatewayError, match="set GATEWAY_ADMIN_URL"):
        await get_tracer().get_trace_metrics()
