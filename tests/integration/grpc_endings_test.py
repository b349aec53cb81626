"""F-22 and F-29: gateways and connections end, and callers do not notice."""

import signal
import struct
import time
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_abuse_case
from tests.integration import grpc_caller
from tests.integration.grpc_abuse_case import GENERATE
from tests.integration.grpc_abuse_case import STREAM
from tests.integration.grpc_abuse_case import framed_request
from tests.integration.grpc_caller import prompt
from tests.testing import http2_wire
from tests.testing.gateway_process import GatewayProcess
from tests.testing.http2_wire import Http2Connection
from tests.testing.mock_upstream import MockUpstream

_ENDLESS = {"chunks": 1000000, "chunk_bytes": 16, "chunk_delay_ms": 5}
# Long enough to begin a drain in the middle of it.
_PACED = {"chunks": 100, "chunk_bytes": 16, "chunk_delay_ms": 20}
_SERVING = "0801"
_NOT_SERVING = "0802"
_SERVICE = "llmgateway.v1.GatewayService"
# For a machine with much else to do, beside the times that are promised.
_MARGIN_S = 8.0

_ROUND_ROBIN = {"loadBalancingConfig": [{"round_robin": {}}]}
_RETRIES = {**_ROUND_ROBIN, "methodConfig": [{
    "name": [{"service": _SERVICE}],
    "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.01s",
                    "maxBackoff": "0.1s", "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"]}}]}


class _EndingCase(unittest.TestCase):

    def setUp(self):
        self.upstream = self.enter(MockUpstream())
        self.caller = self.enter(grpc_caller.GrpcCaller())

    def enter(self, context):
        entered = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return entered

    def start_gateway(self, listener="", more=""):
        config = (gateway_case.CONFIG + more +
                  grpc_abuse_case.listeners("native", listener))
        gateway = GatewayProcess(
            config.format(upstream=self.upstream.address),
            env=gateway_case.ENV)
        self.addCleanup(gateway.kill)
        return gateway

    def begin_stream(self, address, model, script, **options):
        """A stream of which something has come."""
        self.upstream.set_script(model, script)
        call = self.caller.stream(address, prompt(model), **options)
        while "delta" not in call.next_event():
            pass
        return call


class RollingRestartTest(_EndingCase):
    """F-22 with two gateways behind one channel."""

    _STREAMS = 8

    def start_both(self, grace):
        self.gateways = [
            self.start_gateway(more="runtime: {{drain_grace: %s}}\n" % grace)
            for _ in range(2)]
        self.address = "ipv4:" + ",".join(
            gateway.grpc for gateway in self.gateways)

    def begin_streams(self, script):
        """Some streams on each gateway, by their models."""
        calls = {}
        for i in range(2 * self._STREAMS):
            model = "gpt-%d" % i
            calls[model] = self.begin_stream(
                self.address, model, script, service_config=_RETRIES)
        self.upstream.set_script("gpt-a", {})
        return calls

    def calls_of(self, gateway, calls):
        """Those that a gateway which has ended had."""
        return [call for model, call in calls.items()
                if gateway.access_lines(model=model)]

    def watch(self, gateway):
        """A watcher of the gateway's health, and of its service's."""
        watchers = []
        for name in (b"", _SERVICE.encode()):
            raw = b"\x0a" + bytes([len(name)]) + name if name else b""
            call = self.caller.start(
                gateway.grpc, "/grpc.health.v1.Health/Watch", stream=True,
                raw=raw.hex(), channel="health")
            self.assertEqual(call.next_event(), _SERVING)
            watchers.append(call)
        return watchers

    def assert_within(self, begun, promised_s):
        self.assertLess(time.monotonic() - begun, promised_s + _MARGIN_S)

    def test_streams_finish_and_new_calls_find_the_other(self):
        self.start_both("60s")
        drained, other = self.gateways
        watchers = self.watch(drained)
        streams = self.begin_streams(_PACED)
        told = time.monotonic()
        drained.send_signal(signal.SIGTERM)
        for watcher in watchers:
            self.assertEqual(watcher.next_event(), _NOT_SERVING)
        self.assert_within(told, 0.1)
        # Nor did the streams have to end first.
        self.assertTrue(any(self.upstream.stat(model, "served") == 0
                            for model in streams))
        # Retried where they were refused, and never seen to be.
        for _ in range(30):
            for ask in (self.caller.generate, self.caller.stream_all):
                call = ask(self.address, prompt("gpt-a"),
                           service_config=_RETRIES)
                self.assertEqual(call.end["code"], "OK", call.end)
        for call in streams.values():
            self.assertEqual(call.wait()["code"], "OK", call.end)
            self.assertEqual(len(call.text()), 1600)
        # It waits for its calls and not for the time that they may take.
        ended = time.monotonic()
        self.assertEqual(drained.wait(), 0)
        self.assert_within(ended, 1)
        served = self.calls_of(drained, streams)
        self.assertGreater(len(served), 1)
        self.assertLess(len(served), len(streams) - 1)
        for model, call in streams.items():
            if call not in served:
                other.wait_for_access(model=model)
            self.assertEqual(len(drained.access_lines(model=model)) +
                             len(other.access_lines(model=model)), 1)
        for watcher in watchers:
            self.assertEqual(watcher.wait()["code"], "UNAVAILABLE")

    def test_without_retries_and_health_checks_no_call_fails(self):
        self.start_both("30s")
        drained, _ = self.gateways
        stream = self.begin_stream(drained.grpc, "gpt-stays", _PACED)
        self.upstream.set_script("gpt-a", {})
        calls = []
        for i in range(60):
            if i == 20:
                drained.send_signal(signal.SIGTERM)
            calls.append(self.caller.stream(self.address, prompt("gpt-a"),
                                            service_config=_ROUND_ROBIN))
        self.assertEqual([call.end for call in calls
                          if call.wait()["code"] != "OK"], [])
        self.assertEqual(stream.wait()["code"], "OK")
        self.assertEqual(drained.wait(), 0)

    def test_what_outlasts_the_grace_is_told_so(self):
        self.start_both("500ms")
        drained, other = self.gateways
        streams = self.begin_streams(_ENDLESS)
        told = time.monotonic()
        drained.send_signal(signal.SIGTERM)
        self.assertEqual(drained.wait(), 0)
        self.assertGreaterEqual(time.monotonic() - told, 0.5)
        self.assert_within(told, 0.5)
        ended = self.calls_of(drained, streams)
        self.assertGreater(len(ended), 1)
        for call in ended:
            self.assertEqual((call.wait()["code"], call.end["reason"]),
                             ("UNAVAILABLE", "DRAINING"))
            self.assertGreater(len(call.text()), 0)
        # Those of the other go on.
        self.assertEqual(other.access_lines(), [])
        for call in streams.values():
            if call not in ended:
                self.assertIsNotNone(call.next_event())

    def test_a_client_that_does_not_listen_does_not_hold_the_end_up(self):
        gateway = self.start_gateway(
            more="runtime: {{drain_grace: 500ms}}\n")
        self.upstream.set_script("gpt-flood", {"chunks": 4096,
                                               "chunk_bytes": 16384})
        connection = self.enter(Http2Connection(gateway.grpc, rude=True))
        connection.call(STREAM, framed_request("gpt-flood"))
        silent = self.enter(Http2Connection(gateway.grpc, greet=False))
        self.upstream.wait_for("chunks", "gpt-flood")
        told = time.monotonic()
        gateway.send_signal(signal.SIGTERM)
        self.assertEqual(gateway.wait(), 0)
        # The grace, and what a client has to take the last word.
        self.assert_within(told, 0.5 + 2 + 2)
        self.assertIn(silent.read_end(), ("closed", "reset",
                                          "GOAWAY NO_ERROR"))


class GoawayOnTheWireTest(_EndingCase):
    """How a drain looks frame by frame."""

    def test_two_goaways_between_which_calls_are_taken_still(self):
        gateway = self.start_gateway(listener="connection_age_limit: 1s")
        self.upstream.set_script("gpt-p", {
            "chunks": 60, "chunk_bytes": 16, "chunk_delay_ms": 50})
        connection = self.enter(Http2Connection(gateway.grpc))
        stream = connection.call(STREAM, framed_request("gpt-p"))
        self.assertTrue(connection.read_until(lambda: connection.goaways))
        self.assertEqual(connection.goaways, [(2**31 - 1, "NO_ERROR")])
        # The acknowledgement of the ping behind it, which says that no more
        # is on the way, may have been sent already; this call has not come
        # too late before the second.
        late = connection.call(GENERATE, framed_request())
        self.assertTrue(connection.read_until(
            lambda: len(connection.goaways) == 2))
        last, error = connection.goaways[1]
        self.assertEqual(error, "NO_ERROR")
        self.assertEqual(connection.told(stream), "OK")
        # Sixty deltas, the start, the end.
        self.assertGreaterEqual(len(connection.answers[stream].messages), 62)
        if last >= late:
            self.assertEqual(connection.told(late), "OK")
        self.assertEqual(connection.read_end(), "GOAWAY NO_ERROR")

    def test_streams_that_outlast_the_grace_of_an_age_are_cut(self):
        gateway = self.start_gateway(
            listener="connection_age_limit: 1s, connection_age_grace: 1s")
        call = self.begin_stream(gateway.grpc, "gpt-endless", _ENDLESS)
        self.assertEqual(call.wait()["code"], "UNAVAILABLE")
        self.upstream.wait_for("cancelled", "gpt-endless")
        line = gateway.wait_for_access(model="gpt-endless")
        self.assertEqual(line["status"], "CANCELLED")

    def test_a_client_that_says_goodbye_gets_its_answers(self):
        gateway = self.start_gateway()
        self.upstream.set_script("gpt-p", _PACED)
        connection = self.enter(Http2Connection(gateway.grpc))
        streams = [connection.call(STREAM, framed_request("gpt-p"))
                   for _ in range(3)]
        connection.send(http2_wire.frame(
            http2_wire.GOAWAY, payload=struct.pack(">II", 0, 0)))
        for stream in streams:
            self.assertEqual(connection.told(stream), "OK")
        self.assertIn(connection.read_end(), ("closed", "GOAWAY NO_ERROR"))


class AgeTest(_EndingCase):
    """F-29 as gRPC's own client sees it."""

    def test_callers_do_not_notice_that_connections_age(self):
        gateway = self.start_gateway(listener="connection_age_limit: 1s")
        # Some are under way whenever a connection is given up.
        self.upstream.set_script("gpt-a", {"first_byte_delay_ms": 20})
        # Three seconds, and three connections or more, of the same channel.
        stream = self.begin_stream(gateway.grpc, "gpt-long", {
            "chunks": 150, "chunk_bytes": 16, "chunk_delay_ms": 20},
            service_config=_ROUND_ROBIN)
        others = []
        ended = 0
        while self.upstream.stat("gpt-long", "chunks") < 150:
            # Without a policy, gRPC tries again only what it has not sent yet
            # and what no server has looked at.
            others += [start(gateway.grpc, prompt("gpt-a"),
                             service_config=_ROUND_ROBIN)
                       for start in (self.caller.start_generate,
                                     self.caller.stream) * 4]
            for call in others[ended:-8]:
                call.wait()
            ended = len(others) - 8
        self.assertEqual([call.end for call in others
                          if call.wait()["code"] != "OK"], [])
        self.assertEqual(self.upstream.stat("gpt-a", "requests"), len(others))
        self.assertEqual(stream.wait()["code"], "OK", stream.end)
        self.assertEqual(len(stream.text()), 2400)

    def test_an_idle_connection_is_closed_in_peace(self):
        gateway = self.start_gateway(listener="connection_idle_limit: 1s")
        connection = self.enter(Http2Connection(gateway.grpc))
        self.assertEqual(connection.told(connection.call(
            GENERATE, framed_request())), "OK")
        self.assertEqual(connection.read_end(), "GOAWAY NO_ERROR")
        self.assertEqual(self.caller.generate(
            gateway.grpc, prompt("gpt-a")).end["code"], "OK")

    def test_a_client_that_has_vanished_is_noticed(self):
        gateway = self.start_gateway(
            listener="keepalive_time: 1s, keepalive_timeout: 100ms")
        self.upstream.set_script("gpt-silent",
                                 {"stall_before_first_byte": True})
        # It acknowledges no pings, as if the network had swallowed it.
        connection = self.enter(Http2Connection(gateway.grpc, rude=True))
        connection.send(http2_wire.frame(http2_wire.SETTINGS,
                                         http2_wire.ACK))
        connection.call(GENERATE, framed_request("gpt-silent"))
        self.upstream.wait_for("cancelled", "gpt-silent",
                               timeout_s=1.1 + _MARGIN_S)
        self.assertEqual(gateway.wait_for_access(model="gpt-silent")["status"],
                         "CANCELLED")


if __name__ == "__main__":
    unittest.main()
