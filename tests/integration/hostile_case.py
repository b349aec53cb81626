"""A gateway with a single event loop, and those who misbehave beside others.

While a peer of tests/testing/hostile_peers.py is at work a probe and a caller
with a key are answered, call after call, and the memory of the process stays
under RSS_BYTES_MAX above what it was.
"""

from tests.integration import gateway_case
from tests.integration import grpc_abuse_case
from tests.integration import http_calls
from tests.integration.http_calls import chat
from tests.testing.sanitized import SANITIZED

KEY = "key-of-a-caller-1234567890"
# What a gateway may hold of bodies by default, and as much again.
RSS_BYTES_MAX = 160 << 20
# A sanitized gateway is ten times slower, and these peers take whatever it has:
# then it is what it reports that counts.
_TURNS = 1 if SANITIZED else 4
_CALLS = 4 if SANITIZED else 20

CONFIG = gateway_case.CONFIG + """\
runtime: {{event_loops: 1}}
auth: {{callers: {{api_keys: [{{id: caller, key: "env:CALLER_KEY"}}]}}}}
"""


class PeerCase(gateway_case.GatewayCase):

    config = CONFIG
    env = {**gateway_case.ENV, "CALLER_KEY": KEY}

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
            "authorization": "Bearer " + KEY})

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
        if not SANITIZED:
            self.assertLess(peak, rss_bytes_max)
