"""What the tests of chat whose model is chosen by what a node needs share: a
gateway with two models to choose among, and how it is asked.

    class StreamTest(ChatCase):
        def test_something(self):
            answer = self.answered(say(node_name="writer"))
"""

import json

from tests.integration import gateway_case
from tests.integration.http_calls import ask

COMPLETE = "/api/chat/complete"

# Without credentials, so that none is out after a fault.
PROVIDERS = "".join(
    line for line in gateway_case.PROVIDERS.splitlines(keepends=True)
    if "api_key:" not in line)

# Two models of one provider and one of another, which the mock plays.
_SELECTION = """\
routing:
  agent_rules:
    - {{agent_type: reviewer, targets: [openai/gpt-review]}}
  selection:
    policies:
      writer-model:
        provider: openai
        provider_model_id: gpt-w
        capabilities: {{streaming: true, long_context: true,
                       creative_writing: true}}
        cost_tier: MEDIUM
        context_window: 32000
        input_cost_per_1k: 0.00015
        output_cost_per_1k: 0.0006
        fallback_models: [reasoner]
      reasoner:
        provider: anthropic
        provider_model_id: claude-r
        capabilities: {{streaming: true, reasoning: true,
                       function_calling: true, code_generation: true}}
        cost_tier: HIGH
        context_window: 200000
        input_cost_per_1k: 0.003
        output_cost_per_1k: 0.015
    nodes:
      writer:
        required_capabilities: [streaming, creative_writing]
        min_context_window: 8000
      search:
        required_capabilities: [web_search]
prices:
  models:
    - {{model: gpt-w, input: "0.15", output: "0.60"}}
resilience:
  retry: {{attempts_limit: 1}}
  # Breakers, and providers that rest, have tests of their own.
  circuit_breaker: {{mode: "off"}}
  credential_cooling: {{default_cooling: 0s}}
"""


def say(text="Hello", **fields):
    """A request with one message of the user."""
    return {"messages": [{"role": "user", "content": text}], **fields}


def events_of(body):
    """The events of a stream, as their names and data."""
    events = []
    for block in body.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n")
                     if line and not line.startswith(":"))
        if lines:
            events.append((lines["event"], json.loads(lines["data"])))
    return events


class ChatCase(gateway_case.GatewayCase):

    config = PROVIDERS + _SELECTION

    def setUp(self):
        self.upstream.reset()

    def ask(self, body, path=COMPLETE, **options):
        return ask(self.gateway.http, body, path=path, **options)

    def answered(self, body, path=COMPLETE, **options):
        answer = self.ask(body, path, **options)
        self.assertEqual(answer.status, 200, answer.body)
        return answer

    def refused(self, body, path=COMPLETE, status=422, **options):
        """The detail of a refusal; of one field, its place and the rule."""
        answer = self.ask(body, path, **options)
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["content-type"], "application/json")
        told = answer.json()
        self.assertEqual(told["trace_id"], answer.headers["x-trace-id"])
        detail = told["detail"]
        if status != 422:
            self.assertIsInstance(detail, str)
            return detail
        self.assertEqual(told["reason"], "INVALID_REQUEST")
        return [(fault["loc"], fault["msg"]) for fault in detail]


