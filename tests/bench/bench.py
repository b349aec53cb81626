"""Measures the gateway beside nginx and prints the table.

    make bench
    make bench ARGS="--quick"
    make bench ARGS="--rows=http_64,sse_burst --rounds=5"

Rows and what they are compared with: rows.py. Takes about ten minutes, or
less than two with --quick. Exits with 1 if an answer was wrong, never for a
time.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from tests.bench import executed
from tests.bench import report
from tests.bench import rows
from tests.bench import servers
from tests.testing.hostile_peers import HostilePeer


class Failed(Exception):
    """The load driver saw a wrong answer."""


class Bench:
    """One run: the servers, started when first needed, and the figures."""

    def __init__(self, options, folder):
        self.options = options
        self._folder = folder
        self._cert, self._key = servers.make_certificate(folder)
        self._upstream = servers.Upstream(
            options.upstream, rows.SCRIPTS, self._cert, self._key)
        self._http2_upstream = None
        self._nginx = {}
        self._gateways = {}
        self._not_served = {}
        self._counted = {}
        self.figures = {}  # {row name: (gateway us, nginx us)}
        self.failures = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in (*self._gateways.values(), *self._nginx.values()):
            server.close()
        if self._http2_upstream is not None:
            self._http2_upstream.close()
        self._upstream.close()

    def start_gateway(self, variant="plain", wrapper=()):
        """A fresh process, for the caller to close."""
        base_url = None
        if variant == "http2_upstream":
            if self._http2_upstream is None:
                self._http2_upstream = servers.Http2Upstream(
                    self._folder, self._upstream, "whole")
            base_url = "http://%s/v1" % self._http2_upstream.address
        return servers.Gateway(self.options.gateway, variant, self._folder,
                               self._upstream, self._cert, self._key, wrapper,
                               base_url)

    def start_nginx(self, instance="one", wrapper=()):
        return servers.Nginx(instance, self._folder, self._upstream,
                             self._cert, self._key, wrapper)

    def gateway(self, variant):
        """The process of the variant, started if it does not run."""
        if variant in self._not_served:
            raise servers.NotServed(self._not_served[variant])
        if variant not in self._gateways:
            # One at a time: an idle one would still take memory bandwidth.
            for other in self._gateways.values():
                other.close()
            self._gateways.clear()
            try:
                self._gateways[variant] = self.start_gateway(variant)
            except servers.NotServed as reason:
                self._not_served[variant] = str(reason)
                raise
        return self._gateways[variant]

    def _nginx_server(self, name):
        instance = servers.NGINX_PORTS[name][0]
        if instance not in self._nginx:
            self._nginx[instance] = self.start_nginx(instance)
        return self._nginx[instance]

    def load_command(self, load, port, tls=False):
        command = [
            self.options.load, "--target=127.0.0.1:%d" % port,
            "--protocol=" + load.protocol, "--mode=" + load.mode,
            "--format=" + load.format,
            "--connections=%d" % load.connections,
            "--streams=%d" % load.streams,
            "--prompt_bytes=%d" % load.prompt_bytes,
            "--model=" + load.model, "--key=" + servers.CALLER_KEY,
            "--chunks=%d" % rows.SCRIPTS[load.model].get("chunks", 0),
            "--chunk_bytes=%d" % rows.CHUNK_BYTES,
        ]
        if tls:
            command += ["--tls", "--ca_file=" + self._cert]
        return command

    def drive(self, load, port, pids=(), tls=False, counter=None, calls=0):
        """One interval of load, or so many calls; the driver's figures."""
        command = self.load_command(load, port, tls) + [
            "--warmup=%gs" % self.options.warmup,
            "--measured=%gs" % self.options.seconds,
            "--cpu_pids=" + ",".join(map(str, pids)),
            "--calls=%d" % calls,
        ]
        if counter:
            command.append("--counter_file=" + counter)
        done = subprocess.run(command, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Failed(done.stderr.strip() or "the load driver failed")
        figures = json.loads(done.stdout)
        units = figures["calls" if load.mode == "unary" else "chunks"]
        figures["units"] = units
        figures["cpu_us"] = figures["cpu_seconds"] * 1e6 / max(units, 1)
        return figures

    def drive_gateway(self, variant, load):
        gateway = self.gateway(variant)
        port = gateway.ports["grpc" if load.protocol == "grpc" else "http"]
        try:
            return self.drive(load, port, gateway.pids(), gateway.tls)
        except Failed as reason:
            if gateway.ended():
                del self._gateways[variant]  # The next row gets a new one.
                raise Failed("%s; %s" % (reason, gateway.ended())) from reason
            raise
        finally:
            gateway.empty_log()

    def drive_nginx(self, name, load):
        nginx = self._nginx_server(name)
        return self.drive(load, nginx.ports[name], nginx.pids(),
                          servers.NGINX_PORTS[name][1])

    def drive_upstream(self, load):
        return self.drive(load, self._upstream.port)

    def rounds(self, *legs):
        """Runs the legs in turns; a list of results for each leg.

        Every other round goes the other way, so that none is always first.
        """
        results = [[] for _ in legs]
        order = list(range(len(legs)))
        for _ in range(self.options.rounds):
            for i in order:
                results[i].append(legs[i]())
            order.reverse()
        return results

    # The rows; each returns report.Lines.

    def load_row(self, row):
        gateway, nginx = self.rounds(
            lambda: self.drive_gateway(row.gateway, row.load),
            lambda: self.drive_nginx(row.nginx, row.nginx_load))
        pairs = [(g["cpu_us"], n["cpu_us"]) for g, n in zip(gateway, nginx)]
        own = statistics.median(g for g, _ in pairs)
        other = statistics.median(n for _, n in pairs)
        ratio = statistics.median(g / n for g, n in pairs)
        self.figures[row.name] = (own, other)
        per_second = statistics.median(
            g["units"] / g["seconds"] for g in gateway)
        note = "%.0f/s" % per_second
        if row.limit is not None and row.limit.kind == "above":
            note += "; nginx %+.0f us" % (own - other)
        return [report.Line(row.name, row.title, "us", own, other, ratio,
                            row.limit, note)]

    def growth_row(self, row):
        if row.small not in self.figures or row.large not in self.figures:
            return []
        small, large = self.figures[row.small], self.figures[row.large]
        own, other = large[0] / small[0], large[1] / small[1]
        return [report.Line(row.name, row.title, "x", own, other, own / other,
                            row.limit)]

    def difference_row(self, row):
        if row.row not in self.figures or row.than not in self.figures:
            return []
        more = self.figures[row.row][0] - self.figures[row.than][0]
        return [report.Line(row.name, row.title, row.unit, more, None, None,
                            row.limit)]

    def policies_row(self):
        if "http_64" not in self.figures or "bare_64" not in self.figures:
            return []
        share = self.figures["http_64"][0] - self.figures["bare_64"][0]
        return [report.Line("policies", "keys and access log, per request",
                            "us", share, None, None, rows.at_most(5, 2))]

    def latency_row(self, row):
        direct, gateway, nginx = self.rounds(
            lambda: self.drive_upstream(row.direct_load),
            lambda: self.drive_gateway("plain", row.load),
            lambda: self.drive_nginx(row.nginx, row.direct_load))
        own = statistics.median(
            g[row.figure] - d[row.figure] for g, d in zip(gateway, direct))
        other = statistics.median(
            n[row.figure] - d[row.figure] for n, d in zip(nginx, direct))
        note = "direct %.0f us" % statistics.median(
            d[row.figure] for d in direct)
        return [report.Line(row.name, row.title, "us", own, other,
                            own / other if other > 0 else None, row.limit,
                            note)]

    def rest_row(self):
        with self.start_gateway() as gateway:
            rss, pss = gateway.memory_bytes()
        with self.start_nginx() as nginx:
            nginx_rss, nginx_pss = nginx.memory_bytes()
        note = "PSS %.1f MB; nginx %.1f MB" % (pss / (1 << 20),
                                               nginx_pss / (1 << 20))
        return [report.Line("rest", "memory at rest", "MB", rss / (1 << 20),
                            nginx_rss / (1 << 20), rss / nginx_rss,
                            rows.REST_LIMIT_MB, note)]

    def allocations_row(self, row):
        counter = os.path.join(self._folder, row.name)
        wrapper = ["env", "ALLOCATION_COUNTER=" + counter,
                   "LD_PRELOAD=" + os.path.abspath(
                       self.options.allocation_counter)]
        with self.start_gateway(row.gateway, wrapper) as gateway:
            port = gateway.ports[
                "grpc" if row.load.protocol == "grpc" else "http"]
            self.drive(row.load, port)  # Warm, as it will be in use.
            figures = self.drive(row.load, port, counter=counter)
        return [report.Line(row.name, row.title, "",
                            figures["counted"] / figures["calls"], None, None,
                            row.limit)]

    def instructions_row(self, row):
        own = self._instructions(
            row.load, lambda wrapper: self.start_gateway(row.gateway, wrapper),
            row.loops)
        if row.nginx_load is None:
            self.figures[row.name] = (own, None)
            return [report.Line(row.name, row.title, "", own, None, None,
                                row.limit)]
        other = self._instructions(
            row.nginx_load, lambda wrapper: self.start_nginx(wrapper=wrapper))
        self.figures[row.name] = (own, other)
        note = "system calls %.2f, nginx %.2f" % (
            self._system_calls(row.load, lambda: self.start_gateway(
                row.gateway)),
            self._system_calls(row.nginx_load, self.start_nginx))
        return [report.Line(row.name, row.title, "", own, other, own / other,
                            row.limit, note)]

    def _instructions(self, load, start, loops=False):
        callgrind = executed.Callgrind(
            os.path.join(self._folder, "callgrind"), by_thread=loops)
        units, pid = self.count_instructions(
            load, lambda: start(callgrind.wrapper), callgrind)
        count = (callgrind.instructions_of_loops if loops
                 else callgrind.instructions)
        return count(pid) / units

    def share_row(self, row):
        """One count serves all rows of the same load."""
        key = (row.gateway, row.load)
        if key not in self._counted:
            callgrind = executed.Callgrind(os.path.join(
                self._folder, "shares%d" % len(self._counted)))
            self._counted[key] = callgrind, *self.count_instructions(
                row.load, lambda: self.start_gateway(
                    row.gateway, callgrind.wrapper), callgrind)
        callgrind, units, pid = self._counted[key]
        counted = callgrind.instructions_within(pid, row.functions) / units
        return [report.Line(row.name, row.title, "", counted, None, None,
                            row.limit)]

    def threads_row(self, row):
        legs = [lambda: self._thread_us(row.gateway, row)]
        if row.than:
            legs.append(lambda: self._thread_us(row.than, row))
        least = [min(figures) for figures in self.rounds(*legs)]
        note = "the least of %d rounds" % self.options.rounds
        if row.than:
            note += "; %.1f us and %.1f us" % tuple(least)
        return [report.Line(row.name, row.title, "us",
                            least[0] - sum(least[1:]), None, None, row.limit,
                            note)]

    def _thread_us(self, variant, row):
        gateway = self.gateway(variant)
        port = gateway.port_of(row.load)
        # Warm, as it will be in use.
        self.drive(row.load, port, calls=rows.COUNTED_CALLS["unary"])
        before = gateway.thread_seconds(row.threads)
        figures = self.drive(row.load, port, calls=rows.THREAD_CALLS)
        used = gateway.thread_seconds(row.threads) - before
        gateway.empty_log()
        return used * 1e6 / figures["units"]

    def durable_row(self, row):
        plain, durable, disk = self.rounds(
            lambda: self.drive_gateway("plain", row.load),
            lambda: self.drive_gateway("recording", row.load),
            self._sync_us)
        lines = []
        for figure, share in (("p50", 0.5), ("p99", 0.99)):
            added = min(each[figure + "_us"] for each in durable) - min(
                each[figure + "_us"] for each in plain)
            alone = min(each[int(share * len(each))] for each in disk)
            lines.append(report.Line(
                "%s_%s" % (row.name, figure),
                "added %s, %s" % (figure, row.title), "us", added, None, None,
                None, "the disk itself %.0f us for %d bytes, which a call "
                "waits for twice; the least of %d rounds" % (
                    alone, rows.DURABLE_BYTES, self.options.rounds)))
        return lines

    def _sync_us(self):
        """How long the disk takes to have some more bytes of a file, in
        order."""
        taken = []
        path = os.path.join(self._folder, "synced")
        with open(path, "wb", buffering=0) as file:
            for _ in range(rows.DURABLE_SYNCS):
                began = time.monotonic()
                file.write(bytes(rows.DURABLE_BYTES))
                os.fdatasync(file.fileno())
                taken.append((time.monotonic() - began) * 1e6)
        os.remove(path)
        return sorted(taken)

    def count_instructions(self, load, start, callgrind):
        """(units, pid) of a server that `start` starts under `callgrind`."""
        with start() as server:
            pid = server.pids()[-1]  # Of nginx, the worker.
            port = server.port_of(load)
            calls = rows.COUNTED_CALLS[load.mode]
            self.drive(load, port, calls=calls)  # Warm, as it will be in use.
            with callgrind.counting(pid):
                figures = self.drive(load, port, calls=calls)
        return figures["units"], pid

    def _system_calls(self, load, start):
        with start() as server:
            port = server.port_of(load)
            calls = rows.COUNTED_CALLS[load.mode]
            self.drive(load, port, calls=calls)
            with executed.SystemCalls(
                    server.pids()[-1],
                    os.path.join(self._folder, "strace")) as counted:
                figures = self.drive(load, port, calls=calls)
        return counted.total() / figures["units"]

    def hostile_row(self, row):
        with self.start_gateway() as gateway:
            rest, _ = gateway.memory_bytes()
            address = "127.0.0.1:%d" % gateway.ports[row.listener]
            with HostilePeer(row.peer, address) as peer:
                peer.await_turns(1)
                waits = sorted(self._probe(gateway))
            rss, _ = gateway.memory_bytes()
        note = "p50 %.1f ms, longest %.0f ms; %+.0f MB" % (
            waits[len(waits) // 2], waits[-1], (rss - rest) / (1 << 20))
        return [report.Line(row.name, row.title, "ms",
                            waits[len(waits) * 99 // 100], None, None,
                            rows.HOSTILE_LIMIT_MS, note)]

    def _probe(self, gateway):
        """Milliseconds that each of many probes took, on connections of
        their own as Kubernetes makes them, while an interval lasts."""
        waits = []
        end = time.monotonic() + self.options.rounds * self.options.seconds
        while time.monotonic() < end:
            began = time.monotonic()
            gateway.probe()
            waits.append((time.monotonic() - began) * 1e3)
        return waits

    def idle_row(self, row):
        with self.start_gateway() as gateway:
            port = gateway.ports[
                "grpc" if row.load.protocol == "grpc" else "http"]
            own = self._idle(gateway, row.load, port)
        with self.start_nginx() as nginx:
            other = self._idle(nginx, row.nginx_load, nginx.ports["sse"])
        return [
            report.Line(row.name + "_memory", "memory per " + row.title, "KB",
                        own[0], other[0], own[0] / other[0],
                        row.bytes_limit, "PSS %.1f KB" % own[1]),
            report.Line(row.name + "_cpu", "CPU of %d x %s, per second" % (
                rows.IDLE_STREAMS, row.title), "us", own[2], other[2], None,
                        row.cpu_limit, "the process alone: %.0f us" % own[3]),
        ]

    def _idle(self, server, load, port):
        """(RSS KB, PSS KB) per stream; us/s of CPU above rest, and at rest."""
        # The first call fills caches that do not belong to a stream.
        first = load._replace(mode="stream", model="first", connections=1,
                              streams=1)
        self.drive(first, port)
        rest_cpu = self._cpu_us_per_second(server)
        rss, pss = server.memory_bytes()
        driver = subprocess.Popen(
            self.load_command(load._replace(mode="idle"), port),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        try:
            if driver.stdout.readline().strip() != "ready":
                raise Failed(driver.stderr.read().strip())
            cpu = self._cpu_us_per_second(server)
            # By now whoever gives back what opening them took has done so.
            full_rss, full_pss = server.memory_bytes()
            _, errors = driver.communicate()
            if driver.returncode != 0:
                raise Failed(errors.strip())
        finally:
            driver.kill()
            driver.wait()
        per_stream = 1024.0 * rows.IDLE_STREAMS
        return ((full_rss - rss) / per_stream, (full_pss - pss) / per_stream,
                cpu - rest_cpu, rest_cpu)

    def _cpu_us_per_second(self, server):
        time.sleep(3)  # What opening the streams left behind.
        began, before = time.monotonic(), server.cpu_seconds()
        time.sleep(self.options.idle_seconds)
        used = server.cpu_seconds() - before
        return used * 1e6 / (time.monotonic() - began)

    def run(self, wanted):
        """All wanted rows, as lines of the table."""
        plan = [(row, self.load_row) for row in rows.LOAD_ROWS]
        plan += [(row, self.growth_row) for row in rows.GROWTH_ROWS]
        plan += [(row, self.latency_row) for row in rows.LATENCY_ROWS]
        plan += [(row, self.idle_row) for row in rows.IDLE_ROWS]
        plan += [(row, self.allocations_row) for row in rows.ALLOCATION_ROWS]
        plan += [(row, self.instructions_row)
                 for row in rows.INSTRUCTION_ROWS]
        plan += [(row, self.share_row) for row in rows.SHARE_ROWS]
        plan += [(row, self.difference_row) for row in rows.DIFFERENCE_ROWS]
        plan += [(row, self.threads_row) for row in rows.THREAD_ROWS]
        plan += [(row, self.durable_row) for row in rows.DURABLE_ROWS]
        plan += [(row, self.hostile_row) for row in rows.HOSTILE_ROWS]
        lines = []
        for row, measure in plan:
            if row.name in wanted:
                lines += self._line(row, lambda: measure(row))
        for name, title, measure in (
                ("rest", "memory at rest", self.rest_row),
                ("policies", "policies", self.policies_row)):
            if name in wanted:
                row = rows.Growth(name, title, None, None, None, True)
                lines += self._line(row, measure)
        return lines

    def _line(self, row, measure):
        began = time.monotonic()
        try:
            lines = measure()
        except servers.NotServed as reason:
            print("%s: not served: %s" % (row.name, reason), file=sys.stderr)
            lines = [report.failed_line(row, "not served by this build")]
        except (Failed, OSError, RuntimeError) as reason:
            self.failures += 1
            print("%s: FAILED: %s" % (row.name, reason), file=sys.stderr)
            lines = [report.failed_line(row, "FAILED: %.200s" % reason)]
        for line in lines:
            print("%s  (%.0f s)" % (report.short(line),
                                    time.monotonic() - began),
                  file=sys.stderr, flush=True)
        return lines


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", help="of: " + ", ".join(rows.names()))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float,
                        help="counted in each round")
    parser.add_argument("--warmup", type=float, default=0.5)
    parser.add_argument("--idle_seconds", type=float)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", help="file for the figures")
    parser.add_argument("--markdown", help="page whose first section becomes the table")
    parser.add_argument("--gateway", default="bazel-bin/service/gateway")
    parser.add_argument(
        "--load", default="bazel-bin/tests/bench/load/load_driver")
    parser.add_argument(
        "--upstream", default="bazel-bin/tests/testing/mock_upstream/"
        "mock_upstream_binary")
    parser.add_argument(
        "--allocation_counter", default="bazel-bin/tests/bench/allocations/"
        "liballocation_counter.so")
    options = parser.parse_args(argv)
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (1.0 if options.quick else 2.0)
    options.idle_seconds = options.idle_seconds or (
        2.0 if options.quick else 5.0)
    for binary in (options.gateway, options.load, options.upstream,
                   options.allocation_counter):
        if not os.access(binary, os.X_OK):
            parser.error("no program %s; `make bench` builds it" % binary)
    return options


def wanted_rows(options):
    if options.rows:
        wanted = set(options.rows.split(","))
        unknown = wanted - set(rows.names())
        if unknown:
            raise SystemExit("no such row: " + ", ".join(sorted(unknown)))
        return wanted
    if not options.quick:
        return set(rows.names())
    return {row.name for group in (rows.LOAD_ROWS, rows.GROWTH_ROWS,
                                   rows.LATENCY_ROWS, rows.IDLE_ROWS,
                                   rows.ALLOCATION_ROWS,
                                   rows.INSTRUCTION_ROWS, rows.HOSTILE_ROWS)
            for row in group if row.quick} | {"rest"}


def main(argv):
    options = parse_arguments(argv)
    wanted = wanted_rows(options)
    servers.allow_many_files()
    # Before the run, which loads the machine itself.
    about = dict(report.machine(), rounds=options.rounds,
                 seconds=options.seconds, idle=rows.IDLE_STREAMS)
    with tempfile.TemporaryDirectory(prefix="gateway_bench.") as folder:
        with Bench(options, folder) as bench:
            lines = bench.run(wanted)
    print(report.text_table(lines))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(report.as_json(lines, about), out, indent=2)
    if options.markdown:
        page = ""
        if os.path.exists(options.markdown):
            with open(options.markdown, encoding="utf-8") as old:
                page = old.read()
        with open(options.markdown, "w", encoding="utf-8") as out:
            out.write(report.markdown(lines, about, page))
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
