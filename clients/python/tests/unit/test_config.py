from pathlib import Path

import pytest
from pydantic import ValidationError

from llm_gateway import ConfigurationError, GatewayConfig, LLMClient


def test_defaults_are_those_of_the_document():
    config = GatewayConfig()
    assert config.provider == "anthropic"
    assert config.model == "claude-sonnet-4-5-20250514"
    assert config.max_tokens == 4096
    assert config.max_retries == 3
    assert config.timeout_seconds == 120
    assert config.temperature == 0.0
    assert config.api_key is None
    assert config.base_url is None
    assert config.cost_limit_usd is None
    assert config.cost_warn_usd is None
    assert config.trace_enabled is False
    assert config.trace_exporter == "none"
    assert config.trace_endpoint == "http://localhost:4317"
    assert config.trace_service_name == "llm-gateway"
    assert config.log_level == "INFO"
    assert config.log_format == "json"


def test_variables_have_the_prefix(monkeypatch):
    monkeypatch.setenv("LLM_PROVIDER", "openai")
    monkeypatch.setenv("LLM_MODEL", "gpt-4.1-mini")
    monkeypatch.setenv("LLM_COST_LIMIT_USD", "0.5")
    monkeypatch.setenv("LLM_TRACE_ENABLED", "true")
    config = GatewayConfig()
    assert config.provider == "openai"
    assert config.model == "gpt-4.1-mini"
    assert config.cost_limit_usd == 0.5
    assert config.trace_enabled is True


def test_a_file_is_read_and_the_environment_wins(monkeypatch):
    Path(".env").write_text("LLM_PROVIDER=fake\nLLM_MODEL=a\nOTHER=1\n")
    monkeypatch.setenv("LLM_MODEL", "b")
    config = GatewayConfig()
    assert (config.provider, config.model) == ("fake", "b")
    assert GatewayConfig(model="c").model == "c"


def test_unknown_variables_do_not_matter(monkeypatch):
    monkeypatch.setenv("LLM_SOMETHING_ELSE", "1")
    assert not hasattr(GatewayConfig(), "something_else")


def test_an_empty_variable_is_none(monkeypatch):
    monkeypatch.setenv("LLM_MAX_TOKENS", "")
    assert GatewayConfig().max_tokens == 4096


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LLM_MAX_TOKENS", "0"),
        ("LLM_MAX_RETRIES", "-1"),
        ("LLM_TIMEOUT_SECONDS", "0"),
        ("LLM_TEMPERATURE", "2.1"),
        ("LLM_COST_LIMIT_USD", "-1"),
        ("LLM_COST_LIMIT_USD", "nan"),
        ("LLM_TRACE_EXPORTER", "smoke"),
        ("LLM_LOG_FORMAT", "xml"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        LLMClient()
    assert str(caught.value).startswith(f"{name} is '{value}'; it should be ")
    assert list(caught.value.problems) == [name]


def test_an_argument_out_of_range_is_one_of_pydantic():
    with pytest.raises(ValidationError, match="max_tokens"):
        GatewayConfig(max_tokens=0)


@pytest.mark.parametrize("temperature", [0.0, 2.0])
def test_the_edges_of_a_range_are_in_it(temperature):
    assert GatewayConfig(temperature=temperature).temperature == temperature


def test_a_model_may_take_no_temperature(monkeypatch):
    monkeypatch.setenv("LLM_TEMPERATURE", "none")
    assert GatewayConfig().temperature is None


@pytest.mark.parametrize("exporter", ["none", "console", "otlp"])
def test_exporters_are_those_of_the_document(monkeypatch, exporter):
    monkeypatch.setenv("LLM_TRACE_EXPORTER", exporter)
    assert GatewayConfig().trace_exporter == exporter


def test_each_provider_has_a_key_of_its_own(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-a")
    monkeypatch.setenv("OPENAI_API_KEY", "key-o")
    assert GatewayConfig().get_api_key() == "key-a"
    assert GatewayConfig(provider="openai").get_api_key() == "key-o"
    monkeypatch.setenv("LLM_API_KEY", "key-l")
    assert GatewayConfig().get_api_key() == "key-l"


def test_a_missing_key_is_said_with_its_variables():
    with pytest.raises(ValueError, match="LLM_API_KEY or ANTHROPIC_API_KEY"):
        GatewayConfig().get_api_key()


def test_keys_are_not_printed(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-anthropic")
    monkeypatch.setenv("GATEWAY_KEY", "key-of-the-gateway")
    printed = repr(GatewayConfig()) + str(GatewayConfig().model_dump())
    assert "key-of" not in printed


def test_a_gateway_serves_where_its_address_is_known(monkeypatch):
    monkeypatch.setenv("GATEWAY_URL", "http://127.0.0.1:8080")
    monkeypatch.setenv("GATEWAY_KEY", "key-g")
    config = GatewayConfig()
    assert config.provider == "gateway"
    assert config.base_url == "http://127.0.0.1:8080"
    assert config.get_api_key() == "key-g"


def test_a_vendors_key_is_not_for_a_gateway(monkeypatch):
    monkeypatch.setenv("GATEWAY_URL", "http://127.0.0.1:8080")
    monkeypatch.setenv("GATEWAY_KEY", "key-g")
    monkeypatch.setenv("LLM_API_KEY", "key-of-a-vendor")
    assert GatewayConfig().get_api_key() == "key-g"


def test_an_argument_wins_over_the_gateways_variables(monkeypatch):
    monkeypatch.setenv("GATEWAY_URL", "http://127.0.0.1:8080")
    monkeypatch.setenv("GATEWAY_KEY", "key-g")
    config = GatewayConfig(api_key="key-a", base_url="http://127.0.0.1:9")
    assert config.get_api_key() == "key-a"
    assert config.base_url == "http://127.0.0.1:9"
    config = GatewayConfig(api_key=None, gateway_url="http://127.0.0.1:7")
    assert config.get_api_key() == "key-g"
    assert config.base_url == "http://127.0.0.1:7"
    both = GatewayConfig(api_key="key-a", gateway_key="key-h")
    assert both.get_api_key() == "key-h"


def test_a_vendors_address_gets_nothing_of_a_gateways(monkeypatch):
    monkeypatch.setenv("GATEWAY_URL", "http://127.0.0.1:8080")
    monkeypatch.setenv("GATEWAY_KEY", "key-g")
    monkeypatch.setenv("LLM_BASE_URL", "https://api.vendor.example")
    assert GatewayConfig().base_url == "http://127.0.0.1:8080"
    # Once the vendor is asked again, it is asked there.
    vendors = GatewayConfig(provider="openai")
    assert vendors.base_url == "https://api.vendor.example"


def test_a_gateway_may_be_named_by_the_base_url_alone(monkeypatch):
    monkeypatch.setenv("LLM_PROVIDER", "gateway")
    monkeypatch.setenv("LLM_BASE_URL", "http://127.0.0.1:8080")
    assert GatewayConfig().base_url == "http://127.0.0.1:8080"


def test_a_chosen_provider_stays_beside_a_gateway(monkeypatch):
    monkeypatch.setenv("GATEWAY_URL", "http://127.0.0.1:8080")
    monkeypatch.setenv("LLM_PROVIDER", "anthropic")
    config = GatewayConfig()
    assert config.provider == "anthropic"
    assert config.base_url is None


def test_openai_has_a_model_of_its_own():
    config = GatewayConfig(provider="openai")
    assert config.model == "gpt-4o"
    assert not config.model_is_chosen
    assert GatewayConfig(model="x").model_is_chosen
