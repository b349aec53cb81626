import dataclasses

import pytest

from llm_gateway import LLMMessage, LLMResponse, TokenUsage


def test_totals_are_the_sums_of_their_parts():
    usage = TokenUsage(10, 5, 0.25, 0.5)
    assert usage.total_tokens == 15
    assert usage.total_cost_usd == 0.75


def test_usage_of_nothing_is_zero():
    assert TokenUsage().total_tokens == 0
    assert TokenUsage().total_cost_usd == 0.0


def test_usage_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TokenUsage(1, 2).input_tokens = 3


def test_a_message_is_a_plain_dict():
    message: LLMMessage = {"role": "user", "content": "Hello"}
    assert message == LLMMessage(role="user", content="Hello")


def test_responses_do_not_share_their_metadata():
    first = LLMResponse("a", TokenUsage(), "m", "p")
    second = LLMResponse("b", TokenUsage(), "m", "p")
    first.metadata["x"] = 1
    assert second.metadata == {}
    assert second.latency_ms == 0.0
