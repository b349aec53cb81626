"""Shows what becomes of callers when it is too much; prints a table.

    make overload
    make overload ARGS="--minutes=10"

Capacity is what the gateway may have under way, over how long its provider
takes, 50 to 150 ms: 500 calls a second. Three things are shown:

  ten times that      how much of it is still served, how soon the others are
                      refused, memory, and how many wait
  one of a hundred    calls as often as the ninety-nine others together, who
                      need less than there is: how long theirs take, beside
                      how long they take without that one
  the process         answers /livez meanwhile

Exits with 1 if a call failed in another way than by a refusal, never for a
time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

from tests.bench import servers
from tests.testing import mock_upstream

# How long the provider takes, by model. It is not the same for all: places that
# got free at the same time would do so for ever.
_PROVIDER_MS = range(50, 151, 10)
_CALLS_LIMIT = 50
_CAPACITY = (_CALLS_LIMIT * 1000 * len(_PROVIDER_MS)) // sum(_PROVIDER_MS)
_OTHERS = 99
_OTHERS_RATE = 4
_MEMORY_LIMIT_MIB = 256
_MODELS = {"takes-%d-ms" % ms: ms for ms in _PROVIDER_MS}
_KEY_PREFIX = "overload-key-0123456789-"
_WAITING = "llmgw_overload_waiting_calls"


def config(ports, upstream):
    """A gateway that limits calls and memory, and whose callers have keys."""
    names = ["others-%d" % i for i in range(_OTHERS)] + ["greedy-0"]
    return {
        "listeners": {name: {"address": "127.0.0.1:%d" % port}
                      for name, port in ports.items()},
        "providers": [{
            "name": "openai",
            "openai": {"base_url": "http://%s/v1" % upstream.address,
                       "api_key": "env:UPSTREAM_KEY"},
        }],
        "routing": {"default_target": "openai"},
        "auth": {"callers": {"api_keys": [
            {"id": name, "key": "env:KEY_%d" % i}
            for i, name in enumerate(names)]}},
        "overload": {
            "concurrency": {"calls_limit": _CALLS_LIMIT, "wait_timeout": "1s"},
            "memory": {"size_bytes_limit": _MEMORY_LIMIT_MIB << 20},
        },
        "runtime": {"event_loops": 1},
    }, {"KEY_%d" % i: _KEY_PREFIX + name for i, name in enumerate(names)}


class Gateway(servers.GatewayProcess):
    """The gateway with these limits, and what it says of itself."""

    def __init__(self, binary, folder, upstream):
        ports = self.free_ports()
        settings, keys = config(ports, upstream)
        path = os.path.join(folder, "overload.yaml")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(settings, out)
        super().__init__("gateway", [binary, "--config=" + path], ports,
                         os.path.join(folder, "gateway.log"),
                         dict(os.environ, UPSTREAM_KEY="k", **keys))

    def waiting(self):
        """How many calls wait."""
        return sum(float(line.rsplit(" ", 1)[1])
                   for line in self.get("/metrics")[1].splitlines()
                   if line.startswith(_WAITING + "{"))


class Watch(threading.Thread):
    """Looks at the gateway twice a second, until it is stopped."""

    def __init__(self, gateway):
        super().__init__()
        self._gateway = gateway
        self._over = threading.Event()
        self.resident = []
        self.waiting = []
        self.livez_ms = []

    def run(self):
        while not self._over.wait(0.5):
            self.resident.append(self._gateway.memory_bytes()[0])
            self.waiting.append(self._gateway.waiting())
            begin = time.monotonic()
            if self._gateway.get("/livez")[0] == 200:
                self.livez_ms.append(1e3 * (time.monotonic() - begin))

    def stop(self):
        """Waits for its last look."""
        self._over.set()
        self.join()


def call(options, gateway, seconds, *groups):
    """Makes the calls; returns the figures of each group."""
    done = subprocess.run(
        [options.arrivals, "--target=127.0.0.1:%d" % gateway.ports["http"],
         "--model=" + ",".join(_MODELS), "--key_prefix=" + _KEY_PREFIX,
         "--measured=%ds" % seconds,
         *["--group=%s:%d:%g" % each for each in groups]],
        stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def show(title, figures):
    """A line of the table; returns how many calls failed."""
    print("%-44s %7.1f/s  p50 %6.1f  p99 %6.1f ms  refused %7d  "
          "p50 %6.1f  p99 %6.1f ms  late %d  failed %d %s" % (
              title, figures["answered_per_second"], figures["p50_ms"],
              figures["p99_ms"], figures["refused"],
              figures["refused_p50_ms"], figures["refused_p99_ms"],
              figures["late"], figures["failed"],
              figures.get("first_failure", "")), flush=True)
    return figures["failed"]


def too_much(options, gateway):
    """Ten times what can be served."""
    others = [("others", _OTHERS, _CAPACITY / _OTHERS * times)
              for times in (1.1, 10)]
    failed = 0
    full = call(options, gateway, options.seconds, others[0])["others"]
    failed += show("just too much, %d/s" % (1.1 * _CAPACITY), full)
    before = gateway.memory_bytes()[0]
    watch = Watch(gateway)
    watch.start()
    ten = call(options, gateway, 60 * options.minutes, others[1])["others"]
    watch.stop()
    failed += show("ten times too much, %d/s, %g min" % (
        10 * _CAPACITY, options.minutes), ten)
    print("  served of what is served when full: %.1f %%" % (
        100 * ten["answered_per_second"] / full["answered_per_second"]))
    print("  resident: %.1f MiB before, at most %.1f, of %d" % (
        before / 2**20, max(watch.resident) / 2**20, _MEMORY_LIMIT_MIB))
    half = len(watch.waiting) // 2
    print("  waiting: at most %d in the first half, %d in the second" % (
        max(watch.waiting[:half]), max(watch.waiting[half:])))
    print("  /livez: at most %.1f ms, of %d" % (
        max(watch.livez_ms), len(watch.livez_ms)))
    return failed


def unfair(options, gateway):
    """One who asks as often as all others together."""
    others = ("others", _OTHERS, _OTHERS_RATE)
    greedy = ("greedy", 1, 100 * _OTHERS_RATE)
    alone = call(options, gateway, options.seconds, others)["others"]
    both = call(options, gateway, options.seconds, others, greedy)
    failed = show("99 callers, %d/s each" % _OTHERS_RATE, alone)
    failed += show("the same beside the greedy one", both["others"])
    failed += show("the greedy one, %d/s" % (100 * _OTHERS_RATE),
                   both["greedy"])
    print("  p99 of the 99: %+.1f %%" % (
        100 * (both["others"]["p99_ms"] / alone["p99_ms"] - 1)))
    return failed


def main():
    """Runs all of it."""
    flags = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    flags.add_argument("--minutes", type=float, default=2)
    flags.add_argument("--seconds", type=int, default=20)
    flags.add_argument("--gateway", default="bazel-bin/service/gateway")
    flags.add_argument("--arrivals",
                       default="bazel-bin/tests/bench/overload/arrivals_driver")
    flags.add_argument("--upstream",
                       default="bazel-bin/tests/testing/mock_upstream/"
                       "mock_upstream_binary")
    options = flags.parse_args()
    servers.allow_many_files()
    with tempfile.TemporaryDirectory() as folder, \
            mock_upstream.MockUpstream(binary=options.upstream) as upstream:
        for model, ms in _MODELS.items():
            upstream.set_script(model, {"first_byte_delay_ms": ms})
        with Gateway(options.gateway, folder, upstream) as gateway:
            failed = too_much(options, gateway)
            failed += unfair(options, gateway)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
