import asyncio

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

pytest.importorskip("anthropic", reason="the extra `anthropic`")


def message(*blocks, **more):
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250514",
        "content": list(blocks),
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 100, "output_tokens": 20},
        **more,
    }


def filled_in(value):
    return {
        "type": "tool_use",
        "id": "t1",
        "name": "Answer",
        "input": {"value": value},
    }


FOUR = Reply(200, message(filled_in(4)), {"request-id": "req_1"})
BUSY = Reply(
    529,
    {"type": "error", "error": {"type": "overloaded_error", "message": "no"}},
)


def client(server, **fields):
    return LLMClient(
        GatewayConfig(api_key="key-a", base_url=server.url, **fields)
    )


async def test_the_answer_is_what_the_tool_was_given():
    async with ScriptedServer([FOUR]) as server, client(server) as llm:
        response = await llm.complete(QUESTION, Answer)
    assert response.content == Answer(value=4)
    assert response.provider == "anthropic"
    assert response.usage.input_tokens == 100
    # 100 tokens of 3.00 and 20 of 15.00.
    assert response.usage.total_cost_usd == pytest.approx(0.0006)
    assert response.metadata == {"cost_known": True, "request_id": "req_1"}


async def test_the_model_must_call_the_tool():
    messages = [
        {"role": "system", "content": "Be short."},
        {"role": "system", "content": "Be right."},
        *QUESTION,
    ]
    async with ScriptedServer([FOUR]) as server, client(server) as llm:
        await llm.complete(messages, Answer, max_tokens=77, temperature=0.25)
    (request,) = server.requests
    assert request.path == "/v1/messages"
    # Newer SDKs send a token, as all the world does.
    headers = request.headers
    assert "key-a" in (headers.get("x-api-key") or headers["authorization"])
    assert request.json["system"] == "Be short.\n\nBe right."
    assert request.json["messages"] == QUESTION
    assert request.json["tool_choice"] == {"type": "tool", "name": "Answer"}
    schema = request.json["tools"][0]["input_schema"]
    assert schema["required"] == ["value"]
    assert request.json["max_tokens"] == 77
    assert request.json["temperature"] == 0.25


async def test_a_model_that_takes_no_temperature_gets_none():
    async with (
        ScriptedServer([FOUR]) as server,
        client(server, temperature=None) as llm,
    ):
        await llm.complete(QUESTION, Answer)
    assert "temperature" not in server.requests[0].json


@pytest.fixture
def no_waits(monkeypatch):
    """As asyncio.sleep is in retrying: the waits are proven there."""
    real = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: real(0))


async def test_a_busy_vendor_is_asked_again(no_waits):
    replies = [BUSY, Reply(raw=b""), FOUR]
    async with ScriptedServer(replies) as server, client(server) as llm:
        response = await llm.complete(QUESTION, Answer)
        assert response.content == Answer(value=4)
        assert len(server.requests) == 3


@pytest.mark.parametrize(("max_retries", "attempts"), [(0, 1), (2, 2)])
async def test_tries_are_as_many_as_configured(no_waits, max_retries, attempts):
    async with (
        ScriptedServer([BUSY]) as server,
        client(server, max_retries=max_retries) as llm,
    ):
        with pytest.raises(ProviderError, match="provider 'anthropic' failed"):
            await llm.complete(QUESTION, Answer)
        assert len(server.requests) == attempts


async def test_a_wrong_key_is_not_tried_again():
    refusal = Reply(
        401,
        {
            "type": "error",
            "error": {"type": "authentication_error", "message": "no"},
        },
    )
    async with ScriptedServer([refusal]) as server, client(server) as llm:
        with pytest.raises(ProviderError) as caught:
            await llm.complete(QUESTION, Answer)
        assert len(server.requests) == 1
    assert caught.value.original.status_code == 401
    assert "key-a" not in str(caught.value)


async def test_an_answer_that_does_not_fit_is_paid_for():
    reply = Reply(200, message(filled_in("four")))
    async with ScriptedServer([reply]) as server, client(server) as llm:
        with pytest.raises(ResponseValidationError, match="value: "):
            await llm.complete(QUESTION, Answer)
        assert len(server.requests) == 1
        assert llm.total_tokens == 120


async def test_an_answer_that_is_cut_off_is_none_also_where_it_fits():
    reply = Reply(200, message(filled_in(4), stop_reason="max_tokens"))
    async with ScriptedServer([reply]) as server, client(server) as llm:
        with pytest.raises(ResponseValidationError, match="LLM_MAX_TOKENS"):
            await llm.complete(QUESTION, Answer)
        assert llm.total_tokens == 120


async def test_an_answer_beside_the_tool_is_none():
    reply = Reply(
        200,
        message({"type": "text", "text": "Four."}, stop_reason="max_tokens"),
    )
    async with ScriptedServer([reply]) as server, client(server) as llm:
        with pytest.raises(ResponseValidationError, match="max_tokens"):
            await llm.complete(QUESTION, Answer)


async def test_an_unknown_price_is_said_to_be_unknown():
    async with ScriptedServer([FOUR]) as server, client(server) as llm:
        response = await llm.complete(QUESTION, Answer, model="claude-next")
    assert response.usage.total_cost_usd == 0
    assert response.metadata["cost_known"] is False


def test_without_a_key_it_cannot_be_made():
    with pytest.raises(ProviderInitError, match="ANTHROPIC_API_KEY"):
        LLMClient()
