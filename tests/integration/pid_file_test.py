"""How a gateway says where it listens, in a file that others read."""

import datetime
import json
import os
import tempfile
import threading
import unittest

from tests.integration import http_calls
from tests.integration.certificates import Authority
from tests.integration.http_calls import chat
from tests.testing import gateway_process
from tests.testing.gateway_process import GatewayError
from tests.testing.gateway_process import GatewayProcess

_CONFIG = """\
providers:
  - {name: mock, mock: {reply: "%s"}}
routing: {default_target: mock}
"""


def _port(address):
    return int(address.rpartition(":")[2])


class PidFileTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pid")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "gateway.pid")

    def start(self, reply="hello", env=None, flags=None):
        if flags is None:
            flags = ["--pid_file", self.path]
        gateway = GatewayProcess(_CONFIG % reply, env=env, flags=flags)
        self.addCleanup(gateway.kill)
        return gateway

    def read(self, ending=""):
        with open(self.path + ending, encoding="utf-8") as file:
            return json.load(file)

    def files(self):
        return sorted(os.listdir(os.path.dirname(self.path)))

    def assert_cannot_start(self, why):
        with self.assertRaises(GatewayError) as raised:
            self.start()
        self.assertIn("cannot start", str(raised.exception))
        self.assertIn(why, str(raised.exception))

    def test_it_says_which_ports_the_system_chose(self):
        gateway = self.start("from the chosen port")
        record = self.read()
        self.assertEqual(record["pid"], gateway.pid)
        self.assertEqual(record["gateway_port"], _port(gateway.http))
        self.assertEqual(record["grpc_port"], _port(gateway.grpc))
        self.assertEqual(record["admin_port"], _port(gateway.admin))
        self.assertEqual(record["operations_port"], _port(gateway.operations))
        self.assertEqual(record["port"], _port(gateway.operations))
        self.assertEqual(record["gateway_url"], "http://" + gateway.http)
        self.assertEqual(record["operations_url"],
                         "http://" + gateway.operations)
        self.assertEqual(record["grpc_address"], gateway.grpc)
        self.assertEqual(record["admin_address"], gateway.admin)
        self.assertTrue(record["version"])
        datetime.datetime.strptime(record["started_at"],
                                   "%Y-%m-%dT%H:%M:%S.%fZ")
        answer = http_calls.ask("127.0.0.1:%d" % record["gateway_port"],
                                chat("m"))
        self.assertEqual(answer.text(), "from the chosen port")
        gateway.wait_for_log(msg="PID file updated with gateway port: %d"
                             % record["gateway_port"])
        gateway.stop()

    def test_it_goes_with_its_gateway(self):
        gateway = self.start()
        gateway.stop()
        self.assertEqual(self.files(), [])

    def test_the_environment_names_it_too(self):
        gateway = self.start(env={"GATEWAY_PID_FILE": self.path}, flags=[])
        self.assertEqual(self.read()["pid"], gateway.pid)
        gateway.stop()
        self.assertEqual(self.files(), [])

    def test_without_a_name_there_is_none(self):
        gateway = self.start(flags=[])
        self.assertEqual(self.files(), [])
        gateway.stop()

    def test_it_says_which_listeners_speak_tls(self):
        leaf = Authority(os.path.dirname(self.path), "ours").issue(
            "localhost", "IP:127.0.0.1")
        listeners = gateway_process.LISTENERS.replace(
            'http: {address: "127.0.0.1:0"',
            'http: {address: "127.0.0.1:0", tls: {cert_chain: "file:%s", '
            'private_key: "file:%s"}' % (leaf.cert, leaf.key))
        with GatewayProcess(listeners + _CONFIG % "hello",
                            flags=["--pid_file", self.path]) as gateway:
            self.assertEqual(self.read()["gateway_url"],
                             "https://" + gateway.http)
            self.assertEqual(self.read()["operations_url"],
                             "http://" + gateway.operations)

    def test_a_second_gateway_is_refused_and_the_first_stays(self):
        gateway = self.start()
        self.assert_cannot_start("process %d" % gateway.pid)
        self.assertEqual(self.read()["pid"], gateway.pid)
        self.assertEqual(http_calls.ask(gateway.http, chat("m")).status, 200)
        gateway.stop()

    def test_of_many_that_start_at_once_one_serves(self):
        outcomes = []

        def start():
            try:
                outcomes.append(self.start())
            except GatewayError as error:
                outcomes.append(str(error))

        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        serving = [each for each in outcomes
                   if isinstance(each, GatewayProcess)]
        self.assertEqual(len(serving), 1, outcomes)
        self.assertEqual(self.read()["pid"], serving[0].pid)
        for each in outcomes:
            if each is not serving[0]:
                self.assertIn("a running gateway owns it", each)
        serving[0].stop()

    def test_what_a_killed_gateway_left_behind_is_replaced_and_kept(self):
        killed = self.start()
        killed.kill()
        left_behind = self.read()
        self.assertEqual(left_behind["pid"], killed.pid)
        gateway = self.start()
        self.assertEqual(self.read()["pid"], gateway.pid)
        self.assertEqual(self.read(".bak"), left_behind)
        gateway.stop()
        self.assertEqual(self.files(), ["gateway.pid.bak"])

    def test_a_number_that_another_process_has_by_now_is_no_gateway(self):
        killed = self.start()
        killed.kill()
        record = self.read()
        record["pid"] = os.getpid()
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(record, file)
        gateway = self.start()
        self.assertEqual(self.read()["pid"], gateway.pid)
        gateway.stop()

    def test_a_daemon_that_only_wrote_its_number_is_let_be(self):
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump({"pid": os.getpid(), "port": 3000, "version": "1",
                       "started_at": "2025-12-02T00:00:00Z"}, file)
        self.assert_cannot_start("process %d" % os.getpid())
        self.assertEqual(self.read()["port"], 3000)

    def test_rubbish_is_replaced_and_kept(self):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("{\"pid\": 1")
        gateway = self.start()
        self.assertEqual(self.read()["pid"], gateway.pid)
        with open(self.path + ".bak", encoding="utf-8") as file:
            self.assertEqual(file.read(), "{\"pid\": 1")
        gateway.stop()

    def test_a_file_that_is_not_ours_any_more_stays(self):
        gateway = self.start()
        other = {"pid": os.getpid(), "gateway_port": 3000}
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(other, file)
        gateway.stop()
        self.assertEqual(self.read(), other)

    def test_a_place_that_cannot_be_written_is_an_error(self):
        self.path = os.path.join(self.path, "far", "away")
        self.assert_cannot_start(self.path)


if __name__ == "__main__":
    unittest.main()
