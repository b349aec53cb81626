"""The calls of a client, each with what it has by default.

Both clients go by this table, so that neither has a call or a rule of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from llm_gateway.rpc.options import ClientOptions
from llmgateway.v1 import gateway_pb2

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Method(Generic[Answer]):
    """An rpc of GatewayService, and what it answers.

    It is `repeatable` if to make it twice does what to make it once does, and
    costs as much; made `once`, whatever the gateway says, if what it does is
    nobody's to do again.
    """

    name: str
    runs_model: bool = False
    repeatable: bool = False
    once: bool = False

    def timeout_s(self, options: ClientOptions) -> float:
        if self.runs_model:
            return options.generate_timeout_s
        return options.lookup_timeout_s

    def is_repeatable(self, request: Any) -> bool:
        """Also a call that the gateway knows again by its key."""
        return self.repeatable or bool(getattr(request, "idempotency_key", ""))


GENERATE: Method[gateway_pb2.GenerateResponse] = Method(
    "Generate", runs_model=True
)
STREAM_GENERATE: Method[gateway_pb2.GenerateEvent] = Method(
    "StreamGenerate", runs_model=True
)
RESUME_STREAM: Method[gateway_pb2.GenerateEvent] = Method(
    "ResumeStream", runs_model=True, repeatable=True
)
COUNT_TOKENS: Method[gateway_pb2.CountTokensResponse] = Method(
    "CountTokens", repeatable=True
)
EMBED: Method[gateway_pb2.EmbedResponse] = Method("Embed", runs_model=True)
LIST_MODELS: Method[gateway_pb2.ListModelsResponse] = Method(
    "ListModels", repeatable=True
)
GET_MODEL: Method[gateway_pb2.Model] = Method("GetModel", repeatable=True)
CREATE_SESSION: Method[gateway_pb2.Session] = Method("CreateSession")
GET_SESSION: Method[gateway_pb2.Session] = Method("GetSession", repeatable=True)
# Who deletes twice is told that there is none.
DELETE_SESSION: Method[gateway_pb2.DeleteSessionResponse] = Method(
    "DeleteSession"
)
LIST_TOOLS: Method[gateway_pb2.ListToolsResponse] = Method(
    "ListTools", repeatable=True
)
# A tool may have done something.
EXECUTE_TOOL: Method[gateway_pb2.ExecuteToolResponse] = Method(
    "ExecuteTool", once=True
)


def tool_request(
    name: str, arguments: Mapping[str, Any] | None
) -> gateway_pb2.ExecuteToolRequest:
    return gateway_pb2.ExecuteToolRequest(
        name=name, arguments=json.dumps(arguments or {})
    )


def session_request(
    ttl_s: float | None, context: Mapping[str, Any] | None
) -> gateway_pb2.CreateSessionRequest:
    request = gateway_pb2.CreateSessionRequest()
    if ttl_s is not None:
        request.ttl.FromNanoseconds(round(ttl_s * 1_000_000_000))
    if context is not None:
        request.context.update(context)
    return request
