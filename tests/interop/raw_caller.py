"""Calls by gRPC with nothing between the test and the frames.

    with RawCaller() as caller:
        [answer] = caller.call(server.address, [Request(
            "/grpc.testing.TestService/EmptyCall", messages=[b""])])
        answer.summary           "OK", "HTTP 415", "RESET CANCEL"
        answer.messages          [b""]
        answer.trailing          [("x-request-id", "...")]

The requests of one `call` follow each other on one connection. They are made
by raw_driver.py, in a child: this Python need not be the one that has hpack.
"""

import base64
import json
import os
import struct
import subprocess
import urllib.parse

# The one that Debian's packages are for.
_PYTHON = "/usr/bin/python3"
_HERE = os.path.dirname(os.path.abspath(__file__))

_CODES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED")
_STATUS_NAMES = ("grpc-status", "grpc-message", "grpc-status-details-bin")
# What an engine says of itself and not of the call.
_ENGINES_OWN = (":status", "content-type", "grpc-encoding",
                "grpc-accept-encoding", "accept-encoding")


def frame(message, flag=0):
    """A message with its prefix."""
    return struct.pack(">BI", flag, len(message)) + message


def field(number, value):
    """A field of a message, of bytes or of a number."""
    if isinstance(value, bytes):
        return _varint(number << 3 | 2) + _varint(len(value)) + value
    return _varint(number << 3) + _varint(value)


def _varint(number):
    number &= 2 ** 64 - 1
    out = bytearray()
    while number > 0x7f:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


class Request:
    """A request that is well formed but for what it is told to be.

    `headers` replaces or, with None, removes fields of a good request, and adds
    others; `data` (pieces of bytes, each a DATA frame) stands for messages that
    are wrong in themselves; without `end` more could come; `hang_up` (`reset`
    or `close`) does so after the first byte of the answer.
    """

    def __init__(self, path, messages=(), headers=None, data=None, end=True,
                 hang_up=None):
        fields = {":method": "POST", ":scheme": "http", ":path": path,
                  ":authority": "localhost", "te": "trailers",
                  "content-type": "application/grpc", "x-request-id": "raw-1"}
        for name, value in (headers or {}).items():
            if value is None:
                del fields[name]
            else:
                fields[name] = value
        if data is None:
            data = [frame(message) for message in messages]
        self.command = {
            "headers": list(fields.items()), "end": end, "hang_up": hang_up,
            "data": [piece.hex() for piece in data]}


class Answer:
    """What came back, read as gRPC says."""

    def __init__(self, outcome):
        # The headers, and the trailers if there are any.
        blocks = [[tuple(pair) for pair in block]
                  for block in outcome["blocks"]] + [[], []]
        self._fields, trailers = blocks[:2]
        self._ended = outcome["end"]
        body = bytes.fromhex(outcome["data"])
        self.http_status = self.header(":status")
        # An answer of trailers only has its status in the one block there is.
        status = dict(trailers if trailers else self._fields)
        code = status.get("grpc-status")
        self.code = code if code is None else _CODES[int(code)]
        self.message = urllib.parse.unquote(status.get("grpc-message", ""))
        self.details = from_base64(status.get("grpc-status-details-bin", ""))
        if not trailers and code is not None:
            self.initial, self.trailing = [], _metadata(self._fields)
        else:
            self.initial = _metadata(self._fields)
            self.trailing = _metadata(trailers)
        # Each with whether it is compressed.
        self.frames = _split(body) if self.http_status == "200" else []
        self.messages = [message for _, message in self.frames]

    def header(self, name):
        """A field of the headers, or None."""
        return dict(self._fields).get(name)

    @property
    def summary(self):
        """How it ended, in a word or two."""
        if self._ended != "ENDED":
            # A status that came is one, whatever happened to the rest.
            return self.code or self._ended
        if self.http_status != "200":
            return "HTTP " + str(self.http_status)
        return self.code or "NO STATUS"

    def as_seen_by_callers(self):
        """Everything that a client's code can learn from it."""
        return {"code": self.code, "message": self.message,
                "details": self.details, "initial": self.initial,
                "trailing": self.trailing, "messages": self.messages}


def from_base64(text):
    return base64.b64decode(text + "=" * (-len(text) % 4))


def _metadata(fields):
    return sorted(
        (name, from_base64(value) if name.endswith("-bin") else value)
        for name, value in fields
        if name not in _STATUS_NAMES and name not in _ENGINES_OWN)


def _split(body):
    frames = []
    while body:
        flag, size = struct.unpack(">BI", body[:5])
        frames.append((bool(flag), body[5:5 + size]))
        body = body[5 + size:]
    return frames


class RawCaller:
    """The child that calls, until the end of the `with` block."""

    def __init__(self):
        missing = subprocess.run([_PYTHON, "-c", "import hpack"], check=False,
                                 stderr=subprocess.DEVNULL)
        if missing.returncode != 0:
            raise AssertionError(
                "python3-hpack is missing; to install it, run: make deps")
        self._process = subprocess.Popen(
            [_PYTHON, os.path.join(_HERE, "raw_driver.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the child."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def call(self, address, requests, ca=None):
        """The answers to requests that follow each other on a connection."""
        self._process.stdin.write(json.dumps({
            "address": address, "ca": ca,
            "requests": [request.command for request in requests]}) + "\n")
        self._process.stdin.flush()
        return [Answer(outcome)
                for outcome in json.loads(self._process.stdout.readline())]
