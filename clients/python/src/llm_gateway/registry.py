"""Providers by name.

    register_provider("mine", lambda config: MyProvider(config.base_url))
    LLMClient(GatewayConfig(provider="mine"))

The package's own are registered when somebody first asks, those whose SDK is
not installed not at all.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from llm_gateway.exceptions import (
    ConfigurationError,
    ProviderInitError,
    ProviderNotFoundError,
)

if TYPE_CHECKING:
    from llm_gateway.config import GatewayConfig
    from llm_gateway.providers.base import LLMProvider

ProviderFactory = Callable[["GatewayConfig"], "LLMProvider"]

_log = logging.getLogger(__name__)

_BUILT_IN = {
    "anthropic": ("llm_gateway.providers.anthropic", "AnthropicProvider"),
    "fake": ("llm_gateway.providers.fake", "FakeLLMProvider"),
    "gateway": ("llm_gateway.providers.gateway", "GatewayProvider"),
    "local_claude": (
        "llm_gateway.providers.local_claude",
        "LocalClaudeProvider",
    ),
    "openai": ("llm_gateway.providers.openai", "OpenAIProvider"),
}
# What pip is asked for where a built-in one is not there.
_EXTRAS = {"anthropic": "anthropic", "openai": "openai"}

_factories: dict[str, ProviderFactory] = {}
_built_in_are_registered = False


def register_provider(name: str, factory: ProviderFactory) -> None:
    """Makes `factory` the one for `name`, also of a built-in provider."""
    _register_built_in()
    _factories[name] = factory


def list_providers() -> list[str]:
    """The names that LLM_PROVIDER may have, sorted."""
    _register_built_in()
    return sorted(_factories)


def build_provider(config: GatewayConfig) -> LLMProvider:
    """Makes the provider that the configuration names.

    Raises ProviderNotFoundError for a name that nobody registered,
    ConfigurationError for variables that cannot be used, and ProviderInitError
    for whatever else a factory raises.
    """
    _register_built_in()
    name = config.provider
    factory = _factories.get(name)
    if factory is None:
        raise ProviderNotFoundError(name, list_providers(), _EXTRAS.get(name))
    try:
        return factory(config)
    except ConfigurationError:
        raise
    except Exception as error:
        raise ProviderInitError(name, str(error)) from error


def _register_built_in() -> None:
    global _built_in_are_registered
    if _built_in_are_registered:
        return
    _built_in_are_registered = True
    for name, (module, of_class) in _BUILT_IN.items():
        try:
            provider = getattr(importlib.import_module(module), of_class)
        except ImportError as error:
            _log.debug("provider '%s' is not there: %s", name, error)
            continue
        _factories[name] = provider.from_config
