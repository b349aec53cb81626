from pathlib import Path

import pytest
from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from llm_gateway import ConfigurationError, GatewayError
from llm_gateway.environment import EnvironmentSettings, variable_of


class Settings(EnvironmentSettings):
    model_config = SettingsConfigDict(env_prefix="TEST_")

    count: int = Field(default=4, ge=1)
    kind: str = Field(default="a", max_length=2)
    key: SecretStr | None = Field(default=None, min_length=8)
    plain: int = Field(default=0, validation_alias=AliasChoices("PLAIN", "p"))


def problems():
    with pytest.raises(ConfigurationError) as caught:
        Settings()
    return caught.value.problems


def test_all_variables_that_are_wrong_are_named(monkeypatch):
    monkeypatch.setenv("TEST_COUNT", "none")
    monkeypatch.setenv("PLAIN", "x")
    told = problems()
    assert sorted(told) == ["PLAIN", "TEST_COUNT"]
    assert told["TEST_COUNT"].startswith("is 'none'; it should be a valid int")


def test_so_are_those_of_the_file():
    Path(".env").write_text("TEST_COUNT=0\n")
    assert "greater than or equal to 1" in problems()["TEST_COUNT"]


def test_a_file_that_is_no_text_is_told():
    Path(".env").write_bytes(b"TEST_COUNT=\xff\xfe\n")
    assert list(problems()) == [".env"]


def test_secrets_are_not_shown(monkeypatch):
    monkeypatch.setenv("TEST_KEY", "secret")
    told = problems()
    assert list(told) == ["TEST_KEY"]
    assert "secret" not in str(told)


def test_long_values_are_cut(monkeypatch):
    monkeypatch.setenv("TEST_KIND", "x" * 10000)
    assert len(problems()["TEST_KIND"]) < 200


def test_arguments_are_pydantics(monkeypatch):
    with pytest.raises(ValidationError):
        Settings(count=0)
    # Both are wrong: the variable is named.
    monkeypatch.setenv("TEST_KIND", "xxx")
    with pytest.raises(ConfigurationError) as caught:
        Settings(count=0)
    assert list(caught.value.problems) == ["TEST_KIND"]


def test_fields_have_variables():
    assert variable_of(Settings, "count") == "TEST_COUNT"
    assert variable_of(Settings, "plain") == "PLAIN"


def test_it_is_an_error_of_the_package_and_of_values():
    error = ConfigurationError({"A": "is wrong", "B": "is, too"})
    assert isinstance(error, GatewayError)
    assert isinstance(error, ValueError)
    assert str(error) == "A is wrong\nB is, too"
