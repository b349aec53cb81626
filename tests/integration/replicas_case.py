"""Test cases of gateways that share a Redis, in front of one mock upstream.

    class SharedTest(replicas_case.ReplicasCase):
        config = "cache: {{shared: true}}\\n"

        def test_something(self):
            one, other = self.two()
            answer = self.post(one, chat("gpt-x", "Hello"))

`config` is what stands in the configuration beside providers, callers and Redis.
"""

import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.http_calls import ask
from tests.integration.samples import await_sample
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream
from tests.testing.redis_process import RedisProcess

TIMEOUT_S = 30.0

_CONFIG = gateway_case.PROVIDERS + """\
routing:
  model_rules:
    - {{prefix: "claude-", targets: [anthropic]}}
  default_target: openai
resilience:
  retry: {{attempts_limit: 1}}
  circuit_breaker: {{mode: "off"}}
  credential_cooling: {{default_cooling: 0s}}
auth:
  callers:
    api_keys:
      - {{id: alice, key: "env:ALICE"}}
      - {{id: bob, key: "env:BOB"}}
runtime: {{replicas: 2, event_loops: 2{runtime_more}}}
redis: {{addresses: ["{redis}"], timeout: {timeout}{redis_more}}}
"""

ENV = dict(gateway_case.ENV, ALICE="alice-0123456789",
           BOB="bob-0123456789-more", REDIS_PASSWORD="pass word")


class ReplicasCase(unittest.TestCase):

    config = ""
    # Ample, so that a busy machine is no outage.
    redis_timeout = "2s"

    def setUp(self):
        super().setUp()
        self.redis = RedisProcess()
        self.addCleanup(self.redis.close)
        self.upstream = self.enterContext(MockUpstream())
        # No other test's request.
        self.text = "Hello from " + self.id()

    def start(self, upstream=None, redis_more="", runtime_more=""):
        """With `redis_more` in the section of Redis: `, field: value`; with
        `runtime_more` in that of the runtime."""
        gateway = GatewayProcess(
            (_CONFIG + self.config).format(
                upstream=upstream or self.upstream.address,
                redis=self.redis.address, timeout=self.redis_timeout,
                redis_more=redis_more, runtime_more=runtime_more),
            env=ENV)
        self.addCleanup(gateway.kill)
        return gateway

    def two(self, **more):
        gateways = [self.start(**more) for _ in range(2)]
        for gateway in gateways:
            self.await_connected(gateway)
        return gateways

    def await_connected(self, gateway):
        await_sample(gateway, 'llmgw_redis_connections{server="%s"}'
                          % self.redis.address, 2)

    def post(self, gateway, body, path=http_calls.CHAT, caller="alice",
             **headers):
        headers = {name.replace("_", "-"): value
                   for name, value in headers.items()}
        headers["x-api-key"] = ENV[caller.upper()]
        if path == "/v1/messages":
            headers["anthropic-version"] = "2023-06-01"
        return ask(gateway.http, body, path=path, headers=headers)

    def asked(self, model):
        return self.upstream.stat(model, "requests")
