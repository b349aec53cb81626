"""A provider of every kind, behind one gateway.

    config = matrix_providers.config_template(folder)
    for provider in matrix_providers.PROVIDERS:
        model = provider.model("text-at-some-api")

The mock upstream plays whoever speaks HTTP; a script of the shell plays the
command-line tool. All of them answer TEXT and count USAGE unless told
otherwise. A model's name begins with its provider's, and says what is to go
wrong: `PROVIDER-limited-...`, `PROVIDER-invalid-...` and `PROVIDER-broken-...`.
"""

import os

TEXT = "one two three four"
# Input and output tokens.
USAGE = (10, 20)

# The command-line tool, which is run for each call. A prompt with a schema that
# has a zebra is answered by an object that has one.
_TOOL = """\
#!/bin/sh
prompt=$(cat)
piece() {
  printf '{"type":"stream_event","event":{"type":"content_block_delta",'
  printf '"delta":{"type":"text_delta","text":"%%s"}}}\\n' "$1"
}
case "$*" in
*--model=local_cli-limited*)
  echo '{"type":"result","is_error":true,"result":"rate limit exceeded"}'
  exit 1 ;;
*--model=local_cli-invalid*)
  echo '{"type":"result","is_error":true,"result":"It broke."}'
  exit 1 ;;
*--model=local_cli-broken*)
  piece 'one '
  piece 'two '
  exit 1 ;;
*stream-json*)
  for word in %(pieces)s; do piece "$word"; done ;;
esac
case "$prompt" in
*zebra*) answer='{\\"zebra\\":1}' ;;
*) answer='%(text)s' ;;
esac
printf '%%s\\n' '{"type":"result","is_error":false,"result":"'"$answer"'"}'
"""


class Provider:
    """A kind of provider.

    Fields:
      name: of the kind, and of the provider.
      fields: its configuration.
      is_upstream: the mock upstream plays it.
      calls_tools, embeds: whether it can.
      counts: whether it counts tokens itself.
    """

    def __init__(self, name, fields, is_upstream=True, calls_tools=True,
                 embeds=True, counts=False):
        self.name = name
        self.fields = fields
        self.is_upstream = is_upstream
        self.calls_tools = calls_tools
        self.embeds = embeds
        self.counts = counts

    def model(self, rest):
        return self.name + "-" + rest


PROVIDERS = (
    Provider("openai", 'base_url: "http://{upstream}/v1", api_key: "env:KEY"',
             counts=True),
    Provider("anthropic", 'base_url: "http://{upstream}", api_key: "env:KEY"',
             embeds=False, counts=True),
    Provider("gemini", 'base_url: "http://{upstream}", api_key: "env:KEY"',
             counts=True),
    Provider("azure_openai",
             'base_url: "http://{upstream}", api_key: "env:KEY"'),
    Provider("deepseek", 'base_url: "http://{upstream}", api_key: "env:KEY"',
             embeds=False),
    Provider("openrouter",
             'base_url: "http://{upstream}/api/v1", api_key: "env:KEY"'),
    Provider("ollama", 'base_url: "http://{upstream}"'),
    Provider("openai_compatible",
             'preset: vllm, base_url: "http://{upstream}/v1"'),
    Provider("local_cli", 'executable: "{tool}"', is_upstream=False,
             calls_tools=False, embeds=False),
    Provider("mock", 'reply: "%s"' % TEXT, is_upstream=False, counts=True),
)

_APIS = ("openai_chat", "openai_responses", "anthropic", "gemini", "grpc")

# What the gateway's own mock is told to do wrong.
_FAULTS = (("limited", "rate_limited"), ("invalid", "invalid_request"),
           ("broken", "interrupted, fault_after_chunks: 2"))


# Of the gateway.
ENV = {"KEY": "key-of-everybody-1234567890"}


def config_template(folder):
    """A configuration for a GatewayCase, with its tool in the folder."""
    text = _config("{upstream}", _write_tool(folder))
    for brace in "{}":
        text = text.replace(brace, 2 * brace)
    return text.replace("{{upstream}}", "{upstream}")


def _config(upstream, tool):
    lines = ["providers:"]
    rules = []
    for name, fault in _FAULTS:
        lines += ["  - name: mock_" + name,
                  '    mock: {reply: "%s", fault: %s}' % (TEXT, fault)]
        rules.append(("mock-%s-" % name, "mock_" + name))
    for provider in PROVIDERS:
        fields = provider.fields.format(upstream=upstream, tool=tool)
        lines += ["  - name: " + provider.name,
                  "    %s: {%s}" % (provider.name, fields)]
        # Which rests, or whose credential cools, once for each API.
        for api in _APIS if provider.name != "mock" else ():
            limited = provider.name + "_" + api
            lines += ["  - name: " + limited,
                      "    %s: {%s}" % (provider.name, fields)]
            rules.append((provider.model("limited-" + api), limited))
        rules.append((provider.name + "-", provider.name))
    lines += ["routing:", "  model_rules:"]
    lines += ["    - {prefix: %s, targets: [%s]}" % rule for rule in rules]
    lines += ["resilience:",
              "  retry: {backoff_base: 1ms, backoff_limit: 5ms,"
              " retry_after_limit: 100ms}",
              "  circuit_breaker: {mode: \"off\"}", ""]
    return "\n".join(lines)


def _write_tool(folder):
    """Makes the command-line tool, and returns its path."""
    path = os.path.join(folder, "tool")
    pieces = " ".join("'%s'" % word for word in
                      ("one ", "two ", "three ", "four"))
    with open(path, "w", encoding="utf-8") as file:
        file.write(_TOOL % {"text": TEXT, "pieces": pieces})
    os.chmod(path, 0o700)
    return path
