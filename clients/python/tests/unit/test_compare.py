import asyncio
import io
import json
import os
import subprocess
import sys

import pytest

from llm_gateway import compare

from .scripted_server import Reply, ScriptedServer

CHAT = {
    "model": "gpt-4o",
    "provider": "openai",
    "choices": [
        {
            "message": {"role": "assistant", "content": "Of the model."},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    "cost_usd": 0.000075,
}
NODE = {
    "content": "Of the node.",
    "model_used": "gemini-2.5-pro",
    "provider": "openrouter",
    "tokens_used": {"input": 11, "output": 6, "total": 17},
    "cost_usd": 0.0,
    "latency_ms": 12.5,
    "trace_id": "t-1",
}


async def run(monkeypatch, replies, *arguments):
    async with ScriptedServer(replies) as server:
        monkeypatch.setenv("GATEWAY_URL", server.url)
        code = await asyncio.to_thread(compare.main, list(arguments))
    return code, server


async def test_a_width_that_is_no_number_costs_no_answer(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "wide")
    sides = ["--model", "gpt-4o", "--model", "gpt-4.1", "Write."]
    code, _ = await run(monkeypatch, [Reply(200, CHAT)], *sides)
    assert code == 0
    assert "Of the model." in capsys.readouterr().out


async def test_two_sides_are_shown_beside_each_other(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "60")
    code, server = await run(
        monkeypatch,
        [Reply(200, CHAT)],
        "--model",
        "gpt-4o",
        "--model",
        "gpt-4.1",
        "Write.",
    )
    assert code == 0
    asked = {request.json["model"] for request in server.requests}
    assert asked == {"gpt-4o", "gpt-4.1"}
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split(" | ")[0].strip() == "model gpt-4o"
    assert lines[0].split(" | ")[1].strip() == "model gpt-4.1"
    assert lines[2].count("Of the model.") == 2
    assert any(line.count("served by openai/gpt-4o") == 2 for line in lines)
    assert any(line.count("cost $0.000075") == 2 for line in lines)
    assert any(line.count("tokens 10 in, 5 out") == 2 for line in lines)
    assert all(len(line) <= 60 for line in lines)


@pytest.mark.parametrize("side", ["--model", "--node"])
async def test_nobody_is_waited_for_longer_than_told(monkeypatch, capsys, side):
    code, _ = await run(
        monkeypatch,
        [Reply(never=True)],
        "--timeout",
        "0.2",
        *(side, "writer", side, "writer"),
        "Write.",
    )
    assert code == 1
    assert "no answer within 0.2 s" in capsys.readouterr().out


async def test_a_node_is_a_side_too(monkeypatch, capsys):
    # Whoever comes first: each answer has the fields of both.
    both = Reply(200, {**CHAT, **NODE})
    monkeypatch.setattr(sys, "stdin", io.StringIO("Write."))
    code, server = await run(
        monkeypatch,
        [both],
        "--old-model",
        "gemini-2.5-pro",
        "--new-gateway",
        "--output",
        "json",
    )
    assert code == 0
    old, new = json.loads(capsys.readouterr().out)
    assert (old["kind"], old["answer"]) == ("model", "Of the model.")
    assert (new["kind"], new["name"]) == ("node", "writer")
    assert new["answer"] == "Of the node."
    assert new["served_by"] == "openrouter/gemini-2.5-pro"
    assert new["cost_usd"] is None  # The gateway did not say.
    assert new["latency_ms"] > 0
    paths = {request.path for request in server.requests}
    assert paths == {"/v1/chat/completions", "/api/chat/complete"}


async def test_a_side_that_fails_is_told_beside_the_other(monkeypatch, capsys):
    refusal = Reply(404, {"error": {"message": "no", "code": "not_found"}})
    code, _ = await run(
        monkeypatch,
        [Reply(200, CHAT), refusal],
        "--model",
        "a",
        "--model",
        "b",
        "Write.",
    )
    assert code == 1
    printed = capsys.readouterr().out
    assert "Of the model." in printed
    assert "error: 404 not_found: no" in printed


@pytest.mark.parametrize(
    "told",
    [
        {},
        [],
        {**CHAT, "choices": []},
        {**CHAT, "choices": [{"message": {"content": ["a"]}}]},
        {**CHAT, "cost_usd": "dear"},
    ],
)
async def test_an_answer_of_another_form_fails_its_side_alone(
    monkeypatch, capsys, told
):
    sides = ["--model", "a", "--model", "b", "Write."]
    replies = [Reply(200, CHAT), Reply(200, told)]
    code, _ = await run(monkeypatch, replies, *sides)
    assert code == 1
    printed = capsys.readouterr().out
    assert "Of the model." in printed
    assert "error: the answer" in printed


async def test_a_server_that_names_no_provider_is_compared(monkeypatch, capsys):
    told = {key: CHAT[key] for key in ("model", "choices")}
    sides = ["--model", "a", "--model", "b", "Write."]
    code, _ = await run(monkeypatch, [Reply(200, told)], *sides)
    assert code == 0
    assert "served by gpt-4o" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("output", "on_terminal", "shown"),
    [
        ("table", True, "a\\u001b]0;b\\u0007\\ud83d"),
        ("table", False, "a\x1b]0;b\x07\\ud83d"),
        ("json", True, "a\\u009b"),
    ],
)
async def test_what_an_answer_says_does_nothing_to_a_terminal(
    monkeypatch, capsys, output, on_terminal, shown
):
    said = "a\x9b" if output == "json" else "a\x1b]0;b\x07\ud83d"
    choices = [{"message": {"content": said}}]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: on_terminal)
    sides = ["--model", "a", "--model", "b", "--output", output, "Write."]
    code, _ = await run(
        monkeypatch, [Reply(200, {**CHAT, "choices": choices})], *sides
    )
    assert code == 0
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--model", "a", "Write."], "name two sides or more"),
        (["--model", "a", "--node", "b", " "], "the prompt is empty"),
        (["--model"], "expected one argument"),
        *(
            ([f"--timeout={wrong}"], f"argument --timeout: '{wrong}' is no")
            for wrong in ("-1", "0", "nan", "inf", "soon")
        ),
    ],
)
def test_what_is_no_command_is_refused(arguments, told, capsys):
    with pytest.raises(SystemExit) as caught:
        compare.main(arguments)
    assert caught.value.code == 2
    assert told in capsys.readouterr().err


def _into(stdout):
    """The program, of which nobody answers, with this standard output."""
    arguments = ["--model", "a", "--model", "b", "Write."]
    return subprocess.run(
        [sys.executable, "-m", "llm_gateway.compare", *arguments],
        check=False,
        env={**os.environ, "GATEWAY_URL": "http://127.0.0.1:1"},
        stderr=subprocess.PIPE,
        stdout=stdout,
        text=True,
        timeout=60,
    )


def test_what_cannot_be_written_is_told():
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as pipe, open("/dev/full", "wb") as full:
        for stdout, why in (
            (pipe, "Broken pipe"),
            (full, "No space left on device"),
        ):
            done = _into(stdout)
            assert (done.returncode, done.stderr) == (
                1,
                f"llm-gateway-compare: the answers cannot be written: {why}\n",
            )


def test_long_answers_are_wrapped_in_their_columns():
    sides = [
        compare.Side("model", name, answer=answer, latency_ms=1.0)
        for name, answer in (("a", "word " * 30), ("b", "one\n\ntwo"))
    ]
    lines = compare.as_table(sides, 60).splitlines()
    assert max(map(len, lines)) <= 60
    assert [line.split("|")[1].strip() for line in lines[2:5]] == [
        "one",
        "",
        "two",
    ]
