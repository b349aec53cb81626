"""A model answers, whichever provider the environment names."""

import asyncio
import os
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from llm_gateway import (
    CostLimitExceededError,
    GatewayConfig,
    LLMClient,
    ProviderError,
    list_providers,
)

pytestmark = pytest.mark.live

QUESTION = [{"role": "user", "content": "What is 2 + 2?"}]


class Sum(BaseModel):
    value: int = Field(description="the sum, as a number")


class City(BaseModel):
    name: str
    country: str


class Cities(BaseModel):
    cities: list[City] = Field(description="exactly two of them")


class Mood(BaseModel):
    mood: Literal["positive", "negative", "neutral"]


async def test_a_question_has_a_typed_answer(live_client):
    async with live_client() as llm:
        response = await llm.complete(QUESTION, Sum)
    assert response.content == Sum(value=4)


async def test_a_nested_answer_is_validated(live_client):
    ask = "Name two cities: the capitals of France and of Norway, in English."
    async with live_client() as llm:
        response = await llm.complete(
            [{"role": "user", "content": ask}], Cities
        )
    names = {city.name for city in response.content.cities}
    assert names == {"Paris", "Oslo"}


async def test_a_choice_is_one_of_those_allowed(live_client):
    ask = "What is the mood of: 'This is the best day of my life!'"
    async with live_client() as llm:
        response = await llm.complete([{"role": "user", "content": ask}], Mood)
    assert response.content.mood == "positive"


async def test_a_conversation_goes_on(live_client):
    messages = [
        {"role": "system", "content": "You add numbers."},
        {"role": "user", "content": "Remember the number 3."},
        {"role": "assistant", "content": "I do."},
        {"role": "user", "content": "Add 1 to it."},
    ]
    async with live_client() as llm:
        response = await llm.complete(messages, Sum)
    assert response.content == Sum(value=4)


async def test_an_answer_says_who_gave_it(live_client, live_provider):
    async with live_client() as llm:
        response = await llm.complete(QUESTION, Sum)
    assert response.provider == live_provider
    assert live_provider in list_providers()
    assert response.model


async def test_tokens_and_time_are_told(live_client):
    async with live_client() as llm:
        response = await llm.complete(QUESTION, Sum)
    assert response.usage.input_tokens > 0
    assert response.usage.output_tokens > 0
    assert response.latency_ms > 0


async def test_the_cost_is_known(live_client, live_provider):
    async with live_client() as llm:
        response = await llm.complete(QUESTION, Sum)
        assert llm.total_cost_usd == pytest.approx(
            response.usage.total_cost_usd, abs=1e-9
        )
    assert response.metadata["cost_known"]
    if live_provider == "local_claude":
        assert response.usage.total_cost_usd == 0
    else:
        assert response.usage.total_cost_usd > 0


async def test_calls_add_up(live_client):
    async with live_client() as llm:
        first = await llm.complete(QUESTION, Sum)
        second = await llm.complete(QUESTION, Sum)
        assert llm.call_count == 2
        assert llm.total_tokens == (
            first.usage.total_tokens + second.usage.total_tokens
        )
        assert llm.cost_summary()["call_count"] == 2


async def test_calls_may_run_at_the_same_time(live_client):
    async with live_client() as llm:
        answers = await asyncio.gather(
            *(llm.complete(QUESTION, Sum) for _ in range(3))
        )
    assert [answer.content.value for answer in answers] == [4, 4, 4]


async def test_the_limit_stops_what_costs(live_client, live_provider):
    if live_provider == "local_claude":
        # What is free never reaches a limit.
        async with live_client(cost_limit_usd=0.000001) as llm:
            await llm.complete(QUESTION, Sum)
            await llm.complete(QUESTION, Sum)
        return
    async with live_client(cost_limit_usd=0.000001) as llm:
        with pytest.raises(CostLimitExceededError) as caught:
            await llm.complete(QUESTION, Sum)
        assert caught.value.response.content == Sum(value=4)
        with pytest.raises(CostLimitExceededError):
            await llm.complete(QUESTION, Sum)
        assert llm.call_count == 1


async def test_it_runs_inside_a_session_of_claude(live_client, monkeypatch):
    monkeypatch.setenv("CLAUDECODE", "1")
    async with live_client() as llm:
        assert (await llm.complete(QUESTION, Sum)).content == Sum(value=4)
    assert os.environ["CLAUDECODE"] == "1"


async def test_a_call_that_is_left_leaves_the_client_usable(live_client):
    async with live_client() as llm:
        call = asyncio.ensure_future(llm.complete(QUESTION, Sum))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await llm.complete(QUESTION, Sum)).content == Sum(value=4)


async def test_a_model_that_is_none_is_a_failure(live_provider):
    if live_provider == "local_claude":
        pytest.skip("the program itself checks names of models")
    async with LLMClient(GatewayConfig(max_retries=1)) as llm:
        with pytest.raises(ProviderError):
            await llm.complete(QUESTION, Sum, model="no-such-model-anywhere")
        assert llm.call_count == 0


async def test_a_gateway_says_how_it_went(live_client, live_provider):
    if live_provider != "gateway":
        pytest.skip("only a gateway chooses a route")
    async with live_client() as llm:
        response = await llm.complete(QUESTION, Sum)
    assert response.metadata["request_id"]
    assert "provider=" in response.metadata["route"]
    assert response.metadata["served_by"]
