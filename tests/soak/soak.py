"""Calls a gateway for hours, with every room on, and says whether anything grows.

    make soak HOURS=8
    make soak HOURS=0.5 ARGS="--rate=100 --out=/tmp/soak"

Every API is called, well and unwell: streams are left, providers fail, the
configuration is loaded again, operators ask. A line a sample is printed and
written to a file. The first half, at most an hour, is the warm-up, in which
what is kept of calls fills up, the metrics of the last hour too. Of the rest
the straight line with the least squares is laid through resident memory, what
is allocated of it, descriptors and p99 (trend.py).

Exits with 1 when one of them grows faster than is allowed, when a call ended in
a way that its kind does not expect, or when the gateway does not drain and exit
with 0. What the samples cannot tell is called undecided, and is no failure; a
longer run can.
"""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import threading
import time

from tests.integration.samples import await_sample
from tests.integration.samples import sample
from tests.soak import soaked
from tests.soak import trend
from tests.soak.load import KINDS
from tests.soak.load import Load
from tests.testing.gateway_process import GatewayError

_COLUMNS = ("hours", "rss_mib", "heap_mib", "descriptors", "threads", "p99_ms",
            "calls", "failed", "late", "cpu_s", "disk_mib", "reloads")
_WARM_UP_SHARE = 0.5
_WARM_UP_SECONDS_MAX = 3600
_ALLOCATED = "llmgw_allocated_memory_bytes"
_RELOADS = 'llmgw_config_reloads_total{result="success"}'


class Soak:
    """One run: samples, and what they say."""

    def __init__(self, options, around, out=sys.stdout):
        self._options = options
        self._around = around
        self._out = out
        self._seconds = options.hours * 3600
        self.load = Load(around, options.rate, options.kinds)
        self.samples = []
        self._broken = []  # What else went wrong.
        self._table = open(os.path.join(options.out, "soak.tsv"), "w",
                           encoding="utf-8")

    def run(self):
        """Calls and looks until the time is over; then the gateway drains."""
        self._write(_COLUMNS)
        begin = time.monotonic()
        self.load.start(self._seconds)
        over = threading.Event()
        next_change = self._options.reload_seconds
        at = self._options.sample_seconds
        while at <= self._seconds:
            over.wait(max(0, begin + at - time.monotonic()))
            if at >= next_change:
                self._around.change_config()
                next_change += self._options.reload_seconds
            self._take_sample(time.monotonic() - begin)
            at += self._options.sample_seconds
        self.load.join()
        try:
            # None is refused, and none is left out.
            await_sample(self._around.gateway, _RELOADS, self._around.changes)
            self._around.gateway.stop()
        except (AssertionError, GatewayError) as error:
            self._broken.append(str(error))

    def close(self):
        """Ends the file."""
        self._table.close()

    def problems(self):
        """What is wrong, a line each; prints what each figure did."""
        found = self._broken + [
            "%s: %d times %s" % (kind, count, first) for
            kind, (count, first) in sorted(self.load.failures.items())]
        compared = self.compared()
        self._say("compared: %d samples of %.2f hours, after %.2f of warm-up" % (
            len(compared), self._options.hours, self._warm_up_hours()))
        for name, limit in trend.LIMITS.items():
            verdict = limit.verdict([
                (one["hours"], one[name]) for one in compared
                if one[name] is not None])
            self._say("  %-9s %s" % (verdict.outcome, verdict.text))
            if verdict.outcome == trend.GROWS:
                found.append(verdict.text)
        return found

    def compared(self):
        return [one for one in self.samples
                if one["hours"] >= self._warm_up_hours()]

    def _warm_up_hours(self):
        return min(_WARM_UP_SHARE * self._seconds,
                   _WARM_UP_SECONDS_MAX) / 3600

    def _take_sample(self, seconds):
        pid = self._around.gateway.pid
        with open("/proc/%d/status" % pid, encoding="ascii") as file:
            status = dict(line.split(":", 1) for line in file)
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            ticks = file.read().rsplit(")", 1)[1].split()[11:13]
        taken = self.load.take_latencies()
        one = {
            "hours": seconds / 3600,
            "rss_mib": int(status["VmRSS"].split()[0]) / 1024,
            "heap_mib": sample(self._around.gateway, _ALLOCATED) / 2**20,
            "descriptors": len(os.listdir("/proc/%d/fd" % pid)),
            "threads": int(status["Threads"]),
            "p99_ms": 1000 * taken[len(taken) * 99 // 100] if taken else None,
            "calls": sum(self.load.counts.values()),
            "failed": self.load.failed(),
            "late": self.load.late,
            "cpu_s": sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"),
            "disk_mib": _bytes_in(self._around.state) / 2**20,
            "reloads": int(sample(self._around.gateway, _RELOADS)),
        }
        self.samples.append(one)
        self._write([_shown(one[name]) for name in _COLUMNS])

    def _write(self, cells):
        self._table.write("\t".join(cells) + "\n")
        self._table.flush()
        self._say(" ".join("%11s" % cell for cell in cells))

    def _say(self, line):
        print(line, file=self._out, flush=True)


def _shown(figure):
    if figure is None:
        return "-"
    return "%.3f" % figure if isinstance(figure, float) else str(figure)


def _bytes_in(folder):
    return sum(entry.stat().st_size for entry in os.scandir(folder)
               if entry.is_file())


def parse_arguments(arguments=None):
    built = "bazel-bin/"
    flags = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    flags.add_argument("--hours", type=float, default=1)
    flags.add_argument("--rate", type=float, default=50,
                       help="calls begun in a second")
    flags.add_argument("--kinds", nargs="*", choices=KINDS, metavar="KIND",
                       help="only these kinds of calls, to find what grows")
    flags.add_argument("--sample_seconds", type=float, default=30)
    flags.add_argument("--reload_seconds", type=float, default=60)
    flags.add_argument("--out", default="soak",
                       help="the folder of the table and of what is kept")
    flags.add_argument("--gateway", default=built + "service/gateway")
    flags.add_argument("--stubs", default=built + "clients/python/stubs")
    flags.add_argument("--upstream", default=built + "tests/testing/"
                       "mock_upstream/mock_upstream_binary")
    return flags.parse_args(arguments)


def run(options, out=sys.stdout):
    """Runs it; returns the Soak and what is wrong."""
    options.out = os.path.abspath(options.out)
    os.makedirs(options.out, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="soaked",
                                     dir=options.out) as folder, \
            soaked.Surroundings(options, folder) as around:
        with contextlib.closing(Soak(options, around, out)) as soak:
            soak.run()
            return soak, soak.problems()


def main():
    """Runs it and says what is wrong."""
    # Who stops it stops what it has started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    _, problems = run(parse_arguments())
    for problem in problems:
        print("FAILED: " + problem)
    print("failed" if problems else "nothing grows that must not")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
