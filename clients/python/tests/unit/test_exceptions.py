import copy
import pickle

import pytest

from llm_gateway import (
    CLINotFoundError,
    ConfigurationError,
    CostLimitExceededError,
    GatewayError,
    ProviderError,
    ProviderInitError,
    ProviderNotFoundError,
    ResponseValidationError,
    TokenUsage,
)


@pytest.mark.parametrize(
    "error",
    [
        CLINotFoundError(),
        ConfigurationError({"LLM_MODEL": "is empty"}),
        CostLimitExceededError(1.0, 0.5),
        ProviderError("p", OSError("it is gone")),
        ProviderInitError("p", "no key"),
        ProviderNotFoundError("p"),
        ResponseValidationError("Answer", "it is empty"),
    ],
)
def test_all_are_gateway_errors(error):
    assert isinstance(error, GatewayError)
    assert str(error)
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(same) is type(error)
        assert str(same) == str(error)
        assert same.__dict__.keys() == error.__dict__.keys()


def test_a_missing_program_is_a_failed_provider():
    error = CLINotFoundError()
    assert isinstance(error, ProviderError)
    assert error.provider == "local_claude"
    assert isinstance(error.original, FileNotFoundError)


def test_fields_say_what_happened():
    cause = OSError("it is gone")
    assert ProviderError("p", cause).original is cause
    assert ProviderInitError("p", "no key").reason == "no key"
    assert ProviderNotFoundError("p").provider == "p"
    usage = TokenUsage(1, 2)
    invalid = ResponseValidationError("Answer", "it is empty", usage)
    assert invalid.model_name == "Answer"
    assert invalid.reason == "it is empty"
    assert invalid.usage is usage


def test_who_is_not_found_hears_who_is_there():
    text = str(ProviderNotFoundError("opnai", ["anthropic", "fake"]))
    assert "'opnai'" in text
    assert "LLM_PROVIDER may be one of: anthropic, fake" in text


def test_a_missing_extra_is_named():
    text = str(ProviderNotFoundError("openai", ["fake"], "openai"))
    assert "pip install 'llm-gateway[openai]'" in text
