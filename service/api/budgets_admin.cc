#include "service/api/budgets_admin.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/worker_pool.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/api/budget_view.h"
#include "service/api/caller_check.h"
#include "service/budgets/budget_entries.h"
#include "service/budgets/budget_table.h"
#include "service/ledger/ledger_writer.h"
#include "service/money/money.h"
#include "service/pipeline/batch_size.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

using BudgetRuntime = std::shared_ptr<const RuntimeSnapshot>;

constexpr std::string_view kBudgetsService = "llmgateway.v1.AdminService";
// How a page token begins. It says how many scopes came before, and of which
// listing it is.
constexpr absl::string_view kBudgetsMark = "budgets:";
constexpr int64_t kAllocatedUnitsMax = 1'000'000'000'000;
constexpr int64_t kAllocatedTurnsMax = 1'000'000'000;
constexpr absl::Duration kAllocatedTimeoutMin = absl::Seconds(1);
constexpr absl::Duration kAllocatedTimeoutMax = absl::Hours(87'600);
constexpr int64_t kAllocatedDollarsMax = 1'000'000'000;
constexpr int kWorkOrdersMax = 1000;
// What looking at a scope is worth, for OffLoop.
constexpr size_t kScopeBytes = 512;

int64_t SecondOf(const RuntimeSnapshot& runtime) {
  return absl::ToUnixSeconds(runtime.clock().WallTime());
}

std::string BudgetsPageToken(const v1::ListBudgetsRequest& request,
                             size_t shown) {
  return absl::StrCat(kBudgetsMark, shown, "/", request.rule(), "/",
                      request.subject());
}

absl::StatusOr<size_t> BudgetsShownBefore(
    const v1::ListBudgetsRequest& request) {
  if (request.page_token().empty()) return 0;
  absl::string_view token = request.page_token();
  uint32_t shown = 0;
  const bool is_token =
      absl::ConsumePrefix(&token, kBudgetsMark) &&
      absl::SimpleAtoi(token.substr(0, token.find('/')), &shown);
  if (!is_token) {
    return InvalidField("page_token", "is not one that this listing returned");
  }
  if (BudgetsPageToken(request, shown) != request.page_token()) {
    return InvalidField("page_token",
                        "is of a listing with another rule or subject; begin "
                        "again without one");
  }
  return shown;
}

// What is known of the scope, or what is known of one that nothing was charged
// to.
BudgetStanding StandingOf(const RuntimeSnapshot& runtime,
                          const BudgetRule& rule, const BudgetScope& scope) {
  std::optional<BudgetStanding> standing =
      runtime.budget_table().Find(scope, SecondOf(runtime));
  if (standing.has_value()) return *std::move(standing);
  return {.scope = scope, .account = {.window = rule.window()}};
}

struct RankedScope {
  const BudgetRule* rule = nullptr;
  BudgetStanding standing;
  double filled = 0;

  // The fullest first, then by its name.
  bool operator<(const RankedScope& other) const {
    if (filled != other.filled) return filled > other.filled;
    return standing.scope < other.standing.scope;
  }
};

// All scopes of budgets that there are, of which `wanted` says so.
template <typename Wanted>
std::vector<RankedScope> ScopesOf(const RuntimeSnapshot& runtime,
                                  const Wanted& wanted) {
  std::vector<RankedScope> scopes;
  runtime.budget_table().ForEach(
      SecondOf(runtime), [&](const BudgetStanding& standing) {
        const BudgetRule* const rule =
            runtime.budgets()->Find(standing.scope.budget);
        if (rule == nullptr || !rule->IsOf(standing.scope) ||
            !wanted(standing.scope)) {
          return;
        }
        scopes.push_back({.rule = rule,
                          .standing = standing,
                          .filled = FilledRatio(*rule, standing)});
      });
  std::sort(scopes.begin(), scopes.end());
  return scopes;
}

absl::Status CheckRange(const char* field, int64_t value, int64_t most) {
  if (value >= 0 && value <= most) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("must be 0 to ", most));
}

// The version of what is allocated to the scope now: later than what it has,
// even if a clock has been put back since, or another replica's is ahead.
int64_t NextVersion(const RuntimeSnapshot& runtime, const BudgetScope& scope,
                    absl::Time now) {
  const int64_t version = absl::ToUnixNanos(now);
  const std::optional<BudgetStanding> known =
      runtime.budget_table().Find(scope, absl::ToUnixSeconds(now));
  if (!known.has_value() || !known->account.allocation.has_value()) {
    return version;
  }
  return std::max(version, known->account.allocation->version + 1);
}

// What the request allocates at `now`.
absl::StatusOr<BudgetAllocation> AllocationOf(
    const v1::AllocateBudgetRequest& request, const BudgetRule& rule,
    absl::Time now, int64_t version) {
  BudgetAllocation allocation = {.removed = request.remove(),
                                 .version = version};
  const bool says_more = request.has_limit() || !request.limit_usd().empty() ||
                         request.has_turn_limit() || request.has_timeout();
  if (request.remove()) {
    if (!says_more) return allocation;
    return InvalidField("remove", "stands alone: leave out limits and timeout");
  }
  if (request.has_limit()) {
    if (rule.counts_cost()) {
      return InvalidField("limit", "is not for cost; give 'limit_usd'");
    }
    GATEWAY_RETURN_IF_ERROR(
        CheckRange("limit", request.limit(), kAllocatedUnitsMax));
    allocation.limit = request.limit();
  }
  if (!request.limit_usd().empty()) {
    if (!rule.counts_cost()) {
      return InvalidField("limit_usd", "is for cost only; give 'limit'");
    }
    const absl::StatusOr<Money> dollars = Money::Parse(request.limit_usd());
    if (!dollars.ok()) {
      return InvalidField("limit_usd", ToStd(dollars.status().message()));
    }
    if (dollars->nanos() > kAllocatedDollarsMax * Money::kNanosPerDollar) {
      return InvalidField("limit_usd", "must be at most 1000000000");
    }
    allocation.limit = dollars->nanos();
  }
  if (request.has_turn_limit()) {
    GATEWAY_RETURN_IF_ERROR(
        CheckRange("turn_limit", request.turn_limit(), kAllocatedTurnsMax));
    allocation.turn_limit = request.turn_limit();
  }
  if (!allocation.limit.has_value() && !allocation.turn_limit.has_value()) {
    return InvalidField(rule.counts_cost() ? "limit_usd" : "limit",
                        "is required, or 'turn_limit'");
  }
  if (request.has_timeout()) {
    const absl::Duration timeout = ToAbsl(request.timeout());
    if (timeout < kAllocatedTimeoutMin || timeout > kAllocatedTimeoutMax) {
      return InvalidField("timeout", "must be 1s to 87600h");
    }
    allocation.expire_time = absl::ToUnixSeconds(now + timeout);
  }
  return allocation;
}

void AddTo(const BudgetAmounts& spent, v1::SessionSummary* summary) {
  summary->set_input_tokens(spent.input_tokens);
  summary->set_output_tokens(spent.output_tokens);
  summary->set_total_tokens(spent.total_tokens());
  summary->set_cost_usd_nanos(spent.cost_usd_nanos);
  summary->set_turns(spent.turns);
}

void AddTo(const BudgetAmounts& spent, v1::WorkOrderSummary* summary) {
  summary->set_input_tokens(spent.input_tokens);
  summary->set_output_tokens(spent.output_tokens);
  summary->set_total_tokens(spent.total_tokens());
  summary->set_cost_usd_nanos(spent.cost_usd_nanos);
  summary->set_turns(spent.turns);
}

Task<absl::StatusOr<std::string>> CommitTo(BudgetRuntime runtime,
                                           LedgerEntry entry,
                                           std::function<void()> apply) {
  entry.id = NewEntryId(*runtime->ports().random);
  entry.time = runtime->clock().WallTime();
  UnchainedEntry unchained(entry);
  const auto apply_later = [apply, id = entry.id] {
    apply();
    Log(LogLevel::kInfo, "budgets",
        "what an operator said of a budget is in the ledger after all, and "
        "holds from now on",
        {{"entry", id}});
  };
  const absl::Status committed = co_await runtime->ports().ledger->Commit(
      {}, absl::MakeSpan(&unchained, 1),
      LedgerWriter::IfNotCommitted::kForgetOnceKnown, apply_later);
  if (committed.ok()) {
    apply();
    co_return entry.id;
  }
  if (absl::IsUnknown(committed)) {
    co_return MakeFault(
        v1::ERROR_REASON_LEDGER_UNAVAILABLE,
        "the ledger has failed, and nobody knows yet whether it has this: if "
        "it does, it holds once the ledger can be read; look then, before "
        "this is said again");
  }
  co_return MakeFault(
      v1::ERROR_REASON_LEDGER_UNAVAILABLE,
      absl::StrCat("the ledger cannot be written, and nothing has changed: ",
                   absl::StatusCodeToString(committed.code())));
}

}  // namespace

BudgetsAdmin::CommitEntry CommitsToLedger(const CurrentRuntime& runtime) {
  if (runtime.Get()->ports().ledger == nullptr) return nullptr;
  return [&runtime](LedgerEntry entry, std::function<void()> apply) {
    return CommitTo(runtime.Get(), std::move(entry), std::move(apply));
  };
}

void BudgetsAdmin::AddTo(MethodTable& table) {
  table.AddUnary(kBudgetsService, "AllocateBudget", *this,
                 &BudgetsAdmin::Allocate);
  table.AddUnary(kBudgetsService, "GetBudget", *this, &BudgetsAdmin::Get);
  table.AddUnary(kBudgetsService, "ListBudgets", *this, &BudgetsAdmin::List);
  table.AddUnary(kBudgetsService, "GetSessionSummary", *this,
                 &BudgetsAdmin::Summarize);
  table.AddUnary(kBudgetsService, "ResetBudget", *this, &BudgetsAdmin::Reset);
}

Task<absl::StatusOr<std::string>> BudgetsAdmin::Commit(
    LedgerEntry entry, std::function<void()> apply) const {
  if (sources_.commit != nullptr) {
    co_return co_await sources_.commit(std::move(entry), std::move(apply));
  }
  apply();
  co_return std::string();
}

Task<absl::Status> BudgetsAdmin::Allocate(
    CallContext& call, const v1::AllocateBudgetRequest& request,
    v1::AllocateBudgetResponse* response) {
  const BudgetRuntime runtime = sources_.runtime.Get();
  GATEWAY_CO_ASSIGN_OR_RETURN(const BudgetRule* const rule,
                              BudgetNamed(*runtime, request.rule()));
  GATEWAY_CO_ASSIGN_OR_RETURN(const BudgetScope scope,
                              ScopeNamed(*rule, request.subject()));
  const absl::Time now = runtime->clock().WallTime();
  GATEWAY_CO_ASSIGN_OR_RETURN(
      const BudgetAllocation allocation,
      AllocationOf(request, *rule, now, NextVersion(*runtime, scope, now)));
  const BudgetChange change = {.scope = scope,
                               .time = absl::ToUnixSeconds(now),
                               .allocation = allocation};
  const std::shared_ptr<BudgetTable> table = runtime->shared_budget_table();
  if (!table->MakePlace(scope, change.time)) {
    co_return MakeFault(
        v1::ERROR_REASON_BUDGET_EXCEEDED,
        "there are as many scopes as are known at once: raise "
        "budgets.scopes_limit, or wait until windows of others are over");
  }
  const std::string scope_key = scope.Text();
  LedgerEntry entry = BudgetAllocateEntry(change, scope_key);
  const auto apply = [table, change] { table->Apply(change); };
  GATEWAY_CO_ASSIGN_OR_RETURN(std::string entry_id,
                              co_await Commit(std::move(entry), apply));
  // Who asks has been let in, so there is a name, or none is asked for.
  const std::string who(CheckOperator(*runtime, call).value_or(""));
  Log(LogLevel::kInfo, "budgets",
      allocation.removed ? "an operator has taken back what was allocated"
                         : "an operator has allocated a budget",
      {{"budget", rule->name()}, {"scope", scope_key}, {"operator", who}});
  FillBudgetUsage(*rule, StandingOf(*runtime, *rule, scope),
                  response->mutable_usage());
  response->set_ledger_entry_id(std::move(entry_id));
  co_return absl::OkStatus();
}

Task<absl::Status> BudgetsAdmin::Get(CallContext&,
                                     const v1::GetBudgetRequest& request,
                                     v1::GetBudgetResponse* response) {
  const BudgetRuntime runtime = sources_.runtime.Get();
  GATEWAY_CO_ASSIGN_OR_RETURN(const BudgetRule* const rule,
                              BudgetNamed(*runtime, request.rule()));
  GATEWAY_CO_ASSIGN_OR_RETURN(const BudgetScope scope,
                              ScopeNamed(*rule, request.subject()));
  FillBudgetUsage(*rule, StandingOf(*runtime, *rule, scope),
                  response->mutable_usage());
  co_return absl::OkStatus();
}

Task<absl::Status> BudgetsAdmin::List(CallContext&,
                                      const v1::ListBudgetsRequest& request,
                                      v1::ListBudgetsResponse* response) {
  const BudgetRuntime runtime = sources_.runtime.Get();
  if (runtime->budgets() == nullptr || !request.rule().empty()) {
    // Whether there is such a budget.
    GATEWAY_CO_ASSIGN_OR_RETURN([[maybe_unused]] const BudgetRule* const rule,
                                BudgetNamed(*runtime, request.rule()));
  }
  GATEWAY_CO_ASSIGN_OR_RETURN(const int page_entries,
                              PageSizeOf(*runtime, request.page_size()));
  GATEWAY_CO_ASSIGN_OR_RETURN(const size_t before, BudgetsShownBefore(request));
  const auto find = [&] {
    return ScopesOf(*runtime, [&](const BudgetScope& scope) {
      return (request.rule().empty() || scope.budget == request.rule()) &&
             HasSubjectText(scope, request.subject());
    });
  };
  const std::vector<RankedScope> scopes =
      co_await OffLoop(runtime->budget_table().size() * kScopeBytes, find,
                       WorkerPool::Stage::kBegins);
  const size_t end = before + static_cast<size_t>(page_entries);
  for (size_t i = before; i < scopes.size(); ++i) {
    if (i == end) {
      response->set_next_page_token(BudgetsPageToken(request, i));
      break;
    }
    FillBudgetUsage(*scopes[i].rule, scopes[i].standing, response->add_usage());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> BudgetsAdmin::Summarize(
    CallContext&, const v1::GetSessionSummaryRequest& request,
    v1::SessionSummary* response) {
  const BudgetRuntime runtime = sources_.runtime.Get();
  if (!runtime->config().budgets().has_sessions()) {
    absl::Status fault = MakeFault(
        v1::ERROR_REASON_NOT_CONFIGURED,
        "sessions have no budgets: the configuration has no budgets.sessions");
    AddFaultMetadata(fault, "field", "budgets.sessions");
    co_return fault;
  }
  if (request.session_id().empty()) {
    co_return InvalidField("session_id", "is required");
  }
  const std::string session = BudgetScopeValue(request.session_id());
  const auto find = [&] {
    return ScopesOf(*runtime, [&](const BudgetScope& scope) {
      return IsSessionBudget(scope.budget) && !scope.others &&
             scope.ValueOf(configv1::LIMIT_DIMENSION_SESSION) == session;
    });
  };
  const std::vector<RankedScope> scopes =
      co_await OffLoop(runtime->budget_table().size() * kScopeBytes, find,
                       WorkerPool::Stage::kBegins);
  if (scopes.empty()) {
    co_return MakeFault(v1::ERROR_REASON_NOT_FOUND,
                        "nothing was charged to this session");
  }
  std::map<std::string, BudgetAmounts> work_orders;
  response->set_session_id(request.session_id());
  for (const RankedScope& each : scopes) {
    const BudgetScope& scope = each.standing.scope;
    const BudgetAmounts& spent = each.standing.account.spend.sum();
    if (scope.budget == kSessionBudget) gateway::AddTo(spent, response);
    if (scope.budget != kWorkOrderBudget) continue;
    const std::string_view order =
        scope.ValueOf(configv1::LIMIT_DIMENSION_WORK_ORDER);
    work_orders[std::string(order)] = spent;
  }
  for (const auto& [order, spent] : work_orders) {
    if (response->work_orders_size() == kWorkOrdersMax) {
      response->set_truncated(true);
      break;
    }
    v1::WorkOrderSummary& summary = *response->add_work_orders();
    summary.set_work_order_id(order);
    gateway::AddTo(spent, &summary);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> BudgetsAdmin::Reset(CallContext& call,
                                       const v1::ResetBudgetRequest& request,
                                       v1::ResetBudgetResponse* response) {
  // What another one is about to give back must not be given back again.
  std::shared_ptr<const ResetPermit> permit = TakeResetPermit();
  if (permit == nullptr) {
    absl::Status fault = MakeFault(
        v1::ERROR_REASON_CONFLICT,
        "another reset of budgets is under way, or it is not known yet whether "
        "the ledger has it: look at what is left, and reset it then");
    AddFaultMetadata(fault, "resource",
                     absl::StrCat("budgets/", request.rule()));
    co_return fault;
  }
  co_return co_await ResetAlone(call, request, std::move(permit), response);
}

std::shared_ptr<const BudgetsAdmin::ResetPermit>
BudgetsAdmin::TakeResetPermit() {
  const MutexLock lock(resetting_mu_);
  if (!resetting_.expired()) return nullptr;
  auto permit = std::make_shared<const ResetPermit>();
  resetting_ = permit;
  return permit;
}

Task<absl::Status> BudgetsAdmin::ResetAlone(
    CallContext& call, const v1::ResetBudgetRequest& request,
    std::shared_ptr<const ResetPermit> permit,
    v1::ResetBudgetResponse* response) {
  const BudgetRuntime runtime = sources_.runtime.Get();
  GATEWAY_CO_ASSIGN_OR_RETURN(const BudgetRule* const rule,
                              BudgetNamed(*runtime, request.rule()));
  GATEWAY_CO_RETURN_IF_ERROR(CheckBudgetSubject(*rule, request.subject()));
  const std::shared_ptr<BudgetTable> table = runtime->shared_budget_table();
  const int64_t now = SecondOf(*runtime);
  const auto find = [&] {
    return ScopesOf(*runtime, [&](const BudgetScope& scope) {
      return scope.budget == rule->name() &&
             HasSubject(scope, request.subject());
    });
  };
  const std::vector<RankedScope> scopes = co_await OffLoop(
      table->size() * kScopeBytes, find, WorkerPool::Stage::kBegins);
  int64_t count = 0;
  std::vector<BudgetChange> changes;
  for (size_t i = 0; i < scopes.size(); ++i) {
    std::vector<BudgetChange> of_scope =
        BudgetTable::ChangesToReset(scopes[i].standing, now);
    count += of_scope.empty() ? 0 : 1;
    changes.insert(changes.end(), of_scope.begin(), of_scope.end());
    const bool is_last = i + 1 == scopes.size();
    if (changes.empty() || (!is_last && changes.size() < kResetChangesMax)) {
      continue;
    }
    LedgerEntry entry = BudgetResetEntry(changes, rule->name());
    // Nothing else is reset while nobody knows what becomes of this.
    const auto apply = [table, permit, said = std::exchange(changes, {})] {
      for (const BudgetChange& change : said) table->Apply(change);
    };
    GATEWAY_CO_RETURN_IF_ERROR(
        (co_await Commit(std::move(entry), apply)).status());
  }
  const std::string who(CheckOperator(*runtime, call).value_or(""));
  Log(LogLevel::kInfo, "budgets",
      "an operator has given back what was spent of a budget",
      {{"budget", rule->name()}, {"scopes", count}, {"operator", who}});
  response->set_reset_count(count);
  co_return absl::OkStatus();
}

}  // namespace gateway
