"""What the environment says: `LLM_*`, and a file `.env` beside the program.

An argument wins over the environment, the environment over the file, the file
over the default. Unknown variables are none of our business.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    field_validator,
)
from pydantic_settings import SettingsConfigDict

from llm_gateway.environment import EnvironmentSettings

# What is asked where LLM_MODEL does not say.
_MODELS = {"openai": "gpt-4o"}
_MODEL = "claude-sonnet-4-5-20250514"


def _plain(name: str) -> AliasChoices:
    """A variable without the prefix; the field's name is the argument."""
    return AliasChoices(name, name.lower())


class GatewayConfig(EnvironmentSettings):
    """The configuration of an LLMClient.

    ConfigurationError names the variables that are wrong, and
    pydantic.ValidationError the arguments. Fields are read from `LLM_` and
    their name in capitals, but for the last five, whose variables have no
    prefix.
    """

    model_config = SettingsConfigDict(env_prefix="LLM_")

    provider: str = Field(
        default="anthropic",
        description="name in the registry; where only GATEWAY_URL is set, "
        "`gateway`",
    )
    model: str = Field(
        default=_MODEL,
        description="the provider's name of the model; of `openai` gpt-4o if "
        "it is not set",
    )
    api_key: SecretStr | None = Field(
        default=None,
        description="if it is not set, ANTHROPIC_API_KEY or OPENAI_API_KEY, as "
        "the provider is; of `gateway` only as an argument before GATEWAY_KEY",
    )
    base_url: str | None = Field(
        default=None,
        description="another address of the provider's API; of `gateway` only "
        "as an argument before GATEWAY_URL",
    )

    max_tokens: int = Field(
        default=4096, ge=1, description="the most that an answer may have"
    )
    max_retries: int = Field(
        default=3, ge=0, description="attempts in all; 0 and 1 are one try"
    )
    timeout_seconds: int = Field(
        default=120, ge=1, description="of one try, in seconds"
    )
    temperature: float | None = Field(
        default=0.0,
        ge=0.0,
        le=2.0,
        description="`none` for models that take no temperature",
    )

    cost_limit_usd: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="dollars that one client may spend; none and 0: no limit",
    )
    cost_warn_usd: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="dollars at which a warning is logged, once",
    )

    trace_enabled: bool = Field(
        default=False, description="needs the extra `tracing`"
    )
    trace_exporter: Literal["none", "console", "otlp"] = Field(
        default="none",
        description="where spans go; `none`: to what the program has set up",
    )
    trace_endpoint: str = Field(
        default="http://localhost:4317", description="OTLP by gRPC"
    )
    trace_service_name: str = "llm-gateway"

    log_level: str = Field(
        default="INFO", description="an unknown one is INFO, with a warning"
    )
    log_format: Literal["json", "console"] = "json"

    gateway_url: str | None = Field(
        default=None,
        validation_alias=_plain("GATEWAY_URL"),
        description="the gateway's HTTP listener, as http://host:8080",
    )
    gateway_key: SecretStr | None = Field(
        default=None,
        validation_alias=_plain("GATEWAY_KEY"),
        description="the caller's key, if the gateway asks for one",
    )
    gateway_ca: str | None = Field(
        default=None,
        validation_alias=_plain("GATEWAY_CA"),
        description="a PEM file with the issuer of the gateway's certificate; "
        "if it is not set, those of the system",
    )
    anthropic_api_key: SecretStr | None = Field(
        default=None, validation_alias=_plain("ANTHROPIC_API_KEY")
    )
    openai_api_key: SecretStr | None = Field(
        default=None, validation_alias=_plain("OPENAI_API_KEY")
    )

    @field_validator("temperature", mode="before")
    @classmethod
    def _read_temperature(cls, value: Any) -> Any:
        return None if value == "none" else value

    def _complete(self, given: frozenset[str]) -> None:
        chosen = set(self.model_fields_set)
        if "provider" not in chosen and self.gateway_url:
            self.provider = "gateway"
        if "model" not in chosen:
            self.model = _MODELS.get(self.provider, _MODEL)
        if self.provider == "gateway":
            # LLM_BASE_URL and LLM_API_KEY may still be a vendor's: the one is
            # not to be sent what is the gateway's, nor the gateway the other.
            if self.gateway_url and "base_url" not in given:
                self.base_url = self.gateway_url
            if self.gateway_key is not None and (
                "api_key" not in given or "gateway_key" in given
            ):
                self.api_key = self.gateway_key
        elif self.api_key is None:
            self.api_key = {
                "anthropic": self.anthropic_api_key,
                "openai": self.openai_api_key,
            }.get(self.provider)
        # What was filled in is no choice of the user's.
        self.__pydantic_fields_set__ = chosen

    @property
    def model_is_chosen(self) -> bool:
        """Whether the user named the model, rather than the default."""
        return "model" in self.model_fields_set

    def get_api_key(self) -> str:
        """The key; ValueError, with the variables that may have it."""
        if self.api_key is None:
            own = {
                "anthropic": " or ANTHROPIC_API_KEY",
                "gateway": " or GATEWAY_KEY",
                "openai": " or OPENAI_API_KEY",
            }.get(self.provider, "")
            raise ValueError(
                f"provider '{self.provider}' needs a key; set LLM_API_KEY{own}"
            )
        return self.api_key.get_secret_value()
