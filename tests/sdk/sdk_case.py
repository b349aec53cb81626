"""Test cases in which a vendor's SDK calls the gateway.

    class ChatCases(sdk_case.SdkCase):
        api = "openai_chat"
        models = {"openai": "gpt-x", "anthropic": "claude-x"}

        def test_something(self):
            self.do("chat", request={"model": self.model, ...})

    sdk_case.for_each_sdk(globals(), ChatCases)

makes `PythonChatCasesToOpenai`, `NodeChatCasesToAnthropic` and so on for
unittest to find.
"""

import contextlib

from tests.integration import gateway_case
from tests.sdk import sdks
from tests.sdk.sdks import SdkError  # For those who expect it.
from tests.testing import apis
from tests.testing import upstreams

# A pixel, as PNG.
PIXEL = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwAD"
         "hgGAWjR9awAAAABJRU5ErkJggg==")
WEATHER_TEXT = '{"city": "Oslo", "celsius": -3.5}'
WEATHER = {"city": "Oslo", "celsius": -3.5}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}},
          "required": ["city"], "additionalProperties": False}


def for_each_sdk(names, cases, languages=sdks.LANGUAGES):
    """Adds a class for each language and vendor, and takes `cases` away."""
    models = list(cases.models.items())
    if not apis.is_there(cases.api):
        models = models[:1]  # The mock itself plays the API's own vendor.
    for language in languages:
        for vendor, model in models:
            name = "%s%sTo%s" % (language.capitalize(), cases.__name__,
                                 vendor.capitalize())
            names[name] = type(name, (cases,), {
                "language": language, "vendor": vendor, "model": model,
                "__module__": cases.__module__})
    del names[cases.__name__]


class SdkCase(gateway_case.GatewayCase):

    # Which of apis.py it goes through.
    api = None
    # By the vendor that serves it; the API's own comes first.
    models = {}
    # What for_each_sdk chose.
    language = None
    vendor = None
    model = None

    config = upstreams.config(["sdk"])
    env = upstreams.ENV

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sdk = sdks.running(cls.language)

    def setUp(self):
        super().setUp()
        self.upstream.reset()

    def base_url(self):
        return "http://" + (self.gateway.http if apis.is_there(self.api)
                            else self.upstream.address)

    def script(self, **step):
        """How the mock answers for the model."""
        self.upstream.set_script(self.model, step)

    def do(self, deed, **fields):
        return self.sdk.do(deed, self.base_url(), **fields)

    def sent(self):
        """The body of what the mock was last asked for the model."""
        return self.upstream.last(self.model)["body"]

    @contextlib.contextmanager
    def fails(self, name, status, **fields):
        """That the block throws the SDK's exception of this name."""
        with self.assertRaises(sdks.SdkError) as caught:
            yield caught
        error = caught.exception
        self.assertIn(name, error.bases, error)
        self.assertEqual(error.status, status, error)
        for key, value in fields.items():
            self.assertEqual(getattr(error, key), value, error)
