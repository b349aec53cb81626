"""Abuses a gateway's listener, that of gRPC the same way with either engine.

    class HeadTest(grpc_abuse_case.AbuseCase):
        listener = "metadata_bytes_limit: 4KiB"

        def test_a_large_head(self):
            def told(side):
                connection = self.connect(side)
                return connection.told(connection.call(GENERATE, ...))
            self.compare("B-04 4 KiB and one", told, "RESOURCE_EXHAUSTED")

The native engine is held to what is expected. What becomes of the same with
gRPC C++ is only printed beside it: a figure, not a test.
"""

import re
import threading
import time
import unittest

from tests.integration import gateway_case
from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.testing import http2_wire
from tests.testing.gateway_process import GatewayProcess
from tests.testing.http2_wire import Http2Connection
from tests.testing.sanitized import SANITIZED

GENERATE = "/llmgateway.v1.GatewayService/Generate"
STREAM = "/llmgateway.v1.GatewayService/StreamGenerate"

MIB = 1024 * 1024

_PATIENCE_S = 20.0
# That others are served is what is tested; how fast stands in the bench.
_BYSTANDERS_PATIENCE_S = 300.0 if SANITIZED else 180.0


def listeners(engine, listener, http_listener=""):
    return ("listeners:\n"
            '  grpc: {{address: "127.0.0.1:0", engine: ' + engine +
            (", " + listener if listener else "") + "}}\n"
            '  http: {{address: "127.0.0.1:0"' +
            (", " + http_listener if http_listener else "") + "}}\n"
            '  admin: {{address: "127.0.0.1:0"}}\n'
            '  operations: {{address: "127.0.0.1:0"}}\n')


def field(number, value):
    size = len(value)
    prefix = bytearray([number << 3 | 2])
    while size > 127:
        prefix.append(size & 127 | 128)
        size >>= 7
    prefix.append(size)
    return bytes(prefix) + value


def request(model="gpt-x", text=b"Hello"):
    """A GenerateRequest, as bytes, with one message of the user."""
    return field(1, model.encode()) + field(
        2, b"\x08\x02" + field(2, field(1, text)))


# More than all buffers between the mock and here can hold.
_FLOOD = {"chunks": 4000, "chunk_bytes": 16384}
# How a client reads nothing of what comes: by its window, by its socket.
_UNREAD = (
    ("window", {"first": http2_wire.settings(INITIAL_WINDOW_SIZE=1000)}),
    ("socket", {"first": http2_wire.settings(INITIAL_WINDOW_SIZE=2**31 - 1) +
                http2_wire.window_update(0, 2**30),
                "receive_buffer_bytes": 4096}))


class Side:
    """A listener of a gateway, that of gRPC with one of the engines."""

    def __init__(self, gateway, patience_s, listener="grpc"):
        self.gateway = gateway
        self.listener = listener
        self.address = getattr(gateway, listener)
        self.patience_s = patience_s

    def resident_bytes(self):
        return self._status("VmRSS")

    def _status(self, name):
        with open("/proc/%d/status" % self.gateway.pid) as file:
            return int(re.search(name + r":\s+(\d+) kB",
                                 file.read()).group(1)) * 1024

    def start_peak(self):
        """Measures peak_bytes from here."""
        with open("/proc/%d/clear_refs" % self.gateway.pid, "w") as file:
            file.write("5")
        self._before = self._status("VmRSS")

    def peak_bytes(self):
        """The most memory that was in use above that at start_peak."""
        return max(0, self._status("VmHWM") - self._before)

    def metric(self, line):
        """The value behind a metric's name and labels."""
        text = http_calls.ask(self.gateway.operations,
                              path="/metrics").body.decode()
        found = re.search("^" + re.escape(line) + r" (\S+)$", text, re.M)
        return float(found.group(1)) if found else None

    def await_rest(self):
        """Until no call is under way, by the gateway's own count."""
        deadline = time.monotonic() + self.patience_s
        while self.metric('llmgw_inflight_requests{protocol="%s"}' % self.listener):
            if time.monotonic() > deadline:
                raise TimeoutError("calls stay under way")


class Bystander:
    """Somebody who behaves, and calls on and on during a `with` block: by
    `ask(i)` for i = 0, 1..., which returns what went wrong, if anything did.

    Fields:
      calls: how many calls have ended.
      failures: what went wrong.
    """

    def __init__(self, ask):
        self._ask = ask
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.calls = 0
        self.failures = []

    def __enter__(self):
        self._thread.start()
        self.await_calls(2)
        return self

    def __exit__(self, *_):
        self.await_calls(2)
        self._stopping = True
        self._thread.join()

    def await_calls(self, more):
        """Until so many more calls have ended."""
        with self._changed:
            wanted = self.calls + more
            if not self._changed.wait_for(lambda: self.calls >= wanted,
                                          _BYSTANDERS_PATIENCE_S):
                raise TimeoutError("a well-behaved caller is held up")

    def _run(self):
        while not self._stopping:
            wrong = self._ask(self.calls)
            with self._changed:
                self.calls += 1
                if wrong is not None:
                    self.failures.append(wrong)
                self._changed.notify_all()


class AbuseCase(gateway_case.GatewayCase):

    calls_grpc = True
    # More fields of the gRPC listener, and more of the configuration.
    listener = ""
    more = ""
    # Which listener is abused, and more fields of that of HTTP.
    attacked = "grpc"
    http_listener = ""
    # How long gRPC C++ is waited for, which has no timer for some of this.
    core_patience_s = 2.0
    # Whether the same is tried with gRPC C++.
    compares = True

    @classmethod
    def setUpClass(cls):
        base = gateway_case.CONFIG + cls.more
        cls.config = base + listeners("native", cls.listener,
                                      cls.http_listener)
        super().setUpClass()
        cls.native = Side(cls.gateway, _PATIENCE_S, cls.attacked)
        cls.sides = [cls.native]
        if cls.compares and not SANITIZED:
            core = GatewayProcess(
                (base + listeners("grpc_core", cls.listener)).format(
                    upstream=cls.upstream.address), env=cls.env)
            cls.addClassCleanup(core.kill)
            cls.sides.append(Side(core, cls.core_patience_s))
        for side in cls.sides:
            cls.warm(side)

    @classmethod
    def warm(cls, side):
        cls.caller.generate(side.address, grpc_caller.prompt("gpt-warm"))

    def connect(self, side, **options):
        return self.enter(Http2Connection(side.address, side.patience_s,
                                          **options))

    def beside(self, side):
        """A well-behaved caller of its own connection."""
        prompt = grpc_caller.prompt("gpt-beside")
        def ask(i):
            call = (self.caller.generate if i % 2 else self.caller.stream_all)(
                side.address, prompt)
            return None if call.end["code"] == "OK" else call.end
        return Bystander(ask)

    def compare(self, case, observe, *expected):
        """Prints what `observe(side)` tells of each engine; of the native one
        it must be among what is expected, if anything is. With a pair, the
        second is only printed."""
        told = []
        for side in self.sides:
            try:
                told.append(observe(side))
            except OSError as error:  # Timeouts too.
                if side is self.native:
                    raise
                told.append(type(error).__name__)
        told = [one if isinstance(one, tuple) else (one,) for one in told]
        print("figure | %s | %s" % (
            case, " | ".join(", ".join(one) for one in told)), flush=True)
        if expected:
            self.assertIn(told[0][0], expected, case)

    def check_unread_streams(self, call):
        """A stream that its client does not read ends upstream too.
        `call(connection, model)` begins one."""
        for name, options in _UNREAD:
            model = "gpt-unread-" + name
            self.upstream.set_script(model, _FLOOD)
            connection = self.connect(self.native, rude=True, **options)
            connection.await_settings()
            connection.send(http2_wire.frame(
                http2_wire.SETTINGS, http2_wire.ACK))
            call(connection, model)
            self.upstream.wait_for("cancelled", model)
            line = self.gateway.wait_for_access(model=model)
            self.assertEqual(line["status"], "CANCELLED")
            self.native.await_rest()

    def assert_grown_less(self, grown_bytes, bytes_max):
        if not SANITIZED:
            self.assertLess(grown_bytes, bytes_max)

    def assert_serves(self, side=None):
        connection = self.connect(side or self.native)
        stream = connection.call(GENERATE, framed_request())
        self.assertEqual(connection.told(stream), "OK")
        connection.close()


def framed_request(model="gpt-x", text=b"Hello"):
    message = request(model, text)
    return b"\0" + len(message).to_bytes(4, "big") + message


skip_if_sanitized = unittest.skipIf(SANITIZED, "memory is a sanitizer's")
