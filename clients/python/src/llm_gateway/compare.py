"""`llm-gateway-compare`: one request, on two nodes or models side by side.

    llm-gateway-compare --model gpt-4o --node writer "Write a haiku."
    llm-gateway-compare --old-model gemini-2.5-pro --new-gateway < prompt.txt

Shows the answers, what they cost and how long they took. Exits with 0 if all
answered, with 1 if one failed or the answers cannot be written, with 2 for what
is no command.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import re
import shutil
import sys
import textwrap
import time
from dataclasses import asdict, dataclass
from typing import Any

from llm_gateway.exceptions import GatewayError
from llm_gateway.http_json import reading_answer
from llm_gateway.services.listeners import caller_listener
from llm_gateway.services.node_integration import get_node_client_factory

_PROGRAM = "llm-gateway-compare"
_NODE = "writer"
_COLUMN_MIN = 24
_UNWRITABLE = re.compile("[\ud800-\udfff]")
# Control characters, and those that turn the direction of what follows.
_UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass
class Side:
    """One of those that are compared, and how it did.

    `cost_usd` is None where the price is not known; `latency_ms` is what the
    caller waited.
    """

    kind: str
    name: str
    answer: str | None = None
    error: str | None = None
    served_by: str | None = None
    cost_usd: float | None = None
    latency_ms: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}"

    def tell(
        self,
        answer: Any,
        served_by: tuple[Any, Any],
        cost_usd: Any,
        input_tokens: Any,
        output_tokens: Any,
    ) -> None:
        """What it answered; TypeError for what is no text or no number."""
        if not isinstance(answer, str):
            raise TypeError("its content is no text")
        for number in (cost_usd, input_tokens, output_tokens):
            if not isinstance(number, (int, float, type(None))):
                raise TypeError("its cost or its usage is no number")
        self.answer = answer
        self.served_by = "/".join(str(each) for each in served_by if each)
        self.cost_usd = cost_usd
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens


async def ask(
    side: Side, prompt: str, max_tokens: int, timeout_s: float
) -> Side:
    """Has the side answer; what goes wrong is its `error`."""
    begun = time.monotonic()
    try:
        if side.kind == "node":
            asked = _ask_node(side, prompt, max_tokens)
        else:
            asked = _ask_model(side, prompt, max_tokens, timeout_s)
        await asyncio.wait_for(asked, timeout_s)
    except asyncio.TimeoutError:
        side.error = f"no answer within {timeout_s:g} s"
    except (GatewayError, OSError, ValueError) as error:
        side.error = str(error)
    side.latency_ms = round((time.monotonic() - begun) * 1000, 1)
    return side


async def _ask_node(side: Side, prompt: str, max_tokens: int) -> None:
    client = get_node_client_factory().create_client(side.name)
    response = await client.ainvoke(prompt, max_tokens=max_tokens)
    with reading_answer():
        side.tell(
            response.content,
            (response.provider, response.model_used),
            response.cost_usd if response.cost_known else None,
            response.tokens_used.get("input"),
            response.tokens_used.get("output"),
        )


async def _ask_model(
    side: Side, prompt: str, max_tokens: int, timeout_s: float
) -> None:
    told = (
        await caller_listener().ask(
            "POST",
            "/v1/chat/completions",
            {
                "model": side.name,
                "max_completion_tokens": max_tokens,
                "messages": [{"role": "user", "content": prompt}],
            },
            timeout_s,
            {"x-llmgateway-details": "true"},
        )
    ).json
    with reading_answer():
        usage = told.get("usage") or {}
        side.tell(
            told["choices"][0]["message"]["content"] or "",
            # A server that is no gateway names no provider.
            (told.get("provider"), told.get("model")),
            told.get("cost_usd"),
            usage.get("prompt_tokens"),
            usage.get("completion_tokens"),
        )


def as_table(sides: list[Side], width: int) -> str:
    """The sides as columns, wrapped to the width of the terminal."""
    column = max(_COLUMN_MIN, (width + 3) // len(sides) - 3)
    rows: list[list[str | None]] = [
        [side.title for side in sides],
        ["-" * column for _ in sides],
        [side.answer if side.error is None else "" for side in sides],
        [f"error: {side.error}" if side.error else "" for side in sides],
        [f"served by {side.served_by or '-'}" for side in sides],
        [f"cost {_dollars(side.cost_usd)}" for side in sides],
        [f"latency {side.latency_ms:.0f} ms" for side in sides],
        [
            f"tokens {_count(side.input_tokens)} in, "
            f"{_count(side.output_tokens)} out"
            for side in sides
        ],
    ]
    lines: list[str] = []
    for row in rows:
        cells = [_wrapped(cell or "", column) for cell in row]
        for index in range(max(map(len, cells))):
            texts = [c[index] if index < len(c) else "" for c in cells]
            lines.append(" | ".join(t.ljust(column) for t in texts).rstrip())
    return "\n".join(lines)


def _wrapped(text: str, width: int) -> list[str]:
    return [
        piece
        for line in _escaped(text.replace("\r\n", "\n")).splitlines()
        for piece in textwrap.wrap(line, width) or [""]
    ]


def _escaped(text: str) -> str:
    """Without what would do something to a terminal, if it goes to one, and
    without what cannot be written anywhere."""
    unshown = _UNSHOWN if sys.stdout.isatty() else _UNWRITABLE
    return unshown.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _dollars(usd: float | None) -> str:
    if usd is None:
        return "unknown"
    return f"${usd:.9f}".rstrip("0").rstrip(".")


def _count(tokens: int | None) -> str:
    return "-" if tokens is None else str(tokens)


class _AddSide(argparse.Action):
    """--model and --node make sides in the order in which they stand."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        kind = "model" if "model" in str(option_string) else "node"
        name = _NODE if option_string == "--new-gateway" else str(values)
        earlier: list[Side] = namespace.sides or []
        namespace.sides = [*earlier, Side(kind, name)]


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of seconds above 0"
        )
    return seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="Runs one request on two or more models or nodes, and "
        "shows answers, costs and latencies side by side.",
        epilog="The gateway is at GATEWAY_URL (http://127.0.0.1:8080 if it is "
        "not set); GATEWAY_KEY is the caller's key.",
    )
    parser.add_argument(
        "--model",
        "--old-model",
        action=_AddSide,
        dest="sides",
        metavar="NAME",
        help="a side: the model of this name",
    )
    parser.add_argument(
        "--node",
        action=_AddSide,
        dest="sides",
        metavar="NODE",
        help="a side: whichever model the gateway chooses for this node",
    )
    parser.add_argument(
        "--new-gateway",
        action=_AddSide,
        dest="sides",
        nargs=0,
        help=f"the same as --node {_NODE}",
    )
    parser.add_argument(
        "--max-tokens", type=int, default=1000, help="of each answer (1000)"
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=120.0, help="seconds (120)"
    )
    parser.add_argument("--output", choices=("table", "json"), default="table")
    parser.add_argument(
        "prompt", nargs="?", help="if absent or -, standard input"
    )
    return parser


async def _compare(
    sides: list[Side], prompt: str, max_tokens: int, timeout_s: float
) -> None:
    await asyncio.gather(
        *(ask(side, prompt, max_tokens, timeout_s) for side in sides)
    )


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    asked = parser.parse_args(arguments)
    sides: list[Side] = asked.sides or []
    if len(sides) < 2:
        parser.error("name two sides or more, by --model or --node")
    prompt: str = asked.prompt
    if prompt in (None, "-"):
        if sys.stdin.isatty():
            parser.error("say what to ask, or pipe it to standard input")
        prompt = sys.stdin.read()
    if not prompt.strip():
        parser.error("there is nothing to ask: the prompt is empty")
    asyncio.run(_compare(sides, prompt, asked.max_tokens, asked.timeout))
    if asked.output == "json":
        # An escape is the same in JSON.
        shown = _escaped(
            json.dumps([asdict(s) for s in sides], ensure_ascii=False)
        )
    else:
        # By COLUMNS, if that is a number.
        shown = as_table(sides, shutil.get_terminal_size((80, 24)).columns)
    is_shown = _show(shown)
    failed = any(side.error is not None for side in sides)
    return 1 if failed or not is_shown else 0


def _show(text: str) -> bool:
    """False if it cannot be written, which is told."""
    try:
        print(text, flush=True)
    except OSError as error:
        # Python writes what is left once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(
            f"{_PROGRAM}: the answers cannot be written: {error.strerror}",
            file=sys.stderr,
        )
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
