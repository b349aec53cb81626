"""Makes requests over HTTP/2 as they are told, right or wrong.

Debian's Python, the one that has hpack, runs this; raw_caller.py starts it and
says what commands and answers there are. A line holds one of them, as JSON.

Nothing checks what is sent, and little what comes: a server may send more than
it should, and the test is to see what a call came to all the same.
"""

import json
import socket
import ssl
import struct
import sys

import hpack

_TIMEOUT_S = 30.0
_READ_BYTES = 65536
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FRAME_BYTES_MAX = 16384
_WINDOW = 65535

(_DATA, _HEADERS, _, _RST_STREAM, _SETTINGS, _, _PING, _GOAWAY, _WINDOW_UPDATE,
 _CONTINUATION) = range(10)
_END_STREAM = _ACK = 0x1
_END_HEADERS = 0x4
_PADDED = 0x8
_INITIAL_WINDOW_SIZE = 4
_CANCEL = 8
_ERRORS = (
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM",
    "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED")


class Ended(Exception):
    """The exchange is over; the text says how."""


class Connection:
    """One connection, which requests follow each other on."""

    def __init__(self, address, ca):
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), _TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ca is not None:
            context = ssl.create_default_context(cafile=ca)
            context.set_alpn_protocols(["h2"])
            self._socket = context.wrap_socket(self._socket,
                                               server_hostname=host)
        self._encoder = hpack.Encoder()
        self._decoder = hpack.Decoder()
        self._decoder.max_header_list_size = 1 << 20
        self._received = b""
        self._next_stream = 1
        self._initial_window = _WINDOW
        self._windows = {0: _WINDOW}  # By stream; 0 is the connection's.
        self._block = b""
        self._goaway = None
        self._socket.sendall(_PREFACE)
        self._send(_SETTINGS)

    def close(self):
        self._socket.close()

    def request(self, command):
        """Sends a request, reads its answer, and returns what came."""
        outcome = {"blocks": [], "data": "", "end": None}
        try:
            self._exchange(command, outcome)
        except Ended as ended:
            outcome["end"] = str(ended)
        except socket.timeout:
            outcome["end"] = "TIMEOUT"
        except OSError:
            outcome["end"] = self._goaway or "CLOSED"
        return outcome

    def _exchange(self, command, outcome):
        stream = self._next_stream
        self._next_stream += 2
        self._windows[stream] = self._initial_window
        pieces = [bytes.fromhex(piece) for piece in command["data"]]
        end = command["end"]
        self._send_head(stream, command["headers"], end and not pieces)
        while True:
            while pieces:
                size = min(len(pieces[0]), _FRAME_BYTES_MAX,
                           self._windows[0], self._windows[stream])
                if size <= 0 < len(pieces[0]):
                    break
                piece, rest = pieces[0][:size], pieces[0][size:]
                pieces[:1] = [rest] if rest else []
                for window in (0, stream):
                    self._windows[window] -= size
                self._send(_DATA, stream, piece,
                           _END_STREAM if end and not pieces else 0)
            self._read_frame(stream, outcome)
            if outcome["data"] and command["hang_up"]:
                self._hang_up(stream, command["hang_up"])

    def _send_head(self, stream, headers, end):
        block = self._encoder.encode([tuple(pair) for pair in headers])
        kind, flags = _HEADERS, _END_STREAM if end else 0
        while len(block) > _FRAME_BYTES_MAX:
            self._send(kind, stream, block[:_FRAME_BYTES_MAX], flags)
            block = block[_FRAME_BYTES_MAX:]
            kind, flags = _CONTINUATION, 0
        self._send(kind, stream, block, flags | _END_HEADERS)

    def _hang_up(self, stream, how):
        if how == "reset":
            self._send(_RST_STREAM, stream, struct.pack(">I", _CANCEL))
        else:
            self._socket.close()
        raise Ended("HUNG_UP")

    def _send(self, kind, stream=0, payload=b"", flags=0):
        head = struct.pack(">IBBI", len(payload), kind, flags, stream)[1:]
        self._socket.sendall(head + payload)

    def _read(self, size):
        while len(self._received) < size:
            data = self._socket.recv(_READ_BYTES)
            if not data:
                raise Ended(self._goaway or "CLOSED")
            self._received += data
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def _read_frame(self, own_stream, outcome):
        head = self._read(9)
        size = int.from_bytes(head[:3], "big")
        kind, flags = head[3], head[4]
        stream = int.from_bytes(head[5:], "big") & 0x7fffffff
        payload = self._read(size)
        if kind == _SETTINGS and not flags & _ACK:
            self._take_settings(payload)
        elif kind == _PING and not flags & _ACK:
            self._send(_PING, 0, payload, _ACK)
        elif kind == _WINDOW_UPDATE:
            self._windows[stream] = (self._windows.get(stream, 0) +
                                     int.from_bytes(payload, "big"))
        elif kind == _GOAWAY:
            self._goaway = "GOAWAY " + _error_name(payload[4:8])
        elif kind == _DATA:
            self._take_data(stream == own_stream, stream, payload, flags,
                            outcome)
        elif kind in (_HEADERS, _CONTINUATION):
            self._block += payload
            if flags & _END_HEADERS:
                # Of other streams too: the decoder has to see them all.
                block = self._decoder.decode(self._block)
                self._block = b""
                if stream == own_stream:
                    outcome["blocks"].append([list(pair) for pair in block])
        elif kind == _RST_STREAM and stream == own_stream:
            raise Ended("RESET " + _error_name(payload))
        if (kind in (_DATA, _HEADERS) and flags & _END_STREAM and
                stream == own_stream):
            raise Ended("ENDED")

    def _take_data(self, is_own, stream, payload, flags, outcome):
        if flags & _PADDED:
            raise Ended("PADDED")
        if not payload:
            return
        update = struct.pack(">I", len(payload))
        self._send(_WINDOW_UPDATE, 0, update)
        if is_own:
            outcome["data"] += payload.hex()
            if not flags & _END_STREAM:
                self._send(_WINDOW_UPDATE, stream, update)

    def _take_settings(self, payload):
        for at in range(0, len(payload), 6):
            name, value = struct.unpack(">HI", payload[at:at + 6])
            if name == _INITIAL_WINDOW_SIZE:
                for stream in self._windows:
                    if stream != 0:
                        self._windows[stream] += value - self._initial_window
                self._initial_window = value
        self._send(_SETTINGS, 0, b"", _ACK)


def _error_name(code):
    number = int.from_bytes(code, "big")
    return _ERRORS[number] if number < len(_ERRORS) else str(number)


def main():
    for line in sys.stdin:
        command = json.loads(line)
        connection = Connection(command["address"], command["ca"])
        outcomes = [connection.request(request)
                    for request in command["requests"]]
        connection.close()
        sys.stdout.write(json.dumps(outcomes) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
