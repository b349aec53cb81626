"""Shows what callers see while providers fail, and what the policies do.

  make demo-resilience               starts a gateway with three providers of
                                     its own, kills, slows and heals them
  python3 -m tools.demo.resilience --url=https://gateway.staging.example \\
      --model=gpt-5-mini --key-variable=STAGING_KEY --seconds=60 \\
      --metrics-url=http://gateway.staging.example:9090/metrics
                                     calls one that is there, and harms nobody

Prints a line for each second. Exits with 1 if a caller saw an error that a
policy could have prevented: here each that did not break a stream whose
beginning its caller had seen, since one of the three is always well; of a
gateway that is there, each that is not the caller's own fault.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from tools.demo import load
from tools.demo import metrics

_GATEWAY = "bazel-bin/service/gateway"

# Rests are short, so that a demonstration is.
_CONFIG = """\
listeners:
  grpc: {{address: "127.0.0.1:0"}}
  admin: {{address: "127.0.0.1:0"}}
  http: {{address: "127.0.0.1:0"}}
  operations: {{address: "127.0.0.1:0"}}
providers:
  - {{name: a, openai_compatible: {{base_url: "http://127.0.0.1:{a}/v1"}}}}
  - {{name: b, openai_compatible: {{base_url: "http://127.0.0.1:{b}/v1"}}}}
  - {{name: c, openai_compatible: {{base_url: "http://127.0.0.1:{c}/v1"}}}}
routing:
  model_rules:
    - alias: house
      balancing: least_requests
      targets: [a/demo, b/demo]
      fallbacks: [c/demo]
resilience:
  retry: {{attempts_limit: 2, backoff_base: 50ms, backoff_limit: 200ms}}
  retry_budget: {{percent: 20, minimum: 20}}
  circuit_breaker: {{consecutive_failures: 3, open_duration: 2s}}
"""

_REFUSED_STATUSES = range(400, 429)  # The caller's own fault.


class Upstreams:
    """Three providers, each a process that can be killed and started again."""

    def __init__(self):
        self.ports = {name: _free_port() for name in "abc"}
        self._processes = {}

    def __enter__(self):
        for name in self.ports:
            self.start(name)
        return self

    def __exit__(self, *_):
        for name in list(self._processes):
            self.kill(name)

    def start(self, name):
        self._processes[name] = subprocess.Popen(
            [sys.executable, "-m", "tools.demo.upstream",
             f"--port={self.ports[name]}", f"--name={name}"])
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                return self.set(name)
            except OSError:
                time.sleep(0.05)
        raise TimeoutError(f"provider {name} does not start")

    def kill(self, name):
        process = self._processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def set(self, name, **conduct):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[name]}/conduct", method="PUT",
            data=json.dumps(conduct).encode())
        urllib.request.urlopen(request, timeout=5).read()


class Gateway:
    """The program, on ports that the system chooses."""

    def __init__(self, config, binary=_GATEWAY):
        self._folder = tempfile.TemporaryDirectory()
        path = os.path.join(self._folder.name, "gateway.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config)
        self._log = open(os.path.join(self._folder.name, "log"), "w+b")
        self._process = subprocess.Popen(
            [binary, "--config", path], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=self._log,
            # Its configuration is its own, whatever the shell's gateway has.
            env={name: value for name, value in os.environ.items()
                 if not name.startswith("LLM_GATEWAY_")})
        ready = self._await_ready()
        self.url = "http://" + ready["http"]
        self.metrics_url = "http://" + ready["operations"] + "/metrics"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()
        self._log.close()
        self._folder.cleanup()

    def _await_ready(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            with open(self._log.name, encoding="utf-8") as log:
                for line in log:
                    if line.endswith("\n") and '"msg":"ready"' in line:
                        return json.loads(line)
            time.sleep(0.05)
        with open(self._log.name, encoding="utf-8") as log:
            raise RuntimeError("the gateway does not start:\n" + log.read())


class Timeline:
    """Prints a line for each second, and counts what should not have been."""

    def __init__(self, metrics_url, preventable, out=sys.stdout):
        self._metrics_url = metrics_url
        self._preventable = preventable
        self._out = out
        self._before = self._read()
        self._began = time.monotonic()
        self.calls = 0
        self.failed = 0  # Those that could have been prevented.
        self.errors = {}
        self._print(f"{'time':>5} {'calls':>5} {'ok':>5} {'error':>5} "
                    f"{'p50':>7} {'max':>7}  what the policies did")

    def tell(self, what):
        self._print(f"----- {what}")

    def add(self, seen):
        """A second's calls."""
        well = [one for one in seen if not one.error]
        bad = [one for one in seen if one.error]
        self.calls += len(seen)
        for one in bad:
            self.errors[one.error] = self.errors.get(one.error, 0) + 1
            self.failed += self._preventable(one)
        took = sorted(one.took for one in well) or [0.0]
        self._print(
            f"{time.monotonic() - self._began:5.0f} {len(seen):5} "
            f"{len(well):5} {len(bad):5} {_ms(took[len(took) // 2]):>7} "
            f"{_ms(took[-1]):>7}  {self._policies()}")

    def _policies(self):
        """What the metrics say that has happened since the last line."""
        after = self._read()
        before, self._before = self._before, after
        parts = []
        for (provider, outcome), count in sorted(metrics.grown(
                before, after, "llmgw_attempts_total", "provider",
                "outcome").items()):
            parts.append(f"{provider} {outcome} {count:.0f}")
        for name, label in _POLICY_METRICS:
            total = sum(metrics.grown(before, after, name).values())
            if total:
                parts.append(f"{label} {total:.0f}")
        for where, value in sorted(metrics.current(
                after, "circuit_breaker_state", "provider", "model").items()):
            if value:
                parts.append(f"breaker {'/'.join(where)} "
                             f"{_STATES.get(value, value)}")
        return ", ".join(parts)

    def _read(self):
        if not self._metrics_url:
            return {}
        try:
            return metrics.read(self._metrics_url)
        except OSError as problem:
            self._print(f"----- no metrics: {problem}")
            return {}

    def _print(self, line):
        print(line, file=self._out, flush=True)


# Those that a gateway does not have are left out.
_POLICY_METRICS = [
    ("retry_attempts_total", "retries"),
    ("llmgw_fallbacks_total", "fallbacks"),
    ("llmgw_hedges_total", "hedges"),
    ("llmgw_ejections_total", "ejections"),
]
_STATES = {1.0: "half open", 2.0: "open"}


def _ms(seconds):
    return f"{seconds * 1000:.0f} ms"


def _free_port():
    """One that no outgoing connection takes while its provider is killed: those
    have ports from 32768 on."""
    for port in random.sample(range(20000, 32768), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("none of a hundred ports below 32768 is free")


def scenes(upstreams):
    """What is done to the providers: (what it is called, what does it)."""
    return [
        ("all are well", lambda: None),
        ("a is killed", lambda: upstreams.kill("a")),
        ("b is killed, too", lambda: upstreams.kill("b")),
        ("a is started again", lambda: upstreams.start("a")),
        ("b is started again", lambda: upstreams.start("b")),
        ("a takes a second", lambda: upstreams.set("a", delay_s=1.0)),
        ("a is fast again, b limits with Retry-After: 2",
         lambda: (upstreams.set("a"),
                  upstreams.set("b", status=429, retry_after=2))),
        ("b is well, half of a's answers are 500",
         lambda: (upstreams.set("b"),
                  upstreams.set("a", status=500, percent=50))),
        ("a and b are overloaded (529)",
         lambda: (upstreams.set("a", status=529),
                  upstreams.set("b", status=529))),
        ("all are well again",
         lambda: (upstreams.set("a"), upstreams.set("b"))),
    ]


def watch(running, timeline, seconds):
    """Adds a line for each second."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(min(1.0, max(0.0, until - time.monotonic())))
        timeline.add(running.take())


def demonstrate(asked, out=sys.stdout):
    """With a gateway and providers of its own."""
    with Upstreams() as upstreams, \
            Gateway(_CONFIG.format(**upstreams.ports),
                    asked.gateway) as gateway:
        timeline = Timeline(gateway.metrics_url, lambda one: not one.begun,
                            out)
        with load.Load(gateway.url, "house", asked.rate) as running:
            for what, change in scenes(upstreams):
                timeline.tell(what)
                change()
                watch(running, timeline, asked.scene_seconds)
        timeline.add(running.take())
    return timeline


def observe(asked, out=sys.stdout):
    """A gateway that is there."""
    headers = {}
    if asked.key_variable:
        headers["authorization"] = "Bearer " + os.environ[asked.key_variable]
    timeline = Timeline(
        asked.metrics_url,
        lambda one: not one.begun and one.status not in _REFUSED_STATUSES,
        out)
    with load.Load(asked.url, asked.model, asked.rate, headers) as running:
        watch(running, timeline, asked.seconds)
    timeline.add(running.take())
    return timeline


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rate", type=float, default=40,
                        help="calls in a second (40)")
    parser.add_argument("--scene_seconds", type=float, default=5,
                        help="how long each change lasts (5)")
    parser.add_argument("--gateway", default=_GATEWAY, help="the program")
    parser.add_argument("--url", help="of a gateway that is there")
    parser.add_argument("--model", help="to ask it for")
    parser.add_argument("--key-variable",
                        help="the environment variable with its caller's key")
    parser.add_argument("--metrics-url", help="of its metrics, if they can be "
                        "read from here")
    parser.add_argument("--seconds", type=float, default=60,
                        help="how long it is called (60)")
    asked = parser.parse_args(arguments)
    if bool(asked.url) != bool(asked.model):
        parser.error("--url and --model go together")
    timeline = observe(asked) if asked.url else demonstrate(asked)
    print(f"{timeline.calls} calls, {sum(timeline.errors.values())} errors, "
          f"{timeline.failed} of which a policy could have prevented")
    for error, count in sorted(timeline.errors.items()):
        print(f"{count:5} {error}")
    return 1 if timeline.failed else 0


if __name__ == "__main__":
    sys.exit(main())
