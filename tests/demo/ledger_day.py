"""A day's traffic in miniature, and whether the books agree at its end.

    make demo-ledger
    make demo-ledger ARGS="--calls=5000 --kills=10"

Three callers of two projects call through every API, whole and streamed; some
leave in the middle. One provider is out now and then, and another one helps. The
gateway is killed with calls under way, and started again. The providers are the
mock upstream, which keeps an invoice of what it served.

At the end four books are compared to the nano-dollar: the invoice, the ledger
(exported and verified by gatewayctl), the budgets, and the sums of
GetCostSummary. What the ledger marks as an estimate - calls that were left, or
whose gateway was killed - is listed apart, beside what the provider bills for it.
Exits with 1 when anything else differs.
"""

import argparse
import collections
import datetime
import json
import os
import random
import subprocess
import sys
import tempfile
import threading

from tests.demo import reconciliation
from tests.demo.reconciliation import Price, cost_of
from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.testing.gateway_process import GatewayProcess
from tests.testing.gateway_process import environment
from tests.testing.mock_upstream import MockUpstream

_SEED = 57
_WORKERS = 8
_OPERATOR = "demo-key-of-the-operator-0123"
_CALLERS = {"alice": "demo-key-of-alice-0123456789",
            "bob": "demo-key-of-bob-0123456789",
            "carol": "demo-key-of-carol-0123456789"}
_ENV = {"UPSTREAM_KEY": "demo-key-of-the-upstream-01", "OPERATOR": _OPERATOR,
        **{name.upper(): key for name, key in _CALLERS.items()}}
_PROJECTS = ("apollo", "gemini")
# Such that each product of tokens and price has a fraction of a nano-dollar.
_PRICES = {
    "gpt-day": Price("1.2345678", "9.8765432", "0.1234567"),
    "gpt-spare": Price("0.3333333", "1.7777777", "0.0333333"),
    "gpt-long": Price("2.0000001", "8.0000003", "0.5"),
    "claude-day": Price("3.1111111", "15.0070007", "0.3111111"),
    "gemini-day": Price("0.0750001", "0.3000007", "0.0187501"),
}
_VENDOR_MODELS = ("gpt-day", "claude-day", "gemini-day")
_LONG = {"chunks": 400, "chunk_bytes": 24, "chunk_delay_ms": 20,
         "usage": {"prompt_tokens": 211}}
# How often each comes among the others, by what the caller does.
_KINDS = {"chat": 5, "messages": 5, "responses": 4, "gemini": 4, "grpc": 5,
          "embeddings": 2, "house": 6, "leave": 3, "leave_grpc": 1}
# A killed gateway has the sums of calls but for those of its last second or so.
_SUMS_BEHIND_SECONDS = 2.0

_CONFIG = """\
listeners:
  grpc: {address: "127.0.0.1:0"}
  http: {address: "127.0.0.1:0"}
  admin: {address: "127.0.0.1:0"}
  operations: {address: "127.0.0.1:0"}
providers:
  - {name: openai, openai: {base_url: "http://%(upstream)s/v1",
                            api_key: "env:UPSTREAM_KEY"}}
  - {name: anthropic, anthropic: {base_url: "http://%(upstream)s",
                                  api_key: "env:UPSTREAM_KEY"}}
  - {name: gemini, gemini: {base_url: "http://%(upstream)s",
                            api_key: "env:UPSTREAM_KEY"}}
  - {name: spare, openai_compatible: {base_url: "http://%(upstream)s/v1"}}
routing:
  model_rules:
    - {alias: house, targets: [openai/gpt-house], fallbacks: [spare/gpt-spare]}
    - {prefix: "claude-", targets: [anthropic]}
    - {prefix: "gemini-", targets: [gemini]}
  default_target: openai
resilience:
  retry: {attempts_limit: 1}
  circuit_breaker: {mode: "off"}
  credential_cooling: {default_cooling: 0s}
  retry_budget: {percent: 100, minimum: 100}
auth:
  callers: {api_keys: [%(callers)s]}
  operators: {api_keys: [{id: ops, key: "env:OPERATOR"}]}
prices: {models: [%(prices)s]}
budgets:
  rules:
    - {name: all, unit: cost, limit_usd: "1000000", period: month}
    - {name: owners, unit: cost, limit_usd: "1000000", period: month,
       per: [owner]}
cache: {models: [gpt-spare]}
ledger: {}
runtime: {state_dir: "%(state)s", event_loops: 2}
"""


def _config(upstream, state):
    prices = dict(_PRICES, **{"gpt-house": _PRICES["gpt-day"]})
    return _CONFIG % {
        "upstream": upstream, "state": state,
        "callers": ", ".join(
            '{id: %s, key: "env:%s", owner: %s-team}' % (
                name, name.upper(), name) for name in _CALLERS),
        "prices": ", ".join(
            '{model: "%s", input: "%s", output: "%s", cached_input: "%s"}' % (
                model, *price) for model, price in prices.items())}


def price_of(model):
    return _PRICES["gpt-day" if model == "gpt-house" else model]


def _scripts():
    """What the provider serves: each answer has tokens of its own."""
    dice = random.Random(_SEED)
    usages = [{"prompt_tokens": dice.randrange(40, 9000),
               "completion_tokens": dice.randrange(1, 900),
               "cached_tokens": dice.choice((0, 0, 37))} for _ in range(97)]
    for model in ("gpt-day", "claude-day", "gemini-day", "gpt-spare"):
        yield model, {"cycle": True, "steps": [
            {"text": "All in a day's work.", "first_byte_delay_ms": 3,
             "chunk_delay_ms": 1, "usage": usage} for usage in usages]}
    # It is out every third time, in one way after the other.
    wrongs = ({"status": 503}, {"reset_before_first_byte": True},
              {"status": 500}, {"close_before_first_byte": True})
    yield "gpt-house", {"cycle": True, "steps": [
        step for i, usage in enumerate(usages[:40]) for step in
        ({"usage": usage}, {"usage": usage}, wrongs[i % len(wrongs)])]}
    yield "gpt-long", _LONG


class Day:
    """The processes, and the calls of all workers."""

    def __init__(self, options, folder):
        self._options = options
        self._folder = folder
        self._state = os.path.join(folder, "state")
        self._lock = threading.Lock()
        self._over = 0
        self._changed = threading.Condition(self._lock)
        self.outcomes = collections.Counter()
        self.kills = []  # When, in seconds since the epoch.
        self.upstream = MockUpstream(binary=options.upstream, invoice=True)
        for model, script in _scripts():
            self.upstream.set_script(model, script)
        self.caller = grpc_caller.GrpcCaller(stubs=options.stubs)
        self._start()

    def close(self):
        """Ends all processes."""
        self.gateway.kill()
        self.caller.close()
        self.upstream.close()

    @property
    def ledger(self):
        return os.path.join(self._state, "ledger.db")

    def _start(self):
        self.gateway = GatewayProcess(
            _config(self.upstream.address, self._state), env=_ENV,
            binary=self._options.gateway)

    def run(self):
        """All calls, among which the gateway is killed so many times."""
        dice = random.Random(_SEED)
        kinds = [kind for kind, count in _KINDS.items() for _ in range(count)]
        calls = [(dice.choice(kinds), dice.randrange(1 << 30))
                 for _ in range(self._options.calls)]
        workers = [threading.Thread(target=self._work, args=(calls,))
                   for _ in range(_WORKERS)]
        for worker in workers:
            worker.start()
        for kill in range(self._options.kills):
            due = self._options.calls * (kill + 1) // (self._options.kills + 1)
            with self._changed:
                self._changed.wait_for(lambda due=due: self._over >= due)
                # Held until it is up again: nobody begins a call meanwhile.
                self.gateway.kill()
                self.kills.append(_now())
                self._start()
        for worker in workers:
            worker.join()

    def _work(self, calls):
        while True:
            with self._lock:
                if not calls:
                    return
                kind, seed = calls.pop()
                gateway = self.gateway
            try:
                outcome = _Call(self, gateway, random.Random(seed)).make(kind)
            except (OSError, EOFError, ValueError,
                    http_calls.http.client.HTTPException):
                outcome = "lost"  # The gateway was killed meanwhile.
            with self._changed:
                self._over += 1
                self.outcomes[outcome] += 1
                self._changed.notify_all()

    def operate(self, method, **request):
        call = self.caller.call(
            self.gateway.admin, method, request,
            channel=str(self.gateway.pid),
            metadata=[["authorization", "Bearer " + _OPERATOR]])
        if call.end["code"] != "OK":
            raise RuntimeError("%s: %s" % (method, call.end))
        return call.response

    def gatewayctl(self, *words):
        done = subprocess.run(
            [self._options.gatewayctl, "ledger", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment({"GATEWAY_ADMIN": self.gateway.admin,
                             "GATEWAY_OPERATOR_KEY": _OPERATOR}), check=False)
        if done.returncode:
            raise RuntimeError("gatewayctl ledger %s: %s%s" % (
                " ".join(words), done.stdout, done.stderr))
        return done.stdout


class _Call:
    """One call, to the gateway that there was when it began."""

    def __init__(self, day, gateway, dice):
        self._day = day
        self._gateway = gateway
        self._dice = dice
        self._key = dice.choice(sorted(_CALLERS.values()))
        self._project = dice.choice(_PROJECTS)
        self._stream = dice.random() < 0.5

    def make(self, kind):
        """Makes it; returns how it went."""
        if kind == "grpc":
            return self._ask_grpc()
        if kind == "leave":
            return self._leave()
        if kind == "leave_grpc":
            return self._leave_grpc()
        return self._ask(kind)

    def _request(self, kind, model):
        if kind == "gemini":
            return "/v1beta/models/%s:%s" % (
                model, "streamGenerateContent?alt=sse" if self._stream else
                "generateContent"), {
                    "contents": [{"parts": [{"text": "Good morning"}]}]}
        if kind == "responses":
            return "/v1/responses", {"model": model, "input": "Good morning",
                                     "stream": self._stream}
        if kind == "messages":
            return "/v1/messages", http_calls.chat(
                model, stream=self._stream, max_tokens=1000,
                project_id=self._project)
        if kind == "embeddings":
            return "/v1/embeddings", {"model": "gpt-day", "input": "morning"}
        return http_calls.CHAT, http_calls.chat(model, stream=self._stream)

    def _ask(self, kind):
        model = ("house" if kind == "house" else
                 self._dice.choice(_VENDOR_MODELS))
        path, body = self._request(kind, model)
        answer = http_calls.ask(self._gateway.http, body, path=path,
                                headers={"x-api-key": self._key})
        return "answered" if answer.status == 200 else "refused"

    def _leave(self):
        self._stream = True
        path, body = self._request(
            self._dice.choice(("chat", "messages", "gemini")), "gpt-long")
        with http_calls.RawConnection(self._gateway.http) as connection:
            connection.send(http_calls.request_bytes(
                body, path=path, headers=["x-api-key: " + self._key]))
            connection.read_head()
            for _ in range(self._dice.randrange(1, 30)):
                connection.read_chunk()
            connection.reset()
        return "left"

    def _grpc_request(self, model):
        return grpc_caller.prompt(
            model, "Good morning", scope={"project_id": self._project})

    def _options(self):
        # A connection of its own to each gateway that there is.
        return {"channel": str(self._gateway.pid),
                "metadata": [["x-api-key", self._key]]}

    def _ask_grpc(self):
        request = self._grpc_request(self._dice.choice(_VENDOR_MODELS))
        ask = (self._day.caller.stream_all if self._stream else
               self._day.caller.generate)
        call = ask(self._gateway.grpc, request, **self._options())
        return {"OK": "answered", "UNAVAILABLE": "lost"}.get(
            call.end["code"], "refused")

    def _leave_grpc(self):
        call = self._day.caller.stream(
            self._gateway.grpc, self._grpc_request("gpt-long"),
            **self._options())
        for _ in range(self._dice.randrange(1, 30)):
            call.next_event()
        call.cancel()
        call.wait()
        return "left"


class Books:
    """The four books at the end of the day, and what they say of each other."""

    def __init__(self, day):
        self._day = day
        self.lines = day.upstream.invoice()
        self.entries = self._settled_entries()
        self.found = reconciliation.reconcile(self.lines, self.entries,
                                              price_of)
        self.differences = list(self.found.differences)
        self.cost = sum(map(
            cost_of, reconciliation.exchanges_of(self.entries)))
        self.summed = self._summed()
        self.unsummed = self.cost - self.summed
        self.verdict = day.gatewayctl("verify").strip().splitlines()[0]
        self._check_budgets()
        self._check_sums()
        self._check_calls()

    def _settled_entries(self):
        """All entries, once what callers have left is written down."""
        pause = threading.Event()
        for _ in range(100):
            text = self._day.gatewayctl("export")
            entries = [json.loads(line) for line in text.splitlines()]
            if not reconciliation.check_pairs(entries):
                break
            pause.wait(0.1)
        return entries

    def _spent(self, rule, **subject):
        pause = threading.Event()
        for _ in range(100):
            usage = self._day.operate(
                "/llmgateway.v1.AdminService/GetBudget", rule=rule,
                subject=subject)["usage"]
            if usage.get("reserved", "0") == "0":
                break
            pause.wait(0.1)
        return int(usage.get("spent", 0))

    def _check_budgets(self):
        """A budget has all that its calls cost; of those that the gateway was
        killed amid, what they were estimated to."""
        costs = collections.Counter()
        for entry in reconciliation.exchanges_of(self.entries):
            costs[entry["metadata"]["gateway"]["caller"]] += cost_of(entry)
        self.spent = self._spent("all")
        spent = {name: self._spent("owners", owner=name + "-team")
                 for name in _CALLERS}
        if spent != {name: costs[name] for name in _CALLERS}:
            self.differences.append(
                "the budgets of owners have spent %s, their calls cost %s" % (
                    spent, dict(costs)))
        if self.spent != sum(costs.values()):
            self.differences.append(
                "the budget of all has spent %d, calls cost %d" % (
                    self.spent, sum(costs.values())))

    def _summed(self):
        totals = self._day.operate(
            "/llmgateway.v1.MetricsService/GetCostSummary")["totals"]
        return int(totals.get("cost_usd_nanos", 0))

    def _check_sums(self):
        """The sums lack what was not yet on the disk at a kill, at most."""
        lost = sum(
            cost_of(entry)
            for entry in reconciliation.exchanges_of(self.entries)
            if entry["decision"] == "UNKNOWN" or
            self._ended_before_a_kill(entry))
        if not 0 <= self.unsummed <= lost:
            self.differences.append(
                "GetCostSummary lacks %d, and at most %d were of the last "
                "seconds before a kill" % (self.unsummed, lost))

    def _ended_before_a_kill(self, exchange):
        ended = datetime.datetime.fromisoformat(
            exchange["timestamp"]).timestamp()
        return any(0 <= killed - ended < _SUMS_BEHIND_SECONDS
                   for killed in self._day.kills)

    def _check_calls(self):
        """A day on which nothing happened proves nothing."""
        if not self.found.exact:
            self.differences.append("no call was served")
        if not self.verdict.startswith("valid: "):
            self.differences.append("gatewayctl ledger verify: " +
                                    self.verdict)

    def show(self, out):
        """The books, side by side, in dollars."""
        say = lambda line: print(line, file=out)
        say("calls      %s; %d kills" % (", ".join(
            "%d %s" % (count, name) for name, count in
            sorted(self._day.outcomes.items())), len(self._day.kills)))
        say("ledger     %s" % self.verdict)
        say("")
        say("%-34s %7s %18s %18s" % ("", "calls", "ledger USD",
                                     "invoice USD"))
        exact = self.found.exact
        self._row(out, "the same to the nano-dollar", exact)
        say("%-34s %7d %18s %18s" % ("failed, and cost nothing",
                                     self.found.free, _usd(0), _usd(0)))
        apart = collections.defaultdict(list)
        for pair in self.found.apart:
            apart[_why(pair)].append(pair)
        for why in sorted(apart):
            self._row(out, "estimated: " + why, apart[why])
        self._row(out, "all", exact + self.found.apart)
        say("")
        say("%-42s %18s" % ("budgets have spent", _usd(self.spent)))
        say("%-42s %18s" % ("GetCostSummary has", _usd(self.summed)))
        say("%-42s %18s" % ("  of the last second before a kill, lost",
                            _usd(self.unsummed)))
        for difference in self.differences:
            say("DIFFERS: " + difference)
        say("DIFFERS" if self.differences else "the books agree")

    @staticmethod
    def _row(out, name, pairs):
        print("%-34s %7d %18s %18s" % (
            name, len(pairs),
            _usd(sum(cost_of(pair.exchange) for pair in pairs)),
            _usd(sum(pair.billed_nanos for pair in pairs))), file=out)


def _why(pair):
    if pair.exchange["decision"] == "UNKNOWN":
        return "UNKNOWN, the gateway was killed"
    return pair.exchange["metadata"].get("error_code", "?")


def _usd(nanos):
    return "%d.%09d" % divmod(nanos, 10**9)


def _now():
    return datetime.datetime.now(datetime.timezone.utc).timestamp()


def parse_arguments(arguments=None):
    built = "bazel-bin/"
    flags = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    flags.add_argument("--calls", type=int, default=1500)
    flags.add_argument("--kills", type=int, default=3)
    flags.add_argument("--gateway", default=built + "service/gateway")
    flags.add_argument("--gatewayctl",
                       default=built + "clients/cli/gatewayctl")
    flags.add_argument("--stubs", default=built + "clients/python/stubs")
    flags.add_argument("--upstream", default=built + "tests/testing/"
                       "mock_upstream/mock_upstream_binary")
    return flags.parse_args(arguments)


def run(options, out=sys.stdout):
    """A day; returns its Books."""
    with tempfile.TemporaryDirectory(prefix="ledger_day") as folder:
        day = Day(options, folder)
        try:
            day.run()
            books = Books(day)
            books.show(out)
            day.gateway.stop()
            return books
        finally:
            day.close()


if __name__ == "__main__":
    sys.exit(1 if run(parse_arguments()).differences else 0)
