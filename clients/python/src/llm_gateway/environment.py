"""Settings that the environment has, and what is wrong in it.

    class Settings(EnvironmentSettings):
        model_config = SettingsConfigDict(env_prefix="LLM_")

        max_tokens: int = Field(default=4096, ge=1)

    Settings()
    # ConfigurationError: LLM_MAX_TOKENS is '0'; it should be greater than or
    # equal to 1

What is wrong in an argument is a pydantic.ValidationError, as of any model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from pydantic import AliasChoices, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from llm_gateway.exceptions import ConfigurationError

_FILE = ".env"
_VALUE_LETTERS_MAX = 80


class EnvironmentSettings(BaseSettings):
    """The environment wins over a file `.env` beside the program; unknown
    variables are none of our business."""

    model_config = SettingsConfigDict(
        env_file=_FILE,
        extra="ignore",
        # An empty variable is one that is not set: `LLM_MODEL= python x.py`.
        env_ignore_empty=True,
    )

    if not TYPE_CHECKING:  # For type checkers arguments are the fields.

        def __init__(self, **arguments: Any) -> None:
            try:
                super().__init__(**arguments)
            except ValidationError as error:
                told = _problems(type(self), arguments, error)
                if not told:
                    raise
                raise ConfigurationError(told) from None
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(
                    {_FILE: f"cannot be read: {error}"}
                ) from None
            self._complete(
                frozenset(
                    name
                    for name in type(self).model_fields
                    for written in (name, variable_of(type(self), name))
                    if arguments.get(written) is not None
                )
            )

    def _complete(self, given: frozenset[str]) -> None:
        """Fills in what follows from other fields; `given` are those that came
        as arguments, where None is as if there were none."""


def _problems(
    settings: type[BaseSettings],
    arguments: Mapping[str, Any],
    error: ValidationError,
) -> dict[str, str]:
    """What is wrong, by the variable that says it."""
    told = {}
    for one in error.errors(include_url=False):
        where = str(one["loc"][0]) if one["loc"] else ""
        for name, field in settings.model_fields.items():
            variable = variable_of(settings, name)
            if where.lower() not in (name, variable.lower()):
                continue
            if name in arguments or variable in arguments:
                break
            should = one["msg"].replace("Input should", "it should")
            shown = (
                "cannot be used"
                if _is_secret(field)
                else f"is {_short(one['input'])}"
            )
            told[variable] = f"{shown}; {should}"
    return told


def variable_of(settings: type[BaseSettings], name: str) -> str:
    """The variable that a field is read from."""
    alias = settings.model_fields[name].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return (settings.model_config.get("env_prefix", "") + name).upper()


def _is_secret(field: FieldInfo) -> bool:
    kind = field.annotation
    return kind is SecretStr or SecretStr in get_args(kind)


def _short(value: Any) -> str:
    text = repr(value)
    if len(text) > _VALUE_LETTERS_MAX:
        return text[:_VALUE_LETTERS_MAX] + "..."
    return text
