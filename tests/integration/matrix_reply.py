"""What an API answered, in the same words whichever it was."""

import collections
import json

# An `id` may be None at Gemini's API; `arguments` are parsed.
Call = collections.namedtuple("Call", "id name arguments")
Tool = collections.namedtuple("Tool", "name schema")

# `status` is HTTP's, or gRPC's name of it; `words` are what the vendor's
# clients tell failures apart by.
Refusal = collections.namedtuple("Refusal", "status words retry_s message")


class Reply:
    """What an API answered.

    Fields:
      text, calls, usage: what was said; usage is (input, output).
      finish: why the model stopped, in the API's word.
      turn: the model's turn as it goes in again.
      pieces: of a stream, how many pieces the text came in.
      ends: of a stream, its terminal events, and `last`, its last event.
      refusal: a Refusal, if that is what came.
      raw: for messages of failed tests.
    """

    def __init__(self, raw):
        self.raw = raw
        self.text = ""
        self.calls = []
        self.usage = None
        self.finish = None
        self.turn = None
        self.pieces = 0
        self.ends = []
        self.last = None
        self.refusal = None

    def add_piece(self, text):
        if text:
            self.text += text
            self.pieces += 1


def parse_call(id_, name, arguments):
    return Call(id_, name, json.loads(arguments))
