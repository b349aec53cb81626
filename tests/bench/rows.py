"""What is measured: each row, the load that makes it, and what is aimed at.

A row of load compares the gateway with nginx under the same load, or, where
the gateway is called by gRPC, with nginx proxying as many HTTP/1.1 calls in
flight: what a user pays today.
"""

import collections

# The scripts of the upstream, by model. A `_LONG` name does not fit into the
# string object itself, as those of real models do not.
CHUNK_BYTES = 16
_LONG = "-preview-2026-11-20"
SCRIPTS = {
    # About 1 KB of JSON.
    "whole": {"reply_bytes": 512},
    # More than the smallest answer that a cache may be limited to.
    "kilobyte": {"reply_bytes": 1024},
    "burst": {"chunks": 200, "chunk_bytes": CHUNK_BYTES},
    "paced": {"chunks": 50, "chunk_bytes": CHUNK_BYTES, "chunk_delay_ms": 10},
    "whole" + _LONG: {"reply_bytes": 512},
    "burst" + _LONG: {"chunks": 200, "chunk_bytes": CHUNK_BYTES},
    "first": {"chunks": 1, "chunk_bytes": CHUNK_BYTES},
    "idle": {"chunks": 2, "chunk_bytes": CHUNK_BYTES,
             "stall_after_chunks": 1},
}

# Load: mode is "unary" or "stream"; model names the script; format is the
# vendor's whose clients speak HTTP: "openai" or "anthropic".
Load = collections.namedtuple(
    "Load", "protocol mode connections streams model prompt_bytes format",
    defaults=(1, "whole", 1024, "openai"))

# A limit on what the gateway may use: as a multiple of nginx's figure, or as
# what comes on top of it, or by itself.
Limit = collections.namedtuple("Limit", "kind holds aim")


def times_nginx(holds, aim):
    return Limit("times", holds, aim)


def above_nginx(holds, aim):
    return Limit("above", holds, aim)


def at_most(holds, aim):
    return Limit("absolute", holds, aim)


# Row: `gateway` names a variant of configurations.GATEWAYS, `nginx` a server of
# servers.NGINX_PORTS; `quick` rows are in the short run too.
Row = collections.namedtuple(
    "Row", "name title gateway nginx load nginx_load limit quick",
    defaults=(None, False))


def _http(connections, model="whole", prompt_bytes=1024, mode="unary"):
    return Load("http", mode, connections, 1, model, prompt_bytes)


def _messages(load):
    return load._replace(format="anthropic")


def _grpc(connections, streams, model="whole", mode="unary"):
    return Load("grpc", mode, connections, streams, model)


def _sse(connections, model):
    return _http(connections, model, mode="stream")


def _http_row(name, title, load, limit=None, quick=False, gateway="plain",
              nginx=None):
    if nginx is None:
        nginx = "sse" if load.mode == "stream" else "unary"
    return Row(name, title, gateway, nginx, load, load, limit, quick)


def _grpc_row(name, title, load, limit=None, quick=False, gateway="plain",
              nginx=None, nginx_load=None):
    in_flight = load.connections * load.streams
    if nginx_load is None:
        nginx_load = load._replace(
            protocol="http", connections=in_flight, streams=1)
    if nginx is None:
        nginx = "sse" if load.mode == "stream" else "unary"
    return Row(name, title, gateway, nginx, load, nginx_load, limit, quick)


_BURSTS = 16
_PACED = 200

LOAD_ROWS = [
    _http_row("http_1", "HTTP unary, 1 in flight", _http(1), quick=True),
    _http_row("http_64", "HTTP unary, 64 in flight", _http(64),
              times_nginx(1.1, 1.0), quick=True),
    _http_row("http_1024", "HTTP unary, 1024 in flight", _http(1024)),
    _http_row("http_4096", "HTTP unary, 4096 in flight", _http(4096),
              quick=True),
    _http_row("http_32k", "HTTP unary, 32 KB prompt, 64 in flight",
              _http(64, prompt_bytes=32 << 10)),
    _http_row("http_512k", "HTTP unary, 512 KB prompt, 16 in flight",
              _http(16, prompt_bytes=512 << 10), above_nginx(150, 50),
              quick=True),
    _http_row("sse_burst", "SSE burst, per chunk", _sse(_BURSTS, "burst"),
              times_nginx(1.2, 1.0), quick=True),
    _http_row("sse_paced", "SSE paced, per chunk", _sse(_PACED, "paced"),
              times_nginx(1.2, 1.0), quick=True),
    _grpc_row("grpc_1x1", "gRPC unary, 1 call", _grpc(1, 1)),
    _grpc_row("grpc_4x16", "gRPC unary, 4 connections x 16 calls",
              _grpc(4, 16), times_nginx(0.9, 0.7), quick=True),
    _grpc_row("grpc_1x64", "gRPC unary, 1 x 64", _grpc(1, 64)),
    _grpc_row("grpc_64x1", "gRPC unary, 64 x 1", _grpc(64, 1), quick=True),
    _grpc_row("grpc_4x256", "gRPC unary, 4 x 256", _grpc(4, 256)),
    _grpc_row("grpc_4x1024", "gRPC unary, 4 x 1024", _grpc(4, 1024)),
    _grpc_row("grpc_burst", "gRPC stream burst, 4 x 4, per chunk",
              _grpc(4, _BURSTS // 4, "burst", "stream"),
              times_nginx(1.2, 1.0), quick=True),
    _grpc_row("grpc_paced", "gRPC stream paced, 4 x 50, per chunk",
              _grpc(4, _PACED // 4, "paced", "stream"),
              times_nginx(1.2, 1.0), quick=True),
    _grpc_row("grpc_paced_200x1", "gRPC stream paced, 200 x 1, per chunk",
              _grpc(_PACED, 1, "paced", "stream")),
    _grpc_row("grpc_http2", "gRPC unary, HTTP/2 upstream, 4 x 16",
              _grpc(4, 16), times_nginx(0.6, 0.4), gateway="http2_upstream"),
    _grpc_row("grpc_http2_4x1024", "gRPC unary, HTTP/2 upstream, 4 x 1024",
              _grpc(4, 1024), gateway="http2_upstream"),
    _http_row("sse_burst_64", "SSE burst, 64 streams, per chunk",
              _sse(64, "burst")),
    _http_row("sse_burst_4096", "SSE burst, 4096 streams, per chunk",
              _sse(4096, "burst")),
    _grpc_row("grpc_burst_4x16", "gRPC stream burst, 4 x 16, per chunk",
              _grpc(4, 16, "burst", "stream")),
    _grpc_row("grpc_burst_4x1024", "gRPC stream burst, 4 x 1024, per chunk",
              _grpc(4, 1024, "burst", "stream")),
    _http_row("messages_64", "Anthropic API, unary, 64 in flight",
              _messages(_http(64)), times_nginx(1.1, 1.0), quick=True,
              gateway="anthropic"),
    _http_row("messages_burst", "Anthropic API, SSE burst, per chunk",
              _messages(_sse(_BURSTS, "burst")), times_nginx(1.2, 1.0),
              gateway="anthropic"),
    _http_row("messages_paced", "Anthropic API, SSE paced, per chunk",
              _messages(_sse(_PACED, "paced")), times_nginx(1.2, 1.0),
              gateway="anthropic"),
    _http_row("cross_64", "OpenAI API to Anthropic, unary, 64 in flight",
              _http(64), times_nginx(1.5, 1.2), quick=True,
              gateway="anthropic"),
    _http_row("cross_burst",
              "OpenAI API to Anthropic, SSE burst, per chunk",
              _sse(_BURSTS, "burst"), times_nginx(1.6, 1.2), quick=True,
              gateway="anthropic"),
    _http_row("cross_paced",
              "OpenAI API to Anthropic, SSE paced, per chunk",
              _sse(_PACED, "paced"), times_nginx(1.6, 1.2),
              gateway="anthropic"),
    _http_row("http_http2_64", "HTTP unary, HTTP/2 upstream, 64 in flight",
              _http(64), gateway="http2_upstream"),
    _http_row("tls_http_64", "HTTP unary, TLS listener, 64 in flight", _http(64),
              gateway="tls_listener", nginx="tls_unary", quick=True),
    _http_row("tls_sse_burst", "SSE burst, TLS listener, per chunk",
              _sse(_BURSTS, "burst"), gateway="tls_listener", nginx="tls_sse"),
    _grpc_row("tls_grpc_4x16", "gRPC unary, TLS listener, 4 x 16", _grpc(4, 16),
              gateway="tls_listener", nginx="tls_unary"),
    _http_row("tls_upstream_64", "HTTP unary, TLS upstream, 64 in flight",
              _http(64), gateway="tls_upstream", nginx="unary_tls_upstream",
              quick=True),
    _http_row("tls_http2_upstream_64",
              "HTTP unary, TLS upstream by HTTP/2, 64 in flight", _http(64),
              gateway="tls_http2_upstream", nginx="unary_tls_upstream"),
    _http_row("logged_64", "HTTP unary, 64 in flight, nginx logging too",
              _http(64), nginx="unary_logged"),
    _http_row("loops_64", "HTTP unary, 64 in flight, a loop for each core",
              _http(64), gateway="two_loops", nginx="unary_auto"),
    _grpc_row("loops_grpc", "gRPC unary, 4 x 16, a loop for each core",
              _grpc(4, 16), gateway="two_loops", nginx="unary_auto"),
    _http_row("bare_64", "HTTP unary, 64 in flight, no keys and no log",
              _http(64), gateway="bare"),
    _http_row("resilient_64",
              "HTTP unary, 64 in flight, policies of plan and attempt on",
              _http(64), gateway="resilient"),
    _grpc_row("resilient_grpc_4x16",
              "gRPC unary, 4 x 16, policies of plan and attempt on",
              _grpc(4, 16), gateway="resilient"),
    _http_row("limited_64",
              "HTTP unary, 64 in flight, four limits and calls at once",
              _http(64), gateway="limited"),
    _grpc_row("limited_grpc_4x16",
              "gRPC unary, 4 x 16, four limits and calls at once",
              _grpc(4, 16), gateway="limited"),
    _http_row("recorded_64", "HTTP unary, 64 in flight, with a ledger",
              _http(64), gateway="recording"),
    _grpc_row("recorded_grpc_4x16", "gRPC unary, 4 x 16, with a ledger",
              _grpc(4, 16), gateway="recording"),
    _http_row("accounted_64",
              "HTTP unary, 64 in flight, with a ledger, prices and budgets",
              _http(64), gateway="accounting"),
    _grpc_row("accounted_grpc_4x16",
              "gRPC unary, 4 x 16, with a ledger, prices and budgets",
              _grpc(4, 16), gateway="accounting"),
    _http_row("accounted_traced_64",
              "HTTP unary, 64 in flight, with a ledger, prices, budgets and "
              "1 % of calls traced", _http(64), gateway="accounting_tracing"),
    _grpc_row("accounted_traced_grpc_4x16",
              "gRPC unary, 4 x 16, with a ledger, prices, budgets and 1 % of "
              "calls traced", _grpc(4, 16), gateway="accounting_tracing"),
    _http_row("audited_64", "HTTP unary, 64 in flight, with an audit log",
              _http(64), gateway="auditing"),
    _grpc_row("audited_grpc_4x16", "gRPC unary, 4 x 16, with an audit log",
              _grpc(4, 16), gateway="auditing"),
    _http_row("traced_64", "HTTP unary, 64 in flight, 1 % of calls traced",
              _http(64), gateway="tracing"),
    _grpc_row("traced_grpc_4x16", "gRPC unary, 4 x 16, 1 % of calls traced",
              _grpc(4, 16), gateway="tracing"),
    _http_row("alerting_64", "HTTP unary, 64 in flight, with rules of alerts",
              _http(64), gateway="alerting"),
    _grpc_row("alerting_grpc_4x16", "gRPC unary, 4 x 16, with rules of alerts",
              _grpc(4, 16), gateway="alerting"),
    _http_row("cached_64", "HTTP unary, 64 in flight, answered by the cache",
              _http(64), gateway="caching"),
    _http_row("kilobyte_64", "HTTP unary, 64 in flight, a larger answer",
              _http(64, "kilobyte")),
    _http_row("missed_64",
              "HTTP unary, 64 in flight, looked for in the cache in vain",
              _http(64, "kilobyte"), gateway="caching_in_vain"),
    _http_row("rules_10k_64", "HTTP unary, 64 in flight, 10,000 rules",
              _http(64), gateway="many_rules"),
    _http_row("providers_256_64", "HTTP unary, 64 in flight, 256 providers",
              _http(64), gateway="many_providers"),
    _http_row("targets_1000_64",
              "HTTP unary, 64 in flight, 1,000 targets of one model",
              _http(64), gateway="many_targets"),
]

# Growth: a row's figure over another's, against nginx's own growth.
Growth = collections.namedtuple("Growth", "name title small large limit quick")
GROWTH_ROWS = [
    Growth("growth_http", "growth of HTTP unary, 64 to 4096 in flight",
           "http_64", "http_4096", at_most(1.4, 1.3), True),
    Growth("growth_grpc", "growth of gRPC unary, 4 x 16 to 4 x 1024",
           "grpc_4x16", "grpc_4x1024", at_most(1.4, 1.3), False),
    Growth("growth_grpc_http2",
           "growth of gRPC unary, HTTP/2 upstream, 4 x 16 to 4 x 1024",
           "grpc_http2", "grpc_http2_4x1024", at_most(1.4, 1.3), False),
    Growth("growth_sse", "growth of SSE burst, 64 to 4096 streams",
           "sse_burst_64", "sse_burst_4096", at_most(1.4, 1.3), False),
    Growth("growth_grpc_stream",
           "growth of gRPC stream burst, 4 x 16 to 4 x 1024",
           "grpc_burst_4x16", "grpc_burst_4x1024", at_most(1.4, 1.3), False),
]

# Latency at one connection, above that of the upstream asked directly.
Latency = collections.namedtuple(
    "Latency", "name title load direct_load nginx figure limit quick")
LATENCY_ROWS = [
    Latency("added_p50_http", "added p50, HTTP, one connection", _http(1),
            _http(1), "unary", "p50_us", times_nginx(2, 1.1), True),
    Latency("added_p50_grpc", "added p50, gRPC, one connection", _grpc(1, 1),
            _http(1), "unary", "p50_us", times_nginx(4, 2), True),
    Latency("added_first_token", "added time to first token, SSE",
            _sse(1, "first"), _sse(1, "first"), "sse", "first_text_p50_us",
            at_most(100, 45), True),
]

# Idle streams: memory of each, and CPU of them all.
Idle = collections.namedtuple(
    "Idle", "name title load nginx_load bytes_limit cpu_limit quick")
IDLE_STREAMS = 4000
IDLE_ROWS = [
    Idle("idle_http", "idle HTTP stream",
         _sse(IDLE_STREAMS, "idle"), _sse(IDLE_STREAMS, "idle"),
         at_most(16, 12), at_most(200, 100), True),
    Idle("idle_grpc", "idle gRPC stream, 100 per connection",
         _grpc(IDLE_STREAMS // 100, 100, "idle", "stream"),
         _sse(IDLE_STREAMS, "idle"), at_most(10, 8), at_most(200, 100), True),
]

REST_LIMIT_MB = at_most(28, 24)

# What a warm process allocates for each call.
Allocations = collections.namedtuple(
    "Allocations", "name title load limit quick gateway",
    defaults=("plain",))
ALLOCATION_ROWS = [
    Allocations("allocations_http",
                "allocations per HTTP request, 64 in flight",
                _http(64, "whole" + _LONG), at_most(4, 0), True),
    Allocations("allocations_sse", "allocations per SSE stream of 200 chunks",
                _sse(_BURSTS, "burst" + _LONG), at_most(4, 0), True),
    Allocations("allocations_grpc", "allocations per gRPC request, 4 x 16",
                _grpc(4, 16, "whole" + _LONG), None, False),
    Allocations("allocations_http2",
                "allocations per HTTP request, HTTP/2 upstream, 64 in flight",
                _http(64, "whole" + _LONG), None, False, "http2_upstream"),
    Allocations("allocations_grpc_stream",
                "allocations per gRPC stream of 200 chunks, 4 x 4",
                _grpc(4, _BURSTS // 4, "burst" + _LONG, "stream"), None,
                False),
]

# What a warm process executes for each unit of a row of load, in user space:
# unlike times it comes out the same each time, whatever else the machine does.
Instructions = collections.namedtuple(
    "Instructions", "name title gateway load nginx_load limit quick loops")
COUNTED_CALLS = {"unary": 4000, "stream": 64}


def _load_row(name):
    return next(row for row in LOAD_ROWS if row.name == name)


def _instructions(name, limit=None, quick=False, loops=False):
    row = _load_row(name)
    kind, title = "instructions", "instructions, "
    if loops:
        # Those of the event loops, without SHA-256.
        kind, title = "instructions_loops", "instructions of loops, "
    return Instructions("%s_%s" % (kind, name), title + row.title, row.gateway,
                        row.load, row.nginx_load, limit, quick, loops)


def _of_loops(name):
    """Those of the event loops alone, beside nothing else."""
    return _instructions(name, loops=True)._replace(nginx_load=None)


# Rooms that are switched on, each alone or those of a goal together, and what
# is compared with them.
_ROOMS = {
    "accounted": ("ledger, prices and budgets", at_most(6000, 4000)),
    "accounted_traced": ("ledger, prices, budgets and traces of 1 % of calls",
                         at_most(6000, 4000)),
    "audited": ("an audit log", None),
    "traced": ("traces of 1 % of calls", None),
    "alerting": ("rules of alerts", None),
}
_WAYS = {"HTTP": ("64", "http_64"), "gRPC": ("grpc_4x16", "grpc_4x16")}

INSTRUCTION_ROWS = [
    _instructions("http_64", at_most(30000, 27000), quick=True),
    _instructions("grpc_4x16", at_most(56000, 52000), quick=True),
    _instructions("grpc_http2", at_most(76000, 70000)),
    _instructions("sse_burst", times_nginx(2, 1)),
    _instructions("grpc_burst", times_nginx(2, 1)),
    _instructions("cross_64"),
    _instructions("resilient_64"),
    _instructions("resilient_grpc_4x16"),
    _instructions("limited_64"),
    _instructions("limited_grpc_4x16"),
    _instructions("recorded_64"),
    _instructions("recorded_grpc_4x16"),
    _instructions("recorded_64", loops=True),
    _instructions("recorded_grpc_4x16", loops=True),
    _instructions("cached_64"),
    _instructions("kilobyte_64"),
    _instructions("missed_64"),
    _instructions("rules_10k_64"),
    _instructions("providers_256_64"),
    _instructions("targets_1000_64"),
] + [_of_loops(plain) for _, plain in _WAYS.values()] + [
    _of_loops("%s_%s" % (room, end))
    for room in _ROOMS for end, _ in _WAYS.values()]

# What some functions of a plain gateway execute for each call, with what they
# call: of rooms that are always on, and of those that are not configured.
Share = collections.namedtuple(
    "Share", "name title gateway load functions limit quick")


def _shares(name, title, functions, limit=None):
    for way, (_, plain) in _WAYS.items():
        row = _load_row(plain)
        yield Share("instructions_%s_%s" % (name, way.lower()),
                    "instructions, %s, %s" % (title, way), row.gateway,
                    row.load, functions, limit, False)


SHARE_ROWS = [
    *_shares("sums", "sums and the list of recent calls",
             ("RecordInSummary(",)),
    # As many as a second may have: fewer of each call the faster they are.
    *_shares("log_lines", "lines of the log that tell steps", ("Log(",)),
    *_shares("ledger_off", "ledger and budgets that are not configured",
             ("CallLedger::", "AnswerFields::AddLedger(", "FinishBudgets("),
             at_most(100, 20)),
]

# CPU time of some of the gateway's threads for each call, above that of the
# variant `than`, if there is one: the least of all rounds.
Threads = collections.namedtuple(
    "Threads", "name title gateway than threads load limit quick")
THREAD_CALLS = 20000


def _threads(name, title, threads, than, limit):
    for way, (_, plain) in _WAYS.items():
        yield Threads("%s_%s" % (name, way.lower()),
                      "%s, per call, %s" % (title, way), "accounting", than,
                      threads, _load_row(plain).load, limit, False)


THREAD_ROWS = [
    *_threads("ledger_on_loop", "ledger, prices and budgets, on the loop",
              "loop-", "plain", at_most(2, 1.5)),
    *_threads("ledger_on_thread", "ledger, its own thread", "ledger", None,
              at_most(6, 4)),
    *_threads("ledger_on_sqlite", "ledger, SQLite's thread", "ledger-write",
              None, None),
]

# What a call waits for its entries to be on the disk, at one connection; beside
# it stands what the disk itself takes for as many bytes.
Durable = collections.namedtuple("Durable", "name title load quick")
DURABLE_BYTES = 8192
DURABLE_SYNCS = 200
DURABLE_ROWS = [
    Durable("durable_http", "a ledger on the disk, HTTP, one connection",
            _http(1), False),
    Durable("durable_grpc", "a ledger on the disk, gRPC, one connection",
            _grpc(1, 1), False),
]

# What a row takes more than another.
Difference = collections.namedtuple(
    "Difference", "name title unit row than limit quick", defaults=(False,))
DIFFERENCE_ROWS = [
    Difference("attempt_policies", "policies of plan and attempt, per request",
               "us", "resilient_64", "http_64", at_most(1.5, 1)),
    Difference("instructions_attempt_policies",
               "instructions, policies of plan and attempt, HTTP", "",
               "instructions_resilient_64", "instructions_http_64",
               at_most(4000, 2000)),
    Difference("instructions_attempt_policies_grpc",
               "instructions, policies of plan and attempt, gRPC", "",
               "instructions_resilient_grpc_4x16", "instructions_grpc_4x16",
               at_most(4000, 2000)),
    Difference("limits", "four limits and calls at once, per request", "us",
               "limited_64", "http_64", at_most(1, 0.5)),
    Difference("instructions_limits",
               "instructions, four limits and calls at once, HTTP", "",
               "instructions_limited_64", "instructions_http_64",
               at_most(3000, 2000)),
    Difference("instructions_limits_grpc",
               "instructions, four limits and calls at once, gRPC", "",
               "instructions_limited_grpc_4x16", "instructions_grpc_4x16",
               at_most(3000, 2000)),
    Difference("ledger", "two entries of the ledger, per request", "us",
               "recorded_64", "http_64", None),
    Difference("instructions_ledger",
               "instructions, two entries of the ledger, all threads, HTTP",
               "", "instructions_recorded_64", "instructions_http_64", None),
    Difference("instructions_ledger_loops",
               "instructions, two entries of the ledger, on the loop, HTTP",
               "", "instructions_loops_recorded_64", "instructions_http_64",
               at_most(6000, 4000)),
    *(Difference("instructions_%s_%s" % (room, way.lower()),
                 "instructions of loops, %s, %s" % (title, way), "",
                 "instructions_loops_%s_%s" % (room, end),
                 "instructions_loops_" + plain, limit)
      for room, (title, limit) in _ROOMS.items()
      for way, (end, plain) in _WAYS.items()),
    Difference("cache_look_up", "look-up of a request of 1 KB in the cache",
               "us", "missed_64", "kilobyte_64", at_most(3, 1.5)),
    Difference("instructions_cache_look_up",
               "instructions, look-up of a request of 1 KB in the cache", "",
               "instructions_missed_64", "instructions_kilobyte_64", None),
    Difference("instructions_rules_10k_more",
               "instructions, 10,000 rules in place of none", "",
               "instructions_rules_10k_64", "instructions_http_64", None),
]

# How long others wait beside one peer that misbehaves at a listener (see
# tests/testing/hostile_peers.py): the 99th percentile.
Hostile = collections.namedtuple("Hostile", "name title peer listener quick")
HOSTILE_LIMIT_MS = at_most(100, 20)


def _hostile(peer, listener="http", quick=False):
    title = "/livez beside %s, %s" % (peer.replace("_", " "), listener)
    return Hostile("hostile_%s_%s" % (peer, listener), title, peer, listener,
                   quick)


HOSTILE_ROWS = [
    _hostile("endless_extension", quick=True),
    _hostile("tiny_chunks"),
    _hostile("endless_head"),
    _hostile("pipelined_heads"),
    _hostile("large_bodies", quick=True),
    _hostile("large_chunked_bodies"),
    _hostile("costly_embeddings", quick=True),
    _hostile("costly_messages"),
    _hostile("silent_connections"),
    _hostile("half_handshakes"),
    _hostile("http2_bodies"),
    _hostile("http2_pings"),
    _hostile("grpc_bodies", "grpc", quick=True),
    _hostile("silent_connections", "grpc"),
]


def names():
    """All that --rows understands, in the order of the table."""
    groups = (LOAD_ROWS, GROWTH_ROWS, LATENCY_ROWS, IDLE_ROWS,
              ALLOCATION_ROWS, INSTRUCTION_ROWS, SHARE_ROWS, DIFFERENCE_ROWS,
              THREAD_ROWS, DURABLE_ROWS, HOSTILE_ROWS)
    return [row.name for group in groups for row in group] + [
        "rest", "policies"]
