"""What budgets of tokens are of, how large they are, and what is left.

The names and fields are those that TokenBudgeter takes and returns.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class BudgetDenialReason(str, enum.Enum):
    BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"
    HIERARCHY_EXCEEDED = "HIERARCHY_EXCEEDED"  # What it is within has less.
    RATE_LIMITED = "RATE_LIMITED"
    TURN_LIMIT = "TURN_LIMIT"
    NOT_ALLOCATED = "NOT_ALLOCATED"


@dataclass
class BudgetScope:
    """Whose budget is meant: a session's, that of a work order within it, or
    of an agent within that."""

    session_id: str
    work_order_id: str | None = None
    agent_id: str | None = None
    requested_tokens: int = 0
    model_id: str | None = None

    @property
    def scope_key(self) -> str:
        parts = (self.session_id, self.work_order_id, self.agent_id)
        return "/".join(part for part in parts if part)

    @property
    def parent_key(self) -> str | None:
        """The key of what it is within; None of a session."""
        if self.agent_id and self.work_order_id:
            return f"{self.session_id}/{self.work_order_id}"
        if self.agent_id or self.work_order_id:
            return self.session_id
        return None


@dataclass
class BudgetAllocation:
    token_limit: int
    turn_limit: int | None = None  # How many calls.
    timeout_seconds: int | None = None  # Recorded, and nothing else.


@dataclass
class TokenUsage:
    input_tokens: int
    output_tokens: int
    model_id: str

    @property
    def total(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass
class BudgetCheckResult:
    allowed: bool
    remaining: int
    reason: BudgetDenialReason | None = None
    retry_after_ms: int | None = None
    cost_estimate: float | None = None  # In US dollars.
    warning: str | None = None


@dataclass
class DebitResult:
    success: bool  # False if nothing is allocated: nothing was debited.
    remaining: int
    total_consumed: int
    cost_incurred: float  # In US dollars.
    ledger_entry_id: str


@dataclass
class BudgetStatus:
    """`cost_estimate` is always 0; what a call has cost is in its debit."""

    scope_key: str
    allocated: int = 0
    consumed_input: int = 0
    consumed_output: int = 0
    consumed_total: int = 0
    remaining: int = 0
    request_count: int = 0
    cost_estimate: float = 0.0
    turn_limit: int | None = None
    turns_used: int = 0
    last_request_at: str | None = None


@dataclass
class SessionSummary:
    """`total_cost` is always 0, as `cost_estimate` of BudgetStatus."""

    session_id: str
    total_input: int
    total_output: int
    total_consumed: int
    total_cost: float
    work_orders: list[dict[str, Any]]


@dataclass
class BudgetConfig:
    """The limits by which callers allocate, prices, and when to warn.

    TokenBudgeter itself reads `pricing` and `enforcement_warn_threshold`;
    allocations say how large a budget is.
    """

    session_token_limit: int = 100000
    wo_token_limit: int = 50000
    agent_token_limit: int = 10000
    wo_turn_limit: int = 20
    wo_timeout_seconds: int = 3600
    # By model: `input_per_1k` and `output_per_1k`, in US dollars.
    pricing: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    enforcement_hard_limit: bool = True
    enforcement_warn_threshold: float = 0.8  # Of what is allocated.

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BudgetConfig:
        """From the members of a budget_config file; see config_file.py."""
        config = cls()
        defaults = data.get("defaults", {})
        enforcement = data.get("enforcement", {})
        for name in (
            "session_token_limit",
            "wo_token_limit",
            "agent_token_limit",
            "wo_turn_limit",
            "wo_timeout_seconds",
        ):
            if name in defaults:
                setattr(config, name, defaults[name])
        for name in ("hard_limit", "warn_threshold"):
            if name in enforcement:
                setattr(config, f"enforcement_{name}", enforcement[name])
        config.pricing = data.get("pricing", {})
        return config


@dataclass
class RateLimitConfig:
    """How many calls of one scope may be made in a window of time.

    `tokens_per_minute` is recorded, and limits nothing.
    """

    requests_per_minute: int = 60  # In each window.
    tokens_per_minute: int = 1000000
    burst_allowance: float = 1.0  # Times as many.
    cooldown_ms: int = 0  # How long to wait at least.
    window_seconds: int = 60
