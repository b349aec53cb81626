"""What a client is told is checked, and becomes a channel's arguments."""

import dataclasses
import json
import math
import os
import tempfile
import unittest

from tests.clients.python.llm_gateway import client_path  # For the path.

from llm_gateway import ConfigurationError
from llm_gateway.rpc.options import ClientOptions, check_target
from llm_gateway.rpc.retrying import RetryPolicy

_SECRET = "very-secret-key"


class ClientOptionsTest(unittest.TestCase):

    def refused(self, told, **fields):
        with self.assertRaisesRegex(ConfigurationError, told) as caught:
            ClientOptions(**fields)
        self.assertNotIn(_SECRET, str(caught.exception))
        self.assertIsInstance(caught.exception, ValueError)
        return caught.exception

    def test_what_contradicts_itself_is_refused(self):
        self.refused("certificate is for TLS", plaintext=True,
                     certificate=b"", private_key=b"")
        self.refused("server_name is for TLS", plaintext=True,
                     server_name="x")
        self.refused("belong together", certificate=b"x")
        self.refused("belong together", private_key=_SECRET)

    def test_what_makes_no_sense_is_refused(self):
        for seconds in (0, -1, math.nan):
            self.refused("generate_timeout_s is", generate_timeout_s=seconds)
        self.refused("message_bytes_max is 0", message_bytes_max=0)
        self.refused("load_balancing is 'random'", load_balancing="random")

    def test_what_is_of_another_type_is_refused_by_its_name(self):
        for name, value in (
                ("generate_timeout_s", "5"), ("lookup_timeout_s", {}),
                ("retry", 3), ("message_bytes_max", "1"), ("api_key", 5),
                ("metadata", [("a", "b")]), ("metadata", {"a": 5}),
                ("metadata", {5: "a"})):
            with self.subTest(name, value=value):
                [option] = self.refused(name, **{name: value}).problems
                self.assertTrue(option.startswith(name))
        with self.assertRaisesRegex(ConfigurationError, "attempts_max"):
            RetryPolicy(attempts_max="3")
        for target in (None, 5):
            with self.assertRaisesRegex(ConfigurationError, "target"):
                check_target(target)

    def test_none_is_as_if_it_were_not_given(self):
        nothing = {each.name: None for each in
                   dataclasses.fields(ClientOptions)}
        self.assertEqual(ClientOptions(**nothing), ClientOptions())

    def test_metadata_must_be_such_as_can_be_sent(self):
        self.refused("'x a'.*names have", metadata={"x a": _SECRET})
        self.refused("'Grpc-x'.*gRPC's own", metadata={"Grpc-x": _SECRET})
        self.refused("'x-a'.*no printable", metadata={"x-a": _SECRET + "\n"})
        self.refused("'x-bin'.*bytes", metadata={"x-bin": _SECRET})
        self.refused("'x-a'.*bytes", metadata={"x-a": b"x"})
        ClientOptions(metadata={"X-a": "b", "x-bin": b"\0"})

    def test_secrets_are_not_printed(self):
        made = ClientOptions(
            api_key=_SECRET, certificate=b"x", private_key=_SECRET,
            metadata={"x-provider-authorization": _SECRET})
        self.assertNotIn(_SECRET, repr(made))

    def test_the_service_config_balances_and_retries_nothing(self):
        arguments = dict(ClientOptions().arguments("gateway:1"))
        self.assertEqual(json.loads(arguments["grpc.service_config"]), {
            "loadBalancingConfig": [{"round_robin": {}}],
            "healthCheckConfig": {
                "serviceName": "llmgateway.v1.GatewayService"}})
        self.assertEqual(
            arguments["grpc.service_config_disable_resolution"], 1)
        self.assertRegex(arguments["grpc.primary_user_agent"],
                         "^llmgateway-python/[0-9]")
        self.assertNotIn("grpc.ssl_target_name_override", arguments)

    def test_what_else_is_asked_for_is_there(self):
        arguments = dict(ClientOptions(
            load_balancing="pick_first", health_checks=False,
            server_name="other", message_bytes_max=5,
            channel_arguments=[("grpc.keepalive_time_ms", 7)]).arguments("gateway:1"))
        self.assertEqual(json.loads(arguments["grpc.service_config"]),
                         {"loadBalancingConfig": [{"pick_first": {}}]})
        self.assertEqual(
            (arguments["grpc.ssl_target_name_override"],
             arguments["grpc.max_receive_message_length"],
             arguments["grpc.keepalive_time_ms"]), ("other", 5, 7))

    def test_a_pem_is_one_or_a_file_of_one(self):
        text = "-----BEGIN CERTIFICATE-----\nMII\n"
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.pem")
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            for given in (text, text.encode(), path):
                self.assertIsNotNone(ClientOptions(ca=given).credentials())
            for fields in ({"ca": os.path.join(folder, "missing.pem")},
                           {"ca": folder}):
                with self.assertRaisesRegex(ConfigurationError,
                                            "^ca cannot be read: " + folder):
                    ClientOptions(**fields).credentials()

    def test_what_is_no_pem_is_told_and_not_shown(self):
        key = "MI" + _SECRET
        for private_key, told in (
                (key, "^private_key cannot be read: No such file"),
                (b"x" + key.encode(), "^private_key has nothing")):
            made = ClientOptions(certificate=b"-----BEGIN CERTIFICATE-----",
                                 private_key=private_key)
            with self.assertRaisesRegex(ConfigurationError, told) as caught:
                made.credentials()
            self.assertNotIn(_SECRET, str(caught.exception))

    def test_the_option_that_is_wrong_is_named(self):
        self.assertEqual(
            self.refused("", lookup_timeout_s=0).problems,
            {"lookup_timeout_s":
             "is 0; it is more than 0, and math.inf for no limit"})

    def test_a_target_is_none_by_its_looks(self):
        for target, told in (("", "is empty"), ("a b:1", "has a letter"),
                             ("http://a:1", "is a URL"),
                             ("ipv4:1.2.3.4", "'1.2.3.4' of it")):
            with self.assertRaisesRegex(ConfigurationError, "^target " + told
                                        if told.startswith(("is", "has"))
                                        else told):
                check_target(target)
        for target in ("a", "a:1", "dns:///a:1", "ipv6:[::1]:1"):
            check_target(target)

    def test_a_list_of_addresses_needs_the_name_of_its_certificates(self):
        targets = "ipv4:1.2.3.4:1,1.2.3.5:1"
        for options, target in (
                ({}, "ipv4:1.2.3.4:1"), ({}, "dns:///a:1"),
                ({"plaintext": True}, targets),
                ({"server_name": "a"}, targets),
                ({"channel_arguments":
                  [("grpc.ssl_target_name_override", "a")]}, targets)):
            ClientOptions(**options).check_names(target)
        with self.assertRaisesRegex(ConfigurationError, "^server_name is not "
                                    "given, and the target is a list"):
            ClientOptions().check_names(targets)

    def test_plaintext_has_no_credentials(self):
        self.assertIsNone(ClientOptions(plaintext=True).credentials())
        self.assertIsNotNone(ClientOptions().credentials())


if __name__ == "__main__":
    unittest.main()
