"""gatewayctl chat, piped and on a terminal."""

import json
import os
import unittest

from tests.clients.cli.gatewayctl_case import GatewayctlCase
from tests.clients.cli.gatewayctl_case import TIMEOUT_S

_CONFIG = """\
providers:
  - {name: mock, mock: {replies: [One., Two.], reply: Three.}}
  - {name: silent, mock: {fault: hang, fault_after_chunks: 1}}
  - {name: broken, mock: {fault: interrupted, fault_after_chunks: 2}}
  - {name: refusing, mock: {fault: invalid_request}}
routing: {default_target: {provider: mock, model: m}}
"""


class GatewayctlChatTest(GatewayctlCase):

    def setUp(self):
        super().setUp()
        self.gateway = self.start_gateway(config=_CONFIG)

    def test_what_is_piped_in_is_asked_and_the_answer_piped_out(self):
        priced = self.run_ctl("prices", "set", "m", "--input_usd", "1",
                              "--output_usd", "2")
        self.assertEqual(priced.returncode, 0, priced.stderr)
        done = self.run_ctl("chat", "--model", "m", stdin="What is it?\n")
        self.assertEqual((done.returncode, done.stdout), (0, "One.\n"),
                         done.stderr)
        # Colours are for terminals.
        self.assertRegex(
            done.stderr,
            r"^mock/m \(.*\): 10 tokens in, 20 out, \$0.00005, "
            r"[0-9.]+[mu]?s\n$")

    def test_words_are_asked_without_a_model_the_default(self):
        done = self.run_ctl("chat", "What", "is", "it?")
        self.assertEqual((done.returncode, done.stdout), (0, "One.\n"),
                         done.stderr)

    def test_events_are_lines_of_json(self):
        done = self.run_ctl("chat", "Hi", "--output", "json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        events = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertIn("started", events[0])
        self.assertEqual("".join(event["delta"]["text"] for event in events
                                 if "delta" in event), "One.")
        self.assertEqual(events[-1]["end"]["outcome"], "OUTCOME_FINISHED")

    def test_a_requests_own_question_is_sent(self):
        request = json.dumps({"messages": [{
            "role": "ROLE_USER", "parts": [{"text": "What is it?"}]}]})
        path = os.path.join(self.home, "request.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(request)
        done = self.run_ctl("chat", "--request", path)
        self.assertEqual((done.returncode, done.stdout), (0, "One.\n"),
                         done.stderr)
        done = self.run_ctl("chat", "--request", "-", stdin=request)
        self.assertEqual((done.returncode, done.stdout), (0, "Two.\n"),
                         done.stderr)
        terminal = self.on_terminal("chat", "--request", path)
        terminal.read_until("Three.\r\n")
        self.assertEqual(terminal.process.wait(TIMEOUT_S), 0)
        self.assert_refused(
            self.run_ctl("chat", "--request", "-", stdin="{}"),
            "there is nothing to ask")

    def test_a_call_that_fails_fails_the_command(self):
        done = self.run_ctl("chat", "Hi", "--provider", "refusing",
                            "--model", "m")
        self.assert_refused(done, "gatewayctl: the gateway at")
        done = self.run_ctl("chat", "Hi", "--provider", "broken",
                            "--model", "m")
        self.assertEqual(done.returncode, 1)
        self.assertNotEqual(done.stdout, "")
        self.assertIn("gatewayctl: the gateway at", done.stderr)
        self.assert_refused(self.run_ctl("chat", stdin=" \n"),
                            "there is nothing to ask")
        self.assert_refused(self.run_ctl("chat", stdin="a\udcffb"),
                            "no text in UTF-8")

    def test_a_gateway_that_dies_amid_an_answer_was_reached(self):
        chat = self.begin("chat", "Hi", "--provider", "silent", "--model", "m")
        self.assertEqual(chat.stdout.read(4), "This")
        self.gateway.kill()
        _, err = chat.communicate(timeout=TIMEOUT_S)
        self.assertEqual(chat.returncode, 1)
        self.assertIn("broke off", err)
        self.assertNotIn("--ca_file", err)

    def test_lines_of_a_terminal_are_turns(self):
        terminal = self.on_terminal("chat")
        terminal.read_until("> ")
        terminal.type("Hi\n")
        self.assertIn("One.\r\n", terminal.read_until("mock/m"))
        terminal.read_until("> ")
        terminal.type("And?\n")
        self.assertIn("Two.\r\n", terminal.read_until("mock/m"))
        # What is told beside the answer is dimmed.
        self.assertIn("\x1b[0m", terminal.read_until("> "))
        terminal.type("\x04")
        self.assertEqual(terminal.process.wait(TIMEOUT_S), 0)

    def test_a_session_stays_what_it_is(self):
        terminal = self.on_terminal("chat", "--session", "s-1")
        self.assertNotIn("begins anew", terminal.read_until("> "))
        terminal.type("/new\n")
        self.assertIn("The session keeps what was said",
                      terminal.read_until("> "))
        terminal.type("\x04")
        self.assertEqual(terminal.process.wait(TIMEOUT_S), 0)

    def test_ctrl_c_ends_an_answer_and_not_the_chat(self):
        terminal = self.on_terminal("chat", "--provider", "silent",
                                    "--model", "m")
        terminal.read_until("> ")
        terminal.type("Hi\n")
        terminal.read_until("This")  # The first piece of what it says.
        terminal.type("\x03")
        terminal.read_until("(cancelled)\r\n")
        terminal.read_until("> ")
        # With nothing to end it says what to do.
        terminal.type("\x03")
        terminal.read_until("Ctrl-D ends the chat")
        terminal.type("\x04")
        self.assertEqual(terminal.process.wait(TIMEOUT_S), 0)


if __name__ == "__main__":
    unittest.main()
