import datetime
import traceback
from typing import Literal

import pytest
from pydantic import BaseModel, Field, RootModel

from llm_gateway import ResponseValidationError, TokenUsage
from llm_gateway.providers.structured import (
    object_schema,
    schema_name,
    strict_schema,
    validated,
    validated_text,
)

from .answers import Answer


class Leaf(BaseModel):
    name: str


class Tree(BaseModel):
    leaf: Leaf
    more: list["Tree"] = []


class Leaves(RootModel[list[Leaf]]):
    pass


class Shape(BaseModel):
    kind: Literal["circle", "square"] = "circle"
    size: float | None = Field(default=None, description="in metres")


def test_the_top_of_a_schema_is_an_object():
    for model in (Answer, Tree, Leaves, Shape):
        assert object_schema(model)["type"] == "object"


def test_a_list_travels_as_the_field_of_an_object():
    schema = object_schema(Leaves)
    assert schema["required"] == ["value"]
    assert schema["properties"]["value"]["type"] == "array"
    leaves = validated(Leaves, {"value": [{"name": "a"}]})
    assert leaves.root == [Leaf(name="a")]
    # Whoever leaves the wrap out is understood, too.
    assert validated(Leaves, [{"name": "a"}]) == leaves


def test_a_model_that_contains_itself_is_described():
    schema = object_schema(Tree)
    assert set(schema["properties"]) == {"leaf", "more"}
    told = {"leaf": {"name": "a"}, "more": [{"leaf": {"name": "b"}}]}
    assert validated(Tree, told).more[0].leaf.name == "b"


def test_strict_mode_asks_for_every_field():
    strict = strict_schema(object_schema(Shape))
    assert strict["required"] == ["kind", "size"]
    assert strict["additionalProperties"] is False
    assert "default" not in strict["properties"]["kind"]
    assert strict["properties"]["size"]["description"] == "in metres"
    assert object_schema(Shape)["properties"]["kind"]["default"] == "circle"


def test_strict_mode_reaches_into_definitions():
    strict = strict_schema(object_schema(Tree))
    assert strict["$defs"]["Leaf"]["additionalProperties"] is False
    assert strict["required"] == ["leaf", "more"]


@pytest.mark.parametrize(
    "annotation", [dict[str, int], tuple[int, str], set[int]]
)
def test_what_strict_mode_cannot_say_is_only_a_wish(annotation):
    class Odd(BaseModel):
        field: annotation

    assert strict_schema(object_schema(Odd)) is None


def test_a_name_is_one_that_vendors_allow():
    class Generic(BaseModel):
        pass

    Generic.__name__ = "Page[Leaf]" + "x" * 80
    assert schema_name(Generic) == ("Page_Leaf_" + "x" * 80)[:64]


def test_a_date_is_a_text():
    class Day(BaseModel):
        day: datetime.date

    told = validated(Day, {"day": "2026-01-31"})
    assert told.day == datetime.date(2026, 1, 31)


@pytest.mark.parametrize(
    "text",
    [
        '{"value": 4}',
        ' \n{"value": 4}\n',
        '```json\n{"value": 4}\n```',
        '```\n{"value": 4}\n```\n',
    ],
)
def test_json_may_stand_in_a_fence(text):
    assert validated_text(Answer, text) == Answer(value=4)


@pytest.mark.parametrize(
    "text", ["", "Four.", '{"value": 4', "```json\n```", "[" * 100_000]
)
def test_what_is_no_json_is_no_answer(text):
    usage = TokenUsage(1, 2)
    with pytest.raises(ResponseValidationError) as caught:
        validated_text(Answer, text, usage)
    assert caught.value.usage is usage


def test_a_broken_rule_is_named_and_the_answer_is_not_told():
    said = {"value": "secret of the user", "reason": 1}
    with pytest.raises(ResponseValidationError) as caught:
        validated(Answer, said)
    assert "value: " in caught.value.reason
    assert "reason: " in caught.value.reason
    shown = "".join(traceback.format_exception(caught.value))
    assert "secret" not in shown
    assert caught.value.__context__ is None
    assert caught.value.model_name == "Answer"
