"""Which model would be chosen, and why."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import quote

from llm_gateway.http_json import reading_answer
from llm_gateway.services.listeners import (
    ADMIN,
    ADMIN_TIMEOUT_S,
    caller_listener,
    operator_listener,
)
from llm_gateway.services.model_policy import ModelSpec

# What get_model_recommendations answers, as the gateway tells it.
ModelRecommendations = dict[str, Any]


class SelectionStrategy(str, Enum):
    """What matters when several models would do."""

    COST_OPTIMIZED = "cost_optimized"
    PERFORMANCE_OPTIMIZED = "performance_optimized"
    BALANCED = "balanced"
    ADMIN_PREFERRED = "admin_preferred"
    CAPABILITY_STRICT = "capability_strict"


class SelectionTier(str, Enum):
    """Carried along; it decides nothing."""

    PREMIUM = "premium"
    STANDARD = "standard"
    ECONOMY = "economy"
    EMERGENCY = "emergency"


@dataclass
class SelectionContext:
    """What a model is wanted for.

    Fields:
      node_name: of the pipeline; the gateway may know what it needs.
      capabilities: what the model must be able to do besides.
      user_id: on whose behalf.
      cost_tier_override: the dearest tier, LOW to PREMIUM.
      strategy: None as the gateway is configured.
      budget_remaining: dollars. In place of a model whose estimate is above it
        the cheapest is chosen, even if that is above it, too.
      previous_failures: ids of policies that have just failed.
      trace_id: under which the question is found.
    """

    node_name: str
    capabilities: Sequence[str] = ()
    user_id: str | None = None
    cost_tier_override: str | None = None
    strategy: SelectionStrategy | str | None = None
    tier: SelectionTier | str = SelectionTier.STANDARD
    budget_remaining: float | None = None
    previous_failures: Sequence[str] = ()
    trace_id: str | None = None


@dataclass(frozen=True)
class SelectionResult:
    """What was chosen.

    Fields:
      selected_model: the model.
      reasoning: why, in words.
      alternatives: ids of policies that would have done.
      estimated_cost: of a usual call, in dollars; None where no policy led
        to the model, as is confidence_score.
      confidence_score: 0 to 1.
      fallback_chain: ids of policies that are tried next.
    """

    selected_model: ModelSpec
    reasoning: str
    alternatives: list[str] = field(default_factory=list)
    estimated_cost: float | None = None
    confidence_score: float | None = None
    fallback_chain: list[str] = field(default_factory=list)


def strategy_name(strategy: SelectionStrategy | str) -> str:
    """As the gateway has it; ValueError for what is no strategy."""
    return SelectionStrategy(strategy).value


class ModelSelector:
    """Has a running gateway choose. Raises GatewayError."""

    async def select_model(self, context: SelectionContext) -> SelectionResult:
        """What a call of this kind would get now; no model is asked."""
        told = (
            await caller_listener().ask(
                "POST",
                "/api/chat/select-model",
                _wish(context),
                ADMIN_TIMEOUT_S,
                {"x-trace-id": context.trace_id} if context.trace_id else None,
            )
        ).json
        with reading_answer():
            return SelectionResult(
                selected_model=ModelSpec(
                    logical_id=told["selected_model"],
                    provider=told["provider"],
                    capabilities=told.get("capabilities") or {},
                    fallback_models=tuple(told.get("fallback_chain") or ()),
                ),
                reasoning=told["reasoning"],
                alternatives=list(told.get("alternatives") or ()),
                estimated_cost=told.get("estimated_cost"),
                confidence_score=told.get("confidence_score"),
                fallback_chain=list(told.get("fallback_chain") or ()),
            )

    async def get_model_recommendations(
        self, node_name: str
    ) -> ModelRecommendations:
        """What each strategy would choose for the node, `recommendations`,
        and how the models have done, `performance_data`. For operators."""
        answer = await operator_listener().ask(
            "GET",
            f"{ADMIN}/recommendations/{quote(node_name, safe='')}",
            timeout_s=ADMIN_TIMEOUT_S,
        )
        with reading_answer():
            return dict(answer.json)


def _wish(context: SelectionContext) -> dict[str, Any]:
    wish: dict[str, Any] = {"node_name": context.node_name}
    if context.capabilities:
        wish["capabilities"] = list(context.capabilities)
    if context.strategy is not None:
        wish["strategy"] = strategy_name(context.strategy)
    if context.cost_tier_override is not None:
        wish["cost_tier_override"] = context.cost_tier_override
    if context.budget_remaining is not None:
        wish["budget_remaining"] = context.budget_remaining
    if context.previous_failures:
        wish["previous_failures"] = list(context.previous_failures)
    if context.user_id is not None:
        wish["user_context"] = {"user_id": context.user_id}
    return wish


@functools.lru_cache(maxsize=1)
def get_model_selector() -> ModelSelector:
    return ModelSelector()
