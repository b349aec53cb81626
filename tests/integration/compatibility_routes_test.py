"""What monitors and scripts of other gateways ask, and find here."""

import json
import os
import tempfile
import unittest

from tests.integration import gateway_case
from tests.integration import http_calls
from tests.integration.http_calls import chat
from tests.testing.gateway_process import GatewayProcess


class CompatibilityRoutesTest(gateway_case.GatewayCase):

    def get(self, path, **more):
        return http_calls.ask(self.gateway.http, path=path, **more)

    def summary(self):
        return self.get("/gateway/metrics").json()["summary"]

    def call(self, model, script, status):
        self.upstream.set_script(model, script)
        answer = http_calls.ask(self.gateway.http, chat(model))
        self.assertEqual(answer.status, status)

    def test_health(self):
        answer = self.get("/health")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json()["status"], "healthy")
        self.assertTrue(answer.json()["version"])
        detailed = self.get("/health/detailed")
        self.assertEqual(detailed.status, 200)
        self.assertGreater(detailed.json()["memory"]["rss_mb"], 0)
        self.assertGreaterEqual(detailed.json()["uptime_seconds"], 0)
        self.assertEqual(
            detailed.json()["backpressure"]["active_requests"], 0)

    def test_ready(self):
        answer = self.get("/health/ready")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json()["checks"],
                         {"gateway": True, "cloud_providers": True})

    def test_providers(self):
        self.assertEqual(self.get("/v1/providers").json()["provider_names"],
                         ["anthropic", "openai"])
        self.assertEqual(
            [each["name"]
             for each in self.get("/gateway/providers").json()["providers"]],
            ["anthropic", "openai"])

    def test_calls_are_summed_up(self):
        before = self.summary()
        self.call("gpt-good", {"chunks": 2}, 200)
        self.call("gpt-bad", {"status": 400}, 400)
        self.gateway.wait_for_access(model="gpt-bad")
        after = self.summary()
        self.assertEqual(after["total_requests"],
                         before["total_requests"] + 2)
        self.assertEqual(after["successful_requests"],
                         before["successful_requests"] + 1)
        self.assertEqual(after["failed_requests"],
                         before["failed_requests"] + 1)
        self.assertGreater(after["total_input_tokens"],
                           before["total_input_tokens"])
        self.assertGreater(after["avg_latency_ms"], 0)

    def test_a_provider_that_fails_is_seen_and_so_is_its_recovery(self):
        self.call("gpt-x", {"status": 500}, 502)
        self.gateway.wait_for_access(model="gpt-x")
        health = self.get("/gateway/health").json()
        self.assertEqual(health["status"], "degraded")
        self.assertEqual(health["providers"],
                         {"anthropic": True, "openai": False})
        self.assertEqual(self.get("/health/ready").json()["status"],
                         "degraded")
        self.call("gpt-x", {"chunks": 1}, 200)
        self.gateway.wait_for_access(model="gpt-x", status="OK")
        health = self.get("/gateway/health").json()
        self.assertEqual(health["status"], "healthy")
        self.assertEqual(health["routing"]["default_provider"], "openai")

    def test_other_paths_stay_the_apis(self):
        self.assertEqual(self.get("/v1/models").json()["object"], "list")
        self.assertEqual(self.get("/health/nothing").status, 404)
        self.assertIn("error", self.get("/health/nothing").json())


class ScriptTest(unittest.TestCase):
    """Goes step by step as launchers' validation scripts do."""

    def test_a_script_finds_the_port_and_all_that_it_checks(self):
        with tempfile.TemporaryDirectory(prefix="pid") as folder:
            path = os.path.join(folder, "daemon.pid")
            with GatewayProcess("providers: [{name: mock, mock: {}}]\n",
                                flags=["--pid_file", path]):
                with open(path, encoding="utf-8") as file:
                    port = json.load(file)["gateway_port"]
                address = "127.0.0.1:%d" % port
                health = http_calls.ask(address, path="/gateway/health")
                self.assertEqual(health.json()["status"], "healthy")
                metrics = http_calls.ask(address, path="/gateway/metrics")
                self.assertEqual(
                    metrics.json()["summary"]["total_requests"], 0)
                providers = http_calls.ask(address, path="/gateway/providers")
                self.assertEqual(
                    [each["name"] for each in providers.json()["providers"]],
                    ["mock"])


if __name__ == "__main__":
    unittest.main()
