"""The form of an answer, as vendors take it, and answers in that form.

Vendors want a JSON Schema whose top is an object. What a model of pydantic
describes otherwise, such as a list, travels as the field `value` of one.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from llm_gateway.exceptions import ResponseValidationError
from llm_gateway.types import TokenUsage

T = TypeVar("T")

_WRAP = "value"
# What OpenAI's strict mode does not know; such a schema is only a wish.
_NOT_STRICT = frozenset(
    (
        "oneOf",
        "allOf",
        "not",
        "if",
        "prefixItems",
        "patternProperties",
        "propertyNames",
        "uniqueItems",
        "contains",
    )
)
_FENCED = re.compile(r"\A\s*```[\w-]*[ \t]*\r?\n(.*?)\r?\n?\s*```\s*\Z", re.S)


def schema_name(response_model: type[Any]) -> str:
    """The model's name as vendors allow it for a tool or a format."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", response_model.__name__)[:64]


def object_schema(response_model: type[Any]) -> dict[str, Any]:
    """The JSON Schema of the model, with an object at its top."""
    return _form(response_model)[0]


def _form(response_model: type[Any]) -> tuple[dict[str, Any], bool]:
    """The schema, and whether the model's own is but its field `value`."""
    schema = _model(response_model).model_json_schema()
    definitions = schema.pop("$defs", {})
    # A model that contains itself is only a reference at the top.
    if "$ref" in schema:
        schema = {**_target(schema, definitions)}
    is_wrapped = schema.get("type") != "object"
    if is_wrapped:
        schema = {
            "type": "object",
            "properties": {_WRAP: schema},
            "required": [_WRAP],
        }
    if definitions:
        schema["$defs"] = definitions
    return schema, is_wrapped


def strict_schema(schema: dict[str, Any]) -> dict[str, Any] | None:
    """The same as OpenAI's strict mode wants it; None if it cannot be said.

    Every field is required there and no other is allowed. A field with a
    default is asked for, too: the model says what the default would.
    """
    definitions = schema.get("$defs", {})
    try:
        return cast(dict[str, Any], _strict(schema, definitions))
    except _NotStrictError:
        return None


class _NotStrictError(Exception):
    pass


def _strict(part: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_strict(each, definitions) for each in part]
    if not isinstance(part, dict):
        return part
    if _NOT_STRICT & part.keys():
        raise _NotStrictError
    if "$ref" in part and len(part) > 1:
        beside = {k: v for k, v in part.items() if k != "$ref"}
        part = {**_target(part, definitions), **beside}
    told: dict[str, Any] = {}
    for key, value in part.items():
        if key == "default":
            continue
        if key in ("properties", "$defs"):
            told[key] = {
                name: _strict(each, definitions) for name, each in value.items()
            }
        elif key in ("enum", "const", "required", "examples"):
            told[key] = value
        else:
            told[key] = _strict(value, definitions)
    if part.get("type") == "object":
        if part.get("additionalProperties", False) is not False:
            raise _NotStrictError
        told["properties"] = told.get("properties", {})
        told["required"] = list(told["properties"])
        told["additionalProperties"] = False
    return told


def _target(part: dict[str, Any], definitions: dict[str, Any]) -> Any:
    return definitions[part["$ref"].removeprefix("#/$defs/")]


def _model(response_model: type[Any]) -> type[BaseModel]:
    return cast("type[BaseModel]", response_model)


def validated(
    response_model: type[T], value: Any, usage: TokenUsage | None = None
) -> T:
    """The value of an answer, in the form of `object_schema`, as an instance.

    Raises ResponseValidationError that says which field breaks which rule,
    and not what the model said there.
    """
    if isinstance(value, dict) and _form(response_model)[1]:
        value = value.get(_WRAP)
    try:
        # As JSON has it, where a date is a text and a tuple is a list.
        return cast(
            T, _model(response_model).model_validate_json(json.dumps(value))
        )
    except ValidationError as error:
        broken = _rules_broken(error)
    # Without pydantic's error as its cause or context, whose text has what the
    # model said, and which logs and spans show.
    raise ResponseValidationError(response_model.__name__, broken, usage)


def validated_text(
    response_model: type[T], text: str, usage: TokenUsage | None = None
) -> T:
    """As `validated`, of JSON text, which may stand in a fence of Markdown."""
    fenced = _FENCED.match(text)
    try:
        value = json.loads(fenced.group(1) if fenced else text)
    except (ValueError, RecursionError) as error:
        raise ResponseValidationError(
            response_model.__name__,
            f"it is not JSON: {error}",
            usage,
        ) from None
    return validated(response_model, value, usage)


def _rules_broken(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'it'}: {each['msg']}"
        for each in error.errors(
            include_input=False, include_url=False, include_context=False
        )[:5]
    )
