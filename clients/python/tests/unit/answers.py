"""Forms of answers that the tests ask for."""

from pydantic import BaseModel

QUESTION = [{"role": "user", "content": "What is 2 + 2?"}]


class Answer(BaseModel):
    value: int
    reason: str = ""
