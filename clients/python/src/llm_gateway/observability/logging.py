"""Log lines of this package, as JSON or for people.

A program that has set up logging gets our records in its own handlers, with
the fields as `extra`. Otherwise they go to standard error: by structlog, if
the extra `logging` is installed, else by the standard library.
"""

from __future__ import annotations

import json
import logging
import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_gateway.config import GatewayConfig

_LOGGER = "llm_gateway"
_lock = threading.Lock()
_is_configured = False
# What every record has, so that what is left are the fields of a call.
_STANDARD = frozenset(
    vars(logging.makeLogRecord({})).keys()
    | {"asctime", "message", "taskName", "_logger", "_name"}
)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(record).items()
        if name not in _STANDARD
    }


class JsonFormatter(logging.Formatter):
    """One object a line; the fields of a call beside its message."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(
                record.created, timezone.utc
            ).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str, ensure_ascii=False)


class ConsoleFormatter(logging.Formatter):
    """A line for people: `12:00:00 INFO LLM call completed  model=...`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        fields = "  ".join(f"{k}={v}" for k, v in _fields(record).items())
        return super().formatMessage(record) + ("  " + fields) * bool(fields)


def _formatter(log_format: str) -> logging.Formatter:
    try:
        import structlog
    except ImportError:
        return JsonFormatter() if log_format == "json" else ConsoleFormatter()
    processors: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = (
        [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
        if log_format == "json"
        else [structlog.dev.ConsoleRenderer(colors=False)]
    )
    formatter: logging.Formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=processors,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *last,
        ],
    )
    return formatter


def configure_logging(config: GatewayConfig) -> None:
    """Sets up the package's logger; only the first call in a process does."""
    global _is_configured
    with _lock:
        if _is_configured:
            return
        _is_configured = True
    logger = logging.getLogger(_LOGGER)
    level = logging.getLevelName(config.log_level.upper())
    logger.setLevel(level if isinstance(level, int) else logging.INFO)
    if not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(_formatter(config.log_format))
        logger.addHandler(handler)
        logger.propagate = False
    if not isinstance(level, int):
        logger.warning(
            "LLM_LOG_LEVEL is '%s', which is no level; INFO is used",
            config.log_level,
        )
