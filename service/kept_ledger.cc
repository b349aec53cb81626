#include "service/kept_ledger.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/os/logging.h"
#include "base/os/random.h"
#include "base/status_macros.h"
#include "llmgateway/config/v1/ledger.pb.h"
#include "proto/proto_time.h"
#include "service/budgets/unknown_charge.h"
#include "service/config/config_reader.h"
#include "service/config/ledger_validator.h"
#include "service/ledger/ledger_recovery.h"
#include "service/store/sqlite_database.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::LedgerConfig;

constexpr MetricDefinition kEntries = {
    .name = "llmgw_ledger_entries",
    .help = "Entries of the ledger, from its beginning.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kCommits = {
    .name = "llmgw_ledger_commits",
    .help =
        "Commits of the ledger, from its beginning; a commit has the "
        "entries of all calls that waited for it.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kFailures = {
    .name = "llmgw_ledger_commit_failures_total",
    .help = "Commits of the ledger that failed.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kLost = {
    .name = "llmgw_ledger_lost_entries_total",
    .help = "Entries that could neither be written nor kept.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kWaiting = {
    .name = "llmgw_ledger_waiting_entries",
    .help = "Entries that wait to be written.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kKept = {
    .name = "llmgw_ledger_kept_entries",
    .help = "Entries that could not be written and are kept until they can.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kFailing = {
    .name = "llmgw_ledger_failing",
    .help = "Whether the last commit of the ledger failed.",
    .kind = MetricKind::kGauge};

absl::Status OfField(const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat("ledger.path: ", status.message()));
}

// Makes the folder that the file is to be in.
absl::Status MakeFolderOf(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(),
                                      failed);
  if (!failed) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the folder of ", path, " cannot be made: ", failed.message()));
}

}  // namespace

absl::Status KeptLedger::Open(const GatewayConfig& config,
                              const std::string& config_file) {
  if (!config.has_ledger()) return absl::OkStatus();
  const LedgerConfig& ledger = config.ledger();
  path_ = PathBeside(config_file, LedgerFile(config));
  GATEWAY_RETURN_IF_ERROR(OfField(MakeFolderOf(path_)));
  const auto& budgets = config.budgets();
  budgets_.emplace(budgets.has_retention() ? ToAbsl(budgets.retention())
                                           : absl::InfiniteDuration());
  absl::StatusOr<std::unique_ptr<LedgerLog>> log = LedgerLog::Open(
      {.path = path_,
       .sync = ledger.sync() == LedgerConfig::SYNC_NORMAL ? SqliteSync::kNormal
                                                          : SqliteSync::kFull,
       .file_bytes_limit = ledger.file_bytes_limit(),
       .state = &*budgets_});
  if (!log.ok()) return OfField(log.status());
  const absl::StatusOr<int64_t> closed =
      CloseOpenDispatches(**log, ChargeOfUnknown, SystemRandom(), clock_);
  if (!closed.ok()) return OfField(closed.status());
  Log(LogLevel::kInfo, "ledger", "The ledger is open",
      {{"path", path_},
       {"entries", (*log)->end().entries},
       {"closed_as_unknown", *closed}});
  log_ = log->get();
  writer_ = std::make_unique<LedgerWriter>(
      *std::move(log),
      LedgerWriter::Options{
          .entries_limit = static_cast<size_t>(ledger.queue_entries_limit()),
          .bytes_limit = static_cast<size_t>(ledger.queue_bytes_limit())},
      clock_);
  index_ = std::make_unique<LedgerIndex>(
      *log_, LedgerIndex::Options{.ledger_path = path_});
  return absl::OkStatus();
}

void KeptLedger::LoadBudgets(BudgetTable& table) const {
  if (budgets_.has_value()) table.Load(budgets_->book());
}

void KeptLedger::AddMetrics(MetricRegistry& registry) const {
  if (writer_ == nullptr) return;
  registry.AddCollector([this](MetricRegistry::Values& values) {
    const LedgerWriter::Counts counts = writer_->counts();
    const auto add = [&](const MetricDefinition& metric, auto number) {
      values.Add(metric, {}, static_cast<double>(number));
    };
    add(kEntries, counts.entries);
    add(kCommits, counts.commits);
    add(kFailures, counts.failures);
    add(kLost, counts.lost);
    add(kWaiting, counts.waiting);
    add(kKept, counts.kept);
    add(kFailing, counts.failing);
  });
}

}  // namespace gateway
