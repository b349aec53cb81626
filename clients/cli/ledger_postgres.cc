#include "clients/cli/ledger_postgres.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/postgres/conninfo.h"
#include "base/status_macros.h"
#include "clients/cli/ledger_file.h"
#include "clients/cli/ledger_words.h"
#include "service/ledger/entry_reader.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// Nobody else waits for it.
constexpr absl::Duration kStatementMax = absl::Minutes(1);

struct EntryOfChain {
  absl::Time time;
  std::string chain;
  int64_t number = 0;
  std::string text;
};

absl::StatusOr<std::vector<int64_t>> ChainsNamed(const PostgresLedger& ledger,
                                                 const std::string& chain) {
  GATEWAY_ASSIGN_OR_RETURN(const std::vector<PostgresChain> all,
                           ledger.Chains());
  std::vector<int64_t> numbers;
  for (const PostgresChain& each : all) {
    if (chain.empty() || absl::StrCat(each.number) == chain) {
      numbers.push_back(each.number);
    }
  }
  if (numbers.empty() && !chain.empty()) {
    return absl::NotFoundError(
        absl::StrCat("there is no chain of the name '", chain, "'"));
  }
  return numbers;
}

v1::VerifyLedgerResponse ResponseOf(const LedgerWalk& walk) {
  v1::VerifyLedgerResponse found;
  found.set_checked_entries(walk.checked_entries());
  found.set_total_entries(walk.total_entries());
  found.set_checked_chains(walk.checked_chains());
  found.set_checked_joins(walk.checked_joins());
  found.set_archived_entries(walk.archived_entries());
  found.set_open_dispatches(walk.open_dispatches());
  found.set_done(true);
  found.set_valid(walk.valid());
  if (walk.valid()) {
    found.set_last_hash(walk.last_hash());
    found.set_merkle_root(walk.merkle_root());
    return found;
  }
  found.set_broken_chain(walk.broken_chain());
  found.set_broken_entry(walk.broken_entry());
  found.set_problem(walk.DescribeProblem());
  return found;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PostgresLedger>> PostgresLedgerOf(
    const OperatorWords& words) {
  const std::string conninfo = LastOf(words, "--postgres");
  if (conninfo.empty()) {
    if (!LastOf(words, "--schema").empty()) {
      return FlagMistake("--schema", "is for --postgres only");
    }
    return nullptr;
  }
  // Whoever lists processes reads it.
  if (const absl::Status given = CheckConninfo(conninfo); !given.ok()) {
    return FlagMistake("--postgres",
                       absl::StrCat(given.message(),
                                    "; here, in PGPASSWORD or a password "
                                    "file"));
  }
  PostgresLedger::Options options = {.connection = {.conninfo = conninfo},
                                     .timeout = kStatementMax};
  const std::string schema = LastOf(words, "--schema");
  if (!schema.empty()) options.schema = schema;
  const bool is_name =
      std::all_of(options.schema.begin(), options.schema.end(), [](char each) {
        return each == '_' || (each >= 'a' && each <= 'z') ||
               (each >= '0' && each <= '9');
      });
  if (!is_name) {
    return FlagMistake("--schema", "must be of small letters, digits and _");
  }
  auto ledger = std::make_unique<PostgresLedger>(std::move(options));
  GATEWAY_RETURN_IF_ERROR(ledger->CheckVersion());
  return ledger;
}

absl::Status VisitPostgresLedger(
    const PostgresLedger& ledger, const std::string& chain,
    absl::FunctionRef<void(const std::string& chain, int64_t number,
                           std::string_view entry)>
        visit) {
  GATEWAY_ASSIGN_OR_RETURN(const std::vector<int64_t> chains,
                           ChainsNamed(ledger, chain));
  for (const int64_t each : chains) {
    const std::string name = absl::StrCat(each);
    GATEWAY_ASSIGN_OR_RETURN(const LedgerEnd archived, ledger.Archived(each));
    const int64_t first = archived.commits + 1;
    GATEWAY_RETURN_IF_ERROR(
        ledger.ReadCommits(each, first, [&](const LedgerCommit& commit) {
          int64_t number = commit.first_entry;
          ForEachEntry(commit.texts, [&](std::string_view entry) {
            visit(name, number++, entry);
          });
          return absl::OkStatus();
        }));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::LedgerEntry>> FindInPostgres(
    const PostgresLedger& ledger, const std::string& chain,
    const LedgerFilter& filter, int64_t limit, bool newest_first) {
  // Of each chain the first, or the last, of which some are those of all.
  std::vector<EntryOfChain> all;
  std::deque<EntryOfChain> found;
  const auto take_found = [&] {
    for (EntryOfChain& each : found) all.push_back(std::move(each));
    found.clear();
  };
  EntryFacts facts;
  ForeignNames foreign(filter);
  GATEWAY_RETURN_IF_ERROR(VisitPostgresLedger(
      ledger, chain,
      [&](const std::string& name, int64_t number, std::string_view entry) {
        if (!found.empty() && found.back().chain != name) take_found();
        const bool is_full =
            !newest_first && static_cast<int64_t>(found.size()) == limit;
        if (is_full && foreign.empty()) return;
        ReadEntryFacts(entry, &facts).IgnoreError();
        foreign.See(facts);
        if (is_full || !Matches(filter, facts)) return;
        found.push_back({facts.time, name, number, std::string(entry)});
        if (static_cast<int64_t>(found.size()) > limit) found.pop_front();
      }));
  GATEWAY_RETURN_IF_ERROR(foreign.Check());
  take_found();
  std::stable_sort(all.begin(), all.end(),
                   [](const EntryOfChain& a, const EntryOfChain& b) {
                     return a.time < b.time;
                   });
  if (newest_first) std::reverse(all.begin(), all.end());
  all.resize(std::min(all.size(), static_cast<size_t>(limit)));
  std::vector<v1::LedgerEntry> entries;
  entries.reserve(all.size());
  for (const EntryOfChain& each : all) {
    v1::LedgerEntry& entry =
        entries.emplace_back(LedgerEntryMessage(each.number, each.text));
    entry.set_chain(each.chain);
  }
  return entries;
}

absl::StatusOr<v1::VerifyLedgerResponse> VerifyPostgres(
    const PostgresLedger& ledger, const std::string& chain, int64_t after_entry,
    const std::string& noted_hash, Progress* progress) {
  GATEWAY_ASSIGN_OR_RETURN(const std::vector<int64_t> chains,
                           ChainsNamed(ledger, chain));
  if (after_entry > 0 && chain.empty()) {
    return FlagMistake("--after",
                       "is an entry of one chain: name it by "
                       "--chain");
  }
  std::deque<PostgresCommitSource> sources;
  LedgerWalk::Options options = {.joins = &ledger,
                                 .is_part = !chain.empty(),
                                 .after_entry = after_entry,
                                 .noted_hash = noted_hash};
  for (const int64_t each : chains) {
    options.chains.push_back({.name = absl::StrCat(each),
                              .commits = &sources.emplace_back(ledger, each)});
  }
  LedgerWalk walk(std::move(options));
  if (const absl::Status begun = walk.Begin(); !begun.ok()) {
    return absl::IsOutOfRange(begun)
               ? FlagMistake("--after", std::string(begun.message()))
               : begun;
  }
  while (!walk.is_done()) {
    GATEWAY_RETURN_IF_ERROR(walk.Step());
    if (progress == nullptr) continue;
    progress->Set(walk.checked_entries(), walk.total_entries());
  }
  return ResponseOf(walk);
}

}  // namespace gateway
