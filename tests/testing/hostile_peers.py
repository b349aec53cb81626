"""Peers without a key that misbehave, each in a process of its own.

    with HostilePeer("endless_extension", gateway.http) as peer:
        peer.await_turns(2)
        ... the gateway still answers everybody else ...

A peer goes on until its block ends: where it is refused it comes again. A turn
is a connection that ended or, of those that do not end, some more of the same;
it is how a test knows that the peer has been at work, whatever became of it.

CALLERS come to a listener; those that upload can be given a key to show.
Upstreams (hostile_upstreams.py) are listened at by the process itself, at the
address that it is given; the gateway has to be made to call them.
"""

import itertools
import os
import resource
import select
import socket
import subprocess
import sys
import threading
import time

if __name__ == "__main__":
    # Run as a program, see HostilePeer.
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", ".."))

from tests.testing import hostile_upstreams
from tests.testing import http2_wire
from tests.testing.hostile_upstreams import tell_turn

_MIB = 1 << 20
_BODY_BYTES = 31 * _MIB
# Of an upload: what is sent between two looks at what has come, and how much
# makes a turn.
_BATCH_BYTES = 512 * 1024
_UPLOAD_TURN_BYTES = 32 * _MIB
_CONNECTIONS = 20
_SILENT_CONNECTIONS = 1200
_STREAMS = 256
_SHUT_CONNECTIONS = 60
_HEAD_CONNECTIONS = 3000
_PATIENCE_S = 60.0
_EMBEDDINGS = "/v1/embeddings"


class HostilePeer:
    """The peer of that name, at work until its `with` block ends."""

    def __init__(self, name, address, key=""):
        self._changed = threading.Condition()
        self._turns = 0
        self._process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), name, address, key],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def await_turns(self, more):
        """Until it has had so many more turns; raises if it has ended."""
        with self._changed:
            wanted = self._turns + more
            done = self._changed.wait_for(
                lambda: self._turns is None or self._turns >= wanted,
                _PATIENCE_S)
            if not done or self._turns is None:
                raise RuntimeError("the hostile peer has given up")

    def _read(self):
        while os.read(self._process.stdout.fileno(), 1):
            with self._changed:
                self._turns += 1
                self._changed.notify_all()
        with self._changed:
            self._turns = None
            self._changed.notify_all()


def _connect(address):
    host, _, port = address.rpartition(":")
    while True:
        try:
            return socket.create_connection((host, int(port)), _PATIENCE_S)
        except OSError:  # A full backlog, or no descriptor left over there.
            time.sleep(0.01)


def _flood(address, first, more):
    """Sends `first` and then `more` over and over, reading nothing; again on
    another connection when that one has ended."""
    while True:
        with _connect(address) as connection:
            connection.settimeout(0.2)
            waiting = memoryview(first + more)
            left = _MIB  # Of a turn.
            while True:
                try:
                    sent = connection.send(waiting)
                except TimeoutError:  # Nobody reads over there: so be it.
                    sent, left = 0, 0
                except OSError:
                    break
                waiting = waiting[sent:] or memoryview(more)
                left -= sent
                if left <= 0:
                    tell_turn()
                    left = _MIB
        tell_turn()


def _head(path, *fields):
    lines = ("POST %s HTTP/1.1" % path, "host: localhost",
             "content-type: application/json", *fields)
    return ("\r\n".join(lines) + "\r\n").encode()


def endless_extension(address):
    """A chunk whose extension does not end."""
    _flood(address,
           _head("/v1/chat/completions", "transfer-encoding: chunked") +
           b"\r\n1;", b"x" * 65536)


def tiny_chunks(address):
    """Chunks of one byte, each with an extension."""
    _flood(address,
           _head("/v1/chat/completions", "transfer-encoding: chunked") +
           b"\r\n", b"1;ext=0123456789\r\nx\r\n" * 3000)


def endless_head(address):
    """Fields, and no empty line."""
    _flood(address, _head("/v1/chat/completions"),
           b"x-more: of the same\r\n" * 3000)


def pipelined_heads(address):
    """Request upon request, whose answers nobody reads."""
    _flood(address, b"", b"GET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n" * 1500)


class _Upload:
    """One connection that sends a body as fast as it is let, and reads."""

    def __init__(self, address, first, piece, total, last):
        self.connection = _connect(address)
        self.connection.setblocking(False)
        self._address = (address, first, piece, total, last)
        self._waiting = memoryview(first)
        self._piece = memoryview(piece)
        self._left = total
        self._last = last

    def again(self):
        self.connection.close()
        self.__init__(*self._address)

    def send(self):
        if not self._waiting and self._left > 0:
            self._waiting = self._piece[:self._left]
            self._left -= len(self._waiting)
        elif not self._waiting:
            self._waiting, self._last = memoryview(self._last), b""
        if self._waiting:
            self._waiting = self._waiting[self.connection.send(self._waiting):]

    @property
    def sends(self):
        return bool(self._waiting or self._last) or self._left > 0


def _upload(address, first, piece, total, last=b""):
    uploads = {}
    for _ in range(_CONNECTIONS):
        one = _Upload(address, first, piece, total, last)
        uploads[one.connection] = one
    while True:
        readable, writable, _ = select.select(
            uploads, [one.connection for one in uploads.values() if one.sends],
            [], 1.0)
        tell_turn()
        for connection in {*readable, *writable}:
            one = uploads[connection]
            try:
                if connection in readable and not connection.recv(65536):
                    raise ConnectionResetError
                if connection in writable:
                    one.send()
            except BlockingIOError:
                pass
            except OSError:
                del uploads[connection]
                one.again()
                uploads[one.connection] = one


def large_bodies(address):
    """Many bodies of embeddings at once, each of the size that is allowed."""
    _upload(address, _head(_EMBEDDINGS, "content-length: %d" % _BODY_BYTES) +
            b'\r\n{"model":"m","input":[1', b",1" * 32768, _BODY_BYTES - 24)


def large_chunked_bodies(address):
    """The same, in chunks: nobody says how long they will be."""
    piece = b"10000\r\n" + b",1" * 32768 + b"\r\n"
    _upload(address, _head(_EMBEDDINGS, "transfer-encoding: chunked") +
            b"\r\n", piece, _BODY_BYTES)


def _close_head(path, body_bytes):
    return _head(path, "connection: close",
                 "content-length: %d" % body_bytes) + b"\r\n"


def costly_embeddings(address):
    """Bodies that are read value by value, and refused for the last of them."""
    begin, end = b'{"model":"m","input":[1', b',{}]}'
    values = 64 * 65536
    _upload(address,
            _close_head(_EMBEDDINGS, len(begin) + values + len(end)) + begin,
            b",1" * 32768, values, end)


def costly_messages(address):
    """Bodies that are translated for a provider of another vendor, part by
    part, and refused likewise."""
    part = b',{"type":"text","text":"a\\nb"}'
    begin = (b'{"model":"whole","max_tokens":1,"messages":[{"role":"user",'
             b'"content":[{"type":"text","text":"a"}')
    end = b']},{"role":1}]}'
    parts = 90_000 * len(part)
    _upload(address,
            _close_head("/v1/messages", len(begin) + parts + len(end)) + begin,
            part * 1000, parts, end)


def silent_connections(address):
    """More connections than many a system lets a process have."""
    held = []
    while True:
        while len(held) < _SILENT_CONNECTIONS:
            held.append(_connect(address))
        tell_turn()
        poll = select.poll()
        by_descriptor = {}
        for one in held:
            poll.register(one, select.POLLIN)
            by_descriptor[one.fileno()] = one
        for descriptor, _ in poll.poll(100):
            ended = by_descriptor[descriptor]
            held.remove(ended)
            ended.close()


def half_handshakes(address):
    """The beginnings of TLS, as many as of the silent ones."""
    hello = bytes.fromhex("1603010200010001fc0303")
    held = []
    while True:
        while len(held) < _SILENT_CONNECTIONS // 4:
            connection = _connect(address)
            connection.sendall(hello)
            held.append(connection)
        tell_turn()
        held.pop(0).close()


def _http2(address, fields, body):
    while True:
        try:
            with http2_wire.Http2Connection(address) as connection:
                connection.await_settings()
                for _ in range(_STREAMS):
                    stream = connection.begin(fields=fields)
                    connection.send(http2_wire.data(stream, body))
                tell_turn()
                _stay(connection)
        except OSError:
            tell_turn()


def _stay(connection):
    """Reads what comes until the connection ends, a turn every while."""
    connection.socket.settimeout(0.2)
    while connection.end is None:
        try:
            connection.read_frame()
        except TimeoutError:
            tell_turn()


def _http2_fields(path, content_type):
    return [(":method", "POST"), (":scheme", "http"), (":path", path),
            (":authority", "localhost"), ("content-type", content_type)]


def http2_bodies(address):
    """As many streams as there may be, each with a window of its body."""
    _http2(address, _http2_fields(_EMBEDDINGS, "application/json"),
           b'{"model":"m","input":[1' + b",1" * 30000)


def grpc_bodies(address):
    """The same with messages of gRPC that do not end."""
    _http2(address, http2_wire.grpc_fields(
        "/llmgateway.v1.GatewayService/Generate"),
        b"\0" + (30 * _MIB).to_bytes(4, "big") + bytes(60000))


def grpc_heads(address):
    """As many calls as there may be, with as much metadata as there may be, of
    which no message follows. Nothing is read, the settings not acknowledged."""
    block = http2_wire.block_of(http2_wire.grpc_fields(
        "/llmgateway.v1.GatewayService/Generate", [("x-more", "m" * 14000)]))
    _unread_calls(address, _CONNECTIONS, 1000,
                  lambda stream: http2_wire.headers(stream, block))


def admin_heads(address):
    """The same of the operators' methods."""
    block = http2_wire.block_of(http2_wire.grpc_fields(
        "/llmgateway.v1.AdminService/GetConfig", [("x-more", "m" * 14000)]))
    _unread_calls(address, _CONNECTIONS, 1000,
                  lambda stream: http2_wire.headers(stream, block))


def health_heads(address):
    """The same of a method that anybody may call."""
    block = http2_wire.block_of(http2_wire.grpc_fields(
        "/grpc.health.v1.Health/Check", [("x-more", "m" * 14000)]))
    _unread_calls(address, _CONNECTIONS, 1000,
                  lambda stream: http2_wire.headers(stream, block))


_REFLECTION = http2_wire.block_of(http2_wire.grpc_fields(
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"))


def _question(symbol):
    """For the file that declares it."""
    size = bytes([len(symbol) & 0x7f | 0x80, len(symbol) >> 7])
    return http2_wire.framed(b"\x22" + size + symbol)


def reflection(address):
    """Questions anybody may ask, whose answers nobody takes."""
    questions = _question(b"llmgateway.v1.GatewayService") * 15
    _unread_calls(address, 2 * _CONNECTIONS, 120, lambda stream: (
        http2_wire.headers(stream, _REFLECTION) +
        http2_wire.data(stream, questions)), INITIAL_WINDOW_SIZE=0)


def reflection_names(address):
    """The same for names that there are not, another each time."""
    names = itertools.count()
    def ask(stream):
        return http2_wire.headers(stream, _REFLECTION) + http2_wire.data(
            stream, b"".join(_question(b"no.such.%016d" % next(names) +
                                       b"x" * 15000) for _ in range(3)))
    _unread_calls(address, _CONNECTIONS, 100, ask)


def admin_calls(address):
    """Whole calls of the operators' methods, given up together."""
    block = http2_wire.block_of(http2_wire.grpc_fields(
        "/llmgateway.v1.AdminService/GetConfig"))
    calls = b"".join(http2_wire.headers(1 + 2 * i, block) +
                     http2_wire.data(1 + 2 * i, http2_wire.framed(b""), True)
                     for i in range(1000))
    for count in itertools.count(1):
        with _connect(address) as connection:
            connection.settimeout(0.5)
            try:
                connection.sendall(http2_wire.PREFACE + http2_wire.settings() +
                                   calls)
            except OSError:
                pass
            time.sleep(0.05)  # Until they are under way.
        if count % 10 == 0:
            tell_turn()


def _unread_calls(address, connections, calls, frames_of, **settings):
    """Holds that many connections, with that many calls on each, and replaces
    one after the other; a turn is half of them."""
    held = []
    for count in itertools.count(1):
        connection = _connect(address)
        connection.settimeout(0.5)
        try:
            connection.sendall(
                http2_wire.PREFACE + http2_wire.settings(**settings) +
                b"".join(frames_of(1 + 2 * i) for i in range(calls)))
        except OSError:
            pass  # So much is not taken.
        held.append(connection)
        if len(held) > connections:
            held.pop(0).close()
        if count % (connections // 2) == 0:
            tell_turn()


class _StreamUploads:
    """A connection whose streams, as many as there may be, all send bodies as
    fast as they are let, and never end one. One that is refused sends on, and
    another begins when it has been cut off."""

    def __init__(self, connection, fields, first, piece, total):
        self._connection = connection
        self._fields = fields
        self._first = first
        self._piece = piece
        self._total = total
        self._sent = {}  # By stream.
        self._sent_in_all = 0

    def run(self):
        waiting = b""
        turn_bytes = _UPLOAD_TURN_BYTES
        while self._connection.end is None and not self._connection.goaways:
            if not waiting:
                waiting = self._next()
            before = time.monotonic()
            waiting = self._connection.exchange(waiting, 0.2)
            held_back = time.monotonic() - before >= 0.2
            if held_back or self._sent_in_all >= turn_bytes:
                turn_bytes = self._sent_in_all + _UPLOAD_TURN_BYTES
                tell_turn()

    def _next(self):
        answers = self._connection.answers
        for stream in list(self._sent):
            if answers[stream].gone:
                del self._sent[stream], answers[stream]
        frames = []
        while len(self._sent) < _STREAMS:
            stream = self._connection.new_stream()
            frames.append(http2_wire.headers(
                stream, http2_wire.block_of(self._fields)))
            self._sent[stream] = 0
        batch = 0
        for stream in list(self._sent):
            if batch >= _BATCH_BYTES:
                break
            sent = self._send_on(stream)
            batch += len(sent)
            frames.append(sent)
            # The others are first the next time.
            self._sent[stream] = self._sent.pop(stream)
        return b"".join(frames)

    def _send_on(self, stream):
        sent = self._sent[stream]
        room = min(self._connection.room(stream, sent, self._sent_in_all),
                   self._total - sent)
        if room <= 0:
            return b""
        body = (self._piece if sent else self._first + self._piece)[:room]
        self._sent[stream] += len(body)
        self._sent_in_all += len(body)
        return http2_wire.data(stream, body)


def _upload_streams(address, fields, first, piece, total):
    while True:
        try:
            with http2_wire.Http2Connection(address) as connection:
                connection.await_settings()
                _StreamUploads(connection, fields, first, piece, total).run()
        except OSError:
            pass
        tell_turn()


def _with_key(fields, key):
    return fields + ([("authorization", "Bearer " + key)] if key else [])


def http2_uploads(address, key=""):
    """As many streams as there may be, each with nearly all of the largest
    body."""
    fields = _http2_fields(_EMBEDDINGS, "application/json")
    _upload_streams(address, _with_key(fields, key),
                    b'{"model":"m","input":[1', b",1" * 8000, 32 * _MIB - 1000)


def grpc_uploads(address, key=""):
    """The same with messages of gRPC."""
    fields = http2_wire.grpc_fields("/llmgateway.v1.GatewayService/Generate")
    _upload_streams(address, _with_key(fields, key),
                    b"\0" + (32 * _MIB).to_bytes(4, "big"), bytes(16000),
                    32 * _MIB - 1000)


def shut_windows(address):
    """Connections with as many questions as there may be, of what anybody may
    ask, none of whose answers they let come."""
    block = http2_wire.block_of([
        (":method", "GET"), (":scheme", "http"), (":path", "/metrics"),
        (":authority", "localhost")])
    _hold_shut(address, block, end=True)


def _hold_shut(address, block, end):
    _hold(address, _SHUT_CONNECTIONS,
          http2_wire.PREFACE + http2_wire.settings(INITIAL_WINDOW_SIZE=0) +
          b"".join(http2_wire.headers(1 + 2 * i, block, end)
                   for i in range(_STREAMS)))


def _hold(address, connections, said):
    """So many connections that say so much and stay, whatever becomes of them;
    then new ones in the place of the oldest."""
    held = []
    opened = 0
    while True:
        connection = _connect(address)
        connection.settimeout(1.0)
        try:
            connection.sendall(said)
        except OSError:  # It has been closed, or is not read.
            pass
        held.append(connection)
        opened += 1
        if len(held) > connections:
            held.pop(0).close()
        if opened >= connections and opened % 50 == 0:
            tell_turn()


def large_heads(address):
    """Connections with as many requests as there may be, each with a large head
    and without an end, none of whose answers they let come."""
    block = http2_wire.block_of(
        _http2_fields("/v1/chat/completions", "application/json") +
        [("x-more", "y" * 15000)])
    _hold_shut(address, block, end=False)


def unfinished_heads(address):
    """Connections with nearly all of a head that is as large as may be."""
    _hold(address, _HEAD_CONNECTIONS, _head("/v1/chat/completions") +
          b"x-more: " + b"x" * 62000)


def http2_pings(address):
    """Questions whose answers nobody reads."""
    _flood(address, http2_wire.PREFACE + http2_wire.settings(),
           http2_wire.frame(http2_wire.PING, payload=b"12345678") * 500)


# Who speaks HTTP/1.1, HTTP/2, and gRPC; and who says nothing that anybody
# would have to understand.
HTTP1_CALLERS = (endless_extension, tiny_chunks, endless_head, pipelined_heads,
                 unfinished_heads, large_bodies, large_chunked_bodies,
                 costly_embeddings, costly_messages)
HTTP2_CALLERS = (http2_bodies, http2_uploads, http2_pings, shut_windows,
                 large_heads)
GRPC_CALLERS = (grpc_bodies, grpc_uploads, http2_pings, grpc_heads,
                health_heads, reflection, reflection_names)
ADMIN_CALLERS = (*GRPC_CALLERS, admin_heads, admin_calls)
SILENT_CALLERS = (silent_connections, half_handshakes)
_ALL = {peer.__name__: peer for peer in (
    *HTTP1_CALLERS, *HTTP2_CALLERS, *ADMIN_CALLERS, *SILENT_CALLERS,
    *hostile_upstreams.UPSTREAMS)}


def _main(name, address, key):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if key:
        _ALL[name](address, key)
    else:
        _ALL[name](address)


if __name__ == "__main__":
    _main(*sys.argv[1:])
