"""Runs scripted_server.py, a gRPC server in a gateway's place.

    with ScriptedGateway() as server:
        server.play({"code": "UNAVAILABLE", "pushback": "-1"}, {})
        ... call server.address ...
        server.attempts()[0]["metadata"]["user-agent"]

A step may have the `code` that an attempt fails with, the `reason` and the
`pushback` that go with it; with `break_off` the connection breaks instead, once
the request is there. A stream brings its `events`, each a pair of its `seq` and
`started`, `end`, the number of a reason or the text of a delta; with `stay` it then goes on until the
client has left it, for which wait_until_left waits, and a whole answer never
comes. For the end of one with `tells_end` wait_until_ended waits. One has a text of `answer_bytes`. The server is empty-handed otherwise: a
default message, or the end of a stream.

Of an attempt's metadata, bytes are in hexadecimal.
"""

import json
import os
import queue
import subprocess
import threading

from tests.integration import grpc_caller

_PYTHON = "/usr/bin/python3"
_HERE = os.path.dirname(os.path.abspath(__file__))
_TIMEOUT_S = 30.0

# A stream that has begun.
BEGUN = [[1, "started"], [2, "half"]]


class ScriptedGateway:
    """The server, until the end of the `with` block."""

    def __init__(self, port=0):
        self._process = subprocess.Popen(
            [_PYTHON, os.path.join(_HERE, "scripted_server.py"), str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"],
                 "PYTHONPATH": grpc_caller.STUBS,
                 "PYTHONDONTWRITEBYTECODE": "1"}, text=True)
        self._attempts = []
        self._news = queue.Queue()
        self._left = queue.Queue()
        self._ended = queue.Queue()
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = self._take()["port"]
        self.address = "127.0.0.1:%d" % self.port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdin.close()
        self._process.stdout.close()

    def play(self, *steps):
        """From now on; attempts until now are forgotten."""
        self._tell(steps)
        with self._lock:
            self._attempts = []

    def attempts(self):
        """What each attempt since has brought."""
        self._tell([])  # What was reported before the answer has been read.
        with self._lock:
            return list(self._attempts)

    def wait_until_left(self):
        """Until a client has ended a stream that stays."""
        self._taken_from(self._left)

    def wait_until_ended(self):
        """Until the end of an attempt that tells it has been sent."""
        self._taken_from(self._ended)

    def _tell(self, steps):
        self._process.stdin.write(json.dumps(steps) + "\n")
        self._process.stdin.flush()
        self._take()

    def _take(self):
        return self._taken_from(self._news)

    @staticmethod
    def _taken_from(news_queue):
        news = news_queue.get(timeout=_TIMEOUT_S)
        if news is None:
            raise AssertionError("the scripted server has ended")
        return news

    def _read(self):
        for line in self._process.stdout:
            news = json.loads(line)
            if "method" in news:
                with self._lock:
                    self._attempts.append(news)
            elif "left" in news:
                self._left.put(news)
            elif "ended" in news:
                self._ended.put(news)
            else:
                self._news.put(news)
        self._news.put(None)
        self._left.put(None)
        self._ended.put(None)
