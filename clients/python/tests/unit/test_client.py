import asyncio
import logging

import pytest

from llm_gateway import (
    CostLimitExceededError,
    GatewayConfig,
    LLMClient,
    LLMResponse,
    ProviderError,
    ProviderNotFoundError,
    ResponseValidationError,
    TokenUsage,
)
from llm_gateway.testing import FakeLLMProvider

from .answers import QUESTION, Answer

FOUR = Answer(value=4)


def client(fake=None, **fields):
    fake = fake or FakeLLMProvider(lambda *_: FOUR)
    return LLMClient(GatewayConfig(provider="fake", **fields), fake)


async def test_an_answer_is_of_the_asked_type():
    async with client() as llm:
        response = await llm.complete(QUESTION, Answer)
    assert response.content == FOUR
    assert isinstance(response.content, Answer)
    assert response.provider == "fake"
    assert response.usage.total_tokens == 150
    assert response.latency_ms > 0


async def test_what_is_not_given_is_as_configured():
    fake = FakeLLMProvider(lambda *_: FOUR)
    async with client(fake, model="m", max_tokens=7, temperature=0.5) as llm:
        await llm.complete(QUESTION, Answer)
        await llm.complete(QUESTION, Answer, model="n", max_tokens=9)
        await llm.complete(QUESTION, Answer, max_tokens=0, temperature=0.0)
    asked = [(c.model, c.max_tokens, c.temperature) for c in fake.calls]
    assert asked == [("m", 7, 0.5), ("n", 9, 0.5), ("m", 7, 0.0)]


async def test_the_environment_names_the_provider(monkeypatch):
    monkeypatch.setenv("LLM_PROVIDER", "fake")
    llm = LLMClient()
    assert llm.config.provider == "fake"
    monkeypatch.setenv("LLM_PROVIDER", "nobody")
    with pytest.raises(ProviderNotFoundError):
        LLMClient()


async def test_totals_are_of_all_calls():
    async with client(model="gpt-4o") as llm:
        await llm.complete(QUESTION, Answer)
        await llm.complete(QUESTION, Answer)
        assert llm.call_count == 2
        assert llm.total_tokens == 300
        # 100 tokens of 2.50 and 50 of 10.00, twice.
        assert llm.total_cost_usd == 0.0015
        assert llm.cost_summary()["total_cost_usd"] == 0.0015


async def test_each_client_has_a_limit_of_its_own():
    fake = FakeLLMProvider(lambda *_: FOUR)
    first = client(fake, model="gpt-4o", cost_limit_usd=0.0007)
    with pytest.raises(CostLimitExceededError):
        await first.complete(QUESTION, Answer)
    second = client(fake, model="gpt-4o", cost_limit_usd=0.01)
    assert (await second.complete(QUESTION, Answer)).content == FOUR


async def test_the_answer_that_reaches_the_limit_is_not_lost():
    fake = FakeLLMProvider(lambda *_: FOUR)
    async with client(fake, model="gpt-4o", cost_limit_usd=0.00075) as llm:
        with pytest.raises(CostLimitExceededError) as caught:
            await llm.complete(QUESTION, Answer)
        assert caught.value.response.content == FOUR


async def test_beyond_the_limit_no_provider_is_asked():
    fake = FakeLLMProvider(lambda *_: FOUR)
    async with client(fake, model="gpt-4o", cost_limit_usd=0.001) as llm:
        await llm.complete(QUESTION, Answer)
        with pytest.raises(CostLimitExceededError):
            await llm.complete(QUESTION, Answer)
        assert fake.call_count == 2
        with pytest.raises(CostLimitExceededError) as caught:
            await llm.complete(QUESTION, Answer)
        assert fake.call_count == 2
        assert caught.value.response is None
        assert llm.call_count == 2


class Slow(FakeLLMProvider):
    """Each answer costs half a dollar, and the first ones fail."""

    def __init__(self, failures=0):
        super().__init__(lambda *_: FOUR)
        self.failures = failures
        self.under_way = self.most = 0

    async def complete(self, *asked, **more):
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.01)
        self.under_way -= 1
        response = await super().complete(*asked, **more)
        if self.call_count <= self.failures:
            raise ProviderError("slow", OSError("no"))
        response.usage = TokenUsage(1, 1, 0.25, 0.25)
        return response


async def together(llm, count):
    calls = (llm.complete(QUESTION, Answer) for _ in range(count))
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_calls_made_together_stay_within_the_limit():
    slow = Slow()
    async with client(slow, cost_limit_usd=5) as llm:
        told = await together(llm, 50)
        assert llm.total_cost_usd == 5
    assert slow.call_count == 10
    assert slow.most > 1  # All but the first.
    refused = [each for each in told if isinstance(each, Exception)]
    assert len(refused) == 41  # The answer that reached it among them.
    assert all(isinstance(each, CostLimitExceededError) for each in refused)


async def test_failures_hold_up_only_the_first_of_calls_made_together():
    slow = Slow(failures=50)
    async with client(slow, cost_limit_usd=1) as llm:
        await together(llm, 50)
    assert slow.call_count == 50
    assert slow.most > 1


async def test_without_a_limit_no_call_waits():
    slow = Slow()
    async with client(slow) as llm:
        await together(llm, 50)
    assert slow.most == 50


async def test_who_stops_waiting_for_room_holds_up_nobody():
    slow = Slow()
    async with client(slow, cost_limit_usd=5) as llm:
        first, second, third = (
            asyncio.ensure_future(llm.complete(QUESTION, Answer))
            for _ in range(3)
        )
        await asyncio.sleep(0)
        second.cancel()
        assert (await first).content == (await third).content == FOUR
        with pytest.raises(asyncio.CancelledError):
            await second
    assert slow.call_count == 2


async def test_an_answer_that_does_not_fit_is_paid_for():
    class Unfit:
        async def complete(self, *_, **__):
            raise ResponseValidationError(
                "Answer", "it is empty", TokenUsage(10, 5, 0.5, 0.25)
            )

        async def close(self):
            pass

    async with client(Unfit()) as llm:
        with pytest.raises(ResponseValidationError):
            await llm.complete(QUESTION, Answer)
        assert llm.total_cost_usd == 0.75
        assert llm.call_count == 1


async def test_a_failed_call_costs_nothing():
    class Gone:
        async def complete(self, *_, **__):
            raise ProviderError("gone", OSError("no"))

        async def close(self):
            pass

    async with client(Gone()) as llm:
        with pytest.raises(ProviderError):
            await llm.complete(QUESTION, Answer)
        assert llm.call_count == 0


async def test_calls_may_run_at_the_same_time():
    everyone = asyncio.Barrier(3) if hasattr(asyncio, "Barrier") else None

    class Meeting:
        async def complete(self, messages, response_model, model, **_):
            if everyone is not None:
                await everyone.wait()
            return LLMResponse(
                Answer(value=int(messages[0]["content"])),
                TokenUsage(1, 1),
                model,
                "meeting",
            )

        async def close(self):
            pass

    async with client(Meeting()) as llm:
        answers = await asyncio.gather(
            *(
                llm.complete([{"role": "user", "content": str(n)}], Answer)
                for n in range(3)
            )
        )
    assert [a.content.value for a in answers] == [0, 1, 2]
    assert llm.call_count == 3


async def test_one_line_is_logged_for_a_call(caplog):
    with caplog.at_level(logging.INFO, "llm_gateway"):
        async with client(model="gpt-4o") as llm:
            await llm.complete(QUESTION, Answer)
    (record,) = caplog.records
    assert record.getMessage() == "LLM call completed"
    assert record.provider == "fake"
    assert record.model == "gpt-4o"
    assert (record.input_tokens, record.output_tokens) == (100, 50)
    assert record.cost_usd == 0.00075
    assert record.cumulative_cost_usd == 0.00075
    assert record.latency_ms == round(record.latency_ms, 1)
    assert "2 + 2" not in str(vars(record))


async def test_closing_twice_closes_the_provider_once():
    class Counted(FakeLLMProvider):
        closed_times = 0

        async def close(self):
            self.closed_times += 1

    fake = Counted()
    async with client(fake) as llm:
        pass
    await llm.close()
    assert fake.closed_times == 1


async def test_a_closed_client_says_so():
    llm = client()
    await llm.close()
    with pytest.raises(ValueError, match="is closed"):
        await llm.complete(QUESTION, Answer)


@pytest.mark.parametrize("form", [dict, "Answer", FOUR, int])
async def test_the_form_must_be_a_model_of_pydantic(form):
    with pytest.raises(TypeError, match=r"pydantic\.BaseModel"):
        await client().complete(QUESTION, form)


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([], "messages is empty"),
        ([{"content": "Hello"}], r"messages\[0\]\['role'\] is None"),
        (
            [*QUESTION, {"role": "tool", "content": "x"}],
            r"messages\[1\]\['role'\] is 'tool'",
        ),
        ([{"role": "user", "content": None}], r"messages\[0\]\['content'\]"),
    ],
)
async def test_messages_that_are_none_are_refused(messages, told):
    fake = FakeLLMProvider(lambda *_: FOUR)
    with pytest.raises(ValueError, match=told):
        await client(fake).complete(messages, Answer)
    assert fake.call_count == 0


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ("abc", "messages is str; it must be a list of dicts"),
        (None, "messages is NoneType; it must be"),
        ([5], r"messages\[0\] is int; it must be a dict"),
        (["Hello"], r"messages\[0\] is str; it must be a dict"),
    ],
)
async def test_what_is_no_list_of_messages_is_a_type_error(messages, told):
    fake = FakeLLMProvider(lambda *_: FOUR)
    with pytest.raises(TypeError, match=told):
        await client(fake).complete(messages, Answer)
    assert fake.call_count == 0
