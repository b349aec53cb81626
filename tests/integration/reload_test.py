"""Another configuration comes into use while calls run, or changes nothing."""

import os
import signal
import socket
import ssl
import tempfile
import threading
import time
import unittest

from tests.integration import grpc_caller
from tests.integration import http_calls
from tests.integration.certificates import Authority
from tests.integration.grpc_caller import prompt
from tests.integration.http_calls import chat
from tests.testing.gateway_process import LISTENERS, GatewayProcess
from tests.testing.sanitized import SANITIZED

_ADMIN = "/llmgateway.v1.AdminService/"
_TIMEOUT_S = 30.0
_IN_USE = "configuration in use"
_UNCHANGED = "configuration unchanged"
_REFUSED = "configuration refused; the one in use stays"


def replying(text, more=""):
    """A configuration by which every answer is this text."""
    return ("providers: [{name: mock, mock: {reply: \"%s\"}}]\n"
            "routing: {default_target: mock}\n%s" % (text, more))


class _ReloadCase(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = grpc_caller.GrpcCaller()
        cls.addClassCleanup(cls.caller.close)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="reload")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def start(self, config, **options):
        gateway = GatewayProcess(config, **options)
        self.addCleanup(gateway.kill)
        return gateway

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def reply(self, gateway):
        answer = http_calls.ask(gateway.http, chat("m"))
        self.assertEqual(answer.status, 200, answer.body)
        return answer.text()

    def admin(self, gateway, method, code="OK", **request):
        """The answer of a call that ends so; its end if that is no OK."""
        call = self.caller.call(gateway.admin, _ADMIN + method, request)
        self.assertEqual(call.end["code"], code, call.end)
        return call.response if code == "OK" else call.end

    def metric(self, gateway, line):
        text = http_calls.ask(gateway.operations, path="/metrics").body
        return line.encode() in text.splitlines()

    def await_version(self, gateway, version):
        return gateway.wait_for_log(msg=_IN_USE, version=version)


class FileTest(_ReloadCase):

    def test_an_edited_file_comes_into_use_by_itself(self):
        gateway = self.start(replying("one"))
        self.assertEqual(self.reply(gateway), "one")
        gateway.write_config(replying("two"))
        line = self.await_version(gateway, 2)
        self.assertEqual((line["trigger"], line["changes"]), ("files", 1))
        self.assertEqual(self.reply(gateway), "two")
        config = self.admin(gateway, "GetConfig")
        self.assertEqual((config["version"], config["source"]),
                         ("2", gateway.config_path))
        self.assertTrue(self.metric(gateway, "llmgw_config_version 2"))
        self.assertTrue(self.metric(
            gateway, 'llmgw_config_reloads_total{result="success"} 1'))
        gateway.stop()

    def test_a_bad_file_changes_nothing_and_says_what_is_wrong(self):
        gateway = self.start(replying("one"))
        gateway.write_config(replying("two").replace("routing", "ruoting"))
        # All that tells it tells it once the line is there, and once.
        line = gateway.wait_for_log(msg=_REFUSED)
        self.assertEqual((line["level"], line["module"]), ("error", "config"))
        self.assertIn("did you mean 'routing'", line["error"])
        self.assertEqual(self.reply(gateway), "one")
        problem = self.admin(gateway, "GetConfig")["refused_problems"][0]
        self.assertEqual((problem["path"], problem["severity"]),
                         ("ruoting", "SEVERITY_ERROR"))
        health = self.admin(gateway, "GetHealth")
        self.assertEqual(health["status"], "STATUS_DEGRADED")
        self.assertIn("the configuration file is not in use",
                      health["problems"][0])
        for line in ('llmgw_config_reloads_total{result="refused"} 1',
                     "llmgw_config_last_reload_successful 0",
                     "llmgw_config_version 1"):
            self.assertTrue(self.metric(gateway, line), line)
        gateway.write_config(replying("three"))
        self.await_version(gateway, 2)
        self.assertEqual(self.reply(gateway), "three")
        self.assertNotIn("refused_problems", self.admin(gateway, "GetConfig"))
        self.assertTrue(self.metric(
            gateway, "llmgw_config_last_reload_successful 1"))
        gateway.stop()

    def test_what_needs_a_restart_is_refused_by_its_name(self):
        gateway = self.start(replying("one", "runtime: {event_loops: 1}\n"))
        gateway.write_config(replying("two", "runtime: {event_loops: 2}\n"))
        line = gateway.wait_for_log(msg=_REFUSED)
        self.assertIn("runtime.event_loops: is changed, which needs a restart",
                      line["error"])
        self.assertEqual(self.reply(gateway), "one")
        end = self.admin(gateway, "ReloadConfig", "FAILED_PRECONDITION")
        self.assertEqual(end["reason"], "RESTART_REQUIRED")
        self.assertIn("runtime.event_loops", str(end["fields"]))
        end = self.admin(
            gateway, "ApplyConfig", "FAILED_PRECONDITION", text=LISTENERS +
            replying("three", "runtime: {event_loops: 2}\n"
                     "response_store: {ttl: 1m}\n"))
        self.assertEqual(end["reason"], "RESTART_REQUIRED")
        for field in ("runtime.event_loops", "response_store.ttl"):
            self.assertIn(field, str(end["fields"]))
        self.assertEqual(self.reply(gateway), "one")
        gateway.stop()

    def test_a_pipe_is_no_configuration_and_holds_nothing(self):
        gateway = self.start(replying("one"))
        os.mkfifo(self.path("pipe"))
        os.rename(self.path("pipe"), gateway.config_path)
        line = gateway.wait_for_log(msg=_REFUSED)
        self.assertIn("it is a pipe; give a regular file", line["error"])
        # Somebody writes to it, little by little, and never ends.
        writer = os.open(gateway.config_path, os.O_RDWR)
        self.addCleanup(os.close, writer)
        os.write(writer, b"providers:")
        end = self.admin(gateway, "ReloadConfig", "FAILED_PRECONDITION")
        self.assertEqual(end["reason"], "CONFIG_INVALID")
        self.assertEqual(self.reply(gateway), "one")
        gateway.write_config(replying("two"))
        self.await_version(gateway, 2)
        gateway.stop()

    def test_nor_is_it_a_secret(self):
        gateway = self.start(replying("one"))
        os.mkfifo(self.path("key"))
        gateway.write_config(replying(
            "two", "auth: {callers: {api_keys: [{id: team, "
            "key: 'file:%s'}]}}\n" % self.path("key")))
        line = gateway.wait_for_log(msg=_REFUSED)
        self.assertIn("file %s: it is a pipe" % self.path("key"),
                      line["error"])
        # As its file becomes one, it is in use.
        os.remove(self.path("key"))
        self.write("key", "first-key-of-the-team")
        self.await_version(gateway, 2)
        gateway.stop()

    def test_a_hang_up_loads_it_where_files_are_not_watched(self):
        unwatched = "runtime: {watch_files: false}\n"
        gateway = self.start(replying("one", unwatched))
        gateway.write_config(replying("two", unwatched))
        gateway.send_signal(signal.SIGHUP)
        self.assertEqual(self.await_version(gateway, 2)["trigger"], "signal")
        self.assertEqual(self.reply(gateway), "two")
        gateway.send_signal(signal.SIGHUP)
        gateway.wait_for_log(msg=_UNCHANGED, version=2)
        gateway.stop()

    def test_the_rpc_loads_it_and_tells_what_is_other(self):
        unwatched = "runtime: {watch_files: false}\n"
        gateway = self.start(replying("one", unwatched))
        gateway.write_config(replying("two", unwatched))
        change = {"path": "providers[0].mock.reply", "before": '"one"',
                  "after": '"two"'}
        dry = self.admin(gateway, "ReloadConfig", validate_only=True)
        self.assertEqual((dry["changes"], dry["version"]["version"]),
                         ([change], "1"))
        self.assertEqual(self.reply(gateway), "one")
        done = self.admin(gateway, "ReloadConfig")
        self.assertEqual((done["changes"], done["version"]["version"]),
                         ([change], "2"))
        self.assertEqual(self.reply(gateway), "two")
        gateway.stop()

    def test_levels_of_the_log_change(self):
        gateway = self.start(replying(
            "one", "logging: {module_levels: {pipeline: warn}}\n"))
        self.reply(gateway)
        gateway.write_config(replying("one"))
        self.await_version(gateway, 2)
        self.reply(gateway)
        gateway.wait_for_log(msg="Forwarding to provider", level="info")
        self.assertEqual(
            [line["msg"] for line in gateway.log_lines(module="pipeline")],
            ["Routing request", "Forwarding to provider"])
        gateway.stop()

    def test_a_stream_keeps_the_rules_that_it_began_with(self):
        slow = ("providers: [{name: mock, mock: {reply: \"%s\", "
                "chunk_count: 3, chunk_interval: 300ms}}]\n"
                "routing: {default_target: mock}\n")
        gateway = self.start(slow % "first words here")
        call = self.caller.stream(gateway.grpc, prompt("m"))
        while "delta" not in (call.next_event() or {"delta": 0}):
            pass
        gateway.write_config(slow % "other")
        self.await_version(gateway, 2)
        call.wait()
        self.assertEqual(call.text(), "first words here")
        self.assertEqual(self.reply(gateway), "other")
        gateway.stop()


class LinkTest(_ReloadCase):
    """As Kubernetes mounts a ConfigMap and a Secret."""

    def publish(self, version, files):
        data = self.path("..%d" % version)
        os.mkdir(data)
        for name, text in files.items():
            with open(os.path.join(data, name), "w", encoding="utf-8") as file:
                file.write(text)
        os.symlink("..%d" % version, self.path("..data_tmp"))
        os.rename(self.path("..data_tmp"), self.path("..data"))
        for name in files:
            if not os.path.lexists(self.path(name)):
                os.symlink("..data/" + name, self.path(name))

    def test_a_link_that_leads_elsewhere_is_noticed(self):
        config = LISTENERS + replying("%s") + (
            "auth: {callers: {api_keys: [{id: team, key: 'file:%s'}]}}\n" %
            self.path("key"))
        self.publish(1, {"gateway.yaml": config.replace("%s", "one"),
                         "key": "first-key-of-the-team"})
        gateway = self.start("", flags=["--config", self.path("gateway.yaml")])
        first = {"authorization": "Bearer first-key-of-the-team"}
        second = {"authorization": "Bearer second-key-of-the-team"}
        answer = http_calls.ask(gateway.http, chat("m"), headers=first)
        self.assertEqual((answer.status, answer.text()), (200, "one"))
        self.publish(2, {"gateway.yaml": config.replace("%s", "two"),
                         "key": "second-key-of-the-team"})
        self.await_version(gateway, 2)
        answer = http_calls.ask(gateway.http, chat("m"), headers=second)
        self.assertEqual((answer.status, answer.text()), (200, "two"))
        answer = http_calls.ask(gateway.http, chat("m"), headers=first)
        self.assertEqual(answer.status, 401)
        gateway.stop()

    def test_a_folder_above_that_is_exchanged_is_noticed(self):
        for version, reply in (("1", "one"), ("2", "two")):
            os.makedirs(self.path(version + "/etc/gateway"))
            self.write(version + "/etc/gateway/gateway.yaml",
                       LISTENERS + replying(reply))
        os.rename(self.path("1"), self.path("current"))
        gateway = self.start("", flags=[
            "--config", self.path("current/etc/gateway/gateway.yaml")])
        self.assertEqual(self.reply(gateway), "one")
        os.rename(self.path("current"), self.path("old"))
        os.rename(self.path("2"), self.path("current"))
        self.await_version(gateway, 2)
        self.assertEqual(self.reply(gateway), "two")
        gateway.stop()

    def test_a_secret_that_is_renewed_is_read_again(self):
        key = self.write("key", "first-key-of-the-team")
        gateway = self.start(replying(
            "one", "auth: {callers: {api_keys: [{id: team, "
            "key: 'file:%s'}]}}\n" % key))
        self.write("key", "second-key-of-the-team")
        line = self.await_version(gateway, 2)
        self.assertEqual(line["changes"], 0)
        answer = http_calls.ask(
            gateway.http, chat("m"),
            headers={"x-api-key": "second-key-of-the-team"})
        self.assertEqual(answer.status, 200)
        gateway.stop()


class CertificateTest(_ReloadCase):

    def shown(self, address):
        """The certificate that the listener shows, in PEM."""
        host, port = address.rsplit(":", 1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2", "http/1.1"])
        with socket.create_connection((host, int(port)), _TIMEOUT_S) as plain:
            with context.wrap_socket(plain) as secured:
                return ssl.DER_cert_to_PEM_cert(secured.getpeercert(True))

    def renew(self, grpc_engine):
        authority = Authority(self.folder, "ours")
        names = "DNS:localhost,IP:127.0.0.1"
        first = authority.issue("localhost", names)
        second = authority.issue("localhost", names)
        cert = self.write("tls.crt", first.pem())
        key = self.write("tls.key", first.key_pem())
        tls = "tls: {cert_chain: 'file:%s', private_key: 'file:%s'}" % (
            cert, key)
        gateway = self.start(
            "listeners:\n"
            "  grpc: {address: '127.0.0.1:0', engine: %s, %s}\n"
            "  http: {address: '127.0.0.1:0', %s}\n"
            "  admin: {address: '127.0.0.1:0'}\n"
            "  operations: {address: '127.0.0.1:0'}\n" %
            (grpc_engine, tls, tls) + replying("one"))
        for address in (gateway.http, gateway.grpc):
            self.assertEqual(self.shown(address).strip(), first.pem().strip())
        # The one without the other does not fit, and changes nothing.
        self.write("tls.crt", second.pem())
        gateway.wait_for_log(msg=_REFUSED)
        for address in (gateway.http, gateway.grpc):
            self.assertEqual(self.shown(address).strip(), first.pem().strip())
        self.write("tls.key", second.key_pem())
        self.await_version(gateway, 2)
        for address in (gateway.http, gateway.grpc):
            self.assertEqual(self.shown(address).strip(), second.pem().strip())
        call = self.caller.generate(
            gateway.grpc, prompt("m"),
            tls={"ca": authority.pem(), "name": "localhost"})
        self.assertEqual(call.text(), "one")
        gateway.stop()

    def test_listeners_show_a_renewed_certificate(self):
        self.renew("native")

    def test_so_does_the_other_engine(self):
        self.renew("grpc_core")


class AppliedTest(_ReloadCase):

    def apply(self, gateway, text, code="OK", **fields):
        return self.admin(gateway, "ApplyConfig", code,
                          text=LISTENERS + text, **fields)

    def test_what_is_applied_wins_until_the_file_changes(self):
        gateway = self.start(replying("file"))
        dry = self.apply(gateway, replying("applied"), validate_only=True)
        self.assertEqual(dry["changes"][0]["after"], '"applied"')
        self.assertEqual(self.reply(gateway), "file")
        self.apply(gateway, replying("applied"))
        self.assertEqual(self.reply(gateway), "applied")
        self.assertEqual(self.admin(gateway, "GetConfig")["source"],
                         "applied by an operator")
        gateway.send_signal(signal.SIGHUP)
        gateway.wait_for_log(msg=_UNCHANGED, version=2)
        self.assertEqual(self.reply(gateway), "applied")
        for fields in ({"validate_only": True}, {}):
            kept = self.admin(gateway, "ReloadConfig", **fields)
            self.assertIs(kept["applied_kept"], True)
            self.assertEqual(kept["version"]["version"], "2")
            self.assertEqual(self.reply(gateway), "applied")
        gateway.write_config(replying("edited"))
        self.await_version(gateway, 3)
        self.assertEqual(self.reply(gateway), "edited")
        gateway.stop()

    def test_of_two_who_change_the_same_one_is_told(self):
        gateway = self.start(replying("file"))
        etag = self.admin(gateway, "GetConfig")["etag"]
        self.apply(gateway, replying("mine"), etag=etag)
        end = self.apply(gateway, replying("yours"), "ABORTED", etag=etag)
        self.assertEqual(end["reason"], "ETAG_MISMATCH")
        self.assertEqual(self.reply(gateway), "mine")
        gateway.stop()

    def test_a_rollback_goes_back_and_forth(self):
        gateway = self.start(replying("file"))
        self.apply(gateway, replying("applied"))
        dry = self.admin(gateway, "RollbackConfig", validate_only=True)
        self.assertEqual(dry["changes"][0]["after"], '"file"')
        self.assertEqual(self.reply(gateway), "applied")
        back = self.admin(gateway, "RollbackConfig")["version"]
        self.assertEqual((back["version"], back["source"]),
                         ("3", gateway.config_path))
        self.assertEqual(self.reply(gateway), "file")
        self.admin(gateway, "RollbackConfig", version=2)
        self.assertEqual(self.reply(gateway), "applied")
        self.admin(gateway, "RollbackConfig", "NOT_FOUND", version=99)
        gateway.stop()

    def test_a_text_that_is_wrong_is_refused_with_every_problem(self):
        gateway = self.start(replying("file"))
        end = self.apply(gateway, "routing: {default_target: nobody}\n",
                         "INVALID_ARGUMENT")
        self.assertIn("providers", str(end["fields"]))
        self.assertNotIn("refused_problems", self.admin(gateway, "GetConfig"))
        gateway.stop()

    def test_secrets_are_those_that_the_file_allows(self):
        os.mkdir(self.path("secrets"))
        allowed = self.write("secrets/key", "key-of-a-provider-123")
        forbidden = self.write("other", "what nobody is to read")
        os.symlink("../other", self.path("secrets/link"))

        def naming(reference, more="", text="applied"):
            return replying(text).replace(
                "]", ", {name: openai, openai: {api_key: '%s'%s}}]" %
                (reference, more), 1)

        gateway = self.start(
            naming("env:OWN_KEY", text="file") +
            "runtime: {applied_references: ['file:%s/', 'env:TEAM_']}\n" %
            self.path("secrets"),
            env={"TEAM_KEY": "key-of-the-team-1", "OWN_KEY": "x" * 20,
                 "NO_KEY": "y" * 20})
        elsewhere = ", base_url: 'https://127.0.0.1:1/v1'"
        for reference in ("file:" + allowed, "env:TEAM_KEY", "env:OWN_KEY"):
            with self.subTest(reference=reference):
                self.apply(gateway, naming(reference))
                # But not to where no key of the file's goes.
                end = self.apply(gateway, naming(reference, elsewhere),
                                 "INVALID_ARGUMENT")
                self.assertIn("for https://127.0.0.1:1: ", end["message"])
                self.assertIn("put this use of it into the file first",
                              end["message"])
                self.assertIn("providers[1].openai.api_key",
                              str(end["fields"]))
        for reference in (
                "file:" + forbidden, "env:NO_KEY",
                "file:" + self.path("secrets/../other"),
                "file:" + self.path("secrets/link"), "file:/etc/passwd",
                "file:" + self.path("nothing")):
            with self.subTest(reference=reference):
                end = self.apply(gateway, naming(reference),
                                 "INVALID_ARGUMENT")
                self.assertIn("must not be taken from", end["message"])
        end = self.apply(gateway, replying("applied").replace(
            "]", ", {name: sh, local_cli: {executable: /bin/sh}}]", 1),
            "INVALID_ARGUMENT")
        self.assertIn("runs a program", end["message"])
        gateway.stop()

    def test_it_outlasts_the_process_in_the_state_folder(self):
        config = replying("file", "runtime: {state_dir: '%s'}\n" %
                          self.path("state"))
        applied = config.replace("file", "applied")
        gateway = self.start(config)
        self.apply(gateway, applied)
        gateway.stop()
        self.assertEqual(os.stat(self.path("state")).st_mode & 0o777, 0o700)
        self.assertEqual(
            os.stat(self.path("state/config.json")).st_mode & 0o777, 0o600)

        again = self.start(config)
        self.assertEqual(self.reply(again), "applied")
        told = self.admin(again, "GetConfig")
        self.assertEqual((told["version"], told["source"]),
                         ("2", "applied by an operator"))
        # Two processes do not keep their state in one folder.
        with self.assertRaisesRegex(Exception, "another process keeps"):
            self.start(config)
        self.admin(again, "RollbackConfig", version=1)
        self.assertEqual(self.reply(again), "file")
        again.stop()

        edited = self.start(config.replace("file", "edited"))
        self.assertEqual(self.reply(edited), "edited")
        edited.stop()

    def test_whoever_watches_is_told(self):
        gateway = self.start(replying("file"))
        config = self.caller.start(gateway.admin, _ADMIN + "WatchConfig", {},
                                   stream=True)
        health = self.caller.start(gateway.admin, _ADMIN + "WatchHealth", {},
                                   stream=True)
        self.assertEqual(config.next_event()["version"]["version"], "1")
        self.assertEqual(health.next_event()["health"]["status"],
                         "STATUS_SERVING")
        self.apply(gateway, replying("applied"))
        self.assertEqual(config.next_event()["version"]["version"], "2")
        gateway.write_config("nonsense")
        self.assertTrue(config.next_event()["problems"])
        self.assertEqual(health.next_event()["health"]["status"],
                         "STATUS_DEGRADED")
        config.cancel()
        health.cancel()
        config.wait()
        health.wait()
        gateway.stop()


class UnderLoadTest(_ReloadCase):

    RELOADS = 200
    # What memory the allocator may keep beside: a leak of one snapshot each
    # time would be several times as much.
    GROWTH_KIB_MAX = 16 * 1024

    def usage(self, gateway):
        """Open files, and resident memory in KiB."""
        files = len(os.listdir("/proc/%d/fd" % gateway.pid))
        with open("/proc/%d/status" % gateway.pid, encoding="utf-8") as status:
            memory = next(int(line.split()[1]) for line in status
                          if line.startswith("VmRSS"))
        return files, memory

    def test_two_hundred_reloads_fail_no_call_and_leak_nothing(self):
        upstream = ("  - {name: local%d, openai: {base_url: "
                    "'https://127.0.0.1:1/v1'}}\n")

        def config(number):
            return ("providers:\n  - {name: mock, mock: {reply: \"%d\"}}\n"
                    % number +
                    "".join(upstream % n for n in range(number % 3, 8)) +
                    "routing: {default_target: mock}\n"
                    "runtime: {watch_files: false}\n"
                    "logging: {level: warn}\n")

        gateway = self.start(config(0).replace("warn", "info"))
        stop = threading.Event()
        failures = []
        answered = []

        def call():
            while not stop.is_set():
                answer = http_calls.ask(gateway.http, chat("m"))
                (answered if answer.status == 200 else failures).append(
                    answer.status)

        callers = [threading.Thread(target=call) for _ in range(4)]
        for caller in callers:
            caller.start()
        before = None
        for number in range(1, self.RELOADS + 1):
            gateway.write_config(config(number))
            done = self.admin(gateway, "ReloadConfig")
            self.assertEqual(done["version"]["version"], str(number + 1))
            if number == self.RELOADS // 10:
                before = self.usage(gateway)
        stop.set()
        for caller in callers:
            caller.join()
        self.assertEqual(failures, [])
        self.assertGreater(len(answered), self.RELOADS)
        # The last snapshots go within a second or two.
        deadline = time.monotonic() + _TIMEOUT_S
        while (self.usage(gateway)[0] > before[0] and
               time.monotonic() < deadline):
            time.sleep(0.1)
        files, memory = self.usage(gateway)
        self.assertLessEqual(files, before[0])
        if not SANITIZED:
            self.assertLessEqual(memory - before[1], self.GROWTH_KIB_MAX)
        self.assertEqual(self.reply(gateway), str(self.RELOADS))
        gateway.stop()


if __name__ == "__main__":
    unittest.main()
