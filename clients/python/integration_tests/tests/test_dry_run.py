"""The installed package, without a model: what a program sees of it."""

import asyncio
import json
import logging
import os
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest
from pydantic import BaseModel

import llm_gateway
from llm_gateway import (
    CostLimitExceededError,
    CostTracker,
    GatewayConfig,
    GatewayError,
    LLMClient,
    LLMProvider,
    LLMResponse,
    ProviderError,
    ProviderInitError,
    ProviderNotFoundError,
    ResponseValidationError,
    TokenUsage,
    build_provider,
    calculate_cost,
    list_providers,
    register_pricing,
    register_provider,
)

pytestmark = pytest.mark.usefixtures("dry_environment")

QUESTION = [{"role": "user", "content": "What is 2 + 2?"}]


class Step(BaseModel):
    thought: str


class Answer(BaseModel):
    value: int
    steps: list[Step] = []


class Echo:
    """A provider as a program may write one; it imports nothing of ours but
    what the package offers."""

    name = "echo"

    def __init__(self, value=4, tokens=(1000, 100)):
        self.calls = []
        self.closed = 0
        self._value = value
        self._tokens = tokens

    async def complete(
        self,
        messages,
        response_model,
        model,
        max_tokens=4096,
        temperature=0.0,
    ):
        self.calls.append((model, max_tokens, temperature))
        content = response_model.model_validate(
            {"value": self._value, "steps": [{"thought": "easy"}]}
        )
        tokens = self._tokens
        costs = calculate_cost(model, *tokens)
        return LLMResponse(
            content, TokenUsage(*tokens, *costs), model, self.name
        )

    async def close(self):
        self.closed += 1


def run(program, *arguments, **environment):
    """Runs a program in a process of its own, in this folder."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_it_is_the_installed_package():
    installed = Path(sysconfig.get_path("purelib")).resolve()
    assert installed in Path(llm_gateway.__file__).resolve().parents


def test_its_19_names_are_there():
    assert len(llm_gateway.__all__) == 19
    names = {}
    exec("from llm_gateway import *", names)
    assert set(llm_gateway.__all__) <= set(names)


def test_it_needs_three_packages():
    required = metadata.requires("llm-gateway")
    core = {line.split(">")[0] for line in required if "extra ==" not in line}
    assert core == {"pydantic", "pydantic-settings", "tenacity"}
    extras = metadata.metadata("llm-gateway").get_all("Provides-Extra")
    assert {"all", "anthropic", "grpc", "logging", "openai", "tracing"} <= set(
        extras
    )


def test_its_import_loads_no_extra():
    done = run(
        "import sys, llm_gateway\n"
        "print(sorted({'anthropic', 'grpc', 'openai', 'opentelemetry',"
        " 'structlog'} & sys.modules.keys()))"
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_type_checkers_may_trust_it():
    files = {str(file) for file in metadata.files("llm-gateway")}
    assert "llm_gateway/py.typed" in files


def test_it_brings_the_contract():
    """With the stubs of gRPC, for who installs that extra."""
    files = {str(file) for file in metadata.files("llm-gateway")}
    assert "llmgateway/v1/gateway_pb2_grpc.py" in files
    # Those are of another package, googleapis-common-protos.
    assert not [name for name in files if name.startswith("google/")]


def test_it_brings_its_licence_and_no_tests():
    files = {str(file) for file in metadata.files("llm-gateway")}
    assert [name for name in files if name.endswith("/LICENSE")]
    tops = {name.split("/")[0] for name in files}
    assert not tops & {"tests", "integration_tests"}


def test_its_command_is_installed():
    command = Path(sysconfig.get_path("scripts")) / "llm-gateway-compare"
    done = subprocess.run(
        [command, "--help"], capture_output=True, text=True, check=True
    )
    assert "side by side" in done.stdout


async def test_one_import_and_one_call():
    llm = LLMClient(provider_instance=Echo())
    async with llm:
        response = await llm.complete(QUESTION, Answer)
    assert response.content == Answer(value=4, steps=[Step(thought="easy")])
    assert isinstance(response, LLMResponse)
    assert response.usage.total_tokens == 1100


async def test_another_provider_is_another_variable(monkeypatch):
    first, second = Echo(1), Echo(2)
    register_provider("first", lambda config: first)
    register_provider("second", lambda config: second)

    async def program():
        async with LLMClient() as llm:
            return (await llm.complete(QUESTION, Answer)).content.value

    monkeypatch.setenv("LLM_PROVIDER", "first")
    assert await program() == 1
    Path(".env").write_text("LLM_PROVIDER=second\n")
    assert await program() == 1
    monkeypatch.delenv("LLM_PROVIDER")
    assert await program() == 2


def test_providers_are_known_by_name():
    assert {"gateway", "local_claude"} <= set(list_providers())
    assert isinstance(Echo(), LLMProvider)
    with pytest.raises(ProviderNotFoundError, match="local_claude"):
        build_provider(GatewayConfig(provider="nobody"))


def test_a_provider_that_cannot_be_made_says_why(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProviderInitError, match="claude"):
        LLMClient(GatewayConfig(provider="local_claude"))


def test_the_default_is_anthropic_unless_a_gateway_is_known(monkeypatch):
    assert GatewayConfig().provider == "anthropic"
    monkeypatch.setenv("GATEWAY_URL", "http://127.0.0.1:8080")
    assert GatewayConfig().provider == "gateway"


def test_keys_are_not_printed(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-anthropic")
    config = GatewayConfig()
    assert "key-of" not in f"{config!r} {config}"
    assert config.get_api_key() == "key-of-anthropic"


async def test_a_call_may_say_more_than_the_environment(monkeypatch):
    monkeypatch.setenv("LLM_MODEL", "gpt-4o")
    monkeypatch.setenv("LLM_MAX_TOKENS", "100")
    echo = Echo()
    async with LLMClient(provider_instance=echo) as llm:
        await llm.complete(QUESTION, Answer)
        await llm.complete(
            QUESTION, Answer, model="x", max_tokens=9, temperature=1.0
        )
    assert echo.calls == [("gpt-4o", 100, 0.0), ("x", 9, 1.0)]


async def test_costs_add_up_by_known_prices():
    register_pricing("mine", 1.0, 10.0)
    async with LLMClient(
        GatewayConfig(model="mine"), provider_instance=Echo()
    ) as llm:
        for _ in range(3):
            await llm.complete(QUESTION, Answer)
        assert llm.cost_summary() == {
            "total_input_tokens": 3000,
            "total_output_tokens": 300,
            "total_tokens": 3300,
            "total_cost_usd": 0.006,
            "call_count": 3,
        }


async def test_the_limit_guards_before_and_after_a_call():
    echo = Echo()
    config = GatewayConfig(model="gpt-4o", cost_limit_usd=0.0035)
    async with LLMClient(config, provider_instance=echo) as llm:
        with pytest.raises(CostLimitExceededError) as after:
            await llm.complete(QUESTION, Answer)
        with pytest.raises(CostLimitExceededError) as before:
            await llm.complete(QUESTION, Answer)
    assert after.value.response.content.value == 4
    assert before.value.response is None
    assert len(echo.calls) == 1


async def test_a_warning_comes_once(caplog):
    config = GatewayConfig(model="gpt-4o", cost_warn_usd=0.0035)
    with caplog.at_level(logging.WARNING, "llm_gateway"):
        async with LLMClient(config, provider_instance=Echo()) as llm:
            for _ in range(3):
                await llm.complete(QUESTION, Answer)
    assert len(caplog.records) == 1


def test_a_tracker_may_be_used_alone():
    tracker = CostTracker(cost_limit_usd=1.0)
    tracker.record(TokenUsage(1, 1, 0.4, 0.5))
    tracker.reset()
    assert tracker.total_cost_usd == 0


def test_every_failure_is_a_gateway_error():
    raised = [
        getattr(llm_gateway, name)
        for name in llm_gateway.__all__
        if name.endswith("Error")
    ]
    assert len(raised) == 7
    assert all(issubclass(error, GatewayError) for error in raised)


async def test_nobody_at_the_gateways_address():
    config = GatewayConfig(gateway_url="http://127.0.0.1:1", max_retries=1)
    async with LLMClient(config) as llm:
        with pytest.raises(ProviderError, match="no gateway at"):
            await llm.complete(QUESTION, Answer)


CLAUDE = """\
#!/bin/sh
if [ -n "$CLAUDECODE" ]; then echo "nested session" >&2; exit 1; fi
cat <<'END'
{}
END
"""


def install_claude(monkeypatch, folder, result):
    program = folder / "claude"
    told = {"type": "result", "result": f"```json\n{json.dumps(result)}\n```"}
    program.write_text(CLAUDE.format(json.dumps(told)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CLAUDECODE", "1")
    monkeypatch.setenv("LLM_PROVIDER", "local_claude")


async def test_a_local_program_is_asked(monkeypatch, tmp_path):
    install_claude(monkeypatch, tmp_path, {"value": 4})
    async with LLMClient() as llm:
        response = await llm.complete(QUESTION, Answer)
        assert llm.total_cost_usd == 0
    assert response.content.value == 4
    assert response.metadata["cost_known"]
    assert response.usage.input_tokens > 0


async def test_what_does_not_fit_is_no_answer(monkeypatch, tmp_path):
    install_claude(monkeypatch, tmp_path, {"value": "four"})
    async with LLMClient() as llm:
        with pytest.raises(ResponseValidationError, match="value: "):
            await llm.complete(QUESTION, Answer)
        assert llm.call_count == 1


async def test_calls_may_run_at_the_same_time():
    async with LLMClient(provider_instance=Echo()) as llm:
        await asyncio.gather(
            *(llm.complete(QUESTION, Answer) for _ in range(20))
        )
        assert llm.call_count == 20


async def test_a_client_is_closed_once():
    echo = Echo()
    async with LLMClient(provider_instance=echo) as llm:
        pass
    await llm.close()
    assert echo.closed == 1


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


def test_a_program_without_logging_gets_lines_of_json():
    done = run(PROGRAM, LLM_MODEL="gpt-4o")
    (line,) = done.stderr.splitlines()
    told = json.loads(line)
    assert told["event"] == "LLM call completed"
    assert told["cost_usd"] == 0.00075


def test_tracing_without_its_extra_is_said_and_no_failure():
    done = run(
        "import sys; sys.modules['opentelemetry'] = None\n" + PROGRAM,
        LLM_TRACE_ENABLED="true",
    )
    assert done.returncode == 0, done.stderr
    assert "llm-gateway[tracing]" in done.stderr
