"""What is asked at each API, and how the vendor behind it answers.

A request is asked with each of its scripts, whole and, where the API streams,
as a stream.
"""

PIXEL = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwAD"
         "hgGAWjR9awAAAABJRU5ErkJggg==")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}},
          "required": ["city"], "additionalProperties": False}
_TOOL_CALLS = [{"name": "find", "arguments": '{"city": "Oslo"}'},
               {"name": "find", "arguments": '{"city": "Rome"}'}]

# How the mock answers, whatever is asked.
SCRIPTS = {
    "plain": {},
    "usage": {"text": "Grüße 😀", "usage": {
        "prompt_tokens": 90, "completion_tokens": 20, "cached_tokens": 50,
        "cache_write_tokens": 10, "reasoning_tokens": 5}},
    "tools": {"tool_calls": _TOOL_CALLS},
    "text and tools": {"text": "Let me see.", "tool_calls": _TOOL_CALLS},
    "reasoning": {"text": "Yes.", "reasoning": {
        "text": "Let me think about it.", "signature": "c2ln"}},
    "refusal": {"refusal": "I will not do that."},
    "cut short": {"finish_reason": "length"},
    "filtered": {"finish_reason": "content_filter"},
}

_CHAT_TOOLS = [{"type": "function", "function": {
    "name": "find", "description": "Finds.", "parameters": SCHEMA}}]

CHAT = {
    "plain": {"messages": [{"role": "user", "content": "Hello"}]},
    "sampled": {
        "messages": [{"role": "system", "content": "Be brief."},
                     {"role": "user", "content": "Hello"},
                     {"role": "assistant", "content": "Hi."},
                     {"role": "user", "content": [
                         {"type": "text", "text": "Again"}]}],
        "max_completion_tokens": 50, "temperature": 0.5, "top_p": 0.9,
        "stop": ["END"]},
    "tools": {
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "call_a", "type": "function", "function": {
                    "name": "find", "arguments": '{"city": "Oslo"}'}},
                {"id": "call_b", "type": "function", "function": {
                    "name": "find", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "call_a", "content": "cold"},
            {"role": "tool", "tool_call_id": "call_b", "content": "warm"}],
        "tools": _CHAT_TOOLS, "tool_choice": "required",
        "parallel_tool_calls": False},
    "one tool": {
        "messages": [{"role": "user", "content": "Hello"}],
        "tools": _CHAT_TOOLS,
        "tool_choice": {"type": "function", "function": {"name": "find"}}},
    "image": {"messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {
            "url": "data:image/png;base64," + PIXEL, "detail": "low"}},
        {"type": "image_url", "image_url": {
            "url": "https://example.com/x.png"}}]}]},
    "schema": {
        "messages": [{"role": "user", "content": "Hello"}],
        "response_format": {"type": "json_schema", "json_schema": {
            "name": "answer", "schema": SCHEMA, "strict": True}}},
    "reasoning": {
        "messages": [{"role": "user", "content": "Hello"}],
        "reasoning_effort": "high"},
    "settings": {
        "messages": [
            {"role": "developer", "content": [
                {"type": "text", "text": "Be brief."}]},
            {"role": "user", "content": "Hello", "name": "ann"},
            {"role": "assistant", "content": None, "refusal": "No."},
            {"role": "user", "content": "Please."}],
        "max_tokens": 50, "user": "u", "metadata": {"k": "v"},
        "service_tier": "default", "store": False, "seed": 7},
}

_RESPONSES_TOOLS = [{"type": "function", "name": "find",
                     "description": "Finds.", "parameters": SCHEMA,
                     "strict": True}]

RESPONSES = {
    "plain": {"input": "Hello"},
    "sampled": {
        "instructions": "Be brief.", "max_output_tokens": 50,
        "temperature": 0.5, "top_p": 0.9, "metadata": {"k": "v"},
        "store": False,
        "input": [{"role": "user", "content": "Hello"},
                  {"role": "assistant", "content": "Hi."},
                  {"role": "user", "content": [
                      {"type": "input_text", "text": "Again"}]}]},
    "tools": {
        "tools": _RESPONSES_TOOLS, "tool_choice": "required",
        "parallel_tool_calls": False,
        "input": [{"role": "user", "content": "Hello"},
                  {"type": "function_call", "call_id": "call_a",
                   "name": "find", "arguments": "{}"},
                  {"type": "function_call_output", "call_id": "call_a",
                   "output": "cold"}]},
    "image": {"input": [{"role": "user", "content": [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "detail": "low",
         "image_url": "data:image/png;base64," + PIXEL}]}]},
    "schema": {"input": "Hello", "text": {"format": {
        "type": "json_schema", "name": "answer", "schema": SCHEMA,
        "strict": True}}},
    "reasoning": {"input": "Hello", "reasoning": {"effort": "high",
                                                  "summary": "auto"},
                  "include": ["reasoning.encrypted_content"]},
}

MESSAGES = {
    "plain": {"max_tokens": 50,
              "messages": [{"role": "user", "content": "Hello"}]},
    "sampled": {
        "system": "Be brief.", "max_tokens": 50, "temperature": 0.5,
        "stop_sequences": ["END"],
        "messages": [{"role": "user", "content": "Hello"},
                     {"role": "assistant", "content": "Hi."},
                     {"role": "user", "content": [
                         {"type": "text", "text": "Again"}]}]},
    "tools": {
        "max_tokens": 50,
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "toolu_a", "name": "find",
                 "input": {"city": "Oslo"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_a",
                 "content": "cold"}]}],
        "tools": [{"name": "find", "description": "Finds.",
                   "input_schema": SCHEMA}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
    "image": {"max_tokens": 50, "messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is it?"},
        {"type": "image", "source": {
            "type": "base64", "media_type": "image/png", "data": PIXEL}}]}]},
    "settings": {
        "system": [{"type": "text", "text": "Be brief.",
                    "cache_control": {"type": "ephemeral"}}],
        "max_tokens": 50, "metadata": {"user_id": "u"},
        "service_tier": "standard_only", "stream": False,
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "Hello", "cache_control": {
                    "type": "ephemeral", "ttl": "1h"}}]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "toolu_a", "name": "find",
                 "input": {}},
                {"type": "tool_use", "id": "toolu_b", "name": "find",
                 "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_a",
                 "content": [{"type": "text", "text": "cold"}]},
                {"type": "tool_result", "tool_use_id": "toolu_b",
                 "is_error": True, "content": "broken"},
                {"type": "text", "text": "And now?"}]}],
        "tools": [{"name": "find", "input_schema": SCHEMA}],
        "tool_choice": {"type": "tool", "name": "find"}},
    "schema": {
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "Hello"}],
        "output_config": {"format": {"type": "json_schema",
                                     "schema": SCHEMA}}},
    "thinking": {
        "max_tokens": 2050,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "messages": [{"role": "user", "content": "Hello"}]},
}

OLLAMA_CHAT = {
    "plain": {"messages": [{"role": "user", "content": "Hello"}]},
    "tools": {"messages": [{"role": "user", "content": "Hello"}],
              "tools": _CHAT_TOOLS, "options": {"temperature": 0.5},
              "think": True},
}

EMBEDDINGS = {
    "text": {"input": "Hello"},
    "texts": {"input": ["Hello", "again"], "dimensions": 4},
    "tokens": {"input": [[1, 2], [3]], "encoding_format": "float"},
    "base64": {"input": "Hello", "encoding_format": "base64"},
}
