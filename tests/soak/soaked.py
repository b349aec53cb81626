"""The gateway that is soaked, with every room on, and all that stands around it:
the mock upstream, a Redis and a collector of traces.

    with Surroundings(options, folder) as around:
        around.gateway.http
        around.change_config()      It is loaded again, by itself.

What the gateway keeps in memory is bounded so low that it is full soon: what
grows from then on grows for ever.
"""

import contextlib
import http.server
import json
import os
import threading

from tests.integration import grpc_caller
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream
from tests.testing.redis_process import RedisProcess

KEYS = {"alice": "soak-key-of-alice-0123456789",
        "bob": "soak-key-of-bob-0123456789",
        "carol": "soak-key-of-carol-0123456789"}
ENV = {"UPSTREAM_KEY": "soak-key-of-the-upstream-01", "AUDIT_KEY": "ab" * 32,
       **{name.upper(): key for name, key in KEYS.items()}}

_LONG = 10**12
# How long the provider takes where it is well.
_WELL_MS = 20
_STREAM = {"chunks": 12, "chunk_bytes": 24, "chunk_delay_ms": 10}
# Longer than anybody stays, and no longer: the mock makes all of it before it
# begins.
_ENDLESS = {"chunks": 2000, "chunk_bytes": 16, "chunk_delay_ms": 20}
# What goes wrong, one after the other; every other call goes well.
_WRONGS = [
    {"status": 503}, {"reset_before_first_byte": True},
    {"status": 500, "error": {"message": "soaked"}},
    {"close_before_first_byte": True}, {"garbage": "invalid_json"},
    {"status": 429, "retry_after": "1"}, {"garbage": "short_body"},
    {"chunks": 9, "chunk_delay_ms": 5, "reset_after_chunks": 4},
    {"chunks": 9, "chunk_delay_ms": 5, "error_after_chunks": 4},
    {"chunks": 9, "omit_terminator": True, "omit_finish": True},
    {"garbage": "html"}, {"garbage": "empty_body"},
]
VENDORS = ("gpt-soak", "claude-soak", "gemini-soak")
_SCRIPTS = {
    **{vendor: {"text": "All is well.", "first_byte_delay_ms": _WELL_MS}
       for vendor in VENDORS},
    **{vendor + "-stream": _STREAM for vendor in VENDORS},
    **{vendor + "-endless": _ENDLESS for vendor in VENDORS},
    "gpt-soak-late": {"first_byte_delay_ms": 2000},
    "unwell": {"cycle": True, "steps": [
        step for wrong in _WRONGS for step in (wrong, {})]},
}


def config(around, folder, change):
    """The gateway's configuration; `change` numbers what differs when it is
    loaded again."""
    up = "http://" + around.upstream.address
    key = "env:UPSTREAM_KEY"
    return {
        "listeners": {
            **{name: {"address": "127.0.0.1:0"} for name in
               ("grpc", "http", "admin", "operations", "admin_http")}},
        "providers": [
            {"name": "openai",
             "openai": {"base_url": up + "/v1", "api_key": key}},
            {"name": "anthropic",
             "anthropic": {"base_url": up, "api_key": key}},
            {"name": "gemini", "gemini": {"base_url": up, "api_key": key}},
            # Without a key: it has nothing that cools after a 429.
            {"name": "unwell", "openai_compatible": {
                "base_url": up + "/v1", "http": {"timeouts": {
                    "first_byte": "2s", "stream_first_byte": "2s",
                    "idle": "2s", "total": "5s"}}}},
        ],
        "routing": {
            "model_rules": [
                {"prefix": "claude-", "targets": ["anthropic"]},
                {"prefix": "gemini-", "targets": ["gemini"]},
                {"alias": "house", "targets": ["unwell/unwell"],
                 "fallbacks": ["openai/gpt-soak"]},
            ],
            "default_target": "openai",
        },
        "resilience": {
            "retry": {"attempts_limit": 2, "backoff_base": "5ms",
                      "backoff_limit": "20ms"},
            "circuit_breaker": {"mode": "enforce", "open_duration": "2s"},
            "outlier_ejection": {"enabled": True},
        },
        "auth": {"callers": {"api_keys": [
            {"id": name, "key": "env:" + name.upper(), "owner": name + "-team",
             "labels": {"team": name}} for name in KEYS],
            "issued_keys": {}}},
        "rate_limits": [
            {"name": "requests", "unit": "requests", "limit": _LONG - change,
             "per": ["caller"], "sharing": "leased"},
            {"name": "tokens", "unit": "total_tokens", "limit": _LONG,
             "per": ["owner", "user"]},
            {"name": "cost", "unit": "cost", "limit_usd": "1000000000",
             "per": ["caller"], "sharing": "exact"},
            {"name": "calls", "unit": "concurrent_calls", "limit": 10000,
             "per": ["caller"]},
        ],
        "budgets": {
            "scopes_limit": 1000,
            "sessions": {"session_tokens": _LONG, "work_order_tokens": _LONG,
                         "work_order_turns": 10**9},
            "rules": [
                {"name": "daily", "unit": "cost", "limit_usd": "1000000000",
                 "period": "day", "per": ["user"]},
                {"name": "team", "unit": "total_tokens", "limit": _LONG,
                 "rolling_window": "1h", "per": ["owner"]},
            ],
        },
        "overload": {"concurrency": {"calls_limit": 1000},
                     "memory": {"size_bytes_limit": 4 << 30}},
        "prices": {"models": [
            {"model": "*", "input": "1.25", "output": "10"}]},
        "ledger": {},
        "audit": {
            "retention_days": 1,
            "bodies": [{"request": True, "response": True}],
            "encryption": {"keys": [{"id": "k", "key": "env:AUDIT_KEY"}]},
        },
        "tracing": {
            "exporter": "otlp_http", "endpoint": around.collector.url,
            "slow_threshold": "1s",
            "store": {"traces_limit": 500, "size_bytes_limit": 4 << 20},
        },
        "store": {},
        "sessions": {"ttl": "60s", "sessions_limit": 1000},
        "response_store": {"ttl": "60s", "entries_limit": 500},
        "cache": {"ttl": "60s", "entries_limit": 500, "streams": True,
                  "size_bytes_limit": 4 << 20, "shared": True,
                  "models": ["gpt-soak", "gemini-soak-stream"]},
        "idempotency": {"ttl": "60s", "entries_limit": 500},
        "coalescing": {"models": ["claude-soak"]},
        "resumable_streams": {"size_bytes_limit": 4 << 20, "grace": "1s"},
        "redis": {"addresses": [around.redis.address], "timeout": "1s"},
        "metrics": {"exemplars": True, "recent_requests_limit": 500},
        "logging": {"file": os.path.join(folder, "gateway.log"),
                    "rotation": {"size_bytes_limit": 16 << 20,
                                 "files_limit": 2}},
        "runtime": {"state_dir": os.path.join(folder, "state"),
                    "event_loops": 2},
    }


class _Collector(http.server.ThreadingHTTPServer):
    """Takes all spans, and keeps none."""

    daemon_threads = True

    class _Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):  # pylint: disable=invalid-name
            self.rfile.read(int(self.headers["content-length"]))
            self.server.batches += 1
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):  # pylint: disable=arguments-differ
            pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self._Handler)
        self.batches = 0
        self.url = "http://127.0.0.1:%d" % self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _LogFile:
    """The gateway's log, where it says once that it is ready."""

    def __init__(self, path):
        self._path = path

    def await_ready(self):
        pause = threading.Event()
        for _ in range(600):
            if os.path.exists(self._path):
                with open(self._path, encoding="utf-8") as log:
                    for line in log:
                        if line.endswith("\n") and '"msg":"ready"' in line:
                            return json.loads(line)
            pause.wait(0.05)
        raise RuntimeError("the gateway does not get ready")


class Surroundings:
    """All processes, until the end of the `with` block."""

    def __init__(self, options, folder):
        self._options = options
        self._folder = folder
        self.changes = 0  # Of the configuration.
        self._stack = contextlib.ExitStack()
        self.state = os.path.join(folder, "state")

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _start(self, stack):
        self.collector = _Collector()
        stack.callback(self.collector.server_close)
        stack.callback(self.collector.shutdown)
        self.upstream = stack.enter_context(
            MockUpstream(binary=self._options.upstream))
        for model, script in _SCRIPTS.items():
            self.upstream.set_script(model, script)
        self.redis = stack.enter_context(RedisProcess())
        self.caller = stack.enter_context(
            grpc_caller.GrpcCaller(stubs=self._options.stubs))
        log = _LogFile(os.path.join(self._folder, "gateway.log"))
        self.gateway = GatewayProcess(
            self._text(), env=ENV, binary=self._options.gateway,
            await_ready=log.await_ready, keeps_access=False)
        stack.callback(self.gateway.kill)

    def _text(self):
        return "# With listeners: its own.\n" + json.dumps(
            config(self, self._folder, self.changes), indent=1)

    def change_config(self):
        """Another limit, in the file that the gateway watches."""
        self.changes += 1
        self.gateway.write_config(self._text())
