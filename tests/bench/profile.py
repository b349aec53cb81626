"""Profiles the gateway under the load of one row; profile.sh builds it first.

perf counts samples and costs little; callgrind counts instructions, slows the
gateway down fifty times, and says the same each time it is asked.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile

from tests.bench import bench
from tests.bench import executed
from tests.bench import rows
from tests.bench import servers

_SAMPLES_PER_SECOND = 1999
_LINES = 60


def find_row(name):
    """The row of load with this name."""
    for row in rows.LOAD_ROWS:
        if row.name == name:
            return row
    raise SystemExit("no such row of load: %s; there are: %s" % (
        name, ", ".join(row.name for row in rows.LOAD_ROWS)))


def _print_figures(figures):
    print("%d units in %.1f s, %.2f us of CPU each" % (
        figures["units"], figures["seconds"], figures["cpu_us"]))


def with_perf(run, row, options):
    """Records for as long as the driver runs; prints the costliest symbols."""
    out = options.out or "perf.data"
    gateway = run.gateway(row.gateway)
    run.drive_gateway(row.gateway, row.load)  # Warm, as it will be in use.
    recorder = subprocess.Popen(
        ["perf", "record", "-q", "-g", "-F", str(_SAMPLES_PER_SECOND), "-o",
         out, "-p", ",".join(map(str, gateway.pids()))])
    try:
        _print_figures(run.drive_gateway(row.gateway, row.load))
    finally:
        recorder.send_signal(signal.SIGINT)
        recorder.wait()
    report = subprocess.run(
        ["perf", "report", "--stdio", "-i", out, "--no-children", "-g",
         "none", "--sort", "dso,symbol", "--percent-limit", "0.3"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        check=True).stdout
    lines = ["  ".join(line.split()[:4]) for line in report.splitlines()
             if line and not line.startswith("#")]
    print("\n".join(lines[:_LINES]))
    print("callers: perf report -i %s --children" % out)


def with_callgrind(run, row, options):
    """Counts some calls; prints the costliest functions."""
    callgrind = executed.Callgrind(options.out or "callgrind.out")
    units, pid = run.count_instructions(
        row.load, lambda: run.start_gateway(row.gateway, callgrind.wrapper),
        callgrind)
    report = subprocess.run(
        ["callgrind_annotate", "--auto=no", "--threshold=95",
         callgrind.file(pid)],
        stdout=subprocess.PIPE, text=True, check=True).stdout
    print("\n".join(report.splitlines()[:_LINES]))
    print("%d units, %.0f instructions each; %s" % (
        units, callgrind.instructions(pid) / units, callgrind.file(pid)))


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("row")
    parser.add_argument("--callgrind", action="store_true")
    parser.add_argument("--out", help="file to write, for other viewers")
    own, others = parser.parse_known_args(argv)
    options = bench.parse_arguments(others)
    servers.allow_many_files()
    profile = with_perf
    if own.callgrind or not shutil.which("perf"):
        profile = with_callgrind
    with tempfile.TemporaryDirectory(prefix="gateway_bench.") as folder:
        with bench.Bench(options, folder) as run:
            profile(run, find_row(own.row), own)


if __name__ == "__main__":
    main(sys.argv[1:])
