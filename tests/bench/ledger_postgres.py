"""What a ledger in a PostgreSQL costs a call, beside the database's own commits.

    bazel build //service:gateway //tests/bench/load //tests/testing/mock_upstream
    python3 -m tests.bench.ledger_postgres
    python3 -m tests.bench.ledger_postgres --connections 1,64 --seconds 10

The database is on this machine, with its disk's fsync. The same calls go through
a gateway without a ledger, with one that is a file, and with the database;
between them pgbench commits rows of the size of two entries by one connection,
which is what a gateway has.
"""

import argparse
import glob
import json
import os
import re
import statistics
import subprocess
import tempfile

from tests.bench import rows
from tests.bench import servers
from tests.integration.samples import sample
from tests.testing.gateway_process import GatewayProcess
from tests.testing.mock_upstream import MockUpstream
from tests.testing.postgres_process import PostgresProcess

_CONFIG = """\
providers:
  - {name: openai, openai: {base_url: "http://%s/v1"}}
routing: {default_target: openai}
logging: {access_log: false}
runtime: {event_loops: 1, state_dir: "%s"}
"""
_LEDGERS = {
    "none": "",
    "file": "ledger: {}\n",
    "PostgreSQL": 'ledger: {postgres: {connection: "%s"}}\n',
}
# Two entries of a call have about so many bytes.
_ROW = """\
INSERT INTO bench (texts) VALUES (decode(repeat('61', 1700), 'hex'));
"""


class Failed(Exception):
    """A call failed, or a program did."""


def drive(options, gateway, connections):
    """Some seconds of load; the driver's figures."""
    done = subprocess.run(
        [options.load, "--target=" + gateway.http, "--protocol=http",
         "--mode=unary", "--format=openai", "--connections=%d" % connections,
         "--streams=1", "--prompt_bytes=1024", "--model=whole", "--chunks=0",
         "--chunk_bytes=%d" % rows.CHUNK_BYTES, "--key=" + servers.CALLER_KEY,
         "--warmup=1s", "--measured=%gs" % options.seconds, "--cpu_pids=",
         "--calls=0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        check=False)
    if done.returncode != 0:
        raise Failed(done.stderr.strip())
    return json.loads(done.stdout)


def commit_us(postgres, seconds, folder):
    """What one commit of such a row takes, on average."""
    path = os.path.join(folder, "row.sql")
    with open(path, "w", encoding="utf-8") as file:
        file.write(_ROW)
    done = subprocess.run(
        [postgres.program("pgbench"), "-h", "127.0.0.1", "-p",
         str(postgres.port), "-U", "gateway", "-n", "-c", "1", "-M",
         "prepared", "-T", "%d" % max(seconds, 1), "-f", path, "postgres"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        check=False)
    told = re.search(r"latency average = ([0-9.]+) ms", done.stdout)
    if done.returncode != 0 or told is None:
        raise Failed(done.stderr.strip())
    return float(told.group(1)) * 1000


def measure(options, folder):
    """{connections: {ledger: [figures]}}, and commits in microseconds."""
    found = {each: {name: [] for name in _LEDGERS}
             for each in options.connections}
    commits = []
    with MockUpstream() as upstream, PostgresProcess(fsync=True) as postgres:
        upstream.set_script("whole", rows.SCRIPTS["whole"])
        postgres.ask("CREATE TABLE bench (texts bytea)")
        for turn in range(options.rounds):
            commits.append(commit_us(postgres, options.seconds, folder))
            for name, ledger in _LEDGERS.items():
                state = os.path.join(folder, "%s-%d" % (name, turn))
                config = _CONFIG % (upstream.address, state)
                config += ledger.replace("%s", postgres.conninfo)
                with GatewayProcess(config, keeps_access=False) as gateway:
                    for connections in options.connections:
                        before = ledger_of(gateway)
                        figures = drive(options, gateway, connections)
                        figures.update(
                            spent(before, ledger_of(gateway)))
                        found[connections][name].append(figures)
    return found, commits


def ledger_of(gateway):
    """What the ledger has by now, and how long its thread has computed."""
    return {"entries": sample(gateway, "llmgw_ledger_entries") or 0,
            "commits": sample(gateway, "llmgw_ledger_commits") or 0,
            "cpu_us": thread_cpu_us(gateway.pid, "ledger")}


def thread_cpu_us(pid, name):
    used = 0
    for task in glob.glob("/proc/%d/task/*" % pid):
        with open(task + "/comm", encoding="utf-8") as file:
            if file.read().strip() != name:
                continue
        with open(task + "/schedstat", encoding="ascii") as file:
            used += int(file.read().split()[0]) / 1000
    return used


def spent(before, now):
    """By how many calls a commit was shared, and what a call took of a core
    on the ledger's thread."""
    grown = {name: now[name] - before[name] for name in now}
    calls = max(grown["entries"] / 2, 1)
    return {"shared": calls / max(grown["commits"], 1),
            "writer_us": grown["cpu_us"] / calls}


def table(found, commits):
    lines = ["| calls in flight | ledger | calls/s | entries/s | of a core, "
             "on the ledger's thread | p50 | p99 | more than without, p50 | "
             "p99 | calls a commit |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for connections, ledgers in found.items():
        def median(name, key):
            return statistics.median(each[key] for each in ledgers[name])
        for name, figures in ledgers.items():
            rate = statistics.median(each["calls"] / each["seconds"]
                                     for each in figures)
            p50, p99 = (median(name, key) / 1000
                        for key in ("p50_us", "p99_us"))
            base50, base99 = (median("none", key) / 1000
                              for key in ("p50_us", "p99_us"))
            head = "| %d | %s | %.0f |" % (connections, name, rate)
            if name == "none":
                lines.append("%s | | %.1f ms | %.1f ms | | | |"
                             % (head, p50, p99))
                continue
            lines.append(
                "%s %.0f | %.0f us | %.1f ms | %.1f ms | %.1f ms | %.1f ms | "
                "%.1f |" % (head, 2 * rate, median(name, "writer_us"), p50,
                            p99, p50 - base50, p99 - base99,
                            median(name, "shared")))
    lines.append("")
    lines.append(
        "A commit of PostgreSQL by itself: %.1f ms (%.1f to %.1f). "
        "Load average: %.0f."
        % (statistics.median(commits) / 1000, min(commits) / 1000,
           max(commits) / 1000, os.getloadavg()[0]))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", default="1,16,64",
                        type=lambda text: [int(each)
                                           for each in text.split(",")])
    parser.add_argument("--seconds", default=5.0, type=float)
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument("--load", default="bazel-bin/tests/bench/load/load_driver")
    options = parser.parse_args()
    # Where people keep databases, rather than in memory.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        print(table(*measure(options, folder)))


if __name__ == "__main__":
    main()
