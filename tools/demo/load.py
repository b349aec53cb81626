"""Calls a gateway at a steady rate, and keeps what its callers see.

    with load.Load("http://127.0.0.1:8080", "house", rate=40) as running:
        time.sleep(10)
        seen = running.take()     # What has ended since the last time.

Half of the calls are streams. A call that is due while all callers are busy is
made by another caller, up to a limit.
"""

import collections
import http.client
import json
import threading
import time
import urllib.parse

# How a call ended for its caller. `error` is empty if it went well; `begun`
# tells that a part of a stream had come by then, so that nobody could have
# asked again unseen.
Seen = collections.namedtuple("Seen", "began took status error begun stream")

_CALLERS_MAX = 200
_TIMEOUT_S = 60.0


class Load:
    """Runs until the end of its `with` block."""

    def __init__(self, url, model, rate, headers=None):
        where = urllib.parse.urlsplit(url)
        self._secure = where.scheme == "https"
        self._host = where.netloc
        self._path = where.path.rstrip("/") + "/v1/chat/completions"
        self._headers = {"content-type": "application/json", **(headers or {})}
        self._model = model
        self._interval = 1.0 / rate
        self._lock = threading.Lock()
        self._seen = []
        self._idle = []
        self._busy = 0
        self._stopping = threading.Event()
        self._pacer = threading.Thread(target=self._pace, daemon=True)

    def __enter__(self):
        self._pacer.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._pacer.join()
        deadline = time.monotonic() + _TIMEOUT_S
        while time.monotonic() < deadline:
            with self._lock:
                if self._busy == 0:
                    return
            time.sleep(0.02)

    def take(self):
        """What has ended since the last time."""
        with self._lock:
            seen, self._seen = self._seen, []
        return seen

    def _pace(self):
        due = time.monotonic()
        number = 0
        while not self._stopping.is_set():
            due += self._interval
            time.sleep(max(0.0, due - time.monotonic()))
            number += 1
            with self._lock:
                if self._busy >= _CALLERS_MAX:
                    continue
                self._busy += 1
                connection = self._idle.pop() if self._idle else None
            threading.Thread(target=self._call, daemon=True,
                             args=(connection, number % 2 == 0)).start()

    def _connect(self):
        kind = (http.client.HTTPSConnection if self._secure else
                http.client.HTTPConnection)
        return kind(self._host, timeout=_TIMEOUT_S)

    def _call(self, connection, stream):
        began = time.monotonic()
        connection = connection or self._connect()
        status, error, begun = 0, "", False
        try:
            connection.request("POST", self._path, json.dumps({
                "model": self._model, "stream": stream,
                "messages": [{"role": "user", "content": "What is 6 x 7?"}]}),
                self._headers)
            answer = connection.getresponse()
            status = answer.status
            if stream and status == 200:
                error, begun = _read_stream(answer)
            else:
                error = _error_of(status, answer.read())
        except (OSError, http.client.HTTPException) as problem:
            error = f"{type(problem).__name__}: {problem}"
        ended = time.monotonic()
        with self._lock:
            self._busy -= 1
            self._seen.append(Seen(began, ended - began, status, error, begun,
                                   stream))
            if not error:
                self._idle.append(connection)
                return
        connection.close()


def _error_of(status, body):
    if status == 200:
        return ""
    try:
        return json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return body[:200].decode("utf-8", "replace") or f"status {status}"


def _read_stream(answer):
    """How a stream ended, and whether a part of its answer had come."""
    begun = False
    for line in answer:
        if line.startswith(b"data: [DONE]"):
            answer.read()
            return "", begun
        if not line.startswith(b"data: "):
            continue
        event = json.loads(line[len(b"data: "):])
        if "error" in event:
            answer.read()
            return event["error"].get("message", "an error event"), begun
        begun = begun or any(choice.get("delta", {}).get("content")
                             for choice in event.get("choices", []))
    return "the stream ended before its end", begun
