"""Gateways that share budgets through a Redis.

    class SharedTest(shared_budgets_case.SharedBudgetsCase):
        def test_something(self):
            one, other = self.two(RULE % 900)
            self.spend(one, 10)
            self.await_usage([one, other], spent=10 * CALL_TOKENS)
"""

import tempfile
import threading
import time
import unittest

from tests.integration import grpc_caller
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.integration.samples import await_sample
from tests.testing.gateway_process import GatewayProcess
from tests.testing.redis_process import RedisProcess

_ADMIN = "/llmgateway.v1.AdminService/"
CONFIG = """\
providers:
  - {name: mock, mock: {}}
  - {name: slow, mock: {delay: 1h}}
routing:
  model_rules: [{prefix: slow, targets: [slow]}]
  default_target: mock
runtime: {replicas: 2, event_loops: 2%s}
redis: {addresses: ["%s"], timeout: 2s}
budgets:
  shared: true
  share_interval: 50ms
  sessions: {session_tokens: 1000000}
  rules: [%s]
%s
"""
RULE = "{name: b, unit: total_tokens, limit: %d}"
# 10 in and 20 out.
CALL_TOKENS = 30
THREADS = 8
TIMEOUT_S = 20.0


class SharedBudgetsCase(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def setUp(self):
        super().setUp()
        self.redis = RedisProcess()
        self.addCleanup(self.redis.close)

    def start(self, rule, ledger=None):
        more = 'ledger: {path: "%s/ledger.db"}' % ledger if ledger else ""
        return self.start_with(rule, more)

    def start_with(self, rule, more, runtime="", env=None):
        """With more sections, and in that of the runtime `, field: value`."""
        gateway = GatewayProcess(
            CONFIG % (runtime, self.redis.address, rule, more), env=env)
        self.addCleanup(gateway.kill)
        return gateway

    def two(self, rule, ledgers=(None, None)):
        gateways = [self.start(rule, ledger) for ledger in ledgers]
        for gateway in gateways:
            await_sample(gateway, "llmgw_budget_sharing_replicas", 2)
        return gateways

    def folder(self):
        return self.enterContext(tempfile.TemporaryDirectory(prefix="share"))

    def call(self, gateway):
        """Whether a call is let in; what else it comes to fails the test."""
        answer = ask(gateway.http, chat("m", max_tokens=20))
        self.assertIn(answer.status, (200, 429), answer.text)
        return answer.status == 200

    def spend(self, gateway, calls):
        for _ in range(calls):
            self.assertTrue(self.call(gateway))

    def let_in_at_once(self, gateways, calls):
        """How many of so many calls are let in, from all sides."""
        counts = []

        def run(number):
            gateway = gateways[number % len(gateways)]
            counts.append(sum(self.call(gateway)
                              for _ in range(calls // THREADS)))

        running = [threading.Thread(target=run, args=(number,))
                   for number in range(THREADS)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        self.assertEqual(len(counts), THREADS)
        return sum(counts)

    def operate(self, gateway, method, **request):
        result = self.caller.call(gateway.admin, _ADMIN + method, request)
        self.assertEqual(result.end["code"], "OK", result.end)
        return result.response

    def usage(self, gateway):
        return self.operate(gateway, "GetBudget", rule="b")["usage"]

    def await_usage(self, gateways, **wanted):
        wanted = {name: str(value) for name, value in wanted.items()}
        deadline = time.monotonic() + TIMEOUT_S
        for gateway in gateways:
            while True:
                usage = self.usage(gateway)
                if all(usage.get(name, "0") == value
                       for name, value in wanted.items()):
                    break
                self.assertLess(time.monotonic(), deadline,
                                "%s, and not %s" % (usage, wanted))
                time.sleep(0.01)
