"""More connections than there are descriptors for: probes are answered."""

import resource
import socket
import unittest

from tests.integration import http_calls
from tests.integration.http_calls import RawConnection
from tests.testing import gateway_process
from tests.testing.gateway_process import GatewayProcess

_CONFIG = gateway_process.LISTENERS + """\
  admin_http: {address: "127.0.0.1:0"}
runtime: {event_loops: 1}
providers: [{name: mock, mock: {}}]
"""
_DESCRIPTORS = 1024


def limited(soft, hard):
    """The gateway's command, under limits of descriptors."""
    return ["bash", "-c",
            "ulimit -S -n %d && ulimit -H -n %d && exec \"$0\" \"$@\"" % (
                soft, hard), gateway_process.BINARY]


class DescriptorsTest(unittest.TestCase):

    def setUp(self):
        # This side of all the connections.
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if hard < 4 * _DESCRIPTORS:
            self.skipTest("this machine has too few descriptors")

    def start(self, soft, hard):
        gateway = GatewayProcess(_CONFIG, binary=limited(soft, hard))
        self.addCleanup(gateway.kill)
        return gateway

    def connect_silently(self, address, count):
        host, _, port = address.rpartition(":")
        for _ in range(count):
            connection = socket.create_connection(
                (host, int(port)), timeout=http_calls.TIMEOUT_S)
            self.addCleanup(connection.close)

    def test_the_soft_limit_is_raised_to_the_hard_one(self):
        gateway = self.start(256, 2048)
        with open("/proc/%d/limits" % gateway.pid, encoding="ascii") as file:
            line = next(line for line in file
                        if line.startswith("Max open files"))
        self.assertEqual(line.split()[3:5], ["2048", "2048"])
        gateway.stop()

    def test_silent_connections_leave_descriptors_to_others(self):
        gateway = self.start(_DESCRIPTORS, _DESCRIPTORS)
        for address in (gateway.http, gateway.grpc):
            self.connect_silently(address, _DESCRIPTORS)
            for _ in range(3):
                answer = http_calls.ask(gateway.operations, path="/livez")
                self.assertEqual(answer.status, 200)
        gateway.wait_for_log(level="warn", module="net")

    def test_silent_connections_keep_no_operator_out(self):
        for hard in (_DESCRIPTORS, 256):
            gateway = self.start(hard, hard)
            for address in (gateway.operations, gateway.admin,
                            gateway.admin_http):
                self.connect_silently(address, _DESCRIPTORS)
                for _ in range(3):
                    for asked, path in (
                            (gateway.operations, "/livez"),
                            (gateway.http, "/v1/models"),
                            (gateway.admin_http, "/api/admin/gateway/health")):
                        answer = http_calls.ask(asked, path=path)
                        self.assertEqual(answer.status, 200, path)

    def test_who_says_nothing_loses_the_place_soon(self):
        config = _CONFIG.replace(
            'http: {address: "127.0.0.1:0"}',
            'http: {address: "127.0.0.1:0", header_timeout: 300ms, '
            'idle_timeout: 1h}')
        with GatewayProcess(config) as gateway:
            with RawConnection(gateway.http) as connection:
                self.assertEqual(connection.receive(), b"")


if __name__ == "__main__":
    unittest.main()
