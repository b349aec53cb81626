"""Metadata that cannot be sent is refused before the call is made, by its name
and without its value, in the clients of all languages; as client_cases.py.
"""

from tests.integration.clients import client_cases
from tests.integration.clients.scripted_gateway import BEGUN
from tests.integration.clients.scripted_gateway import ScriptedGateway

_SECRET = "token-of-a-caller-0123456789"


class MetadataCases(client_cases.ClientCase):

    # Whether a text is the same as its bytes, so that names that end with -bin
    # take any.
    bytes_are_text = False

    def setUp(self):
        super().setUp()
        self.server = ScriptedGateway()
        self.addCleanup(self.server.close)
        self.client = self.connect(self.server.address)

    def sent(self, **metadata):
        """What comes of the call's metadata; of names that end with -bin the
        values are in hexadecimal."""
        self.server.play({})
        self.assertNotIn("error", self.client.call(
            "generate", model="m", text="Hello", metadata=metadata))
        [attempt] = self.server.attempts()
        return attempt["metadata"]

    def refused(self, client, do="generate", **fields):
        """What is told of the name that cannot be sent."""
        self.server.play({"events": BEGUN})
        told = client.call(do, model="m", text="Hello", **fields)
        self.assertIn("wrong_option", told)
        self.assertNotIn(_SECRET, str(told))
        self.assertIn(told["wrong_option"], told["message"])
        self.assertEqual(self.server.attempts(), [])
        return told

    def assert_refused(self, name, value, words, **fields):
        """That the value is refused by that name as a call's own and as what
        the client adds to each, whole or streamed."""
        shown = name.replace("\n", "\\n").lower()
        adding = self.connect(self.server.address, metadata={name: value},
                              **fields)
        for do in ("generate", "stream"):
            for client, own in ((adding, {}), (self.client, {
                    "metadata": {name: value}, **fields})):
                with self.subTest(name=name, do=do, own=own):
                    told = self.refused(client, do, **own)
                    self.assertIn("metadata", told["wrong_option"])
                    self.assertIn(shown, told["wrong_option"].lower())
                    self.assertIn(words, told["message"])

    def test_names_are_sent_in_small_letters(self):
        self.assertEqual(self.sent(**{"X-Team": "search"})["x-team"], "search")

    def test_bytes_are_sent_by_names_that_end_so(self):
        self.assertEqual(
            self.sent(**{"x-trace-bin": "00ff0a"})["x-trace-bin"], "00ff0a")

    def test_names_that_cannot_be_sent(self):
        for name in ("", "x team", "x-team\n", "x/team"):
            self.assert_refused(name, _SECRET, "names have letters, digits")

    def test_names_that_are_of_grpc(self):
        for name in ("grpc-timeout", "Grpc-Previous-Rpc-Attempts"):
            self.assert_refused(name, _SECRET, "begin with other than grpc-")

    def test_values_that_cannot_be_sent(self):
        for value in (_SECRET + "\n", _SECRET + "\r\nx-admin: 1",
                      _SECRET + "\x7f", _SECRET + "\u00e9"):
            self.assert_refused("x-token", value, "no printable ASCII letter")

    def test_text_is_not_sent_by_names_of_bytes(self):
        if self.bytes_are_text:
            return
        self.assert_refused("x-token-bin", _SECRET, "bytes",
                            metadata_as_text=True)

    def test_a_key_goes_before_what_is_added_to_each_call(self):
        client = self.connect(self.server.address, api_key="key-0123456789",
                              metadata={"authorization": "other",
                                        "x-team": "each"})
        for own, told in (
                ({}, ("Bearer key-0123456789", "each")),
                ({"x-team": "own"}, ("Bearer key-0123456789", "own")),
                ({"authorization": "own"}, ("own", "each"))):
            self.server.play({})
            client.call("generate", model="m", text="Hello", metadata=own)
            metadata = self.server.attempts()[0]["metadata"]
            self.assertEqual((metadata["authorization"], metadata["x-team"]),
                             told)
