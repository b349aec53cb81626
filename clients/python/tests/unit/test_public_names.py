import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import llm_gateway
from llm_gateway._lazy import LAZY_NAMES

DOCUMENTED = {
    "CLINotFoundError",
    "CostLimitExceededError",
    "CostTracker",
    "GatewayConfig",
    "GatewayError",
    "LLMClient",
    "LLMMessage",
    "LLMProvider",
    "LLMResponse",
    "ProviderError",
    "ProviderInitError",
    "ProviderNotFoundError",
    "ResponseValidationError",
    "TokenUsage",
    "build_provider",
    "calculate_cost",
    "list_providers",
    "register_pricing",
    "register_provider",
}


def test_all_has_the_19_documented_names():
    assert len(DOCUMENTED) == 19
    assert sorted(DOCUMENTED) == llm_gateway.__all__
    assert all(hasattr(llm_gateway, name) for name in DOCUMENTED)


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(llm_gateway.__file__).read_text())
    told = {
        alias.asname: part.module
        for branch in tree.body
        if isinstance(branch, ast.If)
        for part in branch.body
        if isinstance(part, ast.ImportFrom)
        for alias in part.names
    }
    assert told == LAZY_NAMES


@pytest.mark.parametrize("name", sorted(LAZY_NAMES))
def test_what_is_imported_late_is_there(name):
    for module in ("google.protobuf", "grpc"):
        if LAZY_NAMES[name].startswith(("llm_gateway.rpc",)):
            pytest.importorskip(module)
    module = importlib.import_module(LAZY_NAMES[name])
    assert getattr(llm_gateway, name) is getattr(module, name)
    assert name in dir(llm_gateway)


def test_what_is_not_there_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = llm_gateway.Nothing


def test_importing_it_needs_the_core_alone():
    program = (
        "import sys, llm_gateway\n"
        "extras = ('anthropic', 'google', 'grpc', 'openai', 'opentelemetry',"
        " 'structlog', 'llmgateway')\n"
        "print([name for name in extras if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
