"""Nodes of a pipeline, by a gateway with policies; the guide's own scripts."""

import asyncio
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from llm_gateway import GatewayError
from llm_gateway.services.gateway import get_llm_gateway
from llm_gateway.services.model_policy import get_model_policy_registry
from llm_gateway.services.model_selector import (
    SelectionContext,
    SelectionStrategy,
    get_model_selector,
)
from llm_gateway.services.node_integration import get_node_client_factory
from llm_gateway.services.tracing import get_tracer

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        "GATEWAY_ADMIN_URL" not in os.environ,
        reason="needs GATEWAY_ADMIN_URL, and the policies of the guide",
    ),
]

GUIDE = Path(__file__).parents[1] / "guide"


def run(script, *more):
    """Runs one of the guide's scripts; returns what it printed."""
    program = (GUIDE / script).read_text() + "\n".join(["", *more])
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_the_script_of_phase_1():
    lines = run("test_gateway_init.py").stdout.splitlines()
    assert lines[0].startswith("Loaded ")
    assert lines[1:] == [
        "Selected model: gemini-2.5-pro",
        "Gateway health: healthy",
    ]


def test_the_formatter_of_phase_2():
    done = run(
        "formatter.py",
        "import asyncio",
        "print(asyncio.run(model_client.ainvoke('Format this.')).content)",
    )
    assert done.stdout.strip()


def test_the_performance_of_phase_2():
    assert run("check_performance.py").stdout.startswith("Performance data: {")


def test_the_writer_of_phase_3():
    given = (
        "from llm_gateway.services.model_selector import SelectionStrategy",
        "from llm_gateway.services.node_integration import"
        " get_node_client_factory",
        "class StreamingNode:",
        "    def __init__(self, name): self.name = name",
        "messages = [('human', 'Write.')]",
        "",
    )
    program = "\n".join(given) + (GUIDE / "writer.py").read_text()
    names = {}
    exec(program, names)
    state = {"trace_id": "trace-of-the-guide"}
    told = asyncio.run(names["WriterAgent"]().execute(state, None))
    assert told["content"]


def test_the_monitor_of_phase_5():
    done = run(
        "monitoring.py", "import asyncio", "asyncio.run(monitor_gateway())"
    )
    assert "High latency" not in done.stderr


async def test_each_kind_of_node_gets_a_model_that_can():
    factory = get_node_client_factory()
    for create, model in (
        (factory.create_writer_client, "gemini-2.5-pro"),
        (factory.create_evaluator_client, "claude-sonnet"),
        (factory.create_formatter_client, "gemini-2.5-pro"),
    ):
        response = await create().ainvoke("Do what you do.")
        assert response.content
        result = await get_model_selector().select_model(
            SelectionContext(
                node_name=create().node_name,
                capabilities=create().capabilities,
                strategy=create().strategy,
            )
        )
        assert result.selected_model.logical_id == model
        assert response.tokens_used["total"] > 0
        assert response.cost_known


async def test_a_node_that_nobody_can_serve_is_refused():
    researcher = get_node_client_factory().create_researcher_client()
    with pytest.raises(GatewayError, match="web_search"):
        await researcher.ainvoke("Look it up.")


async def test_a_call_is_found_by_its_trace():
    client = get_node_client_factory().create_writer_client(
        trace_id="trace-of-a-live-test"
    )
    response = await client.ainvoke("Write.")
    assert response.trace_id == "trace-of-a-live-test"
    metrics = await get_tracer().get_trace_metrics(hours=1)
    assert metrics["total_traces"] >= 1
    assert 0 <= metrics["error_rate"] <= 1
    assert metrics["avg_duration_ms"] >= 0


@pytest.mark.parametrize("strategy", list(SelectionStrategy))
async def test_every_strategy_chooses(strategy):
    result = await get_model_selector().select_model(
        SelectionContext(
            node_name="x", capabilities=["streaming"], strategy=strategy
        )
    )
    assert result.selected_model.logical_id
    assert result.reasoning


async def test_operators_see_policies_recommendations_and_health():
    policies = get_model_policy_registry().get_all_policies()
    assert {"gemini-2.5-pro", "claude-sonnet"} <= set(policies)
    spec = policies["claude-sonnet"]
    assert spec.context_window == 200_000
    assert (spec.input_cost_per_1k, spec.output_cost_per_1k) == (0.003, 0.015)
    assert spec.capabilities["reasoning"]
    told = await get_model_selector().get_model_recommendations("writer")
    assert "performance_data" in told
    health = await get_llm_gateway().health_check()
    assert health["overall_status"] == "healthy"


def test_a_model_and_a_node_are_compared():
    command = Path(sysconfig.get_path("scripts")) / "llm-gateway-compare"
    done = subprocess.run(
        [
            command,
            "--old-model",
            os.environ["LLM_MODEL"],
            "--new-gateway",
            "--output",
            "json",
        ],
        input="Write a haiku.",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    old, new = json.loads(done.stdout)
    for side in (old, new):
        assert side["answer"]
        assert side["served_by"]
        assert side["latency_ms"] > 0
        assert side["cost_usd"] > 0
