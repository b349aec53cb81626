"""TokenBudgeter keeps sessions, work orders and agents within their tokens.

    budgeter = TokenBudgeter(ledger, BudgetConfig())
    scope = BudgetScope(session_id="SES-1", work_order_id="WO-1")
    budgeter.allocate(scope, BudgetAllocation(token_limit=50000))
    ...
    if budgeter.check(scope).allowed:
        ...
        budgeter.debit(scope, TokenUsage(100, 50, "claude-x"))

What is not allocated is charged to what it is within. A debit counts for all
that the scope is within, also past their limits. What was allocated and debited
is in the ledger, from which from_ledger makes the same budgets again.

Thread-safe.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from llm_gateway.router.budgets import (
    BudgetAllocation,
    BudgetCheckResult,
    BudgetConfig,
    BudgetDenialReason,
    BudgetScope,
    BudgetStatus,
    DebitResult,
    RateLimitConfig,
    SessionSummary,
    TokenUsage,
)
from llm_gateway.router.config_file import read_budget_config
from llm_gateway.router.ledger_entry import LedgerEntry


@dataclass
class _Account:
    """How a scope that is allocated stands."""

    allocated: int
    turn_limit: int | None
    timeout_seconds: int | None
    consumed_input: int = 0
    consumed_output: int = 0
    request_count: int = 0
    # Unix seconds, of the window of a rate; nothing where there is none.
    requested_at: deque[float] = field(default_factory=deque)
    last_request_at: str | None = None

    @property
    def consumed_total(self) -> int:
        return self.consumed_input + self.consumed_output

    @property
    def remaining(self) -> int:
        return max(0, self.allocated - self.consumed_total)

    def debit(
        self,
        input_tokens: int,
        output_tokens: int,
        at_seconds: float,
        at_text: str,
        rates: RateLimitConfig | None,
    ) -> None:
        self.consumed_input += input_tokens
        self.consumed_output += output_tokens
        self.request_count += 1
        if rates is not None:
            self.requested_at.append(at_seconds)
            oldest = at_seconds - rates.window_seconds
            while self.requested_at and self.requested_at[0] <= oldest:
                self.requested_at.popleft()
        self.last_request_at = at_text


class TokenBudgeter:
    def __init__(
        self,
        ledger_client: Any,
        config: BudgetConfig,
        rate_limit_config: RateLimitConfig | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Without `rate_limit_config` no call is too soon. `clock` tells Unix
        seconds."""
        self._ledger = ledger_client
        self._config = config
        self._rates = rate_limit_config
        self._clock = clock
        self._lock = threading.RLock()
        self._accounts: dict[str, _Account] = {}

    @classmethod
    def from_config_file(
        cls, path: str | os.PathLike[str], ledger_client: Any
    ) -> TokenBudgeter:
        """ConfigError names the file and the key of what is wrong."""
        config, rates = read_budget_config(path)
        return cls(ledger_client, config, rates)

    @classmethod
    def from_ledger(
        cls,
        ledger_client: Any,
        config: BudgetConfig,
        rate_limit_config: RateLimitConfig | None = None,
    ) -> TokenBudgeter:
        """The budgets as they are by the ledger's entries."""
        budgeter = cls(ledger_client, config, rate_limit_config)
        entries = [
            entry
            for entry in ledger_client.read_all()
            if entry.event_type in ("BUDGET_ALLOCATE", "BUDGET_DEBIT")
        ]
        for entry in sorted(entries, key=lambda entry: entry.timestamp):
            told = entry.metadata
            key = told.get("scope_key", "")
            if entry.event_type == "BUDGET_ALLOCATE":
                budgeter._accounts[key] = _Account(
                    told.get("token_limit", 0),
                    told.get("turn_limit"),
                    told.get("timeout_seconds"),
                )
                continue
            for account in budgeter._charged(key):
                account.debit(
                    told.get("input_tokens", 0),
                    told.get("output_tokens", 0),
                    _unix_seconds(entry.timestamp),
                    entry.timestamp,
                    rate_limit_config,
                )
        return budgeter

    def allocate(self, scope: BudgetScope, allocation: BudgetAllocation) -> str:
        """Gives the scope a budget, anew if it has one, and returns the id of
        the ledger's entry."""
        with self._lock:
            entry_id: str = self._ledger.write(
                LedgerEntry(
                    event_type="BUDGET_ALLOCATE",
                    submission_id=scope.scope_key,
                    decision="ALLOCATED",
                    reason=f"Budget allocated: {allocation.token_limit} tokens",
                    metadata={
                        "scope_key": scope.scope_key,
                        **_scope_ids(scope),
                        "token_limit": allocation.token_limit,
                        "turn_limit": allocation.turn_limit,
                        "timeout_seconds": allocation.timeout_seconds,
                    },
                )
            )
            self._accounts[scope.scope_key] = _Account(
                allocation.token_limit,
                allocation.turn_limit,
                allocation.timeout_seconds,
            )
        return entry_id

    def check(self, scope: BudgetScope) -> BudgetCheckResult:
        """Whether the scope's `requested_tokens` may be spent now."""
        with self._lock:
            key = self._resolve(scope)
            if key is None:
                return BudgetCheckResult(
                    False, 0, BudgetDenialReason.NOT_ALLOCATED
                )
            account = self._accounts[key]
            denied = self._denial(scope, account)
            if denied is not None:
                return denied
            return BudgetCheckResult(
                allowed=True,
                remaining=account.remaining,
                cost_estimate=(
                    self.estimate_cost(
                        scope.model_id, scope.requested_tokens, 0
                    )
                    if scope.model_id and scope.requested_tokens > 0
                    else None
                ),
                warning=self._warning(account),
            )

    def debit(self, scope: BudgetScope, usage: TokenUsage) -> DebitResult:
        """Charges what a call has taken."""
        with self._lock:
            key = self._resolve(scope)
            if key is None:
                return DebitResult(False, 0, 0, 0.0, "")
            now = self._clock()
            charged = list(self._charged(key))
            for account in charged:
                account.debit(
                    usage.input_tokens,
                    usage.output_tokens,
                    now,
                    time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)),
                    self._rates,
                )
            cost = self.estimate_cost(
                usage.model_id, usage.input_tokens, usage.output_tokens
            )
            above = [each for each in _ancestors(key) if each in self._accounts]
            entry_id = self._ledger.write(
                LedgerEntry(
                    event_type="BUDGET_DEBIT",
                    submission_id=key,
                    decision="DEBITED",
                    reason=(
                        f"Debit: {usage.total} tokens "
                        f"({usage.input_tokens}in/{usage.output_tokens}out)"
                    ),
                    metadata={
                        "scope_key": key,
                        "parent_scope_key": above[0] if above else None,
                        **_scope_ids(scope),
                        "input_tokens": usage.input_tokens,
                        "output_tokens": usage.output_tokens,
                        "total_tokens": usage.total,
                        "model_id": usage.model_id,
                        "cost_incurred": cost,
                        "remaining": charged[0].remaining,
                    },
                )
            )
            return DebitResult(
                True,
                charged[0].remaining,
                charged[0].consumed_total,
                cost,
                entry_id,
            )

    def get_status(self, scope: BudgetScope) -> BudgetStatus:
        """How this very scope stands; zeros if it is not allocated."""
        with self._lock:
            account = self._accounts.get(scope.scope_key)
            if account is None:
                return BudgetStatus(scope.scope_key)
            return BudgetStatus(
                scope_key=scope.scope_key,
                allocated=account.allocated,
                consumed_input=account.consumed_input,
                consumed_output=account.consumed_output,
                consumed_total=account.consumed_total,
                remaining=account.remaining,
                request_count=account.request_count,
                turn_limit=account.turn_limit,
                turns_used=account.request_count,
                last_request_at=account.last_request_at,
            )

    def get_session_summary(self, session_id: str) -> SessionSummary:
        """What the session has taken, and each work order that is allocated.
        What was charged to an agent's budget counts once, as its work
        order's."""
        with self._lock:
            work_orders = [
                (key.split("/")[1], account)
                for key, account in self._accounts.items()
                if key.count("/") == 1 and key.startswith(f"{session_id}/")
            ]
            counted = [account for _, account in work_orders]
            counted += [
                account
                for key, account in self._accounts.items()
                if key.count("/") == 2
                and key.startswith(f"{session_id}/")
                and key.rpartition("/")[0] not in self._accounts
            ]
            if session_id in self._accounts:
                counted = [self._accounts[session_id]]
            total_input = sum(each.consumed_input for each in counted)
            total_output = sum(each.consumed_output for each in counted)
            return SessionSummary(
                session_id=session_id,
                total_input=total_input,
                total_output=total_output,
                total_consumed=total_input + total_output,
                total_cost=0.0,
                work_orders=[
                    {
                        "work_order_id": name,
                        "consumed_input": account.consumed_input,
                        "consumed_output": account.consumed_output,
                        "consumed_total": account.consumed_total,
                        "request_count": account.request_count,
                    }
                    for name, account in work_orders
                ],
            )

    def estimate_cost(
        self, model_id: str, input_tokens: int, output_tokens: int
    ) -> float:
        """In US dollars; 0 for a model without a price."""
        price = self._config.pricing.get(model_id)
        if not price:
            return 0.0
        return input_tokens / 1000 * price.get(
            "input_per_1k", 0.0
        ) + output_tokens / 1000 * price.get("output_per_1k", 0.0)

    def _resolve(self, scope: BudgetScope) -> str | None:
        """The key of what is charged: the scope's, or the nearest above it."""
        keys = (scope.scope_key, *_ancestors(scope.scope_key))
        return next((key for key in keys if key in self._accounts), None)

    def _charged(self, key: str) -> Iterator[_Account]:
        for each in (key, *_ancestors(key)):
            if each in self._accounts:
                yield self._accounts[each]

    def _denial(
        self, scope: BudgetScope, account: _Account
    ) -> BudgetCheckResult | None:
        wait_ms = self._wait_ms(scope)
        if wait_ms is not None:
            return BudgetCheckResult(
                False,
                account.remaining,
                BudgetDenialReason.RATE_LIMITED,
                wait_ms,
            )
        if (
            account.turn_limit is not None
            and account.request_count >= account.turn_limit
        ):
            return BudgetCheckResult(
                False, account.remaining, BudgetDenialReason.TURN_LIMIT
            )
        requested = scope.requested_tokens
        if requested > account.remaining:
            return BudgetCheckResult(
                False, account.remaining, BudgetDenialReason.BUDGET_EXHAUSTED
            )
        for key in _ancestors(scope.scope_key):
            above = self._accounts.get(key)
            if above is not None and requested > above.remaining:
                return BudgetCheckResult(
                    False,
                    above.remaining,
                    BudgetDenialReason.HIERARCHY_EXCEEDED,
                )
        return None

    def _wait_ms(self, scope: BudgetScope) -> int | None:
        """How long the scope has to wait; None if it need not."""
        account = self._accounts.get(scope.scope_key)
        if self._rates is None or account is None:
            return None
        now = self._clock()
        window = self._rates.window_seconds
        account.requested_at = deque(
            at for at in account.requested_at if at > now - window
        )
        most = int(
            self._rates.requests_per_minute * self._rates.burst_allowance
        )
        if len(account.requested_at) < most:
            return None
        oldest = min(account.requested_at, default=now)
        return max(int((oldest + window - now) * 1000), self._rates.cooldown_ms)

    def _warning(self, account: _Account) -> str | None:
        if account.allocated <= 0:
            return None
        share = account.consumed_total / account.allocated
        if share < self._config.enforcement_warn_threshold:
            return None
        return f"Budget usage at {share:.0%}"


def _ancestors(key: str) -> list[str]:
    """What the scope of this key is within, the nearest first."""
    parts = key.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]


def _scope_ids(scope: BudgetScope) -> dict[str, str | None]:
    return {
        "scope_session_id": scope.session_id,
        "scope_work_order_id": scope.work_order_id,
        "scope_agent_id": scope.agent_id,
    }


def _unix_seconds(timestamp: str) -> float:
    try:
        time_ = datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
    except ValueError:
        return 0.0
    if time_.tzinfo is None:
        time_ = time_.replace(tzinfo=timezone.utc)
    return time_.timestamp()
