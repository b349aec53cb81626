"""A gateway whose providers answer with given bytes, and calls at its APIs."""

from tests.integration import gateway_case
from tests.integration.http_calls import ask, chat

CONFIG = gateway_case.CONFIG.replace(
    "routing:\n",
    "  - name: gemini\n"
    "    gemini:\n"
    '      base_url: "http://{upstream}"\n'
    '      api_key: "env:OPENAI_KEY"\n'
    "  - name: mock\n"
    "    mock: {{}}\n"
    "routing:\n").replace(
        "  model_rules:\n",
        "  model_rules:\n"
        '    - {{prefix: "gemini-", targets: [gemini]}}\n'
        '    - {{prefix: "mock-", targets: [mock]}}\n')


def message_of(model, **fields):
    return {"model": model, "max_tokens": 64, **fields,
            "messages": [{"role": "user", "content": "Hello"}]}


def prompt():
    return {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}


class VendorCase(gateway_case.GatewayCase):

    config = CONFIG

    def play(self, model, body, status=200, headers=None,
             content_type="application/json"):
        """These very bytes are the answer."""
        self.upstream.set_script(model, {
            "status": status, "body": body, "content_type": content_type,
            "headers": headers or {}})

    def chat(self, model, **fields):
        return ask(self.gateway.http, chat(model, **fields))

    def message(self, model, **fields):
        return ask(self.gateway.http, message_of(model, **fields),
                   path="/v1/messages",
                   headers={"anthropic-version": "2023-06-01"})
