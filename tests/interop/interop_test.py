"""gRPC's own interoperability client, every case that is not about credentials
or load reports, against each engine."""

import subprocess
import unittest

from tests.interop import interop_case

_CASES = (
    "cancel_after_first_response",
    "client_streaming",
    "custom_metadata",
    "empty_stream",
    "empty_unary",
    "large_unary",
    "pick_first_unary",
    "ping_pong",
    "server_streaming",
    "special_status_message",
    "status_code_and_message",
    "timeout_on_sleeping_server",
    "unimplemented_method",
    "unimplemented_service",
)
# On one connection, and on a new one for each call.
_SOAK_CASES = ("rpc_soak", "channel_soak")
_SOAK_ITERATIONS = 100
_CLIENTS_AT_ONCE = 8
_RACES_MAX = 3
_TIMEOUT_S = 50


class InteropCases(interop_case.ServerCase):

    def setUp(self):
        self.client = interop_case.tool("grpc-interop-client")

    def start(self, case, *flags):
        command = [self.client, "-server_host=127.0.0.1",
                   "-server_port=%d" % self.server.port,
                   "-test_case=" + case, *flags]
        if self.tls:
            command += ["-use_tls", "-use_test_ca", "-ca_file=" + self.ca]
        client = subprocess.Popen(command, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        return client

    def expect_success(self, client):
        output, _ = client.communicate(timeout=_TIMEOUT_S)
        self.assertEqual(client.returncode, 0, output)

    def soak(self, case, iterations=_SOAK_ITERATIONS):
        # It is counted what fails, not how long anything takes.
        return self.start(
            case, "-soak_iterations=%d" % iterations,
            "-soak_per_iteration_max_acceptable_latency_ms=30000",
            "-soak_overall_timeout_seconds=45")

    def test_cancel_after_begin(self):
        # One goroutine of the client cancels the call and another ends its
        # requests, so that once in a while it is answered first.
        for _ in range(_RACES_MAX):
            client = self.start("cancel_after_begin")
            output, _ = client.communicate(timeout=_TIMEOUT_S)
            if "got error code 0" not in output:
                break
        self.assertEqual(client.returncode, 0, output)

    def test_clients_at_once(self):
        for client in [self.soak(case, _SOAK_ITERATIONS // _CLIENTS_AT_ONCE)
                       for case in _SOAK_CASES
                       for _ in range(_CLIENTS_AT_ONCE // 2)]:
            self.expect_success(client)


def _add_case(case):
    def test(self):
        self.expect_success(self.start(case))
    setattr(InteropCases, "test_" + case, test)


def _add_soak_case(case):
    def test(self):
        self.expect_success(self.soak(case))
    setattr(InteropCases, "test_" + case, test)


for _case in _CASES:
    _add_case(_case)
for _case in _SOAK_CASES:
    _add_soak_case(_case)
interop_case.for_each_engine(globals(), InteropCases, "Interop",
                             tls=(False, True))


if __name__ == "__main__":
    unittest.main()
