"""Calls gateways by gRPC.

    with GrpcCaller() as caller:
        call = caller.generate(gateway.grpc, prompt("gpt-x"))
        call.end["code"]                      "OK"
        stream = caller.stream(gateway.grpc, prompt("gpt-x"))
        stream.next_event()["seq"]            "1"
        stream.cancel()
        stream.wait()["code"]                 "CANCELLED"

Messages are dicts, in protobuf's JSON form with the names of the .proto files.
An end has `code`, `message`, `headers`, `trailers`, and what the status details say:
`reason`, `metadata`, `retry_s`, `fields`.

The calls are made by grpc_driver.py, in a child: this Python need not be the
one that has gRPC.
"""

import json
import os
import queue
import subprocess
import threading

# The one that Debian's packages are for.
_PYTHON = "/usr/bin/python3"
_HERE = os.path.dirname(os.path.abspath(__file__))
STUBS = os.path.join(_HERE, "..", "..", "clients", "python", "stubs")
_SERVICE = "/llmgateway.v1.GatewayService/"
_TIMEOUT_S = 30.0


def prompt(model, text="Hello", **fields):
    """A request with one message of the user."""
    return {"model": model, **fields,
            "messages": [{"role": "ROLE_USER", "parts": [{"text": text}]}]}


class GrpcCall:
    """A call on its way, or over."""

    def __init__(self, caller, number):
        self._caller = caller
        self.number = number
        self._news = queue.Queue()
        self.events = []
        self.response = None
        self.end = None

    def next_event(self):
        """The next event of the stream, None after the last."""
        if self.end is not None:
            return None
        try:
            news = self._news.get(timeout=_TIMEOUT_S)
        except queue.Empty:
            raise TimeoutError("nothing more from call %d" %
                               self.number) from None
        if "event" in news:
            self.events.append(news["event"])
            return news["event"]
        if "broken" in news:
            raise AssertionError("no such call: " + news["broken"])
        self.response = news.get("response")
        self.end = news["end"]
        return None

    def wait(self):
        """How it ended, once it has."""
        while self.end is None:
            self.next_event()
        return self.end

    def text(self):
        """What came of the first answer's text."""
        if self.response is not None:
            parts = self.response["choices"][0]["message"]["parts"]
            return "".join(part.get("text", "") for part in parts)
        return "".join(event["delta"].get("text", "")
                       for event in self.events if "delta" in event)

    def trailer(self, name):
        """The trailer's value, or None."""
        return dict(self.end["trailers"]).get(name)

    def cancel(self):
        self._caller.send(op="cancel", id=self.number)

    def resume(self, reads):
        """Lets a stream with `reads` used up read so many more."""
        self._caller.send(op="resume", id=self.number, reads=reads)

    def take(self, news):
        self._news.put(news)


class GrpcCaller:
    """The child that calls, until the end of the `with` block.

    Any thread may start calls; a call belongs to one of them.
    """

    def __init__(self, stubs=STUBS):
        self._process = subprocess.Popen(
            [_PYTHON, os.path.join(_HERE, "grpc_driver.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": stubs,
                 "PYTHONDONTWRITEBYTECODE": "1"}, text=True)
        self._calls = {}  # Those that have not ended.
        self._count = 0
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the child, and with it every call."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdin.close()
        self._process.stdout.close()

    def start(self, address, method, request=None, stream=False, **options):
        """Starts a call.

        Options: `metadata` (pairs), `timeout_s`, `tls` (`ca`, `cert`, `key`
        in PEM, `name` expected), `reads` (how many events to take before
        resume), `channel` (calls of another name use another connection),
        `service_config` (as gRPC has it; without one nothing is retried),
        `raw` (the request's bytes in hexadecimal; messages come back alike).
        """
        with self._lock:
            call = GrpcCall(self, self._count)
            self._calls[self._count] = call
            self._count += 1
        self.send(op="call", id=call.number, address=address, method=method,
                  request=request, stream=stream, **options)
        return call

    def call(self, address, method, request=None, **options):
        """Makes a unary call and waits for its end."""
        call = self.start(address, method, request, **options)
        call.wait()
        return call

    def generate(self, address, request, **options):
        return self.call(address, _SERVICE + "Generate", request, **options)

    def start_generate(self, address, request, **options):
        return self.start(address, _SERVICE + "Generate", request, **options)

    def stream(self, address, request, **options):
        """Starts a streamed answer."""
        return self.start(address, _SERVICE + "StreamGenerate", request,
                          stream=True, **options)

    def stream_all(self, address, request, **options):
        """Reads a streamed answer to its end."""
        call = self.stream(address, request, **options)
        call.wait()
        return call

    def send(self, **command):
        with self._lock:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()

    def _read(self):
        for line in self._process.stdout:
            news = json.loads(line)
            with self._lock:
                call = (self._calls[news["id"]] if "event" in news else
                        self._calls.pop(news["id"]))
            call.take(news)
