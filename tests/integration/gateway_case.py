"""Test cases that share one gateway and one mock upstream.

    class FaultsTest(gateway_case.GatewayCase):
        config = gateway_case.CONFIG

        def test_something(self):
            self.upstream.set_script("gpt-x", {"status": 503})
            answer = http_calls.ask(self.gateway.http, chat("gpt-x"))

When the class is done the gateway must drain and exit with 0.
"""

import unittest

from tests.integration import grpc_caller
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream

# The mock plays both vendors. Waits are short, so that what is tried again is
# tried soon.
PROVIDERS = """\
providers:
  - name: openai
    openai:
      base_url: "http://{upstream}/v1"
      api_key: "env:OPENAI_KEY"
  - name: anthropic
    anthropic:
      base_url: "http://{upstream}"
      api_key: "env:ANTHROPIC_KEY"
"""

CONFIG = PROVIDERS + """\
routing:
  model_rules:
    - {{prefix: "claude-", targets: [anthropic]}}
  default_target: openai
resilience:
  retry: {{backoff_base: 1ms, backoff_limit: 5ms}}
  # Faults follow each other here; breakers, and credentials that cool, have
  # tests of their own.
  circuit_breaker: {{mode: "off"}}
  credential_cooling: {{default_cooling: 0s}}
"""

ENV = {"OPENAI_KEY": "key-of-openai-1234567890",
       "ANTHROPIC_KEY": "key-of-anthropic-1234567890"}

# The same without credentials, so that none is out after a fault. After a 429
# with a Retry-After the provider itself rests: see rest_is_over().
KEYLESS_CONFIG = "".join(line for line in CONFIG.splitlines(keepends=True)
                         if "api_key:" not in line)


def with_upstream(field):
    """CONFIG with another field, in YAML, for both providers."""
    field = field.replace("{", "{{").replace("}", "}}")
    config = CONFIG
    for name in ENV:
        key = '      api_key: "env:%s"\n' % name
        config = config.replace(key, key + "      " + field + "\n")
    return config


class GatewayCase(unittest.TestCase):

    # With {upstream} for the mock's address.
    config = CONFIG
    env = ENV
    # What the mock is made with.
    upstream_options = {}
    # Whether the class makes gRPC calls, through `self.caller`.
    calls_grpc = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.upstream = cls.enter_class(
            MockUpstream(**cls.upstream_options))
        if cls.calls_grpc:
            cls.caller = cls.enter_class(grpc_caller.GrpcCaller())
        cls.gateway = GatewayProcess(
            cls.config.format(upstream=cls.upstream_address()), env=cls.env)
        cls.addClassCleanup(cls.gateway.kill)

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()
        super().tearDownClass()

    @classmethod
    def upstream_address(cls):
        return cls.upstream.address

    @classmethod
    def enter_class(cls, context):
        """Enters the context until the class is done."""
        entered = context.__enter__()
        cls.addClassCleanup(context.__exit__, None, None, None)
        return entered

    def rest_is_over(self):
        """Takes back that providers rest since they have limited calls."""
        for provider in ("openai", "anthropic"):
            call = self.caller.call(
                self.gateway.admin,
                "/llmgateway.v1.AdminService/ResetCircuit",
                {"provider": provider})
            self.assertEqual(call.end["code"], "OK", call.end)

    def enter(self, context):
        """Enters the context until the test is done."""
        entered = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return entered
