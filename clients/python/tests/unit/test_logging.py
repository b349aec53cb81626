import io
import json
import logging
import sys

import pytest

from llm_gateway import GatewayConfig
from llm_gateway.observability import logging as our_logging
from llm_gateway.observability.logging import configure_logging

EXTRA = {"model": "gpt-4o", "cost_usd": 0.5}


@pytest.fixture(params=["structlog", "standard library"])
def lines(request, monkeypatch, capsys):
    """What the package logs once it is set up as the test says."""
    if request.param == "structlog":
        pytest.importorskip("structlog", reason="the extra `logging`")
    else:
        monkeypatch.setitem(sys.modules, "structlog", None)
    monkeypatch.setattr(our_logging, "_is_configured", False)
    logger = logging.getLogger("llm_gateway")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", True)
    monkeypatch.setattr(logger, "level", logging.NOTSET)
    yield lambda: capsys.readouterr().err.splitlines()
    logger._cache.clear()


def configure(**fields):
    """As in a program that has set up no logging; pytest has."""
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        configure_logging(GatewayConfig(**fields))
    finally:
        root.handlers = handlers


def log():
    return logging.getLogger("llm_gateway.client")


def test_a_line_is_an_object_with_the_fields_of_the_call(lines):
    configure()
    log().info("LLM call completed", extra=EXTRA)
    (line,) = lines()
    told = json.loads(line)
    assert told["event"] == "LLM call completed"
    assert told["level"] == "info"
    assert told["logger"] == "llm_gateway.client"
    assert told["timestamp"]
    assert (told["model"], told["cost_usd"]) == ("gpt-4o", 0.5)


def test_a_line_for_people_has_them_too(lines):
    configure(log_format="console")
    log().info("LLM call completed", extra=EXTRA)
    (line,) = lines()
    assert "LLM call completed" in line
    assert "model=gpt-4o" in line


def test_an_exception_stays_in_its_line(lines):
    configure()
    try:
        raise OSError("it is gone")
    except OSError:
        log().exception("a call failed")
    (line,) = lines()
    assert "it is gone" in json.loads(line)["exception"]


def test_the_level_is_as_configured(lines):
    configure(log_level="warning")
    log().info("not this")
    log().warning("this")
    assert len(lines()) == 1


def test_a_level_that_is_none_is_info_with_a_warning(lines):
    configure(log_level="LOUD")
    log().debug("not this")
    log().info("this")
    warning, _ = lines()
    assert "LLM_LOG_LEVEL is 'LOUD'" in warning


def test_only_the_first_in_a_process_sets_it_up(lines):
    configure()
    configure(log_level="ERROR", log_format="console")
    log().info("this")
    assert json.loads(lines()[0])["event"] == "this"


def test_a_program_that_logs_gets_our_records_itself(lines, monkeypatch):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    configure_logging(GatewayConfig())
    log().info("this")
    assert stream.getvalue() == "this\n"
    assert lines() == []
