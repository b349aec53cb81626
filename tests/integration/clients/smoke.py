"""What every language's stubs have to show against a running gateway.

A language has a small program that takes the gateway's address, makes one
unary call, one streamed call and one that fails, and prints what it saw as one
JSON object:

    {"generate": {"text": ..., "finish_reason": ..., "input_tokens": ...,
                  "output_tokens": ...},
     "stream": {"events": ["started", ...], "seqs": [1, ...], "text": ...,
                "outcome": ..., "input_tokens": ..., "output_tokens": ...},
     "error": {"code": ..., "reason": ..., "domain": ..., "provider": ...}}

It is checked here, so that all languages are held to the same.
"""

import json
import subprocess

from tests.testing.gateway_process import GatewayProcess

# More than ASCII, so that every language's strings are tried.
REPLY = "Grüße, 世界: a \"quoted\" answer in several pieces."
_PIECES = 5
_INPUT_TOKENS = 12
_OUTPUT_TOKENS = 34
_CONFIG = """\
providers:
  - name: mock
    mock: {reply: %s, chunk_count: %d, input_tokens: %d, output_tokens: %d}
routing:
  default_target: mock
""" % (json.dumps(REPLY, ensure_ascii=False), _PIECES, _INPUT_TOKENS,
       _OUTPUT_TOKENS)
_TIMEOUT_S = 50


def run(command, env=None):
    """Runs the program against a gateway; returns what it saw."""
    with GatewayProcess(_CONFIG) as gateway:
        done = subprocess.run(
            [*command, gateway.grpc], env=env, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=_TIMEOUT_S)
        if done.returncode != 0:
            raise AssertionError("%s: exit code %d\n%s\nThe gateway:\n%s" % (
                command[0], done.returncode,
                done.stderr.decode("utf-8", "replace"), gateway.output))
    return json.loads(done.stdout.decode("utf-8"))


class SmokeCases:
    """To be mixed into a TestCase that has `command` and perhaps `env`."""

    command = None
    env = None
    saw = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.saw = run(cls.command, cls.env)

    def test_a_unary_call_is_answered(self):
        self.assertEqual(self.saw["generate"], {
            "text": REPLY,
            "finish_reason": "FINISH_REASON_STOP",
            "input_tokens": _INPUT_TOKENS,
            "output_tokens": _OUTPUT_TOKENS,
        })

    def test_a_streamed_call_says_the_same_in_pieces(self):
        stream = self.saw["stream"]
        self.assertEqual(stream["text"], REPLY)
        self.assertEqual(
            (stream["input_tokens"], stream["output_tokens"]),
            (_INPUT_TOKENS, _OUTPUT_TOKENS))
        self.assertEqual(stream["events"].count("delta"), _PIECES)
        self.assertEqual(stream["events"][0], "started")
        self.assertEqual(stream["seqs"],
                         list(range(1, len(stream["events"]) + 1)))

    def test_a_stream_has_one_end_and_it_is_last(self):
        stream = self.saw["stream"]
        self.assertEqual(stream["events"].count("end"), 1)
        self.assertEqual(stream["events"][-1], "end")
        self.assertEqual(stream["outcome"], "OUTCOME_FINISHED")

    def test_an_error_tells_its_reason(self):
        self.assertEqual(self.saw["error"], {
            "code": "NOT_FOUND",
            "reason": "PROVIDER_NOT_FOUND",
            "domain": "llmgateway.dev",
            "provider": "nobody",
        })
