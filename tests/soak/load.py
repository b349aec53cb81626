"""The calls of a soak: every API, well and unwell, left and refused, and what
operators ask meanwhile.

    load = Load(around, rate=50)
    load.start(seconds=3600)
    load.take_latencies()      of the calls that go well, since the last look
    load.join()
    load.counts, load.failures

A kind of call says what it expects; another outcome is a failure and is counted
with its first text. Calls begin at times of their own, whether those before them
have ended or not, as long as a worker is free.
"""

import collections
import http.client
import itertools
import random
import threading
import time

from tests.integration import http_calls
from tests.integration.grpc_caller import prompt
from tests.soak import soaked

_WORKERS = 32
_SEED = 32
_GATEWAY = "/llmgateway.v1.GatewayService/"
_ADMIN = "/llmgateway.v1.AdminService/"
_METRICS = "/llmgateway.v1.MetricsService/"
_TEXTS = 5000
_USERS = 50
_SESSIONS = 100
# Each HTTP API, and what a stream of it ends with.
_ENDS = {"chat": b"[DONE]", "messages": b"message_stop",
         "responses": b"response.completed", "gemini": b"finishReason"}
_HTTP_APIS = tuple(_ENDS)
_QUERIES = (
    (_ADMIN + "GetHealth", {}), (_ADMIN + "GetConfig", {}),
    (_ADMIN + "ListProviders", {}), (_ADMIN + "ListCircuits", {}),
    (_ADMIN + "ListPolicies", {}), (_ADMIN + "ListLimitUsage", {}),
    (_ADMIN + "ListBudgets", {}), (_ADMIN + "ListKeys", {}),
    (_ADMIN + "ListPricing", {}), (_ADMIN + "ListTraces", {}),
    (_ADMIN + "GetTraceMetrics", {}), (_ADMIN + "ListLogLevels", {}),
    (_ADMIN + "QueryLedger", {"page_size": 20}),
    (_ADMIN + "SearchAudit", {"page_size": 20}),
    (_ADMIN + "ExplainRoute", {"request": prompt("house")}),
    (_METRICS + "GetMetrics", {}), (_METRICS + "GetCostSummary", {}),
    (_METRICS + "GetCallStatistics", {}),
    (_METRICS + "ListRecentRequests", {}), (_METRICS + "Scrape", {}),
)
_PAGES = ("/metrics", "/livez", "/readyz")


class Unexpected(Exception):
    """An outcome that the kind of call does not expect."""


def _expect(status, wanted, what):
    if status not in wanted:
        raise Unexpected("%s, not %s: %.300r" % (status, wanted, what))


class _Caller:
    """What one worker calls with: dice and a connection of its own."""

    def __init__(self, around, seed, note_latency):
        self._around = around
        self._dice = random.Random(seed)
        self._note_latency = note_latency
        self._kept = None
        self._issued = None  # The id of a key.

    def close(self):
        if self._kept is not None:
            self._kept.close()

    # What calls are made of.

    def _text(self):
        return "Hello, number %d" % self._dice.randrange(_TEXTS)

    def _headers(self):
        name = self._dice.choice(sorted(soaked.KEYS))
        return {"x-api-key": soaked.KEYS[name],
                "anthropic-version": "2023-06-01"}

    def _model(self, suffix=""):
        return self._dice.choice(soaked.VENDORS) + suffix

    def _http_body(self, api, model, stream):
        """Path and body of a call by HTTP."""
        text = self._text()
        user = "user-%d" % self._dice.randrange(_USERS)
        if api == "gemini":
            return "/v1beta/models/%s:%s" % (
                model, "streamGenerateContent?alt=sse" if stream else
                "generateContent"), {"contents": [{"parts": [{"text": text}]}]}
        if api == "responses":
            return "/v1/responses", {
                "model": model, "input": text, "stream": stream, "user": user}
        if api == "messages":
            return "/v1/messages", http_calls.chat(
                model, text, stream=stream, max_tokens=100,
                metadata={"user_id": user})
        return http_calls.CHAT, http_calls.chat(
            model, text, stream=stream, user=user)

    def _grpc_prompt(self, model):
        session = self._dice.randrange(_SESSIONS)
        return prompt(model, self._text(), scope={
            "user_id": "user-%d" % self._dice.randrange(_USERS),
            "session_id": "session-%d" % session,
            "work_order_id": "order-%d" % session})

    def _metadata(self):
        return [["x-api-key", self._headers()["x-api-key"]]]

    def _ask(self, body=None, path=http_calls.CHAT, wanted=(200,), **more):
        headers = {**self._headers(), **more.pop("headers", {})}
        answer = http_calls.ask(self._around.gateway.http, body, path=path,
                                headers=headers, **more)
        _expect(answer.status, wanted, answer.body)
        return answer

    def _connection(self):
        if self._kept is None:
            self._kept = http.client.HTTPConnection(
                self._around.gateway.http, timeout=http_calls.TIMEOUT_S)
        return self._kept

    # Calls that go well.

    def well_whole(self):
        api = self._dice.choice(_HTTP_APIS)
        path, body = self._http_body(api, self._model(), False)
        begin = time.monotonic()
        try:
            answer = self._ask(body, path, connection=self._connection())
        except Exception:
            self.close()
            self._kept = None
            raise
        if not answer.headers.get("x-llmgateway-cache", "").startswith("hit"):
            self._note_latency(time.monotonic() - begin)

    def well_stream(self):
        api = self._dice.choice(_HTTP_APIS)
        path, body = self._http_body(api, self._model("-stream"), True)
        answer = self._ask(body, path)
        if _ENDS[api] not in answer.body:
            raise Unexpected("a stream without its end: %.300r" % answer.body)

    def grpc_whole(self):
        call = self._around.caller.generate(
            self._around.gateway.grpc, self._grpc_prompt(self._model()),
            metadata=self._metadata())
        _expect(call.end["code"], ("OK",), call.end)

    def grpc_stream(self):
        call = self._around.caller.stream_all(
            self._around.gateway.grpc,
            self._grpc_prompt(self._model("-stream")),
            metadata=self._metadata())
        _expect(call.end["code"], ("OK",), call.end)

    def grpc_others(self):
        for method, request in (
                ("Embed", {"model": "gpt-soak",
                           "inputs": [{"text": self._text()}]}),
                ("CountTokens", {"request": prompt("claude-soak")}),
                ("ListModels", {})):
            call = self._around.caller.call(
                self._around.gateway.grpc, _GATEWAY + method, request,
                metadata=self._metadata())
            _expect(call.end["code"], ("OK",), call.end)

    def others(self):
        self._ask({"model": "gpt-soak", "input": self._text()},
                  "/v1/embeddings")
        self._ask(http_calls.chat("claude-soak", self._text()),
                  "/v1/messages/count_tokens")
        self._ask(path="/v1/models")

    def same_twice(self):
        key = "key-%d" % self._dice.randrange(10**9)
        body = http_calls.chat("claude-soak", self._text())
        for _ in range(2):
            self._ask(body, headers={"idempotency-key": key})

    def stored_response(self):
        key = {"x-api-key": self._headers()["x-api-key"]}
        kept = self._ask({"model": "claude-soak", "input": self._text()},
                         "/v1/responses", headers=key).json()["id"]
        self._ask({"model": "claude-soak", "input": "And now?",
                   "previous_response_id": kept}, "/v1/responses",
                  headers=key)
        self._ask(path="/v1/responses/" + kept, headers=key)
        self._ask(path="/v1/responses/" + kept, headers=key, method="DELETE")

    def session(self):
        key = {"x-api-key": self._headers()["x-api-key"]}
        made = self._ask({}, "/v1/sessions", wanted=(201,), headers=key)
        kept = made.json()["id"]
        for _ in range(2):
            self._ask(http_calls.chat("claude-soak", self._text(),
                                      session_id=kept), headers=key)
        if self._dice.random() < 0.5:  # The others expire.
            self._ask(path="/v1/sessions/" + kept, headers=key,
                      method="DELETE", wanted=(200, 204))

    # Calls that are left.

    def left_stream(self):
        api = self._dice.choice(_HTTP_APIS)
        path, body = self._http_body(api, self._model("-endless"), True)
        with self._raw(body, path) as connection:
            _expect(connection.read_head()[0], (200,), api)
            for _ in range(3):
                connection.read_chunk()
            connection.reset()

    def left_whole(self):
        body = http_calls.chat("gpt-soak-late", self._text())
        with self._raw(body, http_calls.CHAT) as connection:
            time.sleep(0.05)
            connection.reset()

    def left_grpc_stream(self):
        call = self._around.caller.stream(
            self._around.gateway.grpc,
            self._grpc_prompt(self._model("-endless")),
            metadata=self._metadata())
        for _ in range(3):
            call.next_event()
        call.cancel()
        _expect(call.wait()["code"], ("CANCELLED",), call.end)

    def _raw(self, body, path):
        connection = http_calls.RawConnection(self._around.gateway.http)
        connection.send(http_calls.request_bytes(
            body, path=path, headers=["%s: %s" % pair for pair in
                                      self._headers().items()]))
        return connection

    # Calls that meet faults, or are refused.

    def unwell(self):
        """Its provider fails every other time, and another one helps; only a
        stream that has begun, or a whole answer, may break."""
        stream = self._dice.random() < 0.5
        api = self._dice.choice(_HTTP_APIS)
        path, body = self._http_body(api, "house", stream)
        self._ask(body, path, wanted=(200, 502))

    def refused(self):
        self._ask(b"{", wanted=(400,))
        self._ask({"messages": []}, wanted=(400,))
        self._ask(path="/v1/no/such/path", wanted=(404,))
        self._ask(http_calls.chat("gpt-soak"), wanted=(401,),
                  headers={"x-api-key": "nobody-has-this-key-0123"})

    # What operators ask.

    def query(self):
        method, request = self._dice.choice(_QUERIES)
        end = self._around.caller.call(
            self._around.gateway.admin, method, request).end
        _expect(end["code"], ("OK",), (method, end))

    def page(self):
        path = self._dice.choice(_PAGES)
        answer = http_calls.ask(self._around.gateway.operations, path=path)
        _expect(answer.status, (200,), answer.body)
        answer = http_calls.ask(self._around.gateway.admin_http,
                                path="/api/admin/gateway/health")
        _expect(answer.status, (200,), answer.body)

    def issued_key(self):
        """A key whose secret lives for one call. Who is issued keys without end
        is known without end, so that each worker has one."""
        if self._issued is None:
            self._issued = self._operate(
                "CreateKey", key={"owner": "soak"})["key"]["id"]
        secret = self._operate("RotateKey", id=self._issued)["secret"]
        self._ask(http_calls.chat("claude-soak", self._text()),
                  headers={"x-api-key": secret})

    def _operate(self, method, **request):
        call = self._around.caller.call(
            self._around.gateway.admin, _ADMIN + method, request)
        _expect(call.end["code"], ("OK",), call.end)
        return call.response


# How often each comes among the others.
KINDS = {
    "well_whole": 30, "well_stream": 12, "grpc_whole": 12, "grpc_stream": 6,
    "grpc_others": 2, "others": 3, "same_twice": 3, "stored_response": 2,
    "session": 2, "left_stream": 4, "left_whole": 2, "left_grpc_stream": 2,
    "unwell": 10, "refused": 3, "query": 4, "page": 2, "issued_key": 1,
}


class Load:
    """The calls of all workers."""

    def __init__(self, around, rate, kinds=None):
        """`kinds`, of KINDS, are those that are called; all if there are none."""
        self.counts = collections.Counter()
        self.failures = {}  # By kind: how many, and the first one's text.
        self.late = 0  # Begun more than a second after their time.
        self._around = around
        self._rate = rate
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._latencies = []
        self._workers = []
        # As many of each as there are to be among a hundred, shuffled.
        self._order = [kind for kind in kinds or KINDS
                       for _ in range(KINDS[kind])]
        random.Random(_SEED).shuffle(self._order)

    def start(self, seconds):
        begin = time.monotonic()
        self._workers = [
            threading.Thread(target=self._work, args=(i, begin, seconds),
                             daemon=True)
            for i in range(_WORKERS)]
        for worker in self._workers:
            worker.start()

    def join(self):
        for worker in self._workers:
            worker.join()

    def take_latencies(self):
        """In seconds, sorted, of whole calls that went well."""
        with self._lock:
            taken, self._latencies = self._latencies, []
        return sorted(taken)

    def failed(self):
        return sum(count for count, _ in self.failures.values())

    def _work(self, seed, begin, seconds):
        caller = _Caller(self._around, _SEED + seed, self._latencies_add)
        while True:
            with self._lock:
                number = next(self._numbers)
            at = number / self._rate
            if at >= seconds:
                break
            wait = begin + at - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            self._call(caller, self._order[number % len(self._order)],
                       wait < -1)
        caller.close()

    def _latencies_add(self, seconds):
        with self._lock:
            self._latencies.append(seconds)

    def _call(self, caller, kind, is_late):
        failure = None
        try:
            getattr(caller, kind)()
        except (Unexpected, EOFError, OSError, ValueError, KeyError,
                TimeoutError, http.client.HTTPException) as error:
            failure = repr(error)
        with self._lock:
            self.counts[kind] += 1
            self.late += is_late
            if failure is not None:
                count, first = self.failures.get(kind, (0, failure))
                self.failures[kind] = (count + 1, first)
