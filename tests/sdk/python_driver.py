"""Does with the Python SDKs what the tests ask, one JSON line for another.

    {"do": "chat", "base_url": "http://...", "request": {...}}
      -> {"ok": ...}, or {"error": {"class": "RateLimitError", ...}}

node_driver.js does the same in its language, by the same names; what is in a
request or an answer is in the words of the vendor's API.
"""

import functools
import json
import os
import sys

sys.path.insert(0, os.environ["SDK_PACKAGES"])

# pylint: disable=wrong-import-position
import anthropic
import openai
import pydantic
from google import genai

_TIMEOUT_S = 30.0


class Weather(pydantic.BaseModel):
    """What structured output is asked to be; node_driver.js has the same."""
    city: str
    celsius: float


def _openai(call):
    return openai.OpenAI(base_url=call["base_url"] + "/v1",
                         api_key=call["key"], max_retries=0,
                         timeout=_TIMEOUT_S)


def _anthropic(call):
    return anthropic.Anthropic(base_url=call["base_url"],
                               api_key=call["key"], max_retries=0,
                               timeout=_TIMEOUT_S)


@functools.lru_cache(maxsize=None)
def _gemini_client(base_url, key, version):
    return genai.Client(api_key=key, http_options={
        "base_url": base_url, "timeout": int(_TIMEOUT_S * 1000),
        **({"api_version": version} if version else {})})


def _gemini(call):
    # A client that nobody holds closes what its streams still read from.
    return _gemini_client(call["base_url"], call["key"],
                          call.get("version"))


def _plain(value):
    """Only what was on the wire: helpers add properties of their own."""
    return value.model_dump(mode="json", exclude_unset=True)


def _identified(value):
    """With the id of the request, which comes in the header."""
    return {**_plain(value), "request_id": value._request_id}


def _first(stream, count):
    """Takes some events and hangs up."""
    taken = 0
    for _ in stream:
        taken += 1
        if taken == count:
            break
    stream.close()
    return taken


# OpenAI: chats.


def chat(call):
    return _identified(
        _openai(call).chat.completions.create(**call["request"]))


def chat_stream(call):
    return [_plain(chunk) for chunk in _openai(call).chat.completions.create(
        **call["request"], stream=True)]


def chat_cancel(call):
    return _first(_openai(call).chat.completions.create(
        **call["request"], stream=True), call["count"])


def chat_accumulate(call):
    with _openai(call).chat.completions.stream(**call["request"]) as stream:
        for _ in stream:
            pass
        return stream.get_final_completion().model_dump(mode="json")


def chat_parse(call):
    answer = _openai(call).chat.completions.parse(
        **call["request"], response_format=Weather)
    return answer.choices[0].message.parsed.model_dump()


# OpenAI: responses, embeddings, models.


def respond(call):
    answer = _openai(call).responses.create(**call["request"])
    return {**_plain(answer), "output_text": answer.output_text}


def respond_stream(call):
    return [_plain(event) for event in _openai(call).responses.create(
        **call["request"], stream=True)]


def respond_cancel(call):
    return _first(_openai(call).responses.create(
        **call["request"], stream=True), call["count"])


def respond_accumulate(call):
    with _openai(call).responses.stream(**call["request"]) as stream:
        for _ in stream:
            pass
        answer = stream.get_final_response()
        return {**answer.model_dump(mode="json"),
                "output_text": answer.output_text}


def respond_parse(call):
    return _openai(call).responses.parse(
        **call["request"], text_format=Weather).output_parsed.model_dump()


def embed(call):
    return _plain(_openai(call).embeddings.create(**call["request"]))


def openai_models(call):
    return [_plain(model) for model in _openai(call).models.list()]


def openai_model(call):
    return _plain(_openai(call).models.retrieve(call["model"]))


# Anthropic.


def message(call):
    return _identified(_anthropic(call).messages.create(**call["request"]))


def message_beta(call):
    return _plain(_anthropic(call).beta.messages.create(
        **call["request"], betas=call["betas"]))


def message_stream(call):
    return [_plain(event) for event in _anthropic(call).messages.create(
        **call["request"], stream=True)]


def message_cancel(call):
    return _first(_anthropic(call).messages.create(
        **call["request"], stream=True), call["count"])


def message_accumulate(call):
    with _anthropic(call).messages.stream(**call["request"]) as stream:
        text = "".join(stream.text_stream)
        return {"text": text, "message": stream.get_final_message().model_dump(
            mode="json")}


def message_parse(call):
    return _anthropic(call).messages.parse(
        **call["request"],
        output_format=Weather).parsed_output.model_dump()


def count_tokens(call):
    return _plain(_anthropic(call).messages.count_tokens(**call["request"]))


def anthropic_models(call):
    return [_plain(model) for model in _anthropic(call).models.list()]


def anthropic_model(call):
    return _plain(_anthropic(call).models.retrieve(call["model"]))


# Gemini.


def _gemini_plain(value):
    return value.model_dump(mode="json", exclude_none=True, by_alias=True)


def generate(call):
    return _gemini_plain(
        _gemini(call).models.generate_content(**call["request"]))


def generate_stream(call):
    return [_gemini_plain(chunk) for chunk in
            _gemini(call).models.generate_content_stream(**call["request"])]


def generate_cancel(call):
    return _first(_gemini(call).models.generate_content_stream(
        **call["request"]), call["count"])


def generate_parse(call):
    request = dict(call["request"])
    request["config"] = {"response_mime_type": "application/json",
                         "response_schema": Weather}
    return _gemini(call).models.generate_content(
        **request).parsed.model_dump()


def gemini_count_tokens(call):
    return _gemini_plain(_gemini(call).models.count_tokens(**call["request"]))


def gemini_embed(call):
    return _gemini_plain(_gemini(call).models.embed_content(**call["request"]))


def gemini_models(call):
    return [_gemini_plain(model) for model in _gemini(call).models.list()]


def gemini_model(call):
    return _gemini_plain(_gemini(call).models.get(model=call["model"]))


def _error(error):
    """What an SDK's exception tells of itself."""
    status = getattr(error, "status_code", None)
    if isinstance(error, genai.errors.APIError):
        status = error.code
    body = getattr(error, "body", None)
    return {"class": type(error).__name__,
            "bases": [base.__name__ for base in type(error).__mro__],
            "status": status, "code": getattr(error, "code", None),
            "type": getattr(error, "type", None), "body": body,
            "request_id": getattr(error, "request_id", None),
            "message": str(error)}


def main():
    for line in sys.stdin:
        call = json.loads(line)
        try:
            answer = {"ok": globals()[call["do"]](call)}
        except Exception as error:  # pylint: disable=broad-except
            answer = {"error": _error(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
