"""Calls with compressed requests by other people's clients.

A client is a program that takes commands, one JSON object a line (`address`,
`path`, `encoding` of the requests, `messages` in hexadecimal), and writes what
came of each alike (`code`, `message`, `messages`). Both ends say that they take
compressed answers, so those that come are read or the call fails.
"""

import json
import subprocess

from tests.interop import interop_case
from tests.interop.raw_caller import field

TEST = "/grpc.testing.TestService/"
ENCODINGS = ("identity", "deflate", "gzip")

# What an engine says to requests that are so compressed; OK if not named.
_REFUSED = {"grpc_core": {"deflate": "UNIMPLEMENTED", "gzip": "UNIMPLEMENTED"}}


def expected_code(engine, encoding):
    return _REFUSED.get(engine, {}).get(encoding, "OK")


def simple_request(size, payload=0):
    return field(2, size) + field(3, field(2, bytes(payload)))


def with_payload(size):
    """A message whose first field is a payload, as answers are."""
    return field(1, field(2, bytes(size)))


class CompressionCases(interop_case.ServerCase):

    command = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = subprocess.Popen(cls.command, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls.client.stdout.close)
        cls.addClassCleanup(cls.client.wait)
        cls.addClassCleanup(cls.client.stdin.close)

    def check(self, encoding, method, requests, responses):
        self.client.stdin.write(json.dumps({
            "address": self.server.address, "path": TEST + method,
            "encoding": encoding,
            "messages": [message.hex() for message in requests]}) + "\n")
        self.client.stdin.flush()
        answer = json.loads(self.client.stdout.readline())
        code = expected_code(self.engine, encoding)
        self.assertEqual(_plain(answer["code"]), _plain(code),
                         answer["message"])
        self.assertEqual(
            [bytes.fromhex(message) for message in answer["messages"]],
            responses if code == "OK" else [])

    def check_unary(self, encoding):
        self.check(encoding, "UnaryCall", [simple_request(100, 1000)],
                   [with_payload(100)])

    def check_large_unary(self, encoding):
        self.check(encoding, "UnaryCall", [simple_request(300000, 200000)],
                   [with_payload(300000)])

    def check_client_stream(self, encoding):
        self.check(encoding, "StreamingInputCall",
                   [with_payload(1000), b"", with_payload(70000)],
                   [field(1, 71000)])

    def check_both_stream(self, encoding):
        self.check(encoding, "FullDuplexCall",
                   [field(2, field(1, 80000)) + field(3, field(2, bytes(9000))),
                    field(2, field(1, 5)) * 2],
                   [with_payload(80000), with_payload(5), with_payload(5)])


def _plain(code):
    """Go says OK and Unimplemented."""
    return code.replace("_", "").upper()


def _add_case(shape, encoding):
    def test(self):
        getattr(self, "check_" + shape)(encoding)
    setattr(CompressionCases, "test_%s_%s" % (shape, encoding), test)


for _shape in ("unary", "large_unary", "client_stream", "both_stream"):
    for _encoding in ENCODINGS:
        _add_case(_shape, _encoding)
