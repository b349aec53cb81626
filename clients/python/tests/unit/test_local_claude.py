import asyncio
import json
import os
import sys

import pytest

from llm_gateway import (
    GatewayConfig,
    LLMClient,
    ProviderError,
    ResponseValidationError,
)

from .answers import QUESTION, Answer

# Notes what it was given, then does what the test says.
PROGRAM = """\
#!{python}
import json, os, sys, time
by_stdin = sys.argv[2:3] == ["--output-format"]
with open({note!r}, "w") as note:
    json.dump({{"argv": sys.argv[1:], "environment": dict(os.environ),
               "stdin": sys.stdin.read() if by_stdin else ""}}, note)
{deed}
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Puts a program `claude` first on the PATH; returns its note."""
    folder = tmp_path / "bin"
    folder.mkdir()
    note = tmp_path / "note"
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def install(deed):
        path = folder / "claude"
        path.write_text(
            PROGRAM.format(python=sys.executable, note=str(note), deed=deed)
        )
        path.chmod(0o755)
        return lambda: json.loads(note.read_text())

    return install


def prints(result, **more):
    return f"print(json.dumps({ {'result': result, **more}!r}))"


def client(**fields):
    return LLMClient(GatewayConfig(provider="local_claude", **fields))


async def test_the_result_is_the_answer(install):
    install(prints('{"value": 4}'))
    async with client() as llm:
        response = await llm.complete(QUESTION, Answer)
    assert response.content == Answer(value=4)
    assert response.provider == "local_claude"


async def test_it_is_free_and_tokens_are_a_quarter_of_characters(install):
    noted = install(prints('{"value": 4}'))
    async with client(cost_limit_usd=0.000001) as llm:
        response = await llm.complete(QUESTION, Answer)
        assert llm.total_cost_usd == 0
    prompt = noted()["argv"][1]
    assert response.usage.input_tokens == len(prompt) // 4
    assert response.usage.output_tokens == len('{"value": 4}') // 4
    assert response.metadata == {"cost_known": True, "tokens_estimated": True}


async def test_an_empty_text_is_one_token(install):
    install(prints("1"))
    async with client() as llm:
        with pytest.raises(ResponseValidationError) as caught:
            await llm.complete(QUESTION, Answer)
    assert caught.value.usage.output_tokens == 1


async def test_it_is_called_as_documented(install):
    noted = install(prints('{"value": 4}'))
    messages = [{"role": "system", "content": "Be short."}, *QUESTION]
    async with client() as llm:
        await llm.complete(messages, Answer)
    option, prompt, *rest = noted()["argv"]
    assert option == "-p"
    assert rest == ["--output-format", "json", "--max-turns", "1"]
    assert "[System]: Be short.\n\n[User]: What is 2 + 2?" in prompt
    assert '"required": ["value"]' in prompt


async def test_a_chosen_model_is_told(install):
    noted = install(prints('{"value": 4}'))
    async with client() as llm:
        await llm.complete(QUESTION, Answer, model="opus")
    assert noted()["argv"][-2:] == ["--model", "opus"]
    async with client(model="haiku") as llm:
        await llm.complete(QUESTION, Answer)
    assert noted()["argv"][-2:] == ["--model", "haiku"]


async def test_it_may_run_inside_a_session(install, monkeypatch):
    monkeypatch.setenv("CLAUDECODE", "1")
    monkeypatch.setenv("CLAUDE_KEPT", "1")
    noted = install(prints('{"value": 4}'))
    async with client() as llm:
        await llm.complete(QUESTION, Answer)
    environment = noted()["environment"]
    assert "CLAUDECODE" not in environment
    assert environment["CLAUDE_KEPT"] == "1"
    assert os.environ["CLAUDECODE"] == "1"


async def test_a_long_prompt_goes_by_standard_input(install):
    noted = install(prints('{"value": 4}'))
    question = "x" * 200_000
    async with client() as llm:
        await llm.complete([{"role": "user", "content": question}], Answer)
    assert noted()["argv"][:2] == ["-p", "--output-format"]
    assert question in noted()["stdin"]


async def test_a_fence_is_taken_off(install):
    install(prints('```json\n{"value": 4}\n```'))
    async with client() as llm:
        assert (await llm.complete(QUESTION, Answer)).content.value == 4


async def test_an_exit_code_is_a_failure_with_what_it_said(install):
    install("sys.exit('Invalid API key')")
    async with client() as llm:
        with pytest.raises(ProviderError, match="with 1: Invalid API key"):
            await llm.complete(QUESTION, Answer)


async def test_an_error_in_the_wrapper_is_a_failure(install):
    install(prints("Credit balance is too low", is_error=True))
    async with client() as llm:
        with pytest.raises(ProviderError, match="Credit balance is too low"):
            await llm.complete(QUESTION, Answer)


@pytest.mark.parametrize(
    "deed", ["print('Hello')", "print('[]')", "print('{}')", "pass"]
)
async def test_what_is_no_wrapper_does_not_fit(install, deed):
    install(deed)
    async with client() as llm:
        with pytest.raises(ResponseValidationError, match="'claude' printed"):
            await llm.complete(QUESTION, Answer)


async def test_one_that_takes_too_long_is_killed(install, tmp_path):
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    # The far end of the pipe closes when the program is gone.
    install(
        f"pipe = open({str(alive)!r}, 'w'); pipe.write('1'); pipe.flush()"
        "; time.sleep(600)"
    )
    async with client(timeout_seconds=1) as llm:
        call = asyncio.ensure_future(llm.complete(QUESTION, Answer))
        read = await asyncio.to_thread(open, alive)
        with read:
            with pytest.raises(ProviderError, match="LLM_TIMEOUT_SECONDS"):
                await call
            assert await asyncio.to_thread(read.read) == "1"


async def test_what_it_has_started_is_killed_with_it(install, tmp_path):
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    # The child has the program's own pipes, too.
    install(
        "import subprocess; subprocess.Popen([sys.executable, '-c', "
        f"\"import time; pipe = open({str(alive)!r}, 'w'); time.sleep(600)\"])"
        "; time.sleep(600)"
    )
    async with client(timeout_seconds=1) as llm:
        call = asyncio.ensure_future(llm.complete(QUESTION, Answer))
        read = await asyncio.to_thread(open, alive)
        with read:
            with pytest.raises(ProviderError, match="LLM_TIMEOUT_SECONDS"):
                await call
            assert await asyncio.to_thread(read.read) == ""


async def test_what_it_leaves_behind_with_its_pipes_is_not_waited_for(
    install, tmp_path
):
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    install(
        prints('{"value": 4}') + "; sys.stdout.flush(); import subprocess"
        "; subprocess.Popen([sys.executable, '-c', "
        f"\"import time; pipe = open({str(alive)!r}, 'w'); time.sleep(600)\"])"
        f"; open({str(alive)!r}).close()"
    )
    async with client(timeout_seconds=60) as llm:
        call = asyncio.ensure_future(llm.complete(QUESTION, Answer))
        read = await asyncio.to_thread(open, alive)
        with read:
            assert (await call).content == Answer(value=4)
            assert await asyncio.to_thread(read.read) == ""


async def test_what_is_nested_too_deeply_does_not_fit(install):
    install("print('[' * 100000)")
    async with client() as llm:
        with pytest.raises(ResponseValidationError, match="'claude' printed"):
            await llm.complete(QUESTION, Answer)


async def test_one_whose_caller_left_is_killed(install, tmp_path):
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    install(f"pipe = open({str(alive)!r}, 'w'); time.sleep(600)")
    async with client() as llm:
        call = asyncio.ensure_future(llm.complete(QUESTION, Answer))
        read = await asyncio.to_thread(open, alive)
        with read:
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert await asyncio.to_thread(read.read) == ""
