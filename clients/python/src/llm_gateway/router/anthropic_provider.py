"""AnthropicProvider sends prompts to Anthropic's Messages API.

    gateway.register_provider("anthropic", AnthropicProvider())

The key is in ANTHROPIC_API_KEY unless one is given. Thread-safe; needs nothing
but the standard library.
"""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from llm_gateway.router.provider import ProviderError, ProviderResponse

_VERSION = "2023-06-01"
_FINISH_REASONS = {
    "end_turn": "stop",
    "max_tokens": "length",
    "tool_use": "tool_use",
}
# The tool that a model is made to call where structured output is asked for.
_OUTPUT_TOOL = "output_json"
_ERROR_CHARACTERS_MAX = 500


@dataclass(frozen=True)
class AnthropicResponse(ProviderResponse):
    """An answer with the parts that it came in, as the API has them."""

    content_blocks: tuple[dict[str, Any], ...] = ()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """urllib would show the key to whatever host a redirect names."""

    def redirect_request(self, *_: Any) -> None:
        return None


class AnthropicProvider:
    provider_id = "anthropic"

    def __init__(
        self,
        api_key: str | None = None,
        default_model: str = "claude-sonnet-4-5-20250929",
        base_url: str = "https://api.anthropic.com",
    ) -> None:
        """Fails with AUTH_ERROR if there is no key."""
        self._api_key = api_key or os.environ.get("ANTHROPIC_API_KEY", "")
        if not self._api_key:
            raise ProviderError(
                "there is no key: set ANTHROPIC_API_KEY, or give api_key",
                "AUTH_ERROR",
            )
        self._default_model = default_model
        self._url = base_url.rstrip("/") + "/v1/messages"
        self._opener = urllib.request.build_opener(_NoRedirects)

    def send(
        self,
        model_id: str,
        prompt: str,
        max_tokens: int = 4096,
        temperature: float = 0.0,
        timeout_ms: int = 30000,
        structured_output: dict[str, Any] | None = None,
        tools: list[dict[str, Any]] | None = None,
    ) -> AnthropicResponse:
        """The timeout is for each wait of the socket. `structured_output` is
        the JSON schema of the answer, which is then JSON."""
        body: dict[str, Any] = {
            "model": model_id or self._default_model,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "messages": [{"role": "user", "content": prompt}],
        }
        if tools:
            body["tools"] = list(tools)
            body["tool_choice"] = {"type": "auto"}
        if structured_output:
            body["tools"] = [
                *body.get("tools", ()),
                {
                    "name": _OUTPUT_TOOL,
                    "description": "Takes the answer.",
                    "input_schema": structured_output,
                },
            ]
            body["tool_choice"] = {"type": "tool", "name": _OUTPUT_TOOL}
        return self._response(self._post(body, timeout_ms / 1000))

    def _post(self, body: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        request = urllib.request.Request(
            self._url,
            json.dumps(body).encode("utf-8"),
            {
                "content-type": "application/json",
                "x-api-key": self._api_key,
                "anthropic-version": _VERSION,
            },
        )
        try:
            with self._opener.open(request, timeout=timeout_s) as reply:
                answer = json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode("utf-8", "replace")
            raise _refusal(error.code, text) from None
        except (OSError, http.client.HTTPException) as error:
            # Also urllib's URLError: nothing has been answered.
            raise ProviderError(
                f"no answer from {self._url}: {error}", "TIMEOUT", True
            ) from error
        except ValueError as error:
            raise ProviderError(
                f"the answer is no JSON: {error}", "SERVER_ERROR", True
            ) from error
        if not isinstance(answer, dict):
            raise ProviderError(
                "the answer is no JSON object", "SERVER_ERROR", True
            )
        return answer

    def _response(self, answer: dict[str, Any]) -> AnthropicResponse:
        blocks = [
            block
            for block in answer.get("content") or ()
            if isinstance(block, dict)
        ]
        texts = [
            block.get("text", "")
            for block in blocks
            if block.get("type") == "text"
        ]
        calls = [block for block in blocks if block.get("type") == "tool_use"]
        content = "".join(texts)
        if not content and calls:
            content = json.dumps(calls[0].get("input", {}))
        usage = answer.get("usage") or {}
        return AnthropicResponse(
            content=content,
            model=answer.get("model", ""),
            input_tokens=usage.get("input_tokens", 0),
            output_tokens=usage.get("output_tokens", 0),
            request_id=answer.get("id", ""),
            provider_id=self.provider_id,
            finish_reason=_FINISH_REASONS.get(
                answer.get("stop_reason") or "", "stop"
            ),
            content_blocks=tuple(blocks),
        )


def _refusal(status: int, text: str) -> ProviderError:
    try:
        message = json.loads(text)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = text
    message = f"{status}: {str(message)[:_ERROR_CHARACTERS_MAX]}"
    details = {"http_status": status}
    if 300 <= status < 400:
        message += " (a redirect is not followed: give its base_url)"
        return ProviderError(message, "SERVER_ERROR", False, details)
    if status in (401, 403):
        return ProviderError(message, "AUTH_ERROR", False, details)
    if status == 400:
        return ProviderError(message, "INVALID_REQUEST", False, details)
    if status == 429:
        return ProviderError(message, "RATE_LIMITED", True, details)
    return ProviderError(message, "SERVER_ERROR", True, details)
