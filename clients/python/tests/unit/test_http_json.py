import asyncio
import ssl

import pytest

from llm_gateway import GatewayError
from llm_gateway.http_json import (
    HttpFailureError,
    JsonHttp,
    UnreachableError,
    configured_http,
    retry_advice,
)

from .scripted_server import Reply, ScriptedServer


async def ask(reply, **options):
    async with ScriptedServer([reply]) as server:
        http = JsonHttp(server.url, key="key-g")
        answer = await http.ask("POST", "/x", {"a": 1}, **options)
        return answer, server.requests[0]


async def test_what_is_sent_and_what_comes_back():
    reply = Reply(200, {"b": 2}, {"x-request-id": "r-1"})
    answer, request = await ask(reply, headers={"x-mine": "yes"})
    assert answer.json == {"b": 2}
    assert answer.headers["X-Request-Id"] == "r-1"
    assert (request.method, request.path) == ("POST", "/x")
    assert request.json == {"a": 1}
    assert request.headers["authorization"] == "Bearer key-g"
    assert request.headers["x-mine"] == "yes"


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        b'4;x=y\r\n{"b"\r\n4\r\n: 2}\r\n0\r\n\r\n',
        b'HTTP/1.1 200 OK\r\n\r\n{"b": 2}',
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
        b'HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{"b": 2}',
    ],
    ids=["chunked", "until the end", "after an informational one"],
)
async def test_bodies_of_every_framing(raw):
    answer, _ = await ask(Reply(raw=raw))
    assert answer.json == {"b": 2}


async def test_a_refusal_of_the_gateway_is_read():
    reply = Reply(
        429,
        {
            "error": {
                "message": "the budget is spent",
                "type": "insufficient_quota",
                "code": "budget_exhausted",
            }
        },
        {"x-request-id": "r-2", "retry-after": "30"},
    )
    with pytest.raises(HttpFailureError) as caught:
        await ask(reply)
    error = caught.value
    assert (error.status, error.reason) == (429, "budget_exhausted")
    assert (error.request_id, error.retry_after_s) == ("r-2", 30.0)
    assert str(error) == "429 budget_exhausted: the budget is spent"
    assert retry_advice(error) == 30.0


async def test_what_the_gateway_has_tried_is_not_tried_again():
    reply = Reply(503, {}, {"retry-after": "1", "x-should-retry": "false"})
    with pytest.raises(HttpFailureError) as caught:
        await ask(reply)
    assert retry_advice(caught.value) is None


async def test_a_failure_without_json_is_told_by_its_status():
    raw = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\n\r\n<html>"
    with pytest.raises(HttpFailureError, match="502: an answer that is no"):
        await ask(Reply(raw=raw))


async def test_nobody_there_is_told_as_that():
    with pytest.raises(UnreachableError, match=r"no gateway at 127\.0\.0\.1:1"):
        await JsonHttp("http://127.0.0.1:1").ask("GET", "/")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "closed the connection"),
        (
            b'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"b"',
            "closed the connection",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "speaks no HTTP"),
        (b"HTTP/1.1 abc\r\n\r\n", "no answer by HTTP"),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            "no answer by HTTP",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\n{}",
            "no answer by HTTP",
        ),
        (
            b"HTTP/1.1 200 OK\r\n" + b"x: a\r\n" * 200 + b"\r\n",
            "no answer by HTTP",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
            "is over 67108864 bytes",
        ),
        (
            b"HTTP/1.1 200 OK\r\nx: " + b"a" * 300_000 + b"\r\n\r\n",
            "a head over",
        ),
    ],
    ids=[
        "nothing",
        "half",
        "another protocol",
        "no status",
        "no size of a chunk",
        "no length",
        "many fields",
        "too much",
        "a large head",
    ],
)
async def test_a_broken_answer_is_no_answer(raw, told):
    with pytest.raises(ConnectionError, match=told) as caught:
        await ask(Reply(raw=raw))
    assert isinstance(caught.value, GatewayError)
    assert retry_advice(caught.value) is None


async def test_json_that_is_too_deep_is_none():
    deep = b"[" * 100_000
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(deep)
    with pytest.raises(HttpFailureError, match="no JSON"):
        await ask(Reply(raw=head + deep))


async def test_a_call_that_takes_too_long_ends_and_hangs_up():
    async with ScriptedServer([Reply(never=True)]) as server:
        with pytest.raises(TimeoutError, match=r"in 0\.2 s") as caught:
            await JsonHttp(server.url).ask("GET", "/", timeout_s=0.2)
        assert isinstance(caught.value, GatewayError)
        await asyncio.wait_for(server.hung_up.wait(), 30)


async def test_leaving_a_call_hangs_up():
    async with ScriptedServer([Reply(never=True)]) as server:
        call = asyncio.ensure_future(JsonHttp(server.url).ask("GET", "/"))
        await server.asked.wait()
        call.cancel()
        await asyncio.wait_for(server.hung_up.wait(), 30)


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://x", "http://", ""])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ValueError, match="no address of a gateway"):
        JsonHttp(url)


def test_an_address_with_a_password_is_refused_and_not_repeated():
    with pytest.raises(ValueError, match="give a key") as caught:
        JsonHttp("http://user:hunter2@127.0.0.1:8080")
    assert "hunter2" not in str(caught.value)


def test_certificates_are_read_again_only_where_they_have_changed(
    monkeypatch, tmp_path
):
    system = ssl.create_default_context()
    read = []

    def reads(cafile=None):
        read.append(cafile)
        return system

    monkeypatch.setattr(ssl, "create_default_context", reads)
    ca = tmp_path / "ca.pem"
    ca.write_text("one")
    name = ("GATEWAY_KEY", None)
    for _ in range(3):
        configured_http(("GATEWAY_URL", "https://h:1"), name, str(ca))
    assert read == [str(ca)]
    ca.write_text("another")
    JsonHttp("https://h:1", ca=str(ca))
    assert read == [str(ca)] * 2
    with pytest.raises(OSError):
        JsonHttp("https://h:1", ca=str(tmp_path / "nowhere.pem"))


async def test_a_header_is_one_line():
    with pytest.raises(ValueError, match="'x-trace-id' has a line break"):
        await ask(Reply(200, {}), headers={"x-trace-id": "a\r\nb: c"})
