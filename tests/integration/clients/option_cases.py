"""What is wrong in the options of a client is told when it is made, by the
option's name, in the clients of all languages; as client_cases.py.

`names` are the options as the language has them, by the settings of
client_driver.py.
"""

import json
import os
import subprocess
import tempfile

from tests.integration import certificates
from tests.integration.clients import client_cases
from tests.testing.gateway_process import environment

_SECRET = "key-of-a-caller-0123456789"


class OptionCases(client_cases.ClientCase):

    names = None
    # Whether certificates are read from files by the client, and not by the
    # program.
    takes_files = True

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="options")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def wrong(self, setting, **settings):
        """What is told of the options, of which that one is wrong."""
        done = subprocess.run(
            [*self.command, json.dumps({"target": "127.0.0.1:1", **settings})],
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
            env=environment(), text=True, timeout=60)
        self.assertNotIn(_SECRET, done.stdout + done.stderr)
        self.assertTrue(done.stdout, "no option is wrong: " + done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual(told["wrong_option"], self.names[setting], told)
        self.assertIn(self.names[setting], told["message"])
        return told["message"]

    def test_a_target_that_is_none(self):
        for target, told in (
                ("", "empty; it is like host:port"),
                ("127.0.0.1:1\n", "letter that no address has"),
                ("host name:1", "letter that no address has"),
                ("http://127.0.0.1:50051", "URL; it is like host:port"),
                ("https://llm.example.com", "URL; it is like host:port"),
                ("ipv4:127.0.0.1:1,localhost:2", "'localhost:2' of it"),
                ("ipv4:127.0.0.1", "'127.0.0.1'"),
                ("ipv4:1.2.3.4:99999", "'1.2.3.4:99999'"),
                ("ipv4:1.2.3.256:1", "'1.2.3.256:1'"),
                ("ipv6:::1", "'::1'"),
                ("ipv6:[1.2.3.4]:1", "'[1.2.3.4]:1'")):
            with self.subTest(target):
                self.assertIn(told, self.wrong("target", target=target,
                                               plaintext=True))

    def test_targets_that_are_some(self):
        for target in ("localhost", "localhost:1", "[::1]:1",
                       "dns:///localhost:1", "ipv4:127.0.0.1:1,127.0.0.2:1",
                       "ipv6:[::1]:1,[fe80::1]:2"):
            with self.subTest(target):
                done = subprocess.run(
                    [*self.command, json.dumps({"target": target,
                                                "plaintext": True})],
                    stdin=subprocess.DEVNULL, capture_output=True, check=False,
                    env=environment(), text=True, timeout=60)
                self.assertEqual((done.returncode, done.stdout), (0, ""),
                                 done.stderr)

    def test_a_key_that_cannot_be_sent(self):
        told = self.wrong("api_key", plaintext=True, api_key=_SECRET + "\n")
        self.assertIn("no printable ASCII letter", told)

    def test_timeouts_that_cannot_be(self):
        for setting in ("generate_timeout_ms", "lookup_timeout_ms"):
            told = self.wrong(setting, plaintext=True, **{setting: -5})
            self.assertIn("more than 0", told)

    def test_less_than_one_attempt(self):
        for attempts in (0, -1):
            told = self.wrong("attempts_max", plaintext=True,
                              attempts_max=attempts)
            self.assertIn("at least 1", told)

    def test_certificates_that_are_none(self):
        ours = certificates.Authority(self.folder, "ours")
        leaf = ours.issue("search", "DNS:search.internal")
        text = self.file("text.pem", "no certificate")
        for setting, settings in (
                ("ca", {"ca": text}),
                ("cert", {"cert": text, "key": leaf.key}),
                ("key", {"cert": leaf.cert, "key": text})):
            with self.subTest(setting):
                self.assertIn("PEM", self.wrong(setting, **settings))

    def test_files_that_cannot_be_read(self):
        if not self.takes_files:
            return
        ours = certificates.Authority(self.folder, "ours")
        leaf = ours.issue("search", "DNS:search.internal")
        missing = os.path.join(self.folder, "missing.pem")
        for setting, settings in (
                ("ca", {"ca": missing}),
                ("cert", {"cert": missing, "key": leaf.key}),
                ("key", {"cert": leaf.cert, "key": missing}),
                ("ca", {"ca": self.folder})):
            with self.subTest(settings):
                told = self.wrong(setting, **settings)
                self.assertIn("cannot be read", told)
                self.assertIn(settings[setting], told)

    def test_a_certificate_and_its_key_belong_together(self):
        ours = certificates.Authority(self.folder, "ours")
        leaf = ours.issue("search", "DNS:search.internal")
        self.assertIn("belong together", self.wrong("key", cert=leaf.cert))
        self.assertIn("belong together", self.wrong("cert", key=leaf.key))

    def test_certificates_are_none_of_plaintext(self):
        ours = certificates.Authority(self.folder, "ours")
        self.assertIn("TLS", self.wrong("plaintext", plaintext=True,
                                        ca=ours.cert))

    def test_a_list_over_tls_needs_the_name_of_its_certificates(self):
        for target in ("ipv4:127.0.0.1:1,127.0.0.2:1", "ipv6:[::1]:1,[::1]:2"):
            with self.subTest(target):
                self.assertIn("the target is a list",
                              self.wrong("server_name", target=target))
