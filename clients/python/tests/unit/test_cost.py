import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from llm_gateway import (
    CostLimitExceededError,
    CostTracker,
    LLMResponse,
    TokenUsage,
    calculate_cost,
    cost,
    register_pricing,
)


@pytest.fixture(autouse=True)
def own_prices(monkeypatch):
    monkeypatch.setattr(cost, "_PRICING", dict(cost._PRICING))


def test_a_million_tokens_of_gpt_4o():
    assert calculate_cost("gpt-4o", 1_000_000, 1_000_000) == (2.50, 10.00)


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("claude-haiku-4-5-20251001", (0.80, 4.00)),
        ("claude-sonnet-4-5-20250514", (3.00, 15.00)),
        ("claude-opus-4-20250514", (15.00, 75.00)),
        ("gpt-4o-mini", (0.15, 0.60)),
        ("gpt-4.1", (2.00, 8.00)),
        ("gpt-4.1-mini", (0.40, 1.60)),
        ("gpt-4.1-nano", (0.10, 0.40)),
    ],
)
def test_prices_are_those_of_the_document(model, dollars):
    assert calculate_cost(model, 1_000_000, 1_000_000) == dollars


def test_an_unknown_model_costs_nothing():
    assert calculate_cost("no-such-model", 1000, 1000) == (0.0, 0.0)
    assert not cost.is_priced("no-such-model")


def test_a_model_is_known_by_its_exact_name():
    assert calculate_cost("gpt-4o-2024-08-06", 1000, 1000) == (0.0, 0.0)


def test_a_price_can_be_added_and_replaced():
    register_pricing("mine", 1.0, 2.0)
    assert calculate_cost("mine", 500_000, 500_000) == (0.5, 1.0)
    register_pricing("mine", 4.0, 0.0)
    assert calculate_cost("mine", 500_000, 500_000) == (2.0, 0.0)


@pytest.mark.parametrize("price", [-0.01, float("nan"), float("inf")])
def test_a_price_that_is_none_is_refused(price):
    with pytest.raises(ValueError, match="output_per_1m of 'mine'"):
        register_pricing("mine", 1.0, price)


def test_calls_add_up():
    tracker = CostTracker()
    tracker.record(TokenUsage(10, 5, 0.001, 0.002))
    tracker.record(TokenUsage(20, 15, 0.003, 0.004))
    assert tracker.summary() == {
        "total_input_tokens": 30,
        "total_output_tokens": 20,
        "total_tokens": 50,
        "total_cost_usd": 0.01,
        "call_count": 2,
    }


def test_a_million_small_costs_add_up_exactly():
    tracker = CostTracker()
    for _ in range(10_000):
        tracker.record(TokenUsage(1, 0, 0.0000001))
    assert tracker.total_cost_usd == 0.001


def test_the_limit_is_reached_exactly():
    tracker = CostTracker(cost_limit_usd=0.02)
    tracker.record(TokenUsage(0, 0, 0.019999999))
    tracker.check()
    with pytest.raises(CostLimitExceededError) as caught:
        tracker.record(TokenUsage(0, 0, 0.000000001))
    assert caught.value.current == 0.02
    assert caught.value.limit == 0.02
    assert tracker.call_count == 2
    with pytest.raises(CostLimitExceededError, match="was not made"):
        tracker.check()


def test_the_answer_that_reaches_the_limit_is_kept():
    tracker = CostTracker(cost_limit_usd=0.01)
    usage = TokenUsage(1, 1, 0.01)
    response = LLMResponse("four", usage, "m", "p")
    with pytest.raises(CostLimitExceededError) as caught:
        tracker.record(usage, response)
    assert caught.value.response is response


@pytest.mark.parametrize("limit", [None, 0])
def test_no_limit_is_no_limit(limit):
    tracker = CostTracker(limit, limit)
    tracker.record(TokenUsage(0, 0, 1_000_000.0))
    tracker.check()


def test_a_warning_is_logged_once(caplog):
    tracker = CostTracker(cost_warn_usd=0.02)
    with caplog.at_level(logging.WARNING, "llm_gateway"):
        tracker.record(TokenUsage(0, 0, 0.01))
        assert not caplog.records
        tracker.record(TokenUsage(0, 0, 0.01))
        tracker.record(TokenUsage(0, 0, 0.01))
    assert len(caplog.records) == 1
    assert "LLM_COST_WARN_USD" in caplog.text


def test_a_reset_tracker_begins_anew(caplog):
    tracker = CostTracker(cost_limit_usd=1.0, cost_warn_usd=0.5)
    for _ in range(2):
        tracker.record(TokenUsage(1, 1, 0.6))
        tracker.reset()
        tracker.check()
        assert tracker.summary()["call_count"] == 0
    assert len(caplog.records) == 2


def test_threads_lose_no_call():
    tracker = CostTracker()
    usage = TokenUsage(1, 2, 0.000001, 0.000002)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tracker.record, [usage] * 4000))
    assert tracker.call_count == 4000
    assert tracker.total_tokens == 12_000
    assert tracker.total_cost_usd == 0.012
