"""Calls, good and bad, that every engine must answer, and how.

ANSWERED are those that reach a handler: all that a caller can see of them is
the same with every engine. REFUSED are those that an engine refuses by itself:
their codes are what is compared. DIFFERENCES names the calls that an engine
answers otherwise than the table says, and why it may.
"""

import collections

from tests.interop.raw_caller import Request, field, frame

# `expected` is an Answer's summary; `request` the Request.
Call = collections.namedtuple("Call", "expected request")

_TEST = "/grpc.testing.TestService/"
_EMPTY = _TEST + "EmptyCall"
_UNARY = _TEST + "UnaryCall"
_OUTPUT = _TEST + "StreamingOutputCall"
_INPUT = _TEST + "StreamingInputCall"
_DUPLEX = _TEST + "FullDuplexCall"
_HALF_DUPLEX = _TEST + "HalfDuplexCall"
_ECHO = "/llmgateway.testing.v1.EchoService/Echo"
_HEALTH = "/grpc.health.v1.Health/Check"
_REFLECTION = "/grpc.reflection.%s.ServerReflection/ServerReflectionInfo"

_MESSAGE_BYTES_LIMIT = 4 * 1024 * 1024
_MINUTE_US = 60 * 1000 * 1000
# What no message begins with: a field without a number.
_NO_PROTOBUF = b"\x00\x01\x02"


def _payload(number, size):
    return field(number, field(2, bytes(size)))


def _simple(size, payload=0):
    """A SimpleRequest for so many bytes, with so many of its own."""
    return field(2, size) + (_payload(3, payload) if payload else b"")


def _status(number, code, message=""):
    return field(number, field(1, code) + field(2, message.encode()))


def _wanted(*sizes, interval_us=0):
    """A StreamingOutputCallRequest."""
    return b"".join(field(2, field(1, size) + field(2, interval_us))
                    for size in sizes)


def _sized(size):
    """A valid SimpleRequest of exactly so many bytes."""
    message = _payload(3, size)
    return _payload(3, size - (len(message) - size))


def _in_pieces(data, size):
    return [data[at:at + size] for at in range(0, len(data), size)]


def _deadline(text, path=_EMPTY, messages=(b"",)):
    return Request(path, messages, {"grpc-timeout": text})


ANSWERED = {
    "unary": Call("OK", Request(_UNARY, [_simple(10, 5)])),
    "unary, no bytes": Call("OK", Request(_EMPTY, [b""])),
    "unary, large": Call("OK", Request(_UNARY, [_simple(300000, 200000)])),
    "unary, as large as may be": Call(
        "OK", Request(_UNARY, [_sized(_MESSAGE_BYTES_LIMIT)])),
    "unary, byte by byte": Call("OK", Request(
        _UNARY, data=_in_pieces(frame(_simple(10, 5)), 1))),
    "unary, empty frames": Call("OK", Request(
        _UNARY, data=[frame(_simple(10))[:2], b"", frame(_simple(10))[2:]])),
    "unary, a content type with parameters": Call("OK", Request(
        _EMPTY, [b""], {"content-type": "application/grpc;charset=utf-8"})),
    "unary, unknown fields": Call("OK", Request(
        _UNARY, [_simple(3) + field(99, b"later")])),
    "unary, +proto": Call("OK", Request(
        _EMPTY, [b""], {"content-type": "application/grpc+proto"})),
    "unary, an absurd deadline": Call("OK", _deadline("99999999H")),
    "unary, a far deadline": Call("OK", _deadline("1H")),
    "cacheable": Call("OK", Request(_TEST + "CacheableUnaryCall",
                                    [_simple(2)])),
    "server stream": Call("OK", Request(_OUTPUT, [_wanted(1, 0, 70000, 2)])),
    "server stream, empty": Call("OK", Request(_OUTPUT, [b""])),
    "client stream": Call("OK", Request(
        _INPUT, [_payload(1, 3), b"", _payload(1, 70000)])),
    "client stream, empty": Call("OK", Request(_INPUT)),
    "both stream": Call("OK", Request(
        _DUPLEX, [_wanted(1, 2), b"", _wanted(3)])),
    "both stream, empty": Call("OK", Request(_DUPLEX)),
    "both stream, in turn": Call("OK", Request(
        _HALF_DUPLEX, [_wanted(1, 2), _wanted(3)])),
    "metadata comes back": Call("OK", Request(_UNARY, [_simple(1)], {
        "x-grpc-test-echo-initial": "early",
        "x-grpc-test-echo-trailing-bin": "AAH/"})),
    "metadata comes back, padded": Call("OK", Request(
        _DUPLEX, [_wanted(1)], {"x-grpc-test-echo-trailing-bin": "/w=="})),
    "metadata comes back, empty": Call("OK", Request(_UNARY, [_simple(1)], {
        "x-grpc-test-echo-initial": "",
        "x-grpc-test-echo-trailing-bin": ""})),
    "metadata comes back, not ASCII": Call("OK", Request(
        _UNARY, [_simple(1)], {"x-grpc-test-echo-initial": "a  b\u20ac"})),
    "metadata comes back with an error": Call("ABORTED", Request(
        _UNARY, [_status(7, 10, "no")], {
            "x-grpc-test-echo-initial": "early",
            "x-grpc-test-echo-trailing-bin": "AAH/"})),
    "health": Call("OK", Request(_HEALTH, [b""])),
    "health of nobody": Call("NOT_FOUND",
                             Request(_HEALTH, [field(1, b"nobody")])),
    "reflection": Call("OK", Request(_REFLECTION % "v1", [
        field(7, b"*"), field(4, b"grpc.testing.TestService")])),
    "reflection, as it was": Call("OK", Request(_REFLECTION % "v1alpha", [
        field(7, b"*"), field(4, b"grpc.testing.Nothing")])),
    "error": Call("NOT_FOUND", Request(_UNARY, [_status(7, 5, "none")])),
    "error, no message": Call("UNAUTHENTICATED",
                              Request(_UNARY, [_status(7, 16)])),
    "error, special message": Call("UNKNOWN", Request(_UNARY, [
        _status(7, 2, "\t\ntab 100%\r\n\u263a \U0001f608 %41\n")])),
    "error, long message": Call("INTERNAL", Request(
        _UNARY, [_status(7, 13, "\u20ac" * 1000)])),
    "error, unknown code": Call("UNKNOWN",
                                Request(_UNARY, [_status(7, 77, "odd")])),
    "error, details": Call("RESOURCE_EXHAUSTED",
                           Request(_ECHO, [field(1, b"fail")])),
    "error of a stream": Call("ABORTED", Request(
        _OUTPUT, [_wanted(5) + _status(7, 10, "no")])),
    "error after answers": Call("DATA_LOSS", Request(
        _DUPLEX, [_wanted(1, 2), _status(7, 15, "lost"), _wanted(3)])),
    "error, a bad argument": Call("INVALID_ARGUMENT",
                                  Request(_UNARY, [_simple(-1)])),
}

REFUSED = {
    "unknown method": Call("UNIMPLEMENTED",
                           Request(_TEST + "UnimplementedCall", [b""])),
    "unheard-of method": Call("UNIMPLEMENTED",
                              Request(_TEST + "Nothing", [b""])),
    "unknown service": Call("UNIMPLEMENTED", Request(
        "/grpc.testing.UnimplementedService/UnimplementedCall", [b""])),
    "no method in the path": Call("UNIMPLEMENTED", Request("/", [b""])),
    "bad protobuf": Call("INVALID_ARGUMENT",
                         Request(_UNARY, [_NO_PROTOBUF])),
    "bad protobuf in a stream": Call("INVALID_ARGUMENT", Request(
        _INPUT, [_payload(1, 3), _NO_PROTOBUF])),
    "bad protobuf after answers": Call("INVALID_ARGUMENT", Request(
        _DUPLEX, [_wanted(1), _NO_PROTOBUF])),
    "too large a message": Call("RESOURCE_EXHAUSTED", Request(
        _UNARY, [_sized(_MESSAGE_BYTES_LIMIT + 1)])),
    "too large a message in a stream": Call("RESOURCE_EXHAUSTED", Request(
        _INPUT, [_payload(1, 3), _sized(_MESSAGE_BYTES_LIMIT + 1)])),
    "too much metadata": Call("RESOURCE_EXHAUSTED", Request(
        _EMPTY, [b""], {"x-large": "x" * 20000})),
    "too many metadata": Call("RESOURCE_EXHAUSTED", Request(
        _EMPTY, [b""], {"x-%d" % i: "1" for i in range(200)})),
    "no base64": Call("INVALID_ARGUMENT", Request(
        _EMPTY, [b""], {"x-raw-bin": "!!!"})),
    "base64 in a list": Call("OK", Request(
        _EMPTY, [b""], {"x-raw-bin": "AAH/,/w=="})),
    "deadline of zero": Call("DEADLINE_EXCEEDED", _deadline("0S")),
    "deadline of a nanosecond": Call("DEADLINE_EXCEEDED", _deadline(
        "1n", _OUTPUT, [_wanted(1, interval_us=_MINUTE_US)])),
    "deadline while it runs": Call("DEADLINE_EXCEEDED", _deadline(
        "50m", _OUTPUT, [_wanted(1, interval_us=_MINUTE_US)])),
    "deadline while it reads": Call("DEADLINE_EXCEEDED", Request(
        _INPUT, [_payload(1, 3)], {"grpc-timeout": "50m"}, end=False)),
    "deadline before the message": Call("DEADLINE_EXCEEDED", Request(
        _UNARY, [], {"grpc-timeout": "50m"}, end=False)),
    "deadline of no unit": Call("INVALID_ARGUMENT", _deadline("10")),
    "deadline of an unknown unit": Call("INVALID_ARGUMENT", _deadline("1s")),
    "deadline of no number": Call("INVALID_ARGUMENT", _deadline("S")),
    "deadline of nine digits": Call("INVALID_ARGUMENT",
                                    _deadline("123456789S")),
    "deadline in the past": Call("INVALID_ARGUMENT", _deadline("-1S")),
    "another content type": Call("HTTP 415", Request(
        _EMPTY, [b""], {"content-type": "application/json"})),
    "almost the content type": Call("HTTP 415", Request(
        _EMPTY, [b""], {"content-type": "application/grpcweb"})),
    "no content type": Call("HTTP 415", Request(
        _EMPTY, [b""], {"content-type": None})),
    "no te": Call("INVALID_ARGUMENT", Request(_EMPTY, [b""], {"te": None})),
    "another te": Call("RESET PROTOCOL_ERROR",
                       Request(_EMPTY, [b""], {"te": "gzip"})),
    "no authority": Call("RESET PROTOCOL_ERROR",
                         Request(_EMPTY, [b""], {":authority": None})),
    "a name in upper case": Call("RESET PROTOCOL_ERROR",
                                 Request(_EMPTY, [b""], {"X-Upper": "1"})),
    "a field of HTTP/1.1": Call("RESET PROTOCOL_ERROR", Request(
        _EMPTY, [b""], {"connection": "close"})),
    "GET": Call("HTTP 405", Request(_EMPTY, headers={":method": "GET"})),
    "PUT": Call("HTTP 405", Request(_EMPTY, [b""], {":method": "PUT"})),
    "unknown encoding": Call("UNIMPLEMENTED", Request(
        _UNARY, data=[frame(_simple(1), flag=1)],
        headers={"grpc-encoding": "snappy"})),
    "compressed by no encoding": Call("INTERNAL", Request(
        _UNARY, data=[frame(_simple(1), flag=1)])),
    "compressed by identity": Call("INTERNAL", Request(
        _UNARY, data=[frame(_simple(1), flag=1)],
        headers={"grpc-encoding": "identity"})),
    "unknown flag": Call("INTERNAL", Request(
        _UNARY, data=[frame(_simple(1), flag=2)])),
    "unary, no message": Call("INVALID_ARGUMENT", Request(_UNARY)),
    "server stream, no request": Call("INVALID_ARGUMENT", Request(_OUTPUT)),
    "unary, two messages": Call("INVALID_ARGUMENT", Request(
        _UNARY, [_simple(1), _simple(2)])),
    "unary, bytes behind the message": Call("INTERNAL", Request(
        _UNARY, data=[frame(_simple(1)) + bytes(2)])),
    "unary, no end behind the message": Call("DEADLINE_EXCEEDED", Request(
        _UNARY, [_simple(1)], {"grpc-timeout": "50m"}, end=False)),
    "unary, cut short": Call("INTERNAL", Request(
        _UNARY, data=[frame(_simple(1, 50))[:-1]])),
    "unary, cut in the prefix": Call("INTERNAL", Request(
        _UNARY, data=[frame(_simple(1))[:3]])),
    "stream, cut short": Call("INTERNAL", Request(
        _INPUT, data=[frame(_payload(1, 3)), frame(_payload(1, 3))[:-1]])),
}

# By engine: the summary that is otherwise, or those that are where the engine
# is not of one mind, and why.
DIFFERENCES = {
    "grpc_core": {
        "no base64": (
            "UNAVAILABLE", "The library takes it for broken HTTP/2, and "
            "closes the connection too."),
        "base64 in a list": (
            "UNAVAILABLE", "The library does not split it, and fails as it "
            "does for no base64."),
        "too many metadata": (
            "OK", "The library bounds the bytes, not the number."),
        **{name: ("OK", "The library takes a deadline that it cannot read for "
                  "none.")
           for name in REFUSED if name in (
               "deadline of no unit", "deadline of an unknown unit",
               "deadline of no number", "deadline of nine digits",
               "deadline in the past")},
        **{name: ("OK", "The library does not look at the content type.")
           for name in REFUSED if name.endswith("content type")},
        "no te": ("UNKNOWN", "The library has no code of its own for it."),
        "another te": ("UNKNOWN", "The library has no code of its own for it."),
        "no authority": (
            "UNKNOWN", "The library has no code of its own for it."),
        "a name in upper case": (
            "OK", "The library does not ask for lower case."),
        "a field of HTTP/1.1": (
            "OK", "The library does not look for such fields."),
        "GET": ("UNKNOWN", "The library answers by gRPC what is none."),
        "PUT": ("UNKNOWN", "The library answers by gRPC what is none."),
        **{name: ("OK", "The library takes the bytes as they are when it does "
                  "not know how they are compressed.")
           for name in ("unknown encoding", "compressed by no encoding",
                        "compressed by identity")},
        "unknown flag": (
            ("INVALID_ARGUMENT", "OK"), "The library says that there is no "
            "message, or takes the bytes as they are, as it happens."),
        "unary, two messages": (
            "OK", "The engine does not read on to see a second one."),
        "unary, bytes behind the message": (
            "OK", "The engine does not read on to see them."),
        "unary, no end behind the message": (
            "OK", "The engine does not wait for the end of the request."),
        "unary, cut short": (
            "INVALID_ARGUMENT", "The library says no more than that there is "
            "no message."),
        "unary, cut in the prefix": (
            "INVALID_ARGUMENT", "The library says no more than that there is "
            "no message."),
        "stream, cut short": (
            "OK", "The library takes it for the end of the stream."),
    },
}

# By engine: calls that end their connection too.
CONNECTION_ENDS = {
    "grpc_core": ("base64 in a list", "no base64", "too much metadata"),
}


def expected(engine, name):
    """The summaries that a call's answer by this engine may have."""
    if name in DIFFERENCES.get(engine, {}):
        summaries = DIFFERENCES[engine][name][0]
        return summaries if isinstance(summaries, tuple) else (summaries,)
    return ({**ANSWERED, **REFUSED}[name].expected,)
