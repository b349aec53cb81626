"""The APIs that the gateway has.

A suite about any other API speaks with the mock upstream, which plays that
API's vendor: so the suite is proven before the API is there, and one name
here is all that changes when it is.

    base_url = gateway.http if apis.is_there("openai_chat") else upstream
"""

_THERE = frozenset({
    "anthropic_count_tokens",
    "anthropic_messages",
    "anthropic_models",
    "gemini_count_tokens",
    "gemini_generate",
    "gemini_models",
    "gemini_v1",
    "openai_chat",
    "openai_embeddings",
    "openai_models",
    "openai_responses",
})


def is_there(api):
    """Whether the gateway has the API."""
    return api in _THERE
