"""Live tests only where they are asked for, and a summary of what they took."""

import os
import shutil
from dataclasses import dataclass

import pytest

from llm_gateway import CostTracker, GatewayConfig, LLMClient

_OURS = ("ANTHROPIC_", "GATEWAY_", "LLM_", "OPENAI_")


def pytest_addoption(parser):
    parser.addoption(
        "--run-live",
        action="store_true",
        help="run the tests that ask a model, which may cost money",
    )


def pytest_collection_modifyitems(config, items):
    for item in items:
        if item.path.name.startswith("test_dry_run"):
            item.add_marker(pytest.mark.dry_run)
        if "live" in item.keywords and not config.getoption("--run-live"):
            item.add_marker(
                pytest.mark.skip(reason="needs --run-live"), append=False
            )


@dataclass
class Session:
    """What all live tests have taken together."""

    cli_calls: int = 0
    other_calls: int = 0
    costs: CostTracker | None = None
    estimated: bool = False


_session = Session(costs=CostTracker())


class _Counted:
    """A provider whose calls are in the summary."""

    def __init__(self, provider):
        self._provider = provider
        self.name = provider.name

    async def complete(self, *args, **options):
        if self.name == "local_claude":
            _session.cli_calls += 1
        else:
            _session.other_calls += 1
        response = await self._provider.complete(*args, **options)
        _session.costs.record(response.usage)
        _session.estimated |= bool(response.metadata.get("tokens_estimated"))
        return response

    async def close(self):
        await self._provider.close()


@pytest.fixture
def dry_environment(monkeypatch, tmp_path):
    """Nothing of ours from outside, and a folder without a `.env`."""
    for name in os.environ:
        if name.startswith(_OURS):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def live_provider(monkeypatch):
    """The name of the provider that is asked."""
    if "LLM_PROVIDER" not in os.environ and "GATEWAY_URL" not in os.environ:
        if shutil.which("claude") is None:
            pytest.fail(
                "there is nobody to ask: set GATEWAY_URL or LLM_PROVIDER, or "
                "install Claude Code"
            )
        monkeypatch.setenv("LLM_PROVIDER", "local_claude")
    return GatewayConfig().provider


@pytest.fixture
def live_client(live_provider):
    """Makes clients as programs do, but counted."""

    def make(**fields):
        llm = LLMClient(GatewayConfig(**fields))
        llm._provider = _Counted(llm._provider)
        return llm

    return make


def pytest_terminal_summary(terminalreporter, config):
    if not config.getoption("--run-live"):
        return
    told = _session.costs.summary()
    tell = terminalreporter
    tell.section("live session")
    tell.line(f"Claude CLI calls: {_session.cli_calls}")
    tell.line(f"Other calls: {_session.other_calls}")
    tell.line(
        f"Tokens: {told['total_input_tokens']} in, "
        f"{told['total_output_tokens']} out"
        + (" (estimated)" if _session.estimated else "")
    )
    tell.line(f"Cost: ${_session.costs.total_cost_usd:.6f}")
