"""HTTP/2 frame by frame, for what no proper client would send.

    connection = Http2Connection(gateway.grpc)     # Has greeted.
    stream = connection.call("/package.Service/Method", framed(request))
    answer = connection.read_answer(stream)
    answer.told                                    # "OK"

    connection.send(frame(PING, payload=b"12345678") * 100000)
    connection.read_end()                          # "GOAWAY PROTOCOL_ERROR"

While a connection reads, it acknowledges settings and pings and gives credit
for data, unless it is `rude`. What is sent leaves as it is.
"""

import collections
import select
import socket
import struct

from tests.testing import hpack

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, \
    WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, \
    MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = range(1, 7)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_BYTES_MAX = 16384
CANCEL = 8

_ERRORS = ("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR",
           "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
           "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL",
           "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM")
_CODES = ("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT",
          "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
          "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
          "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL",
          "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED")

Frame = collections.namedtuple("Frame", ["type", "flags", "stream",
                                         "payload"])


def frame(kind, flags=0, stream=0, payload=b""):
    return (struct.pack(">I", len(payload))[1:] +
            struct.pack(">BBI", kind, flags, stream) + payload)


def settings(**values):
    """A SETTINGS frame, as in settings(INITIAL_WINDOW_SIZE=0)."""
    return frame(SETTINGS, payload=b"".join(
        struct.pack(">HI", globals()[name], value)
        for name, value in values.items()))


def window_update(stream, credit):
    return frame(WINDOW_UPDATE, stream=stream,
                 payload=struct.pack(">I", credit))


def reset(stream, error=CANCEL):
    return frame(RST_STREAM, stream=stream, payload=struct.pack(">I", error))


def headers(stream, block, end=False):
    """A header block, in as many frames as it takes."""
    pieces = [block[i:i + FRAME_BYTES_MAX]
              for i in range(0, len(block), FRAME_BYTES_MAX)] or [b""]
    return b"".join(
        frame(CONTINUATION if i else HEADERS,
              (END_HEADERS if i == len(pieces) - 1 else 0) |
              (END_STREAM if end and not i else 0), stream, piece)
        for i, piece in enumerate(pieces))


def data(stream, body, end=False):
    """A body, in as many frames as it takes."""
    pieces = [body[i:i + FRAME_BYTES_MAX]
              for i in range(0, len(body), FRAME_BYTES_MAX)] or [b""]
    return b"".join(
        frame(DATA, END_STREAM if end and i == len(pieces) - 1 else 0,
              stream, piece) for i, piece in enumerate(pieces))


def grpc_fields(path, metadata=(), omit=(), **replaced):
    """The fields of a call, in order. `replaced` are values by name, with
    underscores for dashes and the colons left out; `omit` are names."""
    fields = [(":method", "POST"), (":scheme", "http"), (":path", path),
              (":authority", "localhost"), ("te", "trailers"),
              ("content-type", "application/grpc")]
    key = lambda name: name.lstrip(":").replace("-", "_")
    return [(name, replaced.get(key(name), value))
            for name, value in fields if name not in omit] + list(metadata)


def block_of(fields):
    return b"".join(hpack.literal(name, value) for name, value in fields)


def framed(message, flag=0, size=None):
    """A message behind gRPC's prefix."""
    return struct.pack(">BI", flag, len(message) if size is None else size
                       ) + message


class Answer:
    """What has come on a stream.

    Fields:
      headers, trailers: dicts; an answer without a body has no trailers.
      body: all bytes of it.
      ended: the stream has ended in peace.
      reset: the name of the error that it was reset with, unless it had ended.
      gone: the peer has reset it, whether it had ended or not.
    """

    def __init__(self):
        self.headers = {}
        self.trailers = {}
        self.body = b""
        self.ended = False
        self.reset = None
        self.gone = False

    @property
    def messages(self):
        """The bodies of the messages that have come whole."""
        found = []
        at = 0
        while at + 5 <= len(self.body):
            size, = struct.unpack_from(">I", self.body, at + 1)
            if at + 5 + size > len(self.body):
                break
            found.append(self.body[at + 5:at + 5 + size])
            at += 5 + size
        return found

    def field(self, name):
        return self.trailers.get(name, self.headers.get(name))

    @property
    def told(self):
        """How it ended, in a word or two."""
        if self.reset is not None:
            return "RST_STREAM " + self.reset
        code = self.field("grpc-status")
        if code is not None:
            return _CODES[int(code)]
        return "HTTP " + self.headers.get(":status", "without status")


class Http2Connection:
    """One connection, as its client."""

    def __init__(self, address, patience_s=30.0, greet=True, rude=False,
                 first=b"", receive_buffer_bytes=None):
        """`first` goes out behind the preface, in place of settings."""
        host, _, port = address.rpartition(":")
        self.socket = socket.socket()
        if receive_buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                   receive_buffer_bytes)
        self.socket.settimeout(patience_s)
        self.socket.connect((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = {}
        self.goaways = []  # Last stream and error.
        self.end = None  # How the connection ended.
        self.window_bytes = None  # Of a new stream, once the peer has said.
        self.next_stream = 1
        self._credit = {}  # By stream; 0 is the connection.
        self._pongs = 0
        self._rude = rude
        self._held = None  # Replies, while they would stand within a frame.
        self._buffer = bytearray()
        self._decoder = hpack.Decoder()
        self._block = b""
        self._block_head = None
        if greet:
            self.send(PREFACE + (first or settings()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def finish_sending(self):
        """Sends TCP's FIN, and listens on."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Sends TCP's RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, sent):
        self.socket.sendall(sent)

    def new_stream(self):
        stream = self.next_stream
        self.next_stream += 2
        self.answers[stream] = Answer()
        return stream

    def begin(self, path="", fields=None, end=False):
        """Sends the head of a call and returns its stream."""
        stream = self.new_stream()
        self.send(headers(stream, block_of(
            grpc_fields(path) if fields is None else fields), end))
        return stream

    def call(self, path="", body=b"", fields=None):
        """Sends a whole call, whose body must fit the window."""
        stream = self.new_stream()
        self.send(headers(stream, block_of(
            grpc_fields(path) if fields is None else fields)) +
            data(stream, body, end=True))
        return stream

    def send_body(self, stream, body, end=False):
        """Sends a body as its window allows; stops when the stream ends.

        For a stream of which nothing has been sent, on a connection with no
        other that sends.
        """
        answer = self.answers[stream]
        self.await_settings()
        sent = 0
        over = lambda: answer.ended or answer.reset is not None
        while sent < len(body) or end:
            room = lambda: min(
                self.window_bytes + self._credit.get(stream, 0),
                65535 + self._credit.get(0, 0)) - sent
            self.read_until(lambda: over() or room() > 0)
            if over() or self.end is not None:
                return
            piece = body[sent:sent + min(room(), FRAME_BYTES_MAX)]
            sent += len(piece)
            last = end and sent == len(body)
            try:
                self.send(data(stream, piece, last))
            except OSError:
                return  # What was said before can still be read.
            if last:
                return

    def room(self, stream, sent, sent_in_all):
        """How much more of a body the windows of a stream and the connection
        allow, after so much has been sent on each."""
        return min(self.window_bytes + self._credit.get(stream, 0) - sent,
                   65535 + self._credit.get(0, 0) - sent_in_all)

    def exchange(self, waiting, timeout_s):
        """Sends of `waiting`, which ends with a whole frame, what the socket
        takes, and reads what has come, for which it waits if there is nothing
        to send. Returns what is to be sent next."""
        self.socket.setblocking(False)
        self._held = b""
        while self._take_frame() is not None:
            timeout_s = 0  # They came with what was read before.
        readable, writable, _ = select.select(
            [self.socket], [self.socket] if waiting else [], [], timeout_s)
        try:
            if readable:
                self._read_some()
            if writable:
                waiting = waiting[self.socket.send(waiting):]
        except BlockingIOError:
            pass
        waiting = bytes(waiting) + self._held
        self._held = None
        return waiting

    def await_settings(self):
        """Until the gateway has said how it wants to be spoken to."""
        self.read_until(lambda: self.window_bytes is not None)

    def ping(self):
        """Returns when the gateway has read all that was sent."""
        self._pongs = 0
        self.send(frame(PING, payload=b"are you?"))
        self.read_until(lambda: self._pongs > 0)

    def read_frame(self):
        """The next frame, dealt with; None at the end, see `end`."""
        while self.end is None:
            found = self._take_frame()
            if found is not None:
                return found
            try:
                more = self.socket.recv(1 << 18)
            except TimeoutError:
                raise
            except OSError:
                self.end = "reset"
                break
            if not more:
                self.end = "closed"
                break
            self._buffer += more
        return None

    def read_until(self, done):
        """Reads frames until `done()`; False if the connection ends first."""
        while not done():
            if self.read_frame() is None:
                return done()
        return True

    def read_answer(self, stream):
        """The answer on a stream once it has ended, or the connection has."""
        answer = self.answers[stream]
        self.read_until(lambda: answer.ended or answer.reset is not None)
        return answer

    def told(self, stream):
        """How the answer on a stream, or else the connection, ended."""
        answer = self.read_answer(stream)
        if answer.ended or answer.reset is not None:
            return answer.told
        return self.ending()

    def read_end(self):
        """How the connection ends, once it has."""
        self.read_until(lambda: False)
        return self.ending()

    def ending(self):
        if self.goaways:
            return "GOAWAY " + self.goaways[-1][1]
        return self.end

    def flood(self, batch, bytes_max, read=True):
        """Sends `batch(i)` for i = 0, 1... and reads what comes, until the
        connection ends or that many bytes are sent. Returns how many."""
        sent = count = 0
        waiting = memoryview(b"")
        patience_s = self.socket.gettimeout()
        self.socket.setblocking(False)
        self._held = b""
        while self.end is None and sent < bytes_max:
            if not waiting:
                waiting = memoryview(self._held + batch(count))
                self._held = b""
                count += 1
            readable, writable, _ = select.select(
                [self.socket] if read else [], [self.socket], [], patience_s)
            if not readable and not writable:
                break
            try:
                if readable:
                    self._read_some()
                if writable:
                    done = self.socket.send(waiting)
                    sent += done
                    waiting = waiting[done:]
            except BlockingIOError:
                pass
            except OSError:
                break  # Whatever was said before can still be read.
        self._held = None
        self.socket.settimeout(patience_s)
        return sent

    def _read_some(self):
        more = self.socket.recv(1 << 18)
        if not more:
            self.end = "closed"
        self._buffer += more
        while self._take_frame() is not None:
            pass

    def _take_frame(self):
        if len(self._buffer) < 9:
            return None
        size = int.from_bytes(self._buffer[:3], "big")
        if len(self._buffer) < 9 + size:
            return None
        kind, flags, stream = struct.unpack_from(">BBI", self._buffer, 3)
        found = Frame(kind, flags, stream, bytes(self._buffer[9:9 + size]))
        del self._buffer[:9 + size]
        self._handle(found)
        return found

    def _handle(self, got):
        if got.type == GOAWAY:
            last, error = struct.unpack_from(">II", got.payload)
            self.goaways.append((last, _name(error)))
        elif got.type == SETTINGS and not got.flags & ACK:
            said = dict(struct.iter_unpack(">HI", got.payload))
            self.window_bytes = said.get(INITIAL_WINDOW_SIZE, 65535)
            self._reply(frame(SETTINGS, ACK))
        elif got.type == WINDOW_UPDATE:
            credit, = struct.unpack(">I", got.payload)
            self._credit[got.stream] = (
                self._credit.get(got.stream, 0) + credit)
        elif got.type == PING and got.flags & ACK:
            self._pongs += 1
        elif got.type == PING and not got.flags & ACK:
            self._reply(frame(PING, ACK, payload=got.payload))
        elif got.type in (HEADERS, CONTINUATION):
            self._handle_block(got)
        answer = self.answers.get(got.stream)
        if answer is None:
            return
        if got.type == DATA:
            answer.body += got.payload
            answer.ended = bool(got.flags & END_STREAM)
            if got.payload and not self._rude:
                self._reply(window_update(0, len(got.payload)) +
                            window_update(got.stream, len(got.payload)))
        elif got.type == RST_STREAM:
            answer.gone = True
            if not answer.ended:
                answer.reset = _name(struct.unpack(">I", got.payload)[0])

    def _handle_block(self, got):
        if got.type == HEADERS:
            self._block = b""
            self._block_head = got
        self._block += got.payload
        if not got.flags & END_HEADERS:
            return
        fields = {name.decode(): value.decode("latin-1")
                  for name, value in self._decoder.decode(self._block)}
        answer = self.answers.get(got.stream, Answer())
        if ":status" in fields:
            answer.headers = fields
        else:
            answer.trailers = fields
        answer.ended = bool(self._block_head.flags & END_STREAM)

    def _reply(self, reply):
        if self._rude:
            return
        if self._held is not None:
            self._held += reply
            return
        try:
            self.socket.sendall(reply)
        except OSError:
            pass  # The end is noticed by reading.


def _name(error):
    return _ERRORS[error] if error < len(_ERRORS) else hex(error)
