"""A provider for the demonstration: says a few words, as it is told to.

  python3 -m tools.demo.upstream --port=9001 --name=a

It speaks OpenAI's chat completions, whole and streamed. How it behaves is set
by `PUT /conduct` with a JSON object: `delay_s` before its answer, `status` and
`retry_after` of a refusal, `percent` of the requests that are refused.
"""

import argparse
import http.server
import itertools
import json
import time

_WORDS = ["It ", "is ", "forty", "-two."]
_PAUSE_S = 0.01


class Provider(http.server.ThreadingHTTPServer):
    """Listens at the port until it is killed."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, port, name):
        super().__init__(("127.0.0.1", port), _Handler)
        self.name = name
        self.conduct = {}
        self.count = itertools.count()

    def handle_error(self, request, client_address):
        pass  # Whoever left need not be told of.


class _Handler(http.server.BaseHTTPRequestHandler):

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def do_PUT(self):
        self.server.conduct = json.loads(self._body())
        self._send(200, {})

    def do_POST(self):
        request = json.loads(self._body())
        conduct = self.server.conduct
        time.sleep(conduct.get("delay_s", 0.02))
        status = conduct.get("status", 200)
        # Every so many, and not by chance: each run is like the one before.
        turn = next(self.server.count) * 37 % 100
        if status != 200 and turn < conduct.get("percent", 100):
            headers = {}
            if "retry_after" in conduct:
                headers["retry-after"] = str(conduct["retry_after"])
            self._send(status, {"error": {"message": "told to refuse",
                                          "type": "server_error"}}, headers)
        elif request.get("stream"):
            self._stream(request)
        else:
            self._send(200, {
                **self._frame("chat.completion", request),
                "choices": [{"index": 0, "finish_reason": "stop",
                             "message": {"role": "assistant",
                                         "content": "".join(_WORDS)}}],
                "usage": _USAGE})

    def _frame(self, kind, request):
        return {"id": "chatcmpl-demo", "object": kind, "created": 1767225600,
                "model": request["model"]}

    def _stream(self, request):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        frame = self._frame("chat.completion.chunk", request)
        for word in _WORDS:
            self._event({**frame, "choices": [
                {"index": 0, "delta": {"content": word},
                 "finish_reason": None}]})
            time.sleep(_PAUSE_S)
        self._event({**frame, "choices": [
            {"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self._event({**frame, "choices": [], "usage": _USAGE})
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _event(self, event):
        self._chunk(b"data: " + json.dumps(event).encode() + b"\n\n")

    def _chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _body(self):
        return self.rfile.read(int(self.headers["content-length"]))

    def _send(self, status, body, headers=None):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


_USAGE = {"prompt_tokens": 8, "completion_tokens": 4, "total_tokens": 12}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True)
    asked = parser.parse_args()
    Provider(asked.port, asked.name).serve_forever()


if __name__ == "__main__":
    main()
