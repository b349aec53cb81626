import pytest

from llm_gateway import (
    ConfigurationError,
    GatewayConfig,
    LLMClient,
    ProviderError,
    ResponseValidationError,
)

from .answers import QUESTION, Answer
from .scripted_server import Reply, ScriptedServer

TOLD = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4o",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": '{"value": 4}'},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 100, "completion_tokens": 20},
    "provider": "openai",
    "latency_ms": 12,
    "cost_usd": 0.00045,
    "cost_breakdown": {"input_usd": 0.00025, "output_usd": 0.0002},
}
FOUR = Reply(
    200,
    TOLD,
    {"x-request-id": "r-1", "x-llmgateway-route": "provider=openai"},
)


def client(server, **fields):
    return LLMClient(GatewayConfig(gateway_url=server.url, **fields))


async def test_what_the_gateway_charges_is_the_cost():
    async with ScriptedServer([FOUR]) as server, client(server) as llm:
        response = await llm.complete(QUESTION, Answer)
        assert llm.total_cost_usd == 0.00045
    assert response.content == Answer(value=4)
    assert response.provider == "gateway"
    assert response.usage.output_cost_usd == 0.0002
    assert response.usage.total_cost_usd == 0.00045
    assert response.metadata == {
        "cost_known": True,
        "request_id": "r-1",
        "route": "provider=openai",
        "served_by": "openai",
    }


async def test_an_unknown_cost_is_said_to_be_unknown():
    told = {k: v for k, v in TOLD.items() if not k.startswith("cost")}
    async with (
        ScriptedServer([Reply(200, told)]) as server,
        client(server) as llm,
    ):
        response = await llm.complete(QUESTION, Answer)
    assert response.usage.total_cost_usd == 0
    assert response.metadata["cost_known"] is False


@pytest.mark.parametrize("cost", [-1000, "NaN", [1], float("inf"), 10**400])
async def test_a_cost_that_is_none_loses_no_answer(cost):
    told = {**TOLD, "cost_usd": cost, "cost_breakdown": [cost]}
    async with (
        ScriptedServer([Reply(200, told), FOUR]) as server,
        client(server) as llm,
    ):
        response = await llm.complete(QUESTION, Answer)
        await llm.complete(QUESTION, Answer)
        assert llm.total_cost_usd == 0.00045
    assert response.content == Answer(value=4)
    assert response.metadata["cost_known"] is False


@pytest.mark.parametrize(
    "choices", [{"0": 1}, [], [1], [{"message": []}], "x", None]
)
async def test_choices_that_are_none_are_an_empty_answer(choices):
    told = {**TOLD, "choices": choices}
    async with (
        ScriptedServer([Reply(200, told)]) as server,
        client(server) as llm,
    ):
        with pytest.raises(ResponseValidationError, match="it is empty"):
            await llm.complete(QUESTION, Answer)
        assert llm.total_cost_usd == 0.00045


@pytest.mark.parametrize("tokens", [True, -1, "7", 1.5])
async def test_tokens_that_are_no_count_are_none(tokens):
    told = {**TOLD, "usage": {"prompt_tokens": tokens}}
    async with (
        ScriptedServer([Reply(200, told)]) as server,
        client(server) as llm,
    ):
        response = await llm.complete(QUESTION, Answer)
    assert repr(response.usage.input_tokens) == "0"


@pytest.mark.parametrize("told", [[], 5, "x", True])
async def test_what_is_no_object_is_no_answer_of_a_gateway(told):
    async with (
        ScriptedServer([Reply(200, told)]) as server,
        client(server) as llm,
    ):
        with pytest.raises(ProviderError, match="no JSON object"):
            await llm.complete(QUESTION, Answer)


async def test_the_gateway_hears_how_long_it_may_take():
    async with (
        ScriptedServer([FOUR]) as server,
        client(server, timeout_seconds=7, gateway_key="key-g") as llm,
    ):
        await llm.complete(QUESTION, Answer)
    (request,) = server.requests
    assert request.headers["x-llmgateway-timeout"] == "7s"
    assert request.headers["authorization"] == "Bearer key-g"


async def test_a_refusal_is_told_with_its_reason():
    refusal = Reply(
        404, {"error": {"message": "nobody has it", "code": "model_not_found"}}
    )
    async with ScriptedServer([refusal]) as server, client(server) as llm:
        with pytest.raises(ProviderError) as caught:
            await llm.complete(QUESTION, Answer)
        assert len(server.requests) == 1
    assert caught.value.original.reason == "model_not_found"


async def test_an_answer_that_the_gateway_refuses_does_not_fit():
    refusal = Reply(
        502,
        {"error": {"message": "no", "code": "response_validation"}},
    )
    async with ScriptedServer([refusal]) as server, client(server) as llm:
        with pytest.raises(ResponseValidationError):
            await llm.complete(QUESTION, Answer)


async def test_who_is_told_to_wait_comes_back():
    limited = Reply(
        429,
        {"error": {"message": "slow", "code": "rate_limited"}},
        {"retry-after": "0"},
    )
    async with (
        ScriptedServer([limited, FOUR]) as server,
        client(server, max_retries=2) as llm,
    ):
        response = await llm.complete(QUESTION, Answer)
        assert len(server.requests) == 2
    assert response.content == Answer(value=4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAY_URL", "127.0.0.1:8080"),
        ("GATEWAY_URL", "http://127.0.0.1:99999"),
        ("GATEWAY_URL", "http://[::1"),
        ("LLM_BASE_URL", "ftp://x"),
        ("GATEWAY_CA", "nowhere.pem"),
        ("GATEWAY_KEY", "a\nb"),
        ("LLM_API_KEY", "clé"),
    ],
)
def test_variables_that_cannot_be_used_are_named_at_once(
    monkeypatch, name, value
):
    if name != "LLM_BASE_URL":
        monkeypatch.setenv("GATEWAY_URL", "https://127.0.0.1:8080")
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        LLMClient(GatewayConfig(provider="gateway"))
    assert list(caught.value.problems) == [name]


def test_what_is_secret_in_them_is_not_shown(monkeypatch):
    monkeypatch.setenv("GATEWAY_URL", "gateway://me:password@host")
    monkeypatch.setenv("GATEWAY_KEY", "secret\n")
    with pytest.raises(ConfigurationError) as caught:
        LLMClient()
    assert sorted(caught.value.problems) == ["GATEWAY_KEY", "GATEWAY_URL"]
    assert "password" not in str(caught.value)
    assert "secret" not in str(caught.value)
