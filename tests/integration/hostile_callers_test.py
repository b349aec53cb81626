"""Nobody without a key holds up the others, or fills memory.

Each caller of tests/testing/hostile_peers.py comes to each listener that speaks
its protocol.
"""

import unittest

from tests.integration import hostile_case
from tests.testing import hostile_peers
from tests.testing.hostile_peers import HostilePeer

# What one connection of a caller with a key may hold: half of what its loop
# has for requests, and of that of its listener; and what bodies leave behind
# that have outgrown their memory, of which gRPC's messages leave more.
_KNOWN_RSS_BYTES_MAX = {"http": (128 + 64) << 20, "grpc": (64 + 96) << 20}

# Of 32 MiB each: until there is no room for more, and then some.
_KNOWN_TURNS = 12


class CallerTest(hostile_case.PeerCase):
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


class KnownCallerTest(hostile_case.PeerCase):
    """Who has a key can fill what the loop has for one connection, and does
    not stop the others. On one connection are 256 streams of 32 MiB."""

    env = {**hostile_case.PeerCase.env,
           "LLM_GATEWAY_LISTENERS_GRPC_RECEIVE_MESSAGE_BYTES_LIMIT": "32MiB"}

    def hold(self, listener, caller):
        name = caller.__name__
        address = getattr(self.gateway, listener)
        with HostilePeer(name, address, hostile_case.KEY) as peer:
            self.endure("%s with a key at %s" % (name, listener), peer,
                        _KNOWN_TURNS, _KNOWN_RSS_BYTES_MAX[listener])

    def test_http2_uploads(self):
        self.hold("http", hostile_peers.http2_uploads)

    def test_grpc_uploads(self):
        self.hold("grpc", hostile_peers.grpc_uploads)


if __name__ == "__main__":
    unittest.main()
