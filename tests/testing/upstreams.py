"""The providers that are asked, each played by the mock upstream.

A model goes to the provider whose prefix its name begins with. A provider that
the gateway does not have yet is left out of the configuration; one name here is
all that changes when it has.
"""

import collections

from tests.testing import gateway_process

# `spec` is the OpenAPI file of the vendor, if there is one: what it is sent is
# held to that, by the paths on the wire.
Upstream = collections.namedtuple("Upstream", "kind settings spec paths")

_THERE = frozenset({"anthropic", "azure_openai", "deepseek", "gemini",
                    "ollama", "openai", "openrouter"})

_ALL = {
    "gpt-": Upstream(
        "openai", 'base_url: "http://{upstream}/v1", api_key: "env:KEY"',
        "openai", {"/v1/chat/completions": "/chat/completions",
                   "/v1/embeddings": "/embeddings",
                   "/v1/responses": "/responses"}),
    "claude-": Upstream(
        "anthropic", 'base_url: "http://{upstream}", api_key: "env:KEY"',
        "anthropic", {
            "/v1/messages": "/v1/messages",
            "/v1/messages/count_tokens": "/v1/messages/count_tokens"}),
    "llama-": Upstream(
        "ollama", 'base_url: "http://{upstream}"',
        "ollama", {"/api/chat": "/api/chat", "/api/embed": "/api/embed"}),
    "azure-": Upstream(
        "azure_openai",
        'base_url: "http://{upstream}", api_key: "env:KEY", '
        'api_version: v1',
        "openai", {"/openai/v1/chat/completions": "/chat/completions",
                   "/openai/v1/embeddings": "/embeddings",
                   "/openai/v1/responses": "/responses"}),
    "deepseek-": Upstream(
        "deepseek", 'base_url: "http://{upstream}", api_key: "env:KEY"',
        "openai", {"/chat/completions": "/chat/completions"}),
    "gemini-": Upstream(
        "gemini", 'base_url: "http://{upstream}", api_key: "env:KEY"',
        None, {}),
    "router-": Upstream(
        "openrouter",
        'base_url: "http://{upstream}/api/v1", api_key: "env:KEY"',
        "openrouter", {"/api/v1/chat/completions": "/chat/completions",
                       "/api/v1/embeddings": "/embeddings"}),
}

ENV = {"KEY": "key-of-the-gateway-1234567890"}


def config(models=()):
    """A gateway's configuration, with {upstream} for the mock's address.

    Each provider lists a model `mock` and those that are named here, all
    behind its prefix.
    """
    providers, rules = "", ""
    for prefix, upstream in _ALL.items():
        if upstream.kind not in _THERE:
            continue
        listed = ['"%s%s"' % (prefix, name) for name in ("mock", *models)]
        providers += ("  - {{name: %s, models: [%s], %s: {{%s}}}}\n"
                      % (upstream.kind, ", ".join(listed), upstream.kind,
                         upstream.settings))
        rules += ('    - {{prefix: "%s", targets: [%s]}}\n'
                  % (prefix, upstream.kind))
    listeners = gateway_process.LISTENERS.replace("{", "{{").replace("}", "}}")
    return (listeners + "providers:\n" + providers + "routing:\n"
            "  model_rules:\n" + rules + "resilience:\n"
            "  retry: {{backoff_base: 1ms, backoff_limit: 5ms}}\n"
            # Faults follow each other there; breakers and credentials that cool
            # have tests of their own.
            "  circuit_breaker: {{mode: \"off\"}}\n"
            "  credential_cooling: {{default_cooling: 0s}}\n")


def of(model):
    """The upstream of a model, or None if the gateway does not have it."""
    upstream = _ALL[model[:model.index("-") + 1]]
    return upstream if upstream.kind in _THERE else None
