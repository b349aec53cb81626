"""Reads the router's two configuration files, in JSON.

router_config.json:

    {"default_provider": "anthropic", "default_model": "claude-x",
     "default_timeout_ms": 30000,
     "circuit_breaker": {"failure_threshold": 3, "recovery_timeout_ms": 30000,
                         "half_open_max": 1},
     "retry_policy": {"max_retries": 2, "backoff_base_ms": 1000},
     "providers": {"anthropic": {"provider_class": "AnthropicProvider"}}}

budget_config.json:

    {"defaults": {"session_token_limit": 100000, "wo_token_limit": 50000,
                  "agent_token_limit": 10000, "wo_turn_limit": 20,
                  "wo_timeout_seconds": 3600},
     "pricing": {"claude-x": {"input_per_1k": 0.003, "output_per_1k": 0.015}}}

Either may be a section of a file, as the gateway takes it: `router_config` and
`budget_config`, beside which there may be sections of others, that are theirs.
A null is as good as nothing.

What is not known, is missing or of another type than it should be is a
ConfigError that names the file and the key.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llm_gateway.router.budgets import BudgetConfig, RateLimitConfig
from llm_gateway.router.circuit_breaker import CircuitBreakerConfig


class ConfigError(ValueError):
    """A configuration file cannot be used; the text says where and why."""


@dataclass
class RouterConfig:
    """How prompts are routed.

    A failed call is tried `max_retries` times again, if its error is one of
    `retryable_errors`, after `retry_backoff_ms`, that times
    `retry_backoff_multiplier`, and so on.
    """

    default_provider: str = "mock"
    default_model: str = "mock-model-1"
    default_timeout_ms: int = 30000
    circuit_breaker: CircuitBreakerConfig | None = None
    max_retries: int = 0
    retry_backoff_ms: int = 0
    retry_backoff_multiplier: float = 1.0
    retryable_errors: tuple[str, ...] = (
        "TIMEOUT",
        "RATE_LIMITED",
        "SERVER_ERROR",
    )
    # By tag the provider's name, or {"provider_id": ..., "model_id": ...}.
    domain_tag_routes: Mapping[str, Any] = field(default_factory=dict)
    # By name {"provider_class": ..., "config": {...}}; made when first used.
    providers: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class DevMode:
    """What `dev_mode` of a router_config file turns off."""

    use_mock_provider: bool = False
    bypass_auth: bool = False
    bypass_budget: bool = False


# What a member is: its type, how small it may be, and whether it must be there.
_Rule = tuple[type, "float | None", bool]

_ROUTER: dict[str, _Rule] = {
    "default_provider": (str, 1, True),
    "default_model": (str, 1, True),
    "default_timeout_ms": (int, 100, True),
    "circuit_breaker": (dict, None, False),
    "retry_policy": (dict, None, False),
    "providers": (dict, None, False),
    "dev_mode": (dict, None, False),
    "max_retries": (int, 0, False),
    "retry_backoff_ms": (int, 0, False),
    "domain_tag_routes": (dict, None, False),
}
_CIRCUIT_BREAKER: dict[str, _Rule] = {
    "failure_threshold": (int, 1, False),
    "recovery_timeout_ms": (int, 0, False),
    "half_open_max": (int, 1, False),
}
_RETRY_POLICY: dict[str, _Rule] = {
    "max_retries": (int, 0, False),
    "backoff_base_ms": (int, 0, False),
    "backoff_multiplier": (float, 1, False),
    "retryable_errors": (list, None, False),
}
_PROVIDER: dict[str, _Rule] = {
    "provider_class": (str, 1, True),
    "config": (dict, None, False),
}
_DEV_MODE: dict[str, _Rule] = {
    "use_mock_provider": (bool, None, False),
    "bypass_auth": (bool, None, False),
    "bypass_budget": (bool, None, False),
}
_BUDGETS: dict[str, _Rule] = {
    "defaults": (dict, None, True),
    "rate_limits": (dict, None, False),
    "provider_limits": (dict, None, False),
    "pricing": (dict, None, False),
    "enforcement": (dict, None, False),
}
_BUDGET_DEFAULTS: dict[str, _Rule] = {
    "session_token_limit": (int, 1, True),
    "wo_token_limit": (int, 1, True),
    "agent_token_limit": (int, 1, True),
    "wo_turn_limit": (int, 1, True),
    "wo_timeout_seconds": (int, 1, True),
}
_RATE_LIMITS: dict[str, _Rule] = {
    "requests_per_minute": (int, 1, False),
    "tokens_per_minute": (int, 1, False),
    "burst_allowance": (float, 0, False),
    "cooldown_ms": (int, 0, False),
    "window_seconds": (int, 1, False),
}
_PROVIDER_LIMITS: dict[str, _Rule] = {
    "rpm_limit": (int, 1, False),
    "tpm_limit": (int, 1, False),
}
_PRICE: dict[str, _Rule] = {
    "input_per_1k": (float, 0, True),
    "output_per_1k": (float, 0, True),
}
_ENFORCEMENT: dict[str, _Rule] = {
    "hard_limit": (bool, None, False),
    "warn_threshold": (float, 0, False),
}
_TYPE_WORDS = {
    str: "a text",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


def read_router_config(
    path: str | os.PathLike[str],
) -> tuple[RouterConfig, DevMode]:
    file = _File(path, "router_config")
    data = file.members
    file.check(data, _ROUTER)
    breaker = data.get("circuit_breaker", {})
    file.check(breaker, _CIRCUIT_BREAKER, "circuit_breaker.")
    retries = data.get("retry_policy", {})
    file.check(retries, _RETRY_POLICY, "retry_policy.")
    for code in retries.get("retryable_errors", ()):
        if not isinstance(code, str):
            file.refuse("retry_policy.retryable_errors", "has what is no text")
    for name, provider in data.get("providers", {}).items():
        file.check(provider, _PROVIDER, f"providers.{name}.")
    for tag, route in data.get("domain_tag_routes", {}).items():
        if isinstance(route, dict):
            file.check(
                route,
                {"provider_id": (str, 1, True), "model_id": (str, 1, False)},
                f"domain_tag_routes.{tag}.",
            )
        elif not isinstance(route, str):
            file.refuse(
                f"domain_tag_routes.{tag}",
                "is neither a provider's name nor an object",
            )
    dev_mode = data.get("dev_mode", {})
    file.check(dev_mode, _DEV_MODE, "dev_mode.")
    config = RouterConfig(
        default_provider=data["default_provider"],
        default_model=data["default_model"],
        default_timeout_ms=data["default_timeout_ms"],
        circuit_breaker=CircuitBreakerConfig(**breaker),
        max_retries=data.get("max_retries", 0),
        retry_backoff_ms=data.get("retry_backoff_ms", 0),
        domain_tag_routes=data.get("domain_tag_routes", {}),
        providers=data.get("providers", {}),
    )
    if "retry_policy" in data:
        config.max_retries = retries.get("max_retries", 2)
        config.retry_backoff_ms = retries.get("backoff_base_ms", 1000)
        config.retry_backoff_multiplier = float(
            retries.get("backoff_multiplier", 2.0)
        )
        config.retryable_errors = tuple(
            retries.get("retryable_errors", config.retryable_errors)
        )
    return config, DevMode(**dev_mode)


def read_budget_config(
    path: str | os.PathLike[str],
) -> tuple[BudgetConfig, RateLimitConfig | None]:
    """Without `rate_limits` in the file there are none."""
    file = _File(path, "budget_config", beside="router_config")
    data = file.members
    file.check(data, _BUDGETS)
    file.check(data["defaults"], _BUDGET_DEFAULTS, "defaults.")
    rates = data.get("rate_limits")
    if rates is not None:
        file.check(rates, _RATE_LIMITS, "rate_limits.")
    for name, limits in data.get("provider_limits", {}).items():
        file.check(limits, _PROVIDER_LIMITS, f"provider_limits.{name}.")
    for model, price in data.get("pricing", {}).items():
        file.check(price, _PRICE, f"pricing.{model}.")
    file.check(data.get("enforcement", {}), _ENFORCEMENT, "enforcement.")
    return (
        BudgetConfig.from_dict(data),
        None if rates is None else RateLimitConfig(**rates),
    )


def _without_nulls(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A null is as good as nothing, as the gateway reads it."""
    return {key: value for key, value in pairs if value is not None}


class _File:
    """A configuration's members, and errors that name them.

    It is the section of this name, or the whole file where there is none.
    """

    def __init__(
        self, path: str | os.PathLike[str], section: str, beside: str = ""
    ) -> None:
        """A file with a section `beside` is one of sections, too."""
        self._path = os.fspath(path)
        self._section = ""
        try:
            with open(path, encoding="utf-8") as file:
                self.members: dict[str, Any] = json.load(
                    file, object_pairs_hook=_without_nulls
                )
        except OSError as error:
            raise ConfigError(
                f"{self._path}: cannot be read: {error.strerror}"
            ) from error
        except ValueError as error:
            raise ConfigError(f"{self._path}: is no JSON: {error}") from error
        if not isinstance(self.members, dict):
            self.refuse("the whole", "is no object")
        if section not in self.members and beside not in self.members:
            return
        if section not in self.members:
            self.refuse(section, "is missing")
        self.members = self.members[section]
        self._section = section
        if not isinstance(self.members, dict):
            self.refuse("", "is no object")

    def refuse(self, key: str, why: str) -> None:
        """Of a section the key is told with the section's name."""
        whole = ".".join(part for part in (self._section, key) if part)
        raise ConfigError(f"{self._path}: {whole} {why}")

    def check(
        self, members: Any, rules: Mapping[str, _Rule], prefix: str = ""
    ) -> None:
        """Raises unless the members are what the rules say."""
        if not isinstance(members, dict):
            self.refuse(prefix.rstrip(".") or "the whole", "is no object")
        for name in members:
            if name not in rules:
                self.refuse(
                    prefix + name,
                    "is not known; there are " + ", ".join(sorted(rules)),
                )
        for name, (kind, least, required) in rules.items():
            if name in members:
                self._check_member(prefix + name, members[name], kind, least)
            elif required:
                self.refuse(prefix + name, "is missing")

    def _check_member(
        self, key: str, value: Any, kind: type, least: float | None
    ) -> None:
        fits = isinstance(value, kind) or (
            kind is float and isinstance(value, int)
        )
        if not fits or (isinstance(value, bool) and kind is not bool):
            self.refuse(key, f"is not {_TYPE_WORDS[kind]}")
        if least is None:
            return
        if isinstance(value, str):
            if not value.strip():
                self.refuse(key, "is empty")
        elif value < least:
            self.refuse(key, f"is {value}; it is at least {least:g}")
