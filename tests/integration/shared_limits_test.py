"""Two gateways that share limits through a Redis, while it works, and while it
is paused, killed, emptied and slow."""

import concurrent.futures
import re
import tempfile
import threading
import time
import unittest

from tests.integration.certificates import Authority
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import ask
from tests.integration.http_calls import chat
from tests.integration.http_calls import request_bytes
from tests.integration.samples import await_sample
from tests.integration.samples import sample
from tests.testing.gateway_process import GatewayProcess
from tests.testing.redis_process import RedisProcess

_CONFIG = """\
providers: [{name: mock, mock: {%s}}]
routing: {default_target: mock}
runtime: {replicas: 2, event_loops: %d}
redis: {%s}
rate_limits: [{%s}]
"""
_LOOPS = 2
_EXACT = ("name: rpm, unit: requests, limit: 200, window: 1h, sharing: exact")
_LEASED = ("name: rpm, unit: requests, limit: 200, window: 1h, "
           "sharing: leased")
# A tenth of a process's share of 200.
_PART = 10
# Ample, so that a busy machine is no outage.
_PATIENT = ", timeout: 2s"
# Soon away once it is paused, and not while it is well.
_BRIEF = ", timeout: 500ms"
_TIMEOUT_S = 20.0
# Eight calls at once, which are streams that do not end.
_EIGHT = "name: calls, unit: concurrent_calls, limit: 8, sharing: %s%s"
_HANGS = "chunk_count: 3, fault: hang, fault_after_chunks: 1"
_OF_TARGETS = ", match: {models: [m]}"

# Two calls each, for all replicas.
_TWO_TARGETS = """\
providers: [{name: cheap, mock: {}}, {name: spare, mock: {}}]
routing: {model_rules: [{exact: m, targets: [
  {provider: cheap}, {provider: spare, priority: 1}]}]}
runtime: {replicas: 2, event_loops: 2}
redis: {addresses: ["%s"], timeout: 2s}
rate_limits:
- {name: cheap, unit: requests, limit: 2, window: 1h, sharing: exact,
   match: {providers: [cheap]}}
- {name: spare, unit: requests, limit: 2, window: 1h, sharing: exact,
   match: {providers: [spare]}}
"""


class SharedLimitsCase(unittest.TestCase):

    def setUp(self):
        super().setUp()
        self.redis = RedisProcess()
        self.addCleanup(self.redis.close)

    def start(self, limit, redis=None, mock="", **options):
        where = 'addresses: ["%s"]' % self.redis.address
        gateway = GatewayProcess(
            _CONFIG % (mock, _LOOPS, where + (_PATIENT if redis is None else redis),
                       limit), **options)
        self.addCleanup(gateway.kill)
        return gateway

    def two(self, limit, **options):
        gateways = [self.start(limit, **options) for _ in range(2)]
        for gateway in gateways:
            self.await_connected(gateway, self.redis)
        return gateways

    def await_connected(self, gateway, redis):
        await_sample(gateway, 'llmgw_redis_connections{server="%s"}'
                          % redis.address, _LOOPS)

    def begin(self, gateway, calls):
        """So many streams, as far as they are let in."""
        streams = []
        for _ in range(calls):
            stream = RawConnection(gateway.http)
            stream.send(request_bytes(chat("m", stream=True)))
            status, _ = stream.read_head()
            if status == 200:
                self.addCleanup(stream.close)
                streams.append(stream)
            else:
                self.assertEqual(status, 429)
                stream.close()
        return streams

    def end(self, gateway, stream):
        ended = len(gateway.access_lines(status="CANCELLED"))
        stream.reset()
        deadline = time.monotonic() + _TIMEOUT_S
        while len(gateway.access_lines(status="CANCELLED")) == ended:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def await_begun(self, gateway):
        """One stream more, as soon as it is let in."""
        deadline = time.monotonic() + _TIMEOUT_S
        while True:
            begun = self.begin(gateway, 1)
            if begun:
                return begun[0]
            self.assertLess(time.monotonic(), deadline)

    def let_in(self, gateways, calls):
        """How many of so many calls are let in, one at one gateway and the next
        at the other; what else they come to than 200 and 429 fails the test."""
        return sum(self.statuses(gateways, calls))

    def statuses(self, gateways, calls):
        let_in = []
        for number in range(calls):
            status = ask(gateways[number % 2].http, chat("m")).status
            self.assertIn(status, (200, 429))
            let_in.append(status == 200)
        return let_in

    def let_in_at_once(self, gateways, calls, threads=8):
        counts = []

        def call():
            counts.append(self.let_in(gateways, calls // threads))

        running = [threading.Thread(target=call) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        self.assertEqual(len(counts), threads)
        return sum(counts)


class SharingTest(SharedLimitsCase):

    def test_exact_is_the_limit_within_two_percent(self):
        gateways = self.two(_EXACT)
        self.assertAlmostEqual(self.let_in_at_once(gateways, 480), 200,
                               delta=4)
        refused = ask(gateways[0].http, chat("m"))
        self.assertEqual(refused.status, 429)
        self.assertEqual(refused.headers["x-ratelimit-remaining-requests"],
                         "0")
        self.assertAlmostEqual(int(refused.headers["retry-after"]), 18,
                               delta=18)

    def test_exact_limits_of_targets_are_exact(self):
        gateways = self.two(_EXACT + _OF_TARGETS)
        begun = time.monotonic()
        let_in = self.let_in_at_once(gateways, 480)
        # One comes back in 18 seconds.
        back = (time.monotonic() - begun) / 18
        self.assertLessEqual(let_in, 200 + back)
        self.assertGreaterEqual(let_in, 199)
        for gateway in gateways:
            for name in ("share_decisions", "unleased"):
                self.assertEqual(
                    sample(gateway, "llmgw_limit_%s_total" % name), 0)

    def test_a_full_target_sends_calls_to_another(self):
        gateways = []
        for _ in range(2):
            gateways.append(GatewayProcess(_TWO_TARGETS % self.redis.address))
            self.addCleanup(gateways[-1].kill)
        for gateway in gateways:
            self.await_connected(gateway, self.redis)
        answers = [ask(gateways[number % 2].http, chat("m"))
                   for number in range(6)]
        self.assertEqual([each.status for each in answers],
                         [200] * 4 + [429] * 2)
        for number, provider in enumerate(("cheap", "cheap", "spare", "spare")):
            self.assertIn(provider,
                          answers[number].headers["x-llmgateway-route"])

    def test_one_process_may_have_all_calls_at_once(self):
        for sharing in ("exact", "leased"):
            for match in ("", _OF_TARGETS):
                with self.subTest(sharing + match):
                    gateways = self.two(_EIGHT % (sharing, match),
                                        mock=_HANGS)
                    begun = self.begin(gateways[0], 10)
                    self.assertEqual(len(begun), 8)
                    self.assertEqual(len(self.begin(gateways[1], 2)), 0)
                    self.assertEqual(sample(
                        gateways[0], "llmgw_limit_share_decisions_total"), 0)
                    for gateway in gateways:
                        gateway.kill()
                    self.redis.ask("FLUSHALL")

    def test_what_a_process_had_is_free_when_it_has_ended(self):
        limits = (_EIGHT % ("leased", "") + "}, {" + _LEASED)
        gateways = self.two(limits, mock=_HANGS)
        for stream in self.begin(gateways[0], 8):
            self.end(gateways[0], stream)
        gateways[0].stop()
        self.assertEqual(len(self.begin(gateways[1], 8)), 8)
        # Of the limit in time, too, nothing is left with it: 16 are taken when
        # the other has given back what it does not use.
        filled = 'llmgw_limit_filled_ratio{limit="rpm"}'
        deadline = time.monotonic() + _TIMEOUT_S
        while sample(gateways[1], filled) * 200 > 16.5:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)

    def test_leased_is_the_limit_but_for_a_part_of_each(self):
        gateways = self.two(_LEASED)
        let_in = self.let_in_at_once(gateways, 480)
        self.assertLessEqual(let_in, 200 + 2 * _PART)
        self.assertGreaterEqual(let_in, 200 - 2 * _PART)

    def test_a_call_of_a_leased_limit_waits_for_nobody(self):
        gateways = self.two(_LEASED, redis=", timeout: 10s")
        self.let_in(gateways, 20)
        self.redis.pause()
        # Nothing but a time limit of ten seconds would end a wait.
        begun = time.monotonic()
        self.assertEqual(self.let_in(gateways, 2), 2)
        self.assertLess(time.monotonic() - begun, 8)
        self.redis.go_on()

    def test_calls_at_once_are_counted_over_both(self):
        gateways = self.two(
            "name: calls, unit: concurrent_calls, limit: 2, sharing: exact",
            mock="chunk_count: 3, fault: hang, fault_after_chunks: 1, "
                 "fault_calls: 1")
        streams = []
        for gateway in gateways:
            stream = RawConnection(gateway.http)
            stream.send(request_bytes(chat("m", stream=True)))
            stream.read_head()
            streams.append(stream)
        self.assertEqual(self.let_in(gateways, 4), 0)
        streams[0].reset()
        gateways[0].wait_for_access(status="CANCELLED")
        deadline = time.monotonic() + _TIMEOUT_S
        while ask(gateways[1].http, chat("m")).status != 200:
            self.assertLess(time.monotonic(), deadline)
        streams[1].reset()

    def test_tls_with_a_certificate_of_its_own(self):
        folder = tempfile.TemporaryDirectory(prefix="redis-tls")
        self.addCleanup(folder.cleanup)
        authority = Authority(folder.name, "ours")
        server = authority.issue("redis", "DNS:redis.internal")
        own = authority.issue("gateway", "DNS:gateway.internal")
        redis = RedisProcess(tls=(server.cert, server.key, authority.cert))
        self.addCleanup(redis.close)
        gateway = GatewayProcess(
            _CONFIG % ("", _LOOPS, 'addresses: ["%s"], timeout: 2s, tls: '
                       '{ca: "file:%s", server_name: redis.internal, '
                       'cert_chain: "file:%s", private_key: "file:%s"}'
                       % (redis.address, authority.cert, own.cert, own.key),
                       _EXACT))
        self.addCleanup(gateway.kill)
        self.await_connected(gateway, redis)
        self.assertEqual(ask(gateway.http, chat("m")).status, 200)
        self.assertEqual(
            sample(gateway, "llmgw_limit_share_decisions_total"), 0)
        self.assertGreater(
            sample(gateway, "llmgw_limit_redis_requests_total"), 0)

    def test_a_user_needs_no_more_than_the_docs_say(self):
        with open("docs/limits.md", encoding="utf-8") as file:
            allowed = re.search(r"`(\+@read [^`]*)`", file.read()).group(1)
        self.redis.ask("ACL", "SETUSER", "gw", "on", ">pass word", "~llmgw:*",
                       "resetchannels", *allowed.split())
        gateway = self.start(_EXACT, redis=', username: gw, password: "env:P"'
                             + _PATIENT, env={"P": "pass word"})
        self.await_connected(gateway, self.redis)
        self.assertEqual(ask(gateway.http, chat("m")).status, 200)
        self.assertEqual(
            sample(gateway, "llmgw_limit_share_decisions_total"), 0)

    def test_a_url_in_the_environment_is_enough(self):
        config = (_CONFIG % ("", _LOOPS, "", _EXACT)).replace("redis: {}\n", "")
        gateway = GatewayProcess(
            config, env={"REDIS_URL": "redis://" + self.redis.address})
        self.addCleanup(gateway.kill)
        gateway.wait_for_log(msg="redis is up", server=self.redis.address)
        self.assertEqual(ask(gateway.http, chat("m")).status, 200)


class OutageTest(SharedLimitsCase):

    def lines(self, gateway):
        return [line["msg"] for line in gateway.log_lines(module="redis")]

    def await_away(self, gateways):
        """Calls until both have said that they count by their share."""
        deadline = time.monotonic() + _TIMEOUT_S
        let_in = 0
        while any(not sample(gateway, "llmgw_limit_sharing_away")
                  for gateway in gateways):
            let_in += self.let_in(gateways, 2)
            self.assertLess(time.monotonic(), deadline)
        return let_in

    def await_back(self, gateways):
        for gateway in gateways:
            await_sample(gateway, "llmgw_limit_sharing_away", 0)

    def assert_told_once(self, gateway):
        lines = self.lines(gateway)
        for each in ("limits that replicas share are counted by this one's "
                     "share until redis answers",
                     "limits are shared by all replicas again"):
            self.assertEqual(lines.count(each), 1, lines)

    def through(self, limit, away, back, redis=None):
        """Half of the limit is taken; then calls go on while Redis is away,
        and when it is back there is no burst."""
        gateways = self.two(limit, redis=redis)
        before = self.let_in(gateways, 80)
        self.assertEqual(before, 80)
        away()
        meanwhile = self.await_away(gateways)
        meanwhile += self.let_in(gateways, 240)
        back()
        self.await_back(gateways)
        after = self.let_in_at_once(gateways, 240)
        # Of 120 left each has half. Of what was under way when it went the one
        # or other may be counted twice, or not at all.
        total = before + meanwhile + after
        self.assertLessEqual(total, 200 + 2 * _PART + 4,
                             (before, meanwhile, after))
        self.assertGreaterEqual(before + meanwhile, 160, (before, meanwhile))
        for gateway in gateways:
            self.assert_told_once(gateway)

    def test_paused(self):
        self.through(_EXACT, self.redis.pause, self.redis.go_on,
                     redis=_BRIEF)

    def test_paused_with_leases(self):
        self.through(_LEASED, self.redis.pause, self.redis.go_on,
                     redis=_BRIEF)

    def test_killed_and_begun_anew(self):
        self.through(_EXACT, self.redis.kill, self.redis.start)

    def test_killed_and_begun_anew_with_leases(self):
        self.through(_LEASED, self.redis.kill, self.redis.start)

    def test_a_short_outage_is_told_by_two_lines(self):
        gateway = self.start(_EXACT, redis=_BRIEF)
        self.await_connected(gateway, self.redis)
        self.redis.pause()
        share = "llmgw_limit_share_decisions_total"
        while not sample(gateway, share):
            self.let_in([gateway, gateway], 2)
        self.redis.go_on()
        away = gateway.wait_for_log(
            msg="limits that replicas share are counted by this one's share "
                "until redis answers")
        self.assertIn("why", away)
        self.await_back([gateway])
        back = gateway.wait_for_log(
            msg="limits are shared by all replicas again")
        self.assertGreater(back["away_seconds"], 0)

    def test_calls_at_once_while_it_is_paused(self):
        for sharing in ("exact", "leased"):
            for match in ("", _OF_TARGETS):
                with self.subTest(sharing + match):
                    self.calls_at_once_while_it_is_paused(sharing, match)

    def calls_at_once_while_it_is_paused(self, sharing, match):
        self.redis.go_on()
        self.redis.ask("FLUSHALL")
        gateways = self.two(_EIGHT % (sharing, match), mock=_HANGS,
                            redis=", timeout: 700ms")
        first = self.begin(gateways[0], 6)
        second = self.begin(gateways[1], 2)
        self.assertEqual((len(first), len(second)), (6, 2))
        self.redis.pause()
        # Both are four; six are more than that. Each waits for Redis first,
        # and so they wait side by side.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            more, others = pool.map(self.begin, gateways, (4, 6))
        second += others
        self.assertEqual((len(more), len(second)), (0, 4))
        self.end(gateways[0], first.pop())
        self.assertEqual(len(self.begin(gateways[0], 4)), 0)
        self.redis.go_on()
        self.await_back(gateways)
        # Nine are under way: two must end before another may begin.
        self.end(gateways[0], first.pop())
        for gateway in gateways:
            self.assertEqual(len(self.begin(gateway, 4)), 0)
        self.end(gateways[0], first.pop())
        second.append(self.await_begun(gateways[1]))
        self.assertEqual(len(first) + len(second), 8)
        for gateway in gateways:
            self.assertEqual(len(self.begin(gateway, 4)), 0)
        for gateway in gateways:
            gateway.kill()

    def test_full(self):
        """It answers, with errors."""
        gateway = self.start(
            "name: ten, unit: requests, limit: 600, burst: 50, window: 60s, "
            "match: {models: [m]}")
        self.await_connected(gateway, self.redis)
        while all(self.statuses([gateway, gateway], 10)):
            pass
        self.redis.ask("CONFIG", "SET", "maxmemory", "1")
        begun = time.monotonic()
        let_in = self.let_in([gateway, gateway], 400)
        # Of ten a second, and what was under way when it began.
        self.assertLessEqual(let_in, 10 * (time.monotonic() - begun) + 10)

    def test_emptied(self):
        for limit in (_EXACT, _LEASED):
            with self.subTest(limit):
                gateways = self.two(limit)
                before = self.let_in_at_once(gateways, 480)
                self.redis.ask("FLUSHALL")
                after = self.let_in_at_once(gateways, 240)
                self.assertLessEqual(before + after, 200 + 2 * _PART)
                for gateway in gateways:
                    gateway.stop()
                self.redis.ask("FLUSHALL")

    def test_away_at_the_start(self):
        self.redis.kill()
        begun = time.monotonic()
        gateways = [self.start(_EXACT) for _ in range(2)]
        self.assertLess(time.monotonic() - begun, _TIMEOUT_S)
        # Each its share, and no more.
        self.assertEqual(self.let_in(gateways, 300), 200)
        self.redis.start()
        for gateway in gateways:
            gateway.wait_for_log(msg="redis is up again")
            await_sample(
                gateway, 'llmgw_redis_up{server="%s"}' % self.redis.address, 1)
        self.await_back(gateways)
        self.assertLessEqual(self.let_in(gateways, 40), 4)

    def test_calls_do_not_wait_for_one_that_is_slow(self):
        self.redis = RedisProcess("--enable-debug-command", "yes")
        self.addCleanup(self.redis.close)
        gateways = self.two(_EXACT, redis=", timeout: 20ms")
        self.let_in(gateways, 4)
        stop = threading.Event()

        def block():
            while not stop.is_set():
                self.redis.ask("DEBUG", "SLEEP", "3")

        blocking = threading.Thread(target=block)
        blocking.start()
        times = []
        try:
            for number in range(100):
                begun = time.monotonic()
                self.let_in([gateways[number % 2]] * 2, 1)
                times.append(time.monotonic() - begun)
        finally:
            stop.set()
            blocking.join()
        times.sort()
        self.assertLess(times[50], 1)
        self.assertLess(times[98], 2.7)


class TopologyTest(SharedLimitsCase):

    def start_at(self, addresses, more, limit=_EXACT):
        gateway = GatewayProcess(_CONFIG % (
            "", _LOOPS, "addresses: [%s], timeout: 1s, %s" % (
                ", ".join('"%s"' % each for each in addresses), more), limit))
        self.addCleanup(gateway.kill)
        return gateway

    def redis_process(self, *arguments, **options):
        redis = RedisProcess(*arguments, **options)
        self.addCleanup(redis.close)
        return redis

    def await_reply(self, redis, part, *words):
        deadline = time.monotonic() + _TIMEOUT_S
        while part not in str(redis.ask(*words)):
            self.assertLess(time.monotonic(), deadline, words)
            time.sleep(0.02)

    @staticmethod
    def offset_of(replica):
        """How far it has followed its master."""
        return int(re.search(r"slave_repl_offset:(\d+)", str(
            replica.ask("INFO", "replication"))).group(1))

    def await_asked(self, gateway):
        """Until a call is counted by Redis."""
        name = "llmgw_limit_share_decisions_total"
        deadline = time.monotonic() + _TIMEOUT_S
        let_in = 0
        while True:
            before = sample(gateway, name)
            let_in += ask(gateway.http, chat("m")).status == 200
            if sample(gateway, name) == before:
                return let_in
            self.assertLess(time.monotonic(), deadline)

    def test_a_replica_takes_over_from_a_master_that_sentinels_watch(self):
        master = self.redis
        replica = self.redis_process("--replicaof", "127.0.0.1",
                                     str(master.port))
        self.await_reply(replica, "master_link_status:up", "INFO",
                         "replication")
        sentinel = self.redis_process(sentinel=(
            "sentinel monitor limits 127.0.0.1 %d 1\n"
            "sentinel down-after-milliseconds limits 2000\n"
            "sentinel failover-timeout limits 2000\n" % master.port))
        self.await_reply(sentinel, str(replica.port), "SENTINEL", "REPLICAS",
                         "limits")
        gateways = [self.start_at([sentinel.address],
                                  "topology: sentinel, master_name: limits")
                    for _ in range(2)]
        let_in = sum(self.await_asked(gateway) for gateway in gateways)
        let_in += self.let_in(gateways, 80)
        # All that has been counted so far comes over.
        told = re.search(r"master_repl_offset:(\d+)",
                         str(master.ask("INFO", "replication"))).group(1)
        while self.offset_of(replica) < int(told):
            time.sleep(0.01)
        master.kill()
        self.await_reply(replica, "role:master", "INFO", "replication")
        let_in += sum(self.await_asked(gateway) for gateway in gateways)
        let_in += self.let_in(gateways, 240)
        # The last that the old master had counted may not have come over.
        self.assertLessEqual(let_in, 200 + 8)
        self.assertGreaterEqual(let_in, 200 - 8)

    def test_the_counters_of_a_cluster_are_at_three_masters(self):
        nodes = [self.redis_process("--cluster-enabled", "yes",
                                    "--cluster-require-full-coverage", "no")
                 for _ in range(3)]
        for number, node in enumerate(nodes):
            node.ask("CLUSTER", "ADDSLOTSRANGE", 16384 * number // 3,
                     16384 * (number + 1) // 3 - 1)
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", node.port)
        for node in nodes:
            self.await_reply(node, "cluster_slots_ok:16384", "CLUSTER", "INFO")
            self.await_reply(node, "cluster_state:ok", "CLUSTER", "INFO")
        users = ["user-%d" % number for number in range(12)]
        limits = ("name: each, unit: requests, limit: 10, window: 1h, "
                  "sharing: exact, per: [user]}, {name: rpm, unit: requests, "
                  "limit: 100, window: 1h, sharing: exact")
        gateways = [self.start_at([nodes[0].address], "topology: cluster",
                                  limits) for _ in range(2)]
        for gateway in gateways:
            for node in nodes:
                self.await_connected(gateway, node)
        let_in = {user: 0 for user in users}
        for turn in range(12):
            for user in users:
                answer = ask(gateways[turn % 2].http, chat("m", user=user))
                let_in[user] += answer.status == 200
        # Each has its own limit, and all together have one.
        self.assertLessEqual(max(let_in.values()), 10)
        self.assertLessEqual(sum(let_in.values()), 100)
        self.assertGreaterEqual(sum(let_in.values()), 98)
        for node in nodes:
            self.assertGreater(node.ask("DBSIZE"), 0)
        for gateway in gateways:
            self.assertEqual(
                sample(gateway, "llmgw_limit_share_decisions_total"), 0)


if __name__ == "__main__":
    unittest.main()
