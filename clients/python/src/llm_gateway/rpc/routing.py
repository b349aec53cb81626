"""RoutedPrompt is a PromptRequest that a gateway elsewhere serves.

What the request says goes where the contract has it, and the answer, or the
failure, becomes the PromptResponse that a gateway in the process would return.
"""

from __future__ import annotations

import json
import time
from typing import Any

from llm_gateway.router.messages import (
    PromptRequest,
    PromptResponse,
    RouteOutcome,
    request_problem,
)
from llm_gateway.router.output_check import check_output
from llm_gateway.rpc.errors import CallError, made_error
from llm_gateway.rpc.options import CallFields, check_text
from llmgateway.v1 import content_pb2, gateway_pb2

_NANOS = 1_000_000_000
# Reasons for which no provider was asked, and the codes of the published
# router for them; of its own it has no others.
_REJECTIONS = {
    "API_KEY_DISABLED": "AUTH_ERROR",
    "API_KEY_EXPIRED": "AUTH_ERROR",
    "API_KEY_INVALID": "AUTH_ERROR",
    "BUDGET_EXCEEDED": "BUDGET_EXHAUSTED",
    "CIRCUIT_OPEN": "CIRCUIT_OPEN",
    "FORBIDDEN": "AUTH_ERROR",
    "INVALID_REQUEST": "INVALID_INPUT",
    "MODEL_NOT_ALLOWED": "AUTH_ERROR",
    "REQUEST_TOO_LARGE": "INVALID_INPUT",
}
# Failures for which the published providers have codes.
_FAILURES = {
    "DEADLINE_EXCEEDED": "TIMEOUT",
    "PROVIDER_AUTH_FAILED": "AUTH_ERROR",
    "PROVIDER_NOT_FOUND": "PROVIDER_NOT_FOUND",
    "PROVIDER_RATE_LIMITED": "RATE_LIMITED",
    "PROVIDER_TIMEOUT": "TIMEOUT",
    "PROVIDER_UNAVAILABLE": "SERVER_ERROR",
}
_FINISH_REASONS = {
    content_pb2.FINISH_REASON_LENGTH: "length",
    content_pb2.FINISH_REASON_TOOL_CALLS: "tool_use",
}


class RoutedPrompt:
    """One request on its way."""

    def __init__(self, request: PromptRequest) -> None:
        self._request = request
        self._began_at = time.time()
        self._began = time.perf_counter()
        self._asked: gateway_pb2.GenerateRequest | None = None

    def rejection(self) -> PromptResponse | None:
        """What the router refuses by itself; no gateway is asked then."""
        problem = request_problem(self._request) or self._unsendable()
        if problem is None:
            return None
        return self.failed(
            made_error(problem, "INVALID_ARGUMENT", "INVALID_REQUEST")
        )

    def _unsendable(self) -> str | None:
        """What protobuf or gRPC would raise for; None if nothing."""
        token = self._request.auth_token
        try:
            if token is not None:
                check_text("auth_token", token)
            self.generate_request()
        except (
            ArithmeticError,
            AttributeError,
            RecursionError,
            TypeError,
            ValueError,
        ) as error:
            return f"The request cannot be sent: {error}"
        return None

    def generate_request(self) -> gateway_pb2.GenerateRequest:
        """What the gateway is asked. `input_schema` and `template_variables`
        mean nothing here either."""
        if self._asked is None:
            self._asked = self._generate_request()
        return self._asked

    def _generate_request(self) -> gateway_pb2.GenerateRequest:
        asked = self._request
        request = gateway_pb2.GenerateRequest(
            model=asked.model_id or "",
            messages=[{"role": "ROLE_USER", "parts": [{"text": asked.prompt}]}],
            max_output_tokens=asked.max_tokens,
            sampling={"temperature": asked.temperature},
            provider_id=asked.provider_id or "",
            domain_tags=asked.domain_tags or [],
            scope={
                "session_id": asked.session_id,
                "work_order_id": asked.work_order_id,
                "agent_id": asked.agent_id,
                "agent_type": asked.agent_class,
                "contract_id": asked.contract_id,
                "framework_id": asked.framework_id,
                "tier": asked.tier,
            },
            tools=[_tool(tool) for tool in asked.tools or ()],
        )
        for name in ("prompt_pack_id", "package_id"):
            if value := getattr(asked, name):
                request.labels[name] = value
        if asked.structured_output:
            request.response_format.kind = (
                content_pb2.ResponseFormat.KIND_JSON_SCHEMA
            )
            request.response_format.name = "output_json"
            request.response_format.schema = json.dumps(asked.structured_output)
        return request

    def call(self) -> CallFields:
        """What the call has of its own: the request's token is its key; of an
        empty one, none."""
        if self._request.auth_token is None:
            return {}
        return {"api_key": self._request.auth_token}

    def succeeded(self, answer: gateway_pb2.GenerateResponse) -> PromptResponse:
        choice = answer.choices[0] if answer.choices else gateway_pb2.Choice()
        blocks = tuple(_blocks(choice.message))
        content = "".join(part.text for part in choice.message.parts)
        calls = [block for block in blocks if block["type"] == "tool_use"]
        if not content and calls:
            content = json.dumps(calls[0]["input"])
        valid, errors = check_output(content, self._request.output_schema)
        return self._response(
            RouteOutcome.SUCCESS,
            content=content,
            input_tokens=answer.usage.input_tokens,
            output_tokens=answer.usage.output_tokens,
            model_id=answer.route.model or answer.model,
            provider_id=answer.route.provider,
            exchange_entry_id=answer.exchange_entry_id,
            dispatch_entry_id=answer.dispatch_entry_id,
            output_valid=valid,
            output_validation_errors=errors,
            context_hash=answer.context_hash or None,
            cost_incurred=answer.usage.cost_usd_nanos / _NANOS,
            budget_remaining=(
                answer.budget_remaining_tokens
                if answer.HasField("budget_remaining_tokens")
                else None
            ),
            finish_reason=_FINISH_REASONS.get(choice.finish_reason, "stop"),
            content_blocks=blocks,
        )

    def failed(self, error: CallError) -> PromptResponse:
        told = error.reason or error.code
        if told in _REJECTIONS:
            outcome, code = RouteOutcome.REJECTED, _REJECTIONS[told]
        else:
            code = _FAILURES.get(told, told)
            outcome = (
                RouteOutcome.TIMEOUT
                if code == "TIMEOUT"
                else RouteOutcome.ERROR
            )
        return self._response(
            outcome,
            content="",
            input_tokens=0,
            output_tokens=0,
            model_id=error.metadata.get("model", self._request.model_id or ""),
            provider_id=error.metadata.get(
                "provider", self._request.provider_id or ""
            ),
            exchange_entry_id=error.metadata.get(
                "exchange_entry_id", error.metadata.get("ledger_entry_id", "")
            ),
            dispatch_entry_id=error.metadata.get("dispatch_entry_id", ""),
            error_code=code,
            error_message=error.message,
        )

    def _response(self, outcome: RouteOutcome, **fields: Any) -> PromptResponse:
        return PromptResponse(
            outcome=outcome,
            latency_ms=(time.perf_counter() - self._began) * 1000,
            timestamp=time.strftime(
                "%Y-%m-%dT%H:%M:%S", time.gmtime(self._began_at)
            ),
            **fields,
        )


def _tool(tool: dict[str, Any]) -> content_pb2.Tool:
    """Of Anthropic's form, which is that of the router's adapter, or of
    OpenAI's."""
    function = tool.get("function", tool)
    schema = function.get("input_schema", function.get("parameters"))
    return content_pb2.Tool(
        function=content_pb2.FunctionTool(
            name=function.get("name", ""),
            description=function.get("description", ""),
            parameters_schema="" if schema is None else json.dumps(schema),
        )
    )


def _blocks(message: content_pb2.Message) -> list[dict[str, Any]]:
    """In the form of the router's adapter."""
    blocks: list[dict[str, Any]] = []
    for part in message.parts:
        kind = part.WhichOneof("kind")
        if kind == "text":
            blocks.append({"type": "text", "text": part.text})
        elif kind == "tool_call":
            call = part.tool_call
            blocks.append(
                {
                    "type": "tool_use",
                    "id": call.id,
                    "name": call.name,
                    "input": _arguments(call.arguments),
                }
            )
    return blocks


def _arguments(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:  # The model was cut off within them.
        return text
