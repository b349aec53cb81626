"""Upstreams that misbehave hold up nobody who does not call them.

Each upstream of tests/testing/hostile_upstreams.py is called with a key, by
eight at a time.
"""

import socket
import threading
import unittest

from tests.integration import hostile_case
from tests.integration import http_calls
from tests.integration.http_calls import chat
from tests.testing import hostile_upstreams
from tests.testing.hostile_peers import HostilePeer

# How many calls there are to a hostile upstream at a time.
_VICTIMS = 8


class UpstreamTest(hostile_case.PeerCase):
    """A test for each upstream, made below. Those who call it with a key get
    an error; the others do not."""

    @classmethod
    def setUpClass(cls):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            cls.hostile = "127.0.0.1:%d" % listener.getsockname()[1]
        cls.config = hostile_case.CONFIG.replace("routing:", """\
  - name: hostile
    openai_compatible: {{base_url: "http://%s/v1"}}
routing:""" % cls.hostile).replace("model_rules:", """model_rules:
    - {{prefix: "hostile-", targets: [hostile]}}""").replace(
        # What answers hold all together, and events that have not come whole;
        # as it grows, a buffer is there twice.
        "event_loops: 1", "event_loops: 1, answer_buffer_bytes_limit: 48MiB")
        super().setUpClass()

    def victims(self, stop):
        """Calls to the hostile upstream, one after the other in each thread,
        until `stop` is set; returns the threads."""
        def call(stream):
            body = chat("hostile-x", stream=stream)
            while not stop.is_set():
                answer = http_calls.ask(self.gateway.http, body, headers={
                    "authorization": "Bearer " + hostile_case.KEY})
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
