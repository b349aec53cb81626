"""What all suites share: an environment of its own for each test."""

import os

import pytest

from llm_gateway.observability import logging as our_logging
from llm_gateway.observability import tracing as our_tracing

_OURS = ("ANTHROPIC_", "GATEWAY_", "LLM_", "OPENAI_")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path):
    """No variable of ours from outside, and a folder without a `.env`."""
    for name in os.environ:
        if name.startswith(_OURS):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def own_process_state(monkeypatch):
    """What is set up once in a process is so in a test of it alone."""
    monkeypatch.setattr(our_logging, "_is_configured", True)
    monkeypatch.setattr(our_tracing, "_tracer", None)
    monkeypatch.setattr(our_tracing, "_missing_is_told", False)


def pytest_collection_modifyitems(items):
    for item in items:
        if "/unit/" in str(item.path):
            item.add_marker(pytest.mark.unit)
