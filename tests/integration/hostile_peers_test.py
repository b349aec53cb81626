"""Nobody without a key holds up the others, or fills memory.

Each peer of tests/testing/hostile_peers.py comes to each listener that speaks
its protocol, of a gateway with a single event loop. While it is at work a probe
and a caller with a key are answered, call after call, and the memory of the
process stays under RSS_BYTES_MAX above what it was.
"""

import socket
import threading
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_abuse_case
from tests.integration import http_calls
from tests.integration.http_calls import chat
from tests.testing import hostile_peers
from tests.testing import hostile_upstreams
from tests.testing.hostile_peers import HostilePeer

_KEY = "key-of-a-caller-1234567890"
# What a gateway may hold of bodies by default, and as much again.
RSS_BYTES_MAX = 160 << 20
# What one connection of a caller with a key may hold: half of what its loop
# has for requests, and of that of its listener; and what bodies leave behind
# that have outgrown their memory, of which gRPC's messages leave more.
_KNOWN_RSS_BYTES_MAX = {"http": (128 + 64) << 20, "grpc": (64 + 96) << 20}
_TURNS = 4
_CALLS = 20

# Of 32 MiB each: until there is no room for more, and then some.
_KNOWN_TURNS = 12

# How many calls there are to a hostile upstream at a time.
_VICTIMS = 8

_CONFIG = gateway_case.CONFIG + """\
runtime: {{event_loops: 1}}
auth: {{callers: {{api_keys: [{{id: caller, key: "env:CALLER_KEY"}}]}}}}
"""


class _PeerCase(gateway_case.GatewayCase):

    config = _CONFIG
    env = {**gateway_case.ENV, "CALLER_KEY": _KEY}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.side = grpc_abuse_case.Side(cls.gateway, 30.0)
        cls.warm()

    @classmethod
    def warm(cls):
        for model in ("gpt-x", "claude-x"):
            cls.ask(model)

    @classmethod
    def ask(cls, model):
        return http_calls.ask(cls.gateway.http, chat(model), headers={
            "authorization": "Bearer " + _KEY})

    def bystander(self):
        """A probe, as Kubernetes sends it, and a caller, in turns."""
        def ask(i):
            if i % 2:
                answer = self.ask("gpt-beside")
            else:
                answer = http_calls.ask(self.gateway.operations, path="/livez")
            return None if answer.status == 200 else answer.status
        return grpc_abuse_case.Bystander(ask)

    def endure(self, name, peer, turns=_TURNS, rss_bytes_max=RSS_BYTES_MAX):
        """Asks others while the peer is at work."""
        self.side.start_peak()
        peer.await_turns(1)
        with self.bystander() as others:
            peer.await_turns(turns)
            others.await_calls(_CALLS)
        peak = self.side.peak_bytes()
        print("figure | hostile %s | %d calls beside it, %.1f MiB" % (
            name, others.calls, peak / (1 << 20)), flush=True)
        self.assertEqual(others.failures, [])
        if not grpc_abuse_case.SANITIZED:
            self.assertLess(peak, rss_bytes_max)


class CallerTest(_PeerCase):
    """A test for each caller and listener, made below."""


def _test_of(listener, caller):
    def test(self):
        name = caller.__name__
        address = getattr(self.gateway, listener)
        with HostilePeer(name, address) as peer:
            self.endure("%s at %s" % (name, listener), peer)
    return test


for _listener, _callers in (
        ("http", (*hostile_peers.HTTP1_CALLERS, *hostile_peers.HTTP2_CALLERS)),
        ("operations", (*hostile_peers.HTTP1_CALLERS,
                        *hostile_peers.HTTP2_CALLERS)),
        ("grpc", hostile_peers.GRPC_CALLERS),
        ("admin", hostile_peers.ADMIN_CALLERS)):
    for _caller in (*_callers, *hostile_peers.SILENT_CALLERS):
        setattr(CallerTest, "test_%s_at_%s" % (_caller.__name__, _listener),
                _test_of(_listener, _caller))


class KnownCallerTest(_PeerCase):
    """Who has a key can fill what the loop has for one connection, and does
    not stop the others. On one connection are 256 streams of 32 MiB."""

    env = {**_PeerCase.env,
           "LLM_GATEWAY_LISTENERS_GRPC_RECEIVE_MESSAGE_BYTES_LIMIT": "32MiB"}

    def hold(self, listener, caller):
        name = caller.__name__
        address = getattr(self.gateway, listener)
        with HostilePeer(name, address, _KEY) as peer:
            self.endure("%s with a key at %s" % (name, listener), peer,
                        _KNOWN_TURNS, _KNOWN_RSS_BYTES_MAX[listener])

    def test_http2_uploads(self):
        self.hold("http", hostile_peers.http2_uploads)

    def test_grpc_uploads(self):
        self.hold("grpc", hostile_peers.grpc_uploads)


class UpstreamTest(_PeerCase):
    """A test for each upstream, made below. Those who call it with a key get
    an error; the others do not."""

    @classmethod
    def setUpClass(cls):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            cls.hostile = "127.0.0.1:%d" % listener.getsockname()[1]
        cls.config = _CONFIG.replace("routing:", """\
  - name: hostile
    openai_compatible: {{base_url: "http://%s/v1"}}
routing:""" % cls.hostile).replace("model_rules:", """model_rules:
    - {{prefix: "hostile-", targets: [hostile]}}""")
        super().setUpClass()

    def victims(self, stop):
        """Calls to the hostile upstream, one after the other in each thread,
        until `stop` is set; returns the threads."""
        def call(stream):
            body = chat("hostile-x", stream=stream)
            while not stop.is_set():
                answer = http_calls.ask(self.gateway.http, body, headers={
                    "authorization": "Bearer " + _KEY})
                self.statuses.add(answer.status)
        self.statuses = set()
        threads = [threading.Thread(target=call, args=(bool(i % 2),))
                   for i in range(_VICTIMS)]
        for thread in threads:
            thread.start()
        return threads

    def meet(self, name):
        stop = threading.Event()
        with HostilePeer(name, self.hostile) as peer:
            peer.await_turns(1)  # It listens.
            threads = self.victims(stop)
            try:
                self.endure(name, peer)
            finally:
                stop.set()
        for thread in threads:
            thread.join()
        self.assertTrue(self.statuses)
        self.assertNotIn(200, self.statuses)


def _upstream_test_of(name):
    return lambda self: self.meet(name)


for _upstream in hostile_upstreams.UPSTREAMS:
    setattr(UpstreamTest, "test_" + _upstream.__name__,
            _upstream_test_of(_upstream.__name__))


if __name__ == "__main__":
    unittest.main()
