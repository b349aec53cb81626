"""Gateways are replaced one after the other under load, as a Deployment does,
and no call fails of it."""

import signal
import threading
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream

_LISTENERS = """\
listeners:
  grpc: {address: "%s"}
  http: {address: "127.0.0.1:0"}
  admin: {address: "127.0.0.1:0"}
  operations: {address: "127.0.0.1:0"}
"""
_ANY_PORT = "127.0.0.1:0"
# The least that a client of several replicas wants.
_ROUND_ROBIN = {"loadBalancingConfig": [{"round_robin": {}}]}
# What clients have that can ask for health: a gateway that says it is not
# serving is asked nothing.
_HEALTH_CHECKED = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "healthCheckConfig": {"serviceName": "llmgateway.v1.GatewayService"},
}
_WORKERS = 8
_STREAMS = 4
# Long enough for a drain to begin in the middle of it.
_PACED = {"chunks": 100, "chunk_bytes": 16, "chunk_delay_ms": 20}


class RollingUpdateTest(unittest.TestCase):

    service_config = _ROUND_ROBIN

    def setUp(self):
        self.upstream = self.enterContext(MockUpstream())
        self.upstream.set_script("gpt-whole", {"text": "there"})
        self.upstream.set_script("gpt-stream", _PACED)
        self.caller = self.enterContext(grpc_caller.GrpcCaller())
        self.replicas = [self.start(_ANY_PORT) for _ in range(2)]
        self.target = "ipv4:" + ",".join(one.grpc for one in self.replicas)
        self.over = threading.Event()
        self.ends = []  # Of every call; append alone, so threads may share it.
        self.workers = []
        self.addCleanup(self.stop_load)

    def start(self, address):
        gateway = GatewayProcess(
            _LISTENERS % address +
            gateway_case.CONFIG.format(upstream=self.upstream.address) +
            "runtime: {drain_grace: 30s}\n", env=gateway_case.ENV)
        self.addCleanup(gateway.kill)
        return gateway

    def start_load(self):
        for _ in range(_WORKERS):
            worker = threading.Thread(target=self.call_until_over)
            worker.start()
            self.workers.append(worker)

    def stop_load(self):
        self.over.set()
        for worker in self.workers:
            worker.join()

    def call_until_over(self):
        while not self.over.is_set():
            call = self.caller.generate(
                self.target, grpc_caller.prompt("gpt-whole"),
                service_config=self.service_config)
            self.ends.append(call.end)

    def replace(self, index):
        """Drains a replica while streams are open, and starts another in its
        place once it has gone."""
        old = self.replicas[index]
        streams = [self.caller.stream(
            self.target, grpc_caller.prompt("gpt-stream"),
            service_config=self.service_config) for _ in range(_STREAMS)]
        for stream in streams:
            while "delta" not in stream.next_event():
                pass
        old.send_signal(signal.SIGTERM)
        self.assertEqual(old.wait(), 0, old.output)
        self.ends += [stream.wait() for stream in streams]
        served = [line["status"] for line in
                  old.access_lines(model="gpt-stream")]
        # Some were its own, and were let finish.
        self.assertEqual(set(served), {"OK"})
        self.replicas[index] = self.start(old.grpc)
        # The client has found it: only then the next one may go.
        self.replicas[index].wait_for_access(model="gpt-whole", status="OK")

    def test_no_call_fails_while_both_are_replaced(self):
        self.start_load()
        for gateway in self.replicas:
            gateway.wait_for_access(model="gpt-whole", status="OK")
        for index in range(len(self.replicas)):
            self.replace(index)
        self.stop_load()
        failed = [end for end in self.ends if end["code"] != "OK"]
        self.assertEqual(failed, [], "%d of %d calls failed" % (
            len(failed), len(self.ends)))
        self.assertGreater(len(self.ends), 100)
        for gateway in self.replicas:
            gateway.stop()


class HealthCheckedUpdateTest(RollingUpdateTest):

    service_config = _HEALTH_CHECKED


if __name__ == "__main__":
    unittest.main()
