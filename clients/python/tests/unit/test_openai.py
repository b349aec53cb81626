import pytest

from llm_gateway import (
    GatewayConfig,
    LLMClient,
    ProviderError,
    ProviderInitError,
    ResponseValidationError,
)

from .answers import QUESTION, Answer
from .scripted_server import Reply, ScriptedServer

pytest.importorskip("openai", reason="the extra `openai`")


def completion(content, finish_reason="stop", refusal=None):
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-2024-08-06",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": content,
                    "refusal": refusal,
                },
                "finish_reason": finish_reason,
                "logprobs": None,
            }
        ],
        "usage": {
            "prompt_tokens": 1000,
            "completion_tokens": 100,
            "total_tokens": 1100,
        },
    }


FOUR = Reply(200, completion('{"value": 4, "reason": ""}'))


def client(server, **fields):
    return LLMClient(
        GatewayConfig(
            provider="openai",
            api_key="key-o",
            base_url=server.url + "/v1",
            **fields,
        )
    )


async def test_the_answer_is_by_a_strict_schema():
    async with ScriptedServer([FOUR]) as server, client(server) as llm:
        response = await llm.complete(QUESTION, Answer)
    assert response.content == Answer(value=4)
    assert (response.provider, response.model) == ("openai", "gpt-4o")
    # 1000 tokens of 2.50 and 100 of 10.00.
    assert response.usage.total_cost_usd == pytest.approx(0.0035)
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer key-o"
    form = request.json["response_format"]["json_schema"]
    assert form["strict"] is True
    assert form["schema"]["required"] == ["value", "reason"]


@pytest.mark.parametrize("temperature", [None, 0.0])
async def test_a_model_may_take_no_temperature(temperature):
    async with (
        ScriptedServer([FOUR]) as server,
        client(server, temperature=temperature) as llm,
    ):
        await llm.complete(QUESTION, Answer)
    assert server.requests[0].json.get("temperature") == temperature


async def test_a_refusal_is_told_as_one_and_its_words_are_in_no_message():
    reply = Reply(200, completion(None, refusal="I would rather not."))
    async with ScriptedServer([reply]) as server, client(server) as llm:
        with pytest.raises(ResponseValidationError, match="refuses") as caught:
            await llm.complete(QUESTION, Answer)
        assert llm.total_tokens == 1100
    assert caught.value.refusal == "I would rather not."
    assert "rather not" not in str(caught.value)


async def test_an_answer_that_is_cut_off_says_what_to_raise():
    reply = Reply(200, completion('{"val', finish_reason="length"))
    async with ScriptedServer([reply]) as server, client(server) as llm:
        with pytest.raises(ResponseValidationError, match="LLM_MAX_TOKENS"):
            await llm.complete(QUESTION, Answer)


async def test_a_spent_quota_is_not_tried_again():
    reply = Reply(
        429,
        {
            "error": {
                "message": "You exceeded your quota",
                "type": "insufficient_quota",
                "code": "insufficient_quota",
                "param": None,
            }
        },
    )
    async with ScriptedServer([reply]) as server, client(server) as llm:
        with pytest.raises(ProviderError) as caught:
            await llm.complete(QUESTION, Answer)
        assert len(server.requests) == 1
    assert caught.value.original.code == "insufficient_quota"


async def test_nobody_at_the_address_is_a_failure():
    config = GatewayConfig(
        provider="openai",
        api_key="key-o",
        base_url="http://127.0.0.1:1/v1",
        max_retries=1,
    )
    async with LLMClient(config) as llm:
        with pytest.raises(ProviderError):
            await llm.complete(QUESTION, Answer)


def test_without_a_key_it_cannot_be_made():
    with pytest.raises(ProviderInitError, match="OPENAI_API_KEY"):
        LLMClient(GatewayConfig(provider="openai"))
