"""The models that a gateway may choose from."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llm_gateway.http_json import reading_answer
from llm_gateway.services.listeners import (
    ADMIN,
    ADMIN_TIMEOUT_S,
    in_own_loop,
    operator_listener,
)


@dataclass(frozen=True)
class ModelSpec:
    """One model, as the gateway's configuration describes it.

    Fields:
      logical_id: of the policy.
      provider: by its name in the configuration.
      provider_model_id, cost_tier, context_window, input_cost_per_1k,
        output_cost_per_1k: None where only operators are told. Costs are
        dollars, the tier is low, medium, high or premium.
      capabilities: each that there is, and whether the model has it.
      fallback_models: policies that are tried next.
      admin_overridable: whether operators may give it to a node.
    """

    logical_id: str
    provider: str
    provider_model_id: str | None = None
    capabilities: Mapping[str, bool] = field(default_factory=dict)
    cost_tier: str | None = None
    context_window: int | None = None
    input_cost_per_1k: float | None = None
    output_cost_per_1k: float | None = None
    fallback_models: tuple[str, ...] = ()
    admin_overridable: bool = True

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> ModelSpec:
        known = {k: v for k, v in told.items() if k in cls.__annotations__}
        known["fallback_models"] = tuple(told.get("fallback_models") or ())
        return cls(**known)


class ModelPolicyRegistry:
    """The policies of a running gateway."""

    def get_all_policies(self) -> dict[str, ModelSpec]:
        """All of them by their ids, as they are in use now.

        Waits for the gateway; from a coroutine, aget_all_policies does not
        hold up the others. Raises GatewayError.
        """
        return in_own_loop(self.aget_all_policies())

    async def aget_all_policies(self) -> dict[str, ModelSpec]:
        answer = await operator_listener().ask(
            "GET", ADMIN + "/policies", timeout_s=ADMIN_TIMEOUT_S
        )
        with reading_answer():
            return {
                name: ModelSpec.from_json({"logical_id": name, **told})
                for name, told in answer.json.items()
            }


@functools.lru_cache(maxsize=1)
def get_model_policy_registry() -> ModelPolicyRegistry:
    return ModelPolicyRegistry()
