#include "service/shared_budgets.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/async/task.h"
#include "base/os/file.h"
#include "base/os/logging.h"
#include "base/os/random.h"
#include "base/status_macros.h"
#include "proto/proto_time.h"
#include "service/api/budgets_admin.h"
#include "service/budgets/budget_entries.h"
#include "service/loop_redis.h"
#include "service/pipeline/budget_metrics.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/recorded_budgets.h"

namespace gateway {
namespace {

constexpr size_t kNameDigits = 16;
constexpr size_t kNameBytesMax = 64;

std::string NewReplicaName() {
  return absl::StrCat(absl::Hex(SecureRandom().Bits(), absl::kZeroPad16));
}

bool IsReplicaName(std::string_view name) {
  return name.size() == kNameDigits &&
         name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

absl::Status OfReplicaFile(const std::string& path, const absl::Status& why) {
  return absl::Status(why.code(), absl::StrCat("ledger.path: ", path,
                                               ", which names this "
                                               "replica beside its ledger: ",
                                               why.message()));
}

BudgetSharer::Settings SettingsOf(const CurrentRuntime& current) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = current.Get();
  const auto& budgets = runtime->config().budgets();
  return {
      .shared = budgets.shared(),
      .interval = ToAbsl(budgets.share_interval()),
      .replicas = std::max<int64_t>(runtime->config().runtime().replicas(), 1)};
}

Task<void> KeepReset(BudgetsAdmin::CommitEntry commit, std::string budget,
                     std::vector<BudgetChange> changes) {
  LedgerEntry entry = BudgetResetEntry(changes, budget);
  // It holds here already.
  const absl::StatusOr<std::string> kept =
      co_await commit(std::move(entry), /*apply=*/[] {});
  if (kept.ok()) co_return;
  Log(LogLevel::kWarn, "budgets",
      "the ledger does not know that an operator has given back what was spent "
      "of a budget, at another replica: after a restart it is given back again",
      {{"budget", budget}, {"why", kept.status()}});
}

void KeepResets(const CurrentRuntime& current,
                std::vector<BudgetChange> changes) {
  const BudgetsAdmin::CommitEntry commit = CommitsToLedger(current);
  std::map<std::string, std::vector<BudgetChange>> by_budget;
  for (BudgetChange& change : changes) {
    by_budget[change.scope.budget].push_back(std::move(change));
  }
  for (auto& [budget, of_budget] : by_budget) {
    Log(LogLevel::kInfo, "budgets",
        "what was spent of a budget is given back, as an operator has said at "
        "another replica",
        {{"budget", budget}, {"changes", of_budget.size()}});
    if (commit == nullptr) continue;
    for (size_t at = 0; at < of_budget.size(); at += kResetChangesMax) {
      const size_t end = std::min(of_budget.size(), at + kResetChangesMax);
      Spawn(KeepReset(commit, budget,
                      {of_budget.begin() + static_cast<ptrdiff_t>(at),
                       of_budget.begin() + static_cast<ptrdiff_t>(end)}));
    }
  }
}

}  // namespace

absl::StatusOr<std::string> ReplicaNameBeside(const std::string& ledger_path) {
  const std::string path = absl::StrCat(ledger_path, ".replica");
  const absl::StatusOr<std::string> read = ReadFile(path, kNameBytesMax);
  if (read.ok()) {
    std::string name(absl::StripSuffix(*read, "\n"));
    if (IsReplicaName(name)) return name;
    return OfReplicaFile(
        path, absl::InvalidArgumentError(
                  "must have 16 hexadecimal digits; remove it, and the replica "
                  "has another name, under which what it has spent since its "
                  "windows began counts again"));
  }
  if (!absl::IsNotFound(read.status())) {
    return OfReplicaFile(path, read.status());
  }
  const std::string name = NewReplicaName();
  const absl::Status written =
      ReplaceFile(path, absl::StrCat(name, "\n"), FileReaders::kOwner);
  if (!written.ok()) return OfReplicaFile(path, written);
  return name;
}

absl::Status SharedBudgets::Open(const CurrentRuntime& runtime,
                                 const Ledger& ledger,
                                 MetricRegistry& registry) {
  const std::shared_ptr<const RuntimeSnapshot> first = runtime.Get();
  if (!first->config().has_redis()) return absl::OkStatus();
  std::string replica = NewReplicaName();
  if (ledger.chain != 0) {
    replica = ReplicaNameOfChain(ledger.chain);
  } else if (!ledger.path.empty() && first->config().has_budgets()) {
    GATEWAY_ASSIGN_OR_RETURN(replica, ReplicaNameBeside(ledger.path));
  }
  BudgetTable& table = first->budget_table();
  sharer_.Share(table, {.settings = [&runtime] { return SettingsOf(runtime); },
                        .client = &LoopRedis::OfThisLoop,
                        .prefix = first->config().redis().prefix(),
                        .replica = std::move(replica),
                        .adopts = ledger.chain == 0,
                        .ledger_news = ledger.news,
                        .keep_resets =
                            [&runtime](std::vector<BudgetChange> changes) {
                              KeepResets(runtime, std::move(changes));
                            }});
  AddBudgetSharingMetrics(table, sharer_, registry);
  is_open_ = true;
  return absl::OkStatus();
}

void SharedBudgets::Follow(EventLoop& loop) {
  if (!is_open_) return;
  follows_on_ = &loop;
  loop.Post([this, &loop] { Spawn(sharer_.Run(loop)); });
}

void SharedBudgets::Stop() {
  if (follows_on_ == nullptr) return;
  sharer_.Stop(*follows_on_);
  follows_on_ = nullptr;
}

}  // namespace gateway
