"""Holds the measuring true: drives the mock upstream, directly and by nginx."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

from tests.bench import bench
from tests.bench import configurations
from tests.bench import executed
from tests.bench import rows
from tests.bench import servers

_COUNTER = "tests/bench/allocations/liballocation_counter.so"
_LOAD = "tests/bench/load/load_driver"
_UPSTREAM = "tests/testing/mock_upstream/mock_upstream_binary"


def _has_nginx():
    try:
        return bool(servers.find_nginx())
    except RuntimeError:
        return False


class BenchTest(unittest.TestCase):

    def setUp(self):
        options = bench.parse_arguments([
            "--rounds=1", "--seconds=0.2", "--warmup=0.1",
            "--idle_seconds=0.1", "--gateway=" + sys.executable,
            "--load=" + _LOAD, "--upstream=" + _UPSTREAM,
            "--allocation_counter=" + _COUNTER])
        # Closing needs the files until it is done: it is cleaned up first.
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.bench = bench.Bench(options, folder.name)
        self.addCleanup(self.bench.__exit__)
        self.upstream = self.bench._upstream

    def test_counts_what_the_upstream_served(self):
        load = rows.Load("http", "unary", 8)
        figures = self.bench.drive_upstream(load)
        served = self.upstream.stat("whole", "served")
        # The warm-up is served too, and counted by the upstream alone.
        self.assertGreater(figures["calls"], 0)
        self.assertGreater(served, figures["calls"])
        self.assertEqual(figures["errors"], 0)

    def test_counts_the_chunks_of_streams(self):
        load = rows.Load("http", "stream", 4, 1, "burst")
        figures = self.bench.drive_upstream(load)
        self.assertGreater(figures["chunks"], figures["calls"])
        self.assertGreater(self.upstream.stat("burst", "chunks"),
                           figures["chunks"])

    def test_each_script_is_answered_as_its_rows_expect(self):
        loads = {row.name: row.nginx_load for row in rows.LOAD_ROWS}
        loads.update({row.name: row.load for row in rows.ALLOCATION_ROWS
                      if row.load.protocol == "http"})
        for name, load in loads.items():
            with self.subTest(name):
                # Fewer connections are as good a proof.
                few = min(load.connections, 4)
                self.bench.drive_upstream(load._replace(connections=few))

    def test_a_counter_tells_what_was_added_in_the_interval_alone(self):
        counter = os.path.join(self.bench._folder, "counter")
        with open(counter, "wb") as number:
            number.write((1 << 40).to_bytes(8, sys.byteorder))
        figures = self.bench.drive(rows.Load("http", "unary", 1),
                                   self.upstream.port, counter=counter)
        self.assertEqual(figures["counted"], 0)
        with self.assertRaises(bench.Failed):
            self.bench.drive(rows.Load("http", "unary", 1),
                             self.upstream.port, counter=counter + "2")

    def test_a_wrong_answer_fails_the_run(self):
        for fault in ({"status": 500}, {"garbage": "short_body"},
                      {"cycle": True, "steps": [
                          {}, {}, {"reset_before_first_byte": True}]}):
            with self.subTest(fault):
                self.upstream.set_script("whole", fault)
                with self.assertRaises(bench.Failed):
                    self.bench.drive_upstream(rows.Load("http", "unary", 1))

    def test_a_stream_cut_short_fails_the_run(self):
        load = rows.Load("http", "stream", 1, 1, "burst")
        for fault in ({"end_after_chunks": 5}, {"omit_terminator": True},
                      {"chunks": 199, "chunk_bytes": 16}):
            with self.subTest(fault):
                self.upstream.set_script("burst", fault)
                with self.assertRaises(bench.Failed):
                    self.bench.drive_upstream(load)

    @unittest.skipUnless(_has_nginx(), "nginx is not installed")
    def test_each_nginx_server_forwards(self):
        for name in servers.NGINX_PORTS:
            with self.subTest(name):
                load = rows.Load("http", "unary", 4)
                if "sse" in name:
                    load = rows.Load("http", "stream", 4, 1, "burst")
                figures = self.bench.drive_nginx(name, load)
                self.assertGreater(figures["cpu_us"], 0)

    @unittest.skipUnless(_has_nginx(), "nginx is not installed")
    def test_tells_what_idle_streams_take(self):
        load = rows.Load("http", "stream", 100, 1, "idle")
        with self.bench.start_nginx() as nginx:
            rss, pss, _, rest_cpu = self.bench._idle(nginx, load,
                                                     nginx.ports["sse"])
        self.assertGreater(rss, 0)
        self.assertGreater(pss, 0)
        self.assertGreaterEqual(rest_cpu, 0)

    def test_tells_how_long_the_disk_takes(self):
        taken = self.bench._sync_us()
        self.assertEqual(len(taken), rows.DURABLE_SYNCS)
        self.assertEqual(taken, sorted(taken))
        self.assertGreater(taken[0], 0)

    def test_a_gateway_that_refuses_its_configuration_is_not_measured(self):
        # Python takes no such flags either.
        row = next(row for row in rows.LOAD_ROWS if row.name == "http_1")
        lines = self.bench._line(row, lambda: self.bench.load_row(row))
        self.assertEqual([line.note for line in lines],
                         ["not served by this build"])

    def test_says_which_row_failed_and_goes_on(self):
        def fail():
            raise bench.Failed("status 500")
        row = rows.LOAD_ROWS[0]
        lines = self.bench._line(row, fail)
        self.assertIn("status 500", lines[0].note)
        self.assertEqual(self.bench.failures, 1)


class AllocationCounterTest(unittest.TestCase):

    @staticmethod
    def _count(folder, program):
        counter = os.path.join(folder, "counter")
        subprocess.run(
            [sys.executable, "-c", program], check=True,
            env=dict(os.environ, ALLOCATION_COUNTER=counter,
                     LD_PRELOAD=os.path.abspath(_COUNTER)))
        with open(counter, "rb") as number:
            return int.from_bytes(number.read(8), sys.byteorder)

    def test_counts_each_allocation(self):
        with tempfile.TemporaryDirectory() as folder:
            # Larger than what Python keeps itself.
            few = self._count(folder, "x = [bytes(5000)] * 10000")
            many = self._count(
                folder, "x = [bytes(5000 + i) for i in range(10000)]")
        self.assertGreater(few, 0)
        self.assertGreater(many, few + 9900)
        self.assertLess(many, few + 20000)


class ExecutedTest(unittest.TestCase):

    def test_functions_are_found_by_their_names(self):
        functions = executed.parse_functions(
            "--------\n"
            "211,041 (100.0%)  PROGRAM TOTALS\n"
            " 10,281 ( 4.87%)  ???:gateway::Log(gateway::Level) [gateway]\n"
            "    281 ( 0.01%)  a.cc:gateway::LogFile::Write() [gateway]\n"
            "    100 ( 0.01%)  ???:malloc [libc.so.6]\n")
        self.assertEqual(sum(count for count, _ in functions), 10662)
        self.assertEqual(executed.count_within(functions, ("Log(",)), 10281)
        self.assertEqual(
            executed.count_within(functions, ("LogFile::", "Log(")), 10562)


class ServerTest(unittest.TestCase):

    def test_reads_cpu_and_memory_of_all_descendants(self):
        program = ("import subprocess, sys; child = subprocess.Popen("
                   "[sys.executable, '-c', 'print(1, flush=True); input()'],"
                   " stdin=subprocess.PIPE); child.wait()")
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, "log")
            with servers.Server("python", [sys.executable, "-c", program],
                                log) as server:
                server.wait_ready(lambda: "1" in server.log_tail())
                pids = server.pids()
                self.assertEqual(len(pids), 2)
                self.assertGreater(server.cpu_seconds(), 0)
                rss, pss = server.memory_bytes()
                self.assertGreater(rss, 1 << 20)
                self.assertGreater(pss, 0)
                self.assertLessEqual(pss, rss)
                subprocess.run(["kill", str(pids[1])], check=True)

    def test_reads_cpu_of_threads_by_their_names(self):
        program = (
            "import ctypes, threading\n"
            "def work(name, rounds):\n"
            "    ctypes.CDLL(None).prctl(15, name)\n"
            "    sum(range(rounds)); ready.wait(); threading.Event().wait()\n"
            "ready = threading.Barrier(4)\n"
            "for each in ((b'ledger', 9), (b'ledger-write', 10**7),\n"
            "             (b'loop-0', 9)):\n"
            "    threading.Thread(target=work, args=each).start()\n"
            "ready.wait(); print(1, flush=True)")
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, "log")
            with servers.Server("python", [sys.executable, "-c", program],
                                log) as server:
                server.wait_ready(lambda: "1" in server.log_tail())
                own = server.thread_seconds("ledger")
                self.assertGreater(own, 0)
                self.assertGreater(server.thread_seconds("loop-"), 0)
                # Which has done what the other has not.
                self.assertGreater(server.thread_seconds("ledger-write"), own)
                self.assertEqual(server.thread_seconds("loop"), 0)

    def test_says_how_a_process_ended(self):
        program = "import os; print(1, flush=True); os.abort()"
        with tempfile.TemporaryDirectory() as folder:
            with servers.Server("it", [sys.executable, "-c", program],
                                os.path.join(folder, "log")) as server:
                os.waitid(os.P_PID, server.pids()[0],
                          os.WEXITED | os.WNOWAIT)
                self.assertEqual(server.ended(), "it ended with SIGABRT")

    def test_cpu_time_is_that_of_the_process(self):
        before = servers.process_cpu_seconds(os.getpid())
        sum(range(1000000))
        after = servers.process_cpu_seconds(os.getpid())
        self.assertGreater(after, before)

    def test_configuration_follows_the_variant(self):
        ports = dict.fromkeys(("grpc", "http", "admin", "operations"), 1)

        class FakeUpstream:
            address = "127.0.0.1:5"
            tls_port = 6

        def config(variant):
            return configurations.gateway_config(
                "folder", ports, FakeUpstream, "cert", "key",
                **configurations.GATEWAYS[variant])
        plain = config("plain")
        self.assertIn("auth", plain)
        self.assertTrue(plain["logging"]["access_log"])
        self.assertNotIn("auth", config("bare"))
        self.assertIn("tls", config("tls_listener")["listeners"]["grpc"])
        self.assertIn("https://localhost:6/v1",
                      json.dumps(config("tls_upstream")))
        self.assertIn("http2", json.dumps(config("http2_upstream")))
        self.assertNotIn(servers.CALLER_KEY, json.dumps(plain))
        self.assertEqual(plain["resilience"]["circuit_breaker"]["mode"],
                         "off")
        self.assertTrue(
            config("resilient")["resilience"]["hedging"]["enabled"])
        self.assertEqual(
            len(config("many_rules")["routing"]["model_rules"]), 10000)
        self.assertEqual(len(config("many_providers")["providers"]), 256)
        for room, variant in (("audit", "auditing"), ("tracing", "tracing"),
                              ("alerts", "alerting"), ("ledger", "accounting"),
                              ("budgets", "accounting")):
            self.assertIn(room, config(variant))
            self.assertNotIn(room, plain)
        many = config("many_targets")["routing"]["model_rules"][0]["targets"]
        self.assertEqual(len(many), 1000)
        self.assertEqual(len(set(map(str, many))), 1000)
