import pytest

from llm_gateway import GatewayConfig, LLMClient, ResponseValidationError
from llm_gateway.testing import FakeLLMProvider

from .answers import QUESTION, Answer


async def test_it_answers_by_the_type():
    fake = FakeLLMProvider()
    fake.set_response(Answer, Answer(value=4))
    async with LLMClient(GatewayConfig(), fake) as llm:
        assert (await llm.complete(QUESTION, Answer)).content.value == 4
    assert fake.call_count == 1
    assert fake.calls[0].messages == QUESTION
    assert fake.calls[0].response_model is Answer
    assert fake.closed


async def test_what_is_set_goes_before_the_factory():
    fake = FakeLLMProvider(lambda model, messages: model(value=len(messages)))
    assert (await fake.complete(QUESTION, Answer, "m")).content.value == 1
    fake.set_response(Answer, Answer(value=4))
    assert (await fake.complete(QUESTION, Answer, "m")).content.value == 4


async def test_without_an_answer_it_says_how_to_give_one():
    with pytest.raises(ResponseValidationError, match="call set_response"):
        await FakeLLMProvider().complete(QUESTION, Answer, "m")


async def test_tokens_are_as_told():
    fake = FakeLLMProvider(lambda *_: None, input_tokens=7, output_tokens=3)
    usage = (await fake.complete(QUESTION, Answer, "gpt-4o")).usage
    assert (usage.input_tokens, usage.output_tokens) == (7, 3)
    assert usage.total_cost_usd == pytest.approx(0.0000475)
