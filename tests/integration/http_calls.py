"""Asks a gateway by HTTP, byte by byte where a test must see the bytes.

    answer = ask(gateway.http, chat("gpt-x"))
    answer.status, answer.headers["x-request-id"], answer.json()

    stream = RawConnection(gateway.http)
    stream.send(chat_bytes("gpt-x", stream=True))
    head = stream.read_head()
    ... stream.read_chunk() ...
    stream.reset()
"""

import http.client
import json
import socket
import struct

TIMEOUT_S = 30.0
CHAT = "/v1/chat/completions"


def chat(model, text="Hello", **fields):
    """A request in OpenAI's form with one message of the user."""
    return {"model": model, **fields,
            "messages": [{"role": "user", "content": text}]}


def encode(body):
    return body if isinstance(body, bytes) else json.dumps(body).encode()


class Answer:
    """A whole answer. Names of headers are in lower case."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def error(self):
        """The object that OpenAI's clients look for."""
        return self.json()["error"]

    def events(self):
        return parse_events(self.body)

    def text(self):
        """What the first choice says, whole or streamed."""
        if self.headers["content-type"].startswith("text/event-stream"):
            return stream_text(self.body)
        return self.json()["choices"][0]["message"]["content"]


def ask(address, body=None, path=CHAT, method=None, headers=None,
        connection=None):
    """Sends one request; a body makes it a POST."""
    own = connection is None
    if own:
        connection = http.client.HTTPConnection(address, timeout=TIMEOUT_S)
    try:
        sent = {} if body is None else {"content-type": "application/json"}
        sent.update(headers or {})
        connection.request(
            method or ("GET" if body is None else "POST"), path,
            None if body is None else encode(body), sent)
        response = connection.getresponse()
        return Answer(response.status,
                      {key.lower(): value
                       for key, value in response.getheaders()},
                      response.read())
    finally:
        if own:
            connection.close()


def request_bytes(body, path=CHAT, method="POST", headers=(), host="localhost"):
    """A request as it goes over the wire."""
    body = encode(body)
    lines = ["%s %s HTTP/1.1" % (method, path), "host: " + host,
             "content-type: application/json",
             "content-length: %d" % len(body), *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def parse_events(body):
    """The `data` of each event: parsed, or None for `[DONE]`."""
    events = []
    text = body.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    for block in text.split("\n\n"):
        data = [line[5:].strip() for line in block.split("\n")
                if line.startswith("data:")]
        if data:
            text = "\n".join(data)
            events.append(None if text == "[DONE]" else json.loads(text))
    return events


def stream_text(body):
    """What the first choice of a stream says."""
    return "".join(
        choice["delta"].get("content") or ""
        for event in parse_events(body) if event
        for choice in event.get("choices", ()) if choice["index"] == 0)


def stream_errors(body):
    """The errors that events of a stream tell."""
    return [event["error"] for event in parse_events(body)
            if event and "error" in event]


class RawConnection:
    """A TCP connection on which nothing is done by itself."""

    def __init__(self, address, receive_buffer_bytes=None):
        host, _, port = address.rpartition(":")
        self.socket = socket.socket()
        if receive_buffer_bytes:
            # Before connecting, or the window has been offered already.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                   receive_buffer_bytes)
        self.socket.settimeout(TIMEOUT_S)
        self.socket.connect((host, int(port)))
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """Whatever has arrived; empty at the end. A reset raises."""
        if self._buffer:
            data, self._buffer = self._buffer, b""
            return data
        return self.socket.recv(65536)

    def read_until(self, mark):
        """All bytes up to and with the mark."""
        while mark not in self._buffer:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError("the gateway closed after %r" % self._buffer)
            self._buffer += more
        end = self._buffer.index(mark) + len(mark)
        data, self._buffer = self._buffer[:end], self._buffer[end:]
        return data

    def read_exactly(self, count):
        while len(self._buffer) < count:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError("the gateway closed after %r" % self._buffer)
            self._buffer += more
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def read_head(self):
        """The status and headers of an answer."""
        lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:-2]:
            key, _, value = line.partition(":")
            headers[key.strip().lower()] = value.strip()
        return int(lines[0].split(" ")[1]), headers

    def read_chunk(self):
        """One chunk of a chunked body; empty for the last."""
        size = int(self.read_until(b"\r\n"), 16)
        data = self.read_exactly(size)
        self.read_exactly(2)
        return data

    def read_chunks(self):
        """The rest of a chunked body."""
        return b"".join(iter(self.read_chunk, b""))

    def read_answer(self):
        """A whole answer."""
        status, headers = self.read_head()
        if headers.get("transfer-encoding") == "chunked":
            body = self.read_chunks()
        else:
            body = self.read_exactly(int(headers.get("content-length", 0)))
        return Answer(status, headers, body)

    def read_to_end(self):
        """All bytes until the gateway closes."""
        data = self._buffer
        self._buffer = b""
        while True:
            more = self.socket.recv(65536)
            if not more:
                return data
            data += more

    def finish_sending(self):
        """Sends FIN."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Sends RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()
