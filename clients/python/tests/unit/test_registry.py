import sys

import pytest

from llm_gateway import (
    GatewayConfig,
    LLMProvider,
    ProviderInitError,
    ProviderNotFoundError,
    build_provider,
    list_providers,
    register_provider,
    registry,
)
from llm_gateway.testing import FakeLLMProvider


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    monkeypatch.setattr(registry, "_factories", {})
    monkeypatch.setattr(registry, "_built_in_are_registered", False)


def test_the_built_in_ones_need_no_extra():
    assert {"fake", "gateway", "local_claude"} <= set(list_providers())
    assert list_providers() == sorted(list_providers())


def test_without_its_sdk_a_provider_is_not_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "anthropic", None)
    monkeypatch.delitem(
        sys.modules, "llm_gateway.providers.anthropic", raising=False
    )
    assert "anthropic" not in list_providers()
    with pytest.raises(ProviderNotFoundError) as caught:
        build_provider(GatewayConfig())
    assert "pip install 'llm-gateway[anthropic]'" in str(caught.value)


def test_a_registered_factory_gets_the_configuration():
    given = []

    def factory(config):
        given.append(config)
        return FakeLLMProvider()

    register_provider("mine", factory)
    config = GatewayConfig(provider="mine", model="x")
    assert isinstance(build_provider(config), FakeLLMProvider)
    assert given == [config]
    assert "mine" in list_providers()


def test_a_built_in_one_can_be_replaced():
    mine = FakeLLMProvider()
    register_provider("anthropic", lambda config: mine)
    assert build_provider(GatewayConfig()) is mine


def test_an_unknown_name_is_not_found():
    with pytest.raises(ProviderNotFoundError, match="no provider 'nobody'"):
        build_provider(GatewayConfig(provider="nobody"))


def test_whatever_a_factory_raises_is_an_init_error():
    def factory(config):
        raise KeyError("region")

    register_provider("broken", factory)
    with pytest.raises(ProviderInitError) as caught:
        build_provider(GatewayConfig(provider="broken"))
    assert caught.value.provider == "broken"
    assert isinstance(caught.value.__cause__, KeyError)


def test_without_a_program_the_local_one_cannot_be_made(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProviderInitError, match="no program 'claude'"):
        build_provider(GatewayConfig(provider="local_claude"))


def test_a_gateway_without_an_address_cannot_be_made():
    with pytest.raises(ProviderInitError, match="set GATEWAY_URL"):
        build_provider(GatewayConfig(provider="gateway"))


def test_what_has_both_methods_is_a_provider():
    class Mine:
        async def complete(
            self, messages, response_model, model, max_tokens, temperature
        ):
            raise NotImplementedError

        async def close(self):
            pass

    assert isinstance(Mine(), LLMProvider)
    assert isinstance(FakeLLMProvider(), LLMProvider)
    assert not isinstance(object(), LLMProvider)
