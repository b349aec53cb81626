"""Health tells the truth of what the gateway keeps things in: a ledger that
cannot be written, a Redis that is away. docs/runbook.md tells it."""

import resource
import unittest

from tests.integration import gateway_case
from tests.integration import ledger_case
from tests.integration import replicas_case
from tests.integration.grpc_caller import GrpcCaller
from tests.integration.http_calls import ask, chat

_ADMIN = "/llmgateway.v1.AdminService/"
# As a disk that is full; for this process's child alone.
_NO_ROOM = (0, resource.RLIM_INFINITY)
_ROOM = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
_CALLS_MAX = 500


class _Watch:
    """What WatchHealth sends, one after the other."""

    def __init__(self, case, gateway):
        caller = case.enterContext(GrpcCaller())
        self._call = caller.start(gateway.admin, _ADMIN + "WatchHealth", {},
                                  stream=True)

    def await_status(self, status):
        """The first one with this status; and what it has of components."""
        while True:
            health, components = self._next()
            if health["status"] == "STATUS_" + status:
                return health, components

    def await_degraded(self, names):
        """The first components of which these are degraded, and no others."""
        while True:
            _, components = self._next()
            if names == {name for name, each in components.items()
                         if each["state"] == "STATE_DEGRADED"}:
                return components

    def await_component(self, name, state):
        """The first one that says so of the component."""
        while self._next()[1][name]["state"] != "STATE_" + state:
            pass

    def _next(self):
        event = self._call.next_event()
        if event is None:
            raise AssertionError(self._call.end)
        health = event["health"]
        return health, {each["name"]: each for each in
                        health.get("components", ())}


class _HealthCase(unittest.TestCase):

    def get(self, address, path):
        answer = ask(address, path=path)
        return answer.status, answer.body.decode()

    def expect_ready(self, gateway, is_ready):
        status, text = self.get(gateway.operations, "/readyz")
        self.assertEqual(status, 200 if is_ready else 503, text)
        self.assertEqual(self.get(gateway.http, "/health/ready")[0], status)
        self.assertEqual(self.get(gateway.http, "/health/detailed")[0], status)
        # Nobody restarts a process for it.
        self.assertEqual(self.get(gateway.operations, "/livez")[0], 200)
        self.assertEqual(self.get(gateway.http, "/health")[0], 200)
        return text


class LedgerHealthTest(ledger_case.LedgerCase, _HealthCase):

    def test_it_is_not_ready_while_the_ledger_has_calls_refused(self):
        gateway = self.start()
        watch = _Watch(self, gateway)
        _, components = watch.await_status("SERVING")
        self.assertEqual(components["ledger"],
                         {"name": "ledger", "state": "STATE_HEALTHY"})
        self.expect_ready(gateway, True)
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, _NO_ROOM)
        self.assertEqual(ask(gateway.http, chat("gpt-x")).status, 503)
        health, components = watch.await_status("NOT_SERVING")
        self.assertEqual(components["ledger"]["state"], "STATE_FAILING")
        problem = "ledger: " + components["ledger"]["problem"]
        self.assertIn(problem, health["problems"])
        self.assertIn("calls are refused until it can", problem)
        self.assertEqual(self.expect_ready(gateway, False),
                         "not ready: %s\n" % problem)
        self.assertIn('"ledger":"failing"',
                      self.get(gateway.http, "/gateway/health")[1])
        # Nobody calls what is not ready: it finds by itself that there is room.
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, _ROOM)
        _, components = watch.await_status("SERVING")
        self.assertEqual(components["ledger"]["state"], "STATE_HEALTHY")
        self.expect_ready(gateway, True)
        self.assertEqual(ask(gateway.http, chat("gpt-x")).status, 200)
        gateway.stop()

    def test_where_calls_go_on_without_it_it_is_degraded_and_ready(self):
        gateway = self.start(
            "ledger: {on_failure: degrade}\n"
            "budgets: {rules: [{name: b, unit: total_tokens, limit: 99999}]}\n")
        watch = _Watch(self, gateway)
        _, components = watch.await_status("SERVING")
        self.assertEqual(sorted(components),
                         ["budgets", "ledger", "ledger_index", "summary"])
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, _NO_ROOM)
        self.assertEqual(ask(gateway.http, chat("gpt-x")).status, 200)
        components = watch.await_degraded({"budgets", "ledger", "summary"})
        self.assertIn("a restart forgets it", components["budgets"]["problem"])
        self.expect_ready(gateway, True)
        self.assertIn('"status":"degraded"',
                      self.get(gateway.http, "/gateway/health")[1])
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, _ROOM)
        watch.await_status("SERVING")
        gateway.stop()

    def test_a_ledger_of_its_full_size_is_told_and_a_larger_one_helps(self):
        gateway = self.start("ledger: {file_bytes_limit: 128KiB}\n")
        # At last not even a refusal has room.
        for _ in range(_CALLS_MAX):
            answer = ask(gateway.http, chat("gpt-x"))
            if self.get(gateway.operations, "/readyz")[0] == 503:
                break
        self.assertEqual(answer.status, 503, answer.body)
        watch = _Watch(self, gateway)
        _, components = watch.await_status("NOT_SERVING")
        self.assertIn("raise ledger.file_bytes_limit",
                      components["ledger"]["problem"])
        self.expect_ready(gateway, False)
        gateway.stop()
        gateway = self.start()
        self.expect_ready(gateway, True)
        self.assertEqual(ask(gateway.http, chat("gpt-x")).status, 200)
        gateway.stop()

    def test_readiness_does_not_depend_on_a_provider(self):
        gateway = self.start()
        watch = _Watch(self, gateway)
        watch.await_status("SERVING")
        self.upstream.set_script("*", {"status": 503})
        for _ in range(5):
            self.assertEqual(ask(gateway.http, chat("gpt-x")).status, 503)
        _, components = watch.await_status("DEGRADED")
        self.assertEqual(components["ledger"]["state"], "STATE_HEALTHY")
        self.expect_ready(gateway, True)
        gateway.stop()


class RedisHealthTest(replicas_case.ReplicasCase, _HealthCase):

    config = "store: {{engine: redis}}\nsessions: {{}}\n"

    def test_a_redis_that_is_away_degrades_and_keeps_nobody_away(self):
        gateway = self.start()
        self.await_connected(gateway)
        watch = _Watch(self, gateway)
        _, components = watch.await_status("SERVING")
        self.assertEqual(sorted(components), ["redis", "store"])
        self.redis.kill()
        health, components = watch.await_status("DEGRADED")
        self.assertEqual(components["redis"]["state"], "STATE_DEGRADED")
        self.assertIn(self.redis.address, components["redis"]["problem"])
        self.assertTrue(any(problem.startswith("redis: ")
                            for problem in health["problems"]))
        self.expect_ready(gateway, True)
        self.assertEqual(self.post(gateway, chat("gpt-x")).status, 200)
        self.assertEqual(self.open_session(gateway), 503)
        watch.await_component("store", "DEGRADED")
        self.redis.start()
        watch.await_component("redis", "HEALTHY")
        self.assertEqual(self.open_session(gateway), 201)
        watch.await_status("SERVING")
        gateway.stop()

    def open_session(self, gateway):
        return self.post(gateway, {}, path="/v1/sessions").status


if __name__ == "__main__":
    unittest.main()
