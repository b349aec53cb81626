"""The mistakes that mutations.py plants into what costs money."""

from tests.simulation.mistake import Mistake

_BUDGET_CHARGES = "service/budgets/budget_charges.cc"
_BUDGET_TABLE = "service/budgets/budget_table.cc"
_CALL_BUDGETS = "service/pipeline/call_budgets.cc"
_CALL_LEDGER = "service/pipeline/call_ledger.cc"
_LEDGER_WRITER = "service/ledger/ledger_writer.cc"
_LIVE_ATTEMPT = "service/pipeline/live_attempt.cc"
_NEXT_ATTEMPT = "service/pipeline/next_attempt.cc"
_STREAMED_ANSWER = "service/pipeline/streamed_answer.cc"
_USAGE_ESTIMATE = "service/pipeline/usage_estimate.cc"
_WHOLE_ANSWER = "service/pipeline/whole_answer.cc"

_LEDGER = [
    Mistake(
        "an attempt does not hear that its bytes are about to leave",
        _LIVE_ATTEMPT,
        "  if (call_.ledger != nullptr) request_.departure = this;\n", "",
        said="before its DISPATCH is written"),
    Mistake(
        "who asks goes on without the ledger, whatever is configured",
        _CALL_LEDGER,
        "          ledger.degrades_ ? IfNotCommitted::kKeepAndGoOn\n"
        "                           : IfNotCommitted::kForget)) {",
        "          IfNotCommitted::kKeepAndGoOn)) {",
        said="before its DISPATCH is written"),
    Mistake(
        "an answer is sent before its exchange is written", _WHOLE_ANSWER,
        "  if (call.ledger != nullptr) {\n"
        "    outcome = co_await call.ledger->Finish(call, "
        "std::move(outcome));\n"
        "  }\n"
        "  co_return co_await SendWhole(call, sink, std::move(outcome));\n",
        "  const absl::Status sent = co_await SendWhole(call, sink, outcome);\n"
        "  if (call.ledger != nullptr) {\n"
        "    outcome = co_await call.ledger->Finish(call, "
        "std::move(outcome));\n"
        "  }\n"
        "  co_return sent;\n",
        said="before its EXCHANGE"),
    Mistake(
        "who has lost a hedge has no exchange", _CALL_LEDGER,
        "    if (trip.withdrawn) continue;\n    was_asked = true;\n",
        "    if (trip.withdrawn || trip.attempt->error_reason == "
        "v1::ERROR_REASON_CANCELLED) continue;\n    was_asked = true;\n",
        said="before its EXCHANGE"),
    Mistake(
        "who was refused has no entry", _CALL_LEDGER,
        "    closed_.push_back(RejectionEntry(call, outcome, id, others));\n", "",
        said="PROMPT_REJECTED"),
    Mistake(
        "what could not be written is forgotten", _LEDGER_WRITER,
        "    if (IsForgotten(taken.otherwise)) continue;\n",
        "    if (taken.otherwise != IfNotCommitted::kKeepAndGoOn) continue;\n",
        said="is never written"),
    Mistake(
        "what was there after a failure is written again", _LEDGER_WRITER,
        "  if (!there) return false;\n",
        "  if (!there || settled > 0) return false;\n",
        said="is written twice"),
    Mistake(
        "a dispatch that failed is not taken back", _CALL_LEDGER,
        "AppendWithdrawal(other, &withdrawals_);\n",
        "withdrawals_.clear();\n",
        said="is open at the next start"),
    Mistake(
        "a hedge does not wait for the ledger", "service/pipeline/"
        "hedged_attempt.cc",
        "  while (!first.ended && !first_live.departs()) co_await "
        "wake.Wait();\n", "",
        said="asks beside"),
]

_SPENDING = [
    Mistake(
        "a call that nobody has billed keeps its reservation", _CALL_BUDGETS,
        "  if (!answered) return Cancel();\n",
        "  if (!answered) return;\n",
        said="holds what it has reserved"),
    Mistake(
        "a reservation is never given back", _BUDGET_TABLE,
        "  cell.reserved -= charge.amounts;\n  --cell.reservations;\n",
        "  --cell.reservations;\n",
        said="and reserved"),
    Mistake(
        "a call is charged twice", _BUDGET_TABLE,
        "      add(charge, cell);\n      MarkUntold",
        "      add(charge, cell);\n      add(charge, cell);\n      MarkUntold",
        said="has spent"),
    Mistake(
        "what has failed costs nothing", _CALL_BUDGETS,
        "    real += BilledAmounts(*usage);\n",
        "    if (attempt.answered) real += BilledAmounts(*usage);\n",
        said="has spent"),
    Mistake(
        "a target's budget is charged for who has answered alone",
        _CALL_BUDGETS,
        "    if (usage == nullptr) continue;\n"
        "    BudgetAmounts of_target",
        "    if (usage == nullptr || !attempt.answered) continue;\n"
        "    BudgetAmounts of_target",
        said="has spent"),
    Mistake(
        "what a stream takes beyond its estimate is not reserved",
        _STREAMED_ANSWER,
        "      GrowBudgets(call, attempt, *delivered, *open.stream);\n", "",
        said="and reserved"),
    Mistake(
        "a stream is reserved of targets that it does not come from",
        _BUDGET_CHARGES,
        "    if (rule.is_of_target() && charge.key != rule.KeyOf(delivering)) "
        "continue;\n", "    (void)rule.KeyOf(delivering);\n",
        said="and reserved"),
    Mistake(
        "a window never begins anew", _BUDGET_TABLE,
        "  } else {\n    spend.ForgetBefore(window, now);\n  }\n", "  }\n",
        said="has spent"),
    Mistake(
        "what comes back within a step is late", _BUDGET_TABLE,
        "      ends_by(spend);\n", "",
        said="has spent"),
    Mistake(
        "what others have reserved does not count", _BUDGET_TABLE,
        "  const int64_t left = SaturatingSum(free, -reserved.units);\n",
        "  const int64_t left = free;\n",
        said="is let in, and"),
    Mistake(
        "a target whose budget is spent is asked in another's place",
        _NEXT_ATTEMPT,
        "      call_.runtime->budgets()->has_target_rules()) {\n",
        "      !call_.runtime->budgets()->has_target_rules()) {\n",
        said="would be right"),
    Mistake(
        "who is let in may take all that is left and more", _BUDGET_TABLE,
        "  if (left > 0 && wanted <= left) return;\n",
        "  if (left > 0) return;\n",
        said="is let in, and"),
    Mistake(
        "a budget that is reached lets in what is free", _BUDGET_TABLE,
        "  if (left > 0 && wanted <= left) return;\n",
        "  if (wanted <= std::max<int64_t>(left, 0)) return;\n",
        said="is let in, and"),
    Mistake(
        "one call more than may be is let in", _BUDGET_TABLE,
        "    if (free < reserved.turns + charge->amounts.turns) {\n",
        "    if (free < reserved.turns) {\n",
        said="is let in, and"),
    Mistake(
        "a budget that only warns refuses", _BUDGET_TABLE,
        "      if (charge.refuses()) {\n        if (std::exchange(",
        "      if (charge.obstacle != BudgetObstacle::kNone) {\n"
        "        if (std::exchange(",
        said="is refused by a budget"),
    Mistake(
        "who is not served is said to have been let pass", _CALL_LEDGER,
        "  if (!was_asked) return false;\n", "",
        said="BUDGET_WARNING"),
]

_COSTS = [
    Mistake(
        "a stream that is left has cost nothing", _USAGE_ESTIMATE,
        "  } else {\n"
        "    EstimateUsage(call, input, output_tokens, &facts->usage);\n"
        "  }\n}\n\nvoid EstimateWholeUsage",
        "  }\n}\n\nvoid EstimateWholeUsage",
        said="is said to have taken"),
    Mistake(
        "who was not waited for has cost nothing", _USAGE_ESTIMATE,
        "  const bool left_at_work = http.abandoned() || "
        "(http.sent && ended_by_us);\n",
        "  const bool left_at_work = http.sent && ended_by_us;\n",
        said="is said to have taken"),
    Mistake(
        "a cost is rounded down", "service/money/cost.cc",
        "(millionths + kScale / 2) / kScale", "millionths / kScale",
        said="is said to have taken"),
    Mistake(
        "a debit forgets what a call has cost",
        "service/budgets/budget_change.cc",
        "  out.AddInt(\"cost_usd_nanos\", "
        "change.amounts.cost_usd_nanos);\n",
        "  out.AddInt(\"cost_usd_nanos\", 0);\n",
        said="the BUDGET_DEBIT of call"),
    Mistake(
        "a book has half of what an entry says",
        "service/budgets/budget_change.cc",
        "        if (key == \"output_tokens\") number = "
        "&amounts.output_tokens;\n", "",
        said="at the next start"),
    Mistake(
        "sums leave out who has failed", "service/pipeline/summary_record.cc",
        "    if (usage == nullptr) continue;\n    CallTotals",
        "    if (usage == nullptr || !record.attempts.empty()) continue;\n"
        "    CallTotals",
        said="the sums have"),
]

MISTAKES = _LEDGER + _SPENDING + _COSTS
