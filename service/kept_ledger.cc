#include "service/kept_ledger.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
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
#include "service/ledger/ledger_commit.h"
#include "service/ledger/ledger_recovery.h"
#include "service/ledger/postgres_commit_store.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/store/sqlite_database.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

using configv1::GatewayConfig;
using configv1::LedgerConfig;

// Others append, too: each chain is asked for.
constexpr absl::Duration kPostgresIndexInterval = absl::Milliseconds(500);

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
constexpr MetricDefinition kLeftOut = {
    .name = "llmgw_ledger_refusals_left_out_total",
    .help =
        "Refusals that have no entry in the ledger, beyond "
        "ledger.refusals_per_second and ledger.unknown_callers_per_second.",
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
    .help =
        "Whether the last commit of the ledger failed, or one takes longer "
        "than ledger.commit_timeout.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kChecked = {
    .name = "llmgw_ledger_checked_entries",
    .help =
        "Entries that the check has come to which runs beside the gateway, "
        "once a day.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kBroken = {
    .name = "llmgw_ledger_broken",
    .help =
        "Whether that check has found an entry that was altered or, of a "
        "ledger in PostgreSQL, a binding of its chains is gone.",
    .kind = MetricKind::kGauge};

constexpr MetricDefinition kIndexed = {
    .name = "llmgw_ledger_indexed_entries",
    .help = "Entries of the ledger that can be found, of all its chains.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kIndexFailing = {
    .name = "llmgw_ledger_index_failing",
    .help =
        "Whether what finds the ledger's entries stands still, so that new "
        "ones cannot be found.",
    .kind = MetricKind::kGauge};

absl::Status OfField(const char* field, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(field, ": ", status.message()));
}

// Warns of a way to the database that is worse than the configuration's text
// says, of which its reader has warned.
void WarnOfWay(const PostgresLedger& postgres) {
  const ServerTrust trust = postgres.trust();
  if (trust <= ServerTrustOf(postgres.options().connection.conninfo)) return;
  Log(LogLevel::kWarn, "ledger",
      trust == ServerTrust::kInClear
          ? "The ledger's database is on another machine, by libpq's "
            "environment or service file, and TLS is not insisted on: the "
            "password and the entries may be read on the way; add "
            "sslmode=verify-full to ledger.postgres.connection"
          : "The ledger's database is on another machine, by libpq's "
            "environment or service file, and its certificate is not looked "
            "at: whoever answers is sent the password and the entries; add "
            "sslmode=verify-full to ledger.postgres.connection");
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
                              const std::string& config_file,
                              const Secret& postgres_password) {
  if (!config.has_ledger()) return absl::OkStatus();
  const auto& budgets = config.budgets();
  budgets_retention_ = budgets.has_retention() ? ToAbsl(budgets.retention())
                                               : absl::InfiniteDuration();
  budgets_.emplace(budgets_retention_,
                   [this](const BudgetBook& left) { RecordMove(left); });
  if (!config.ledger().has_postgres()) {
    return OfField("ledger.path", OpenFile(config, config_file));
  }
  return OfField("ledger.postgres",
                 OpenPostgres(config, config_file, postgres_password));
}

absl::StatusOr<int64_t> KeptLedger::Write(const LedgerConfig& config,
                                          std::unique_ptr<LedgerLog> log) {
  GATEWAY_ASSIGN_OR_RETURN(
      const int64_t closed,
      CloseOpenDispatches(*log, ChargeOfUnknown, SystemRandom(), clock_));
  writer_ = std::make_unique<LedgerWriter>(
      std::move(log),
      LedgerWriter::Options{
          .entries_limit = static_cast<size_t>(config.queue_entries_limit()),
          .bytes_limit = static_cast<size_t>(config.queue_bytes_limit()),
          .wait_limit = ToAbsl(config.commit_timeout())},
      clock_);
  return closed;
}

absl::Status KeptLedger::OpenFile(const GatewayConfig& config,
                                  const std::string& config_file) {
  const LedgerConfig& ledger = config.ledger();
  const std::string path = PathBeside(config_file, LedgerFile(config));
  GATEWAY_RETURN_IF_ERROR(MakeFolderOf(path));
  path_ = path;
  GATEWAY_ASSIGN_OR_RETURN(
      std::unique_ptr<LedgerLog> log,
      LedgerLog::Open({.path = path,
                       .sync = ledger.sync() == LedgerConfig::SYNC_NORMAL
                                   ? SqliteSync::kNormal
                                   : SqliteSync::kFull,
                       .file_bytes_limit = ledger.file_bytes_limit(),
                       .state = &*budgets_}));
  const LedgerLog& written = *log;
  const int64_t entries = log->end().entries;
  GATEWAY_ASSIGN_OR_RETURN(const int64_t closed, Write(ledger, std::move(log)));
  Log(LogLevel::kInfo, "ledger", "The ledger is open",
      {{"path", path},
       {"entries", entries + closed},
       {"closed_as_unknown", closed}});
  indexes_.push_back(std::make_unique<LedgerIndex>(
      written, LedgerIndex::Options{.ledger_path = path}));
  chains_.emplace();
  chains_->Add("", written, *indexes_.back());
  check_ = std::make_unique<BackgroundCheck>(
      written, BackgroundCheck::Options{}, clock_);
  chains_->set_tell_broken(
      [check = check_.get()](int64_t entry) { check->TellBroken(entry); });
  return absl::OkStatus();
}

absl::Status KeptLedger::OpenPostgres(const GatewayConfig& config,
                                      const std::string& config_file,
                                      const Secret& password) {
  const configv1::LedgerPostgres& postgres = config.ledger().postgres();
  postgres_password_ = std::make_shared<LatestValue<Secret>>(password);
  postgres_.emplace(PostgresLedger::Options{
      .connection = {.conninfo = postgres.connection()},
      .password = [latest = postgres_password_] { return latest->Get(); },
      .schema = postgres.schema(),
      .timeout = ToAbsl(postgres.timeout())});
  GATEWAY_RETURN_IF_ERROR(postgres_->Prepare());
  WarnOfWay(*postgres_);
  GATEWAY_ASSIGN_OR_RETURN(
      std::unique_ptr<PostgresCommitStore> store,
      PostgresCommitStore::Claim(*postgres_, clock_, SystemRandom()));
  const int64_t chain = store->chain();
  store_ = store.get();
  GATEWAY_ASSIGN_OR_RETURN(
      std::unique_ptr<LedgerLog> log,
      LedgerLog::Open(std::move(store), {.state = &*budgets_}));
  const int64_t entries = log->end().entries;
  // Before there is a writer, whose thread looks whether there are some.
  if (config.budgets().shared() && config.has_redis()) {
    recorded_ = std::make_unique<RecordedBudgets>(
        *postgres_, budgets_retention_, [this] { return store_->chain(); },
        clock_);
  }
  GATEWAY_ASSIGN_OR_RETURN(const int64_t closed,
                           Write(config.ledger(), std::move(log)));
  chain_ = chain;
  if (recorded_ == nullptr && config.has_budgets()) {
    GATEWAY_RETURN_IF_ERROR(ReadOthersBudgets(chain));
  }
  Log(LogLevel::kInfo, "ledger", "The ledger is open",
      {{"schema", postgres.schema()},
       {"chain", chain},
       {"entries", entries + closed},
       {"closed_as_unknown", closed}});
  chains_.emplace(&*postgres_, [this] { return keeper_->Refresh(); });
  const std::string folder =
      PathBeside(config_file, config.runtime().state_dir());
  keeper_ = std::make_unique<PostgresKeeper>(
      *postgres_,
      PostgresKeeper::Options{.join_interval = ToAbsl(postgres.join_interval()),
                              .seen_join_path = folder + "/ledger-joins",
                              .charge = ChargeOfUnknown,
                              .on_turn =
                                  [this](const auto& chains) {
                                    if (recorded_ == nullptr) return;
                                    recorded_->Follow(chains);
                                  }},
      [this, folder](int64_t each) { AddPostgresChain(folder, each); }, clock_,
      SystemRandom());
  return absl::OkStatus();
}

void KeptLedger::AddPostgresChain(const std::string& folder, int64_t chain) {
  sources_.push_back(std::make_unique<PostgresCommitSource>(*postgres_, chain));
  indexes_.push_back(std::make_unique<LedgerIndex>(
      *sources_.back(),
      LedgerIndex::Options{
          .ledger_path = absl::StrCat(folder, "/ledger-chain-", chain),
          .interval = kPostgresIndexInterval}));
  chains_->Add(absl::StrCat(chain), *sources_.back(), *indexes_.back());
}

absl::Status KeptLedger::ReadOthersBudgets(int64_t own_chain) {
  GATEWAY_ASSIGN_OR_RETURN(const std::vector<PostgresChain> chains,
                           postgres_->Chains());
  for (const PostgresChain& chain : chains) {
    if (chain.number == own_chain) continue;
    GATEWAY_ASSIGN_OR_RETURN(
        const BudgetBook book,
        ReadRecordedBudgets(*postgres_, chain.number, budgets_retention_));
    budgets_of_others_.Add(book);
  }
  return absl::OkStatus();
}

absl::Status KeptLedger::FollowBudgets(const CurrentRuntime& runtime) {
  if (recorded_ == nullptr) return absl::OkStatus();
  return OfField("ledger.postgres",
                 recorded_->Begin(runtime.Get()->budget_table()));
}

void KeptLedger::RecordMove(const BudgetBook& left) {
  if (recorded_ == nullptr) return;  // Nobody asks.
  const int64_t chain = store_->chain();
  const MutexLock lock(moves_mu_);
  // It is said again if the other chain could not be read at once.
  if (std::exchange(moved_to_, chain) == chain) return;
  moves_.push_back({.replica = ReplicaNameOfChain(chain), .left = left});
}

BudgetSharer::LedgerNews KeptLedger::TakeBudgetNews() {
  BudgetSharer::LedgerNews news;
  {
    const MutexLock lock(moves_mu_);
    news.moves = std::exchange(moves_, {});
  }
  if (recorded_ != nullptr) news.resets = recorded_->TakeResets();
  return news;
}

absl::Status KeptLedger::Close() {
  keeper_.reset();
  check_.reset();
  if (writer_ == nullptr) return absl::OkStatus();
  const LedgerWriter::Unwritten unwritten = writer_->Close();
  // What reads goes before what it reads.
  chains_.reset();
  indexes_.clear();
  sources_.clear();
  if (unwritten.lost + unwritten.under_way == 0) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      unwritten.lost, " entries of the ledger could not be written",
      unwritten.under_way == 0
          ? ""
          : absl::StrCat(", and nobody knows of ", unwritten.under_way)));
}

std::function<void()> KeptLedger::Prepare(const Secret& postgres_password) {
  return [latest = postgres_password_, postgres_password] {
    if (latest != nullptr) latest->Set(postgres_password);
  };
}

ServerTrust KeptLedger::trust() const {
  if (!postgres_.has_value()) return ServerTrust::kVerified;
  return std::max(postgres_->trust(),
                  ServerTrustOf(postgres_->options().connection.conninfo));
}

KeptLedger::Trouble KeptLedger::trouble() const {
  const bool is_broken =
      keeper_ != nullptr
          ? keeper_->misses_join() || keeper_->has_altered()
          : check_ != nullptr && check_->state().broken_entry != 0;
  if (is_broken) return Trouble::kBroken;
  return keeper_ != nullptr && keeper_->fails() ? Trouble::kUnjoined
                                                : Trouble::kNone;
}

void KeptLedger::LoadBudgets(BudgetTable& table) const {
  if (!budgets_.has_value()) return;
  BudgetBook all = budgets_->book();
  all.Add(budgets_of_others_);
  table.Load(all);
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
    add(kLeftOut, counts.left_out);
    add(kWaiting, counts.waiting);
    add(kKept, counts.kept);
    add(kFailing, counts.failing);
    int64_t indexed = 0;
    bool index_fails = false;
    for (const LedgerChains::Chain& chain : chains_->All()) {
      const LedgerIndex::State state = chain.index->state();
      indexed += state.indexed_entries;
      index_fails = index_fails || !state.status.ok();
    }
    add(kIndexed, indexed);
    add(kIndexFailing, index_fails);
    if (keeper_ == nullptr && check_ == nullptr) return;
    add(kBroken, trouble() == Trouble::kBroken);
    if (check_ != nullptr) add(kChecked, check_->state().checked_entries);
  });
}

}  // namespace gateway
