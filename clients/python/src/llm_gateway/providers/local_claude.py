"""Claude Code's command line program, `claude`, as a provider.

It costs nothing by itself and does not say how many tokens a call took: cost
is 0, and known to be; tokens are estimated as a quarter of the characters.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from llm_gateway.exceptions import (
    CLINotFoundError,
    GatewayError,
    ProviderError,
    ResponseValidationError,
)
from llm_gateway.providers.structured import object_schema, validated_text
from llm_gateway.types import LLMMessage, LLMResponse, TokenUsage

if TYPE_CHECKING:
    from llm_gateway.config import GatewayConfig

T = TypeVar("T")

_CHARACTERS_PER_TOKEN = 4
# Linux takes no argument of 128 KiB or more; a longer prompt goes by stdin.
_ARGUMENT_BYTES_MAX = 100_000
_OUTPUT_BYTES_MAX = 16 * 1024 * 1024
_ERROR_CHARACTERS_MAX = 2000
# How long a program is waited for that was killed.
_KILLED_WAIT_S = 1.0
# How long its pipes are read once it has ended, where something that it has
# started holds them open.
_PIPES_WAIT_S = 0.5
_EXIT_POLL_S = 0.05


class LocalClaudeProvider:
    """Runs `claude` once for each call.

    Args:
      timeout_s: after that long the program is killed, with all that it has
        started; so is what it leaves behind with its pipes.
      default_model: the model's name where the program itself is to choose;
        any other is told to it.

    Raises CLINotFoundError where there is no such program on the PATH.
    """

    name = "local_claude"

    def __init__(
        self, timeout_s: float = 120.0, default_model: str | None = None
    ) -> None:
        path = shutil.which("claude")
        if path is None:
            raise CLINotFoundError()
        self._path = path
        self._timeout_s = timeout_s
        self._default_model = default_model

    @classmethod
    def from_config(cls, config: GatewayConfig) -> LocalClaudeProvider:
        return cls(
            float(config.timeout_seconds),
            None if config.model_is_chosen else config.model,
        )

    async def complete(
        self,
        messages: Sequence[LLMMessage],
        response_model: type[T],
        model: str,
        max_tokens: int = 4096,
        temperature: float | None = 0.0,
    ) -> LLMResponse[T]:
        """As any provider's; the program takes neither of the last two."""
        prompt = self._build_prompt(messages, response_model)
        begun = time.monotonic()
        try:
            output = await self._run_cli(prompt, model)
        except GatewayError:
            raise
        except Exception as error:
            raise ProviderError(self.name, error) from error
        text = self._result_of(output, response_model)
        usage = TokenUsage(_estimated(prompt), _estimated(text))
        return LLMResponse(
            content=validated_text(response_model, text, usage),
            usage=usage,
            model=model,
            provider=self.name,
            latency_ms=(time.monotonic() - begun) * 1000,
            metadata={"cost_known": True, "tokens_estimated": True},
        )

    async def close(self) -> None:
        """Nothing is kept between calls."""

    @staticmethod
    def _build_prompt(
        messages: Sequence[LLMMessage], response_model: type[Any]
    ) -> str:
        schema = json.dumps(object_schema(response_model), ensure_ascii=False)
        turns = "\n\n".join(
            f"[{message['role'].capitalize()}]: {message['content']}"
            for message in messages
        )
        return (
            "Reply with one JSON object and nothing else: no explanation, no "
            "Markdown. It must be valid by this JSON Schema:\n"
            f"{schema}\n\n{turns}"
        )

    async def _run_cli(self, prompt: str, model: str) -> bytes:
        """Standard output; raises for time-outs and exit codes but 0."""
        by_stdin = len(prompt.encode()) > _ARGUMENT_BYTES_MAX
        command = [self._path, "-p", *([] if by_stdin else [prompt])]
        command += ["--output-format", "json", "--max-turns", "1"]
        if model != self._default_model:
            command += ["--model", model]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=(
                asyncio.subprocess.PIPE
                if by_stdin
                else asyncio.subprocess.DEVNULL
            ),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Within a session of Claude Code the program refuses to run.
            env={k: v for k, v in os.environ.items() if k != "CLAUDECODE"},
            limit=_OUTPUT_BYTES_MAX,
            start_new_session=True,
        )
        is_over = False
        try:
            output, errors = await asyncio.wait_for(
                _communicate(process, prompt if by_stdin else None),
                self._timeout_s,
            )
            is_over = True
        except asyncio.TimeoutError:
            raise ProviderError(
                self.name,
                TimeoutError(
                    f"'claude' took longer than {self._timeout_s:g} s; raise "
                    "LLM_TIMEOUT_SECONDS"
                ),
            ) from None
        finally:
            # Also when the caller has gone.
            if not is_over:
                await _kill(process)
        if process.returncode != 0:
            raise RuntimeError(
                f"'claude' exited with {process.returncode}: "
                + (
                    errors.decode(errors="replace").strip()
                    or output.decode(errors="replace").strip()
                )[:_ERROR_CHARACTERS_MAX]
            )
        return output

    def _result_of(self, output: bytes, response_model: type[Any]) -> str:
        """The field `result` of what the program printed."""
        try:
            wrapper = json.loads(output)
        except (ValueError, RecursionError) as error:
            raise ResponseValidationError(
                response_model.__name__,
                f"'claude' printed no JSON: {error}",
            ) from error
        result = wrapper.get("result") if isinstance(wrapper, dict) else None
        if isinstance(wrapper, dict) and wrapper.get("is_error"):
            raise ProviderError(
                self.name,
                RuntimeError(
                    str(result or wrapper.get("subtype") or "an error")[
                        :_ERROR_CHARACTERS_MAX
                    ]
                ),
            )
        if not isinstance(result, str):
            raise ResponseValidationError(
                response_model.__name__,
                "'claude' printed JSON without a text in `result`",
            )
        return result


async def _kill(process: asyncio.subprocess.Process) -> None:
    """Ends the program and what it has started, which has its pipes."""
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    # What has left its session keeps them, and is not waited for.
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(_end_of(process), _KILLED_WAIT_S)


async def _end_of(process: asyncio.subprocess.Process) -> None:
    for pipe in (process.stdout, process.stderr):
        while pipe is not None and await pipe.read(65536):
            pass
    await process.wait()


async def _communicate(
    process: asyncio.subprocess.Process, prompt: str | None
) -> tuple[bytes, bytes]:
    assert process.stdout is not None and process.stderr is not None
    output, errors = bytearray(), bytearray()
    reading = asyncio.ensure_future(
        _talk(
            _read(process.stdout, output),
            _read(process.stderr, errors),
            _say(process, prompt),
        )
    )
    ending = asyncio.ensure_future(_exit_of(process))
    try:
        await asyncio.wait(
            {reading, ending}, return_when=asyncio.FIRST_COMPLETED
        )
        if not reading.done():
            # What it printed is in its pipes, or on its way.
            await asyncio.wait({reading}, timeout=_PIPES_WAIT_S)
        if reading.done():
            await reading
            await process.wait()
        else:
            reading.cancel()
            await asyncio.wait({reading})
            await _kill(process)
    finally:
        ending.cancel()
        reading.cancel()
        await asyncio.wait({reading, ending})
    return bytes(output), bytes(errors)


async def _talk(*parts: Coroutine[None, None, None]) -> None:
    await asyncio.gather(*parts)


async def _exit_of(process: asyncio.subprocess.Process) -> None:
    """Process.wait() waits in some Pythons for the pipes as well, which
    something that the program has started may hold open."""
    while process.returncode is None:
        await asyncio.sleep(_EXIT_POLL_S)


async def _say(process: asyncio.subprocess.Process, prompt: str | None) -> None:
    if process.stdin is None or prompt is None:
        return
    try:
        process.stdin.write(prompt.encode())
        await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # It ended without reading; its exit code says why.
    process.stdin.close()


async def _read(stream: asyncio.StreamReader, told: bytearray) -> None:
    while piece := await stream.read(65536):
        told += piece
        if len(told) > _OUTPUT_BYTES_MAX:
            raise ValueError(f"'claude' printed over {_OUTPUT_BYTES_MAX} bytes")


def _estimated(text: str) -> int:
    return max(1, len(text) // _CHARACTERS_PER_TOKEN)
