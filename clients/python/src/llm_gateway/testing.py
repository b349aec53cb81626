"""What the tests of a program need, so that they ask no model."""

from llm_gateway.providers.fake import FakeCall, FakeLLMProvider

__all__ = ["FakeCall", "FakeLLMProvider"]
