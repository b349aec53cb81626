"""Where answers come from; each provider is a module of its own."""

from llm_gateway.providers.base import LLMProvider

__all__ = ["LLMProvider"]
