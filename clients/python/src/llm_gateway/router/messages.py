"""What is asked of the router, and what it answers.

request = PromptRequest(prompt="What is 2+2?", contract_id="PRC-1", ...)
response = gateway.route(request)
if response.outcome == RouteOutcome.SUCCESS:
    print(response.content)
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any


class RouteOutcome(str, enum.Enum):
    """How a request ended."""

    SUCCESS = "SUCCESS"
    REJECTED = "REJECTED"  # No provider was asked; `error_code` says why.
    TIMEOUT = "TIMEOUT"
    ERROR = "ERROR"


@dataclass
class PromptRequest:
    """One prompt, and on whose behalf it is sent.

    `input_schema` and `template_variables` are carried along and mean nothing
    to the router. `output_schema` is a JSON schema of which `type` and
    `required` are checked; what breaks it is told, and is no failure.
    """

    prompt: str
    prompt_pack_id: str
    contract_id: str
    agent_id: str
    agent_class: str
    framework_id: str
    package_id: str
    work_order_id: str
    session_id: str
    tier: str
    model_id: str | None = None  # The configured default if None.
    provider_id: str | None = None  # By domain tag, else the default.
    max_tokens: int = 4096
    temperature: float = 0.0
    structured_output: dict[str, Any] | None = None
    input_schema: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None
    template_variables: dict[str, Any] | None = None
    domain_tags: list[str] = field(default_factory=list)
    auth_token: str | None = field(default=None, repr=False)


def request_problem(request: PromptRequest) -> str | None:
    """Why the request is sent nowhere; None if it is complete."""
    if not request.prompt or not request.prompt.strip():
        return "Prompt is empty"
    for name in ("contract_id", "session_id"):
        if not getattr(request, name):
            return f"{name} is required"
    for name, value in vars(request).items():
        texts = value if isinstance(value, list) else [value]
        if not all(map(_is_unicode, texts)):
            return f"{name} is not valid Unicode"
    return None


def _is_unicode(value: Any) -> bool:
    """Whether it is no text with a lone surrogate, which no hash, ledger or
    gateway takes."""
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            return False
    return True


@dataclass
class PromptResponse:
    """What became of a request. `timestamp` is when it came, in UTC to the
    second; `latency_ms` is until its end, the ledger included."""

    content: str
    outcome: RouteOutcome
    input_tokens: int
    output_tokens: int
    model_id: str
    provider_id: str
    latency_ms: float
    timestamp: str
    exchange_entry_id: str  # Of a rejection, the entry that says so.
    dispatch_entry_id: str = ""  # Empty if no provider was asked.
    output_valid: bool | None = None  # None without an `output_schema`.
    output_validation_errors: list[str] = field(default_factory=list)
    context_hash: str | None = None  # SHA-256 of the prompt, in hexadecimal.
    error_code: str | None = None
    error_message: str | None = None
    cost_incurred: float = 0.0  # In US dollars.
    budget_remaining: int | None = None  # In tokens; None without a budgeter.
    finish_reason: str = "stop"
    content_blocks: tuple[Any, ...] | None = None
