#include "clients/cli/ledger_request.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/os/clock.h"
#include "base/status_macros.h"
#include "base/text/json_writer.h"
#include "base/text/shown_text.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/ledger_archive.h"
#include "clients/cli/ledger_file.h"
#include "clients/cli/ledger_postgres.h"
#include "clients/cli/ledger_prove.h"
#include "clients/cli/ledger_verify.h"
#include "clients/cli/ledger_words.h"
#include "clients/cli/page_tokens.h"
#include "clients/cli/shown_output.h"
#include "llmgateway/v1/admin.grpc.pb.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/ledger_import.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using Admin = v1::AdminService::Stub;
using PlaceFinder = absl::FunctionRef<absl::StatusOr<RpcPlace>()>;

constexpr int64_t kQueryPageSize = 1000;
// Of a reason in a table.
constexpr size_t kReasonBytes = 60;

// Its line may be where the answer goes.
void EndProgress(Progress* progress) {
  if (progress != nullptr) progress->End();
}

absl::StatusOr<AdminConnection> ConnectToLedger(PlaceFinder place) {
  GATEWAY_ASSIGN_OR_RETURN(RpcPlace admin, place());
  return AdminConnection::Open(std::move(admin));
}

absl::Status CheckNoMoreWords(const OperatorWords& words, size_t expected) {
  if (words.words.size() <= expected) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("ledger ", words.words[0], " takes no '",
                   words.words[expected], "'; see gatewayctl --help"));
}

// Neither files nor a database are read.
bool AsksAGateway(const OperatorWords& words) {
  return LedgerFilesOf(words).empty() && LastOf(words, "--postgres").empty();
}

// All pages, as far as the limit.
absl::StatusOr<v1::QueryLedgerResponse> AskEntries(
    const AdminConnection& admin, const std::string& chain,
    const LedgerFilter& filter, const LedgerListing& listing) {
  v1::QueryLedgerRequest request;
  *request.mutable_filter() = ToMessage(filter);
  request.mutable_filter()->set_chain(chain);
  request.set_newest_first(listing.newest_first);
  v1::QueryLedgerResponse all;
  int64_t left = listing.limit;
  PageTokens tokens;
  bool more = true;
  while (more && left > 0) {
    request.set_page_size(static_cast<int32_t>(std::min(left, kQueryPageSize)));
    GATEWAY_ASSIGN_OR_RETURN(v1::QueryLedgerResponse page,
                             admin.Call(&Admin::QueryLedger, request));
    left -= page.entries_size();
    request.set_page_token(page.next_page_token());
    GATEWAY_ASSIGN_OR_RETURN(more, tokens.GoOn(page.next_page_token()));
    all.set_indexed_entries(page.indexed_entries());
    all.set_next_page_token(page.next_page_token());
    for (v1::LedgerEntry& entry : *page.mutable_entries()) {
      *all.add_entries() = std::move(entry);
    }
  }
  return all;
}

// OK if all entries were searched, or all but those of the last moment.
absl::Status CheckAllWereSearched(const AdminConnection& admin,
                                  const std::string& chain,
                                  const v1::QueryLedgerResponse& found) {
  GATEWAY_ASSIGN_OR_RETURN(
      const v1::GetHealthResponse health,
      admin.Call(&Admin::GetHealth, v1::GetHealthRequest()));
  const auto index = std::find_if(
      health.components().begin(), health.components().end(),
      [](const auto& each) { return each.name() == "ledger_index"; });
  if (index == health.components().end() || index->problem().empty()) {
    return absl::OkStatus();
  }
  v1::VerifyLedgerRequest request;
  request.set_chain(chain);
  int64_t entries = 0;
  // Before anything is verified it says how much that will be.
  const auto see_total = [&entries](const v1::VerifyLedgerResponse& told) {
    entries = told.total_entries() + told.archived_entries();
    return false;
  };
  GATEWAY_RETURN_IF_ERROR(
      (admin.StreamWhile<v1::VerifyLedgerRequest, v1::VerifyLedgerResponse>(
          &Admin::VerifyLedger, request, see_total)));
  return absl::UnavailableError(absl::StrCat(
      "not all was searched, but ", found.indexed_entries(), " of ", entries,
      " entries: ", index->problem(), "; --file or --postgres searches all"));
}

absl::StatusOr<v1::QueryLedgerResponse> FindEntries(
    const OperatorWords& words, PlaceFinder place, const LedgerFilter& filter,
    const LedgerListing& listing) {
  const std::string chain = LastOf(words, "--chain");
  const std::vector<std::string> files = LedgerFilesOf(words);
  GATEWAY_RETURN_IF_ERROR(CheckChainOfFiles(words, !files.empty()));
  GATEWAY_ASSIGN_OR_RETURN(const std::unique_ptr<PostgresLedger> postgres,
                           PostgresLedgerOf(words));
  std::vector<v1::LedgerEntry> entries;
  if (postgres != nullptr) {
    GATEWAY_ASSIGN_OR_RETURN(
        entries, FindInPostgres(*postgres, chain, filter, listing.limit,
                                listing.newest_first));
  } else if (!files.empty()) {
    GATEWAY_ASSIGN_OR_RETURN(entries, FindInFiles(files, filter, listing.limit,
                                                  listing.newest_first));
  } else {
    GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                             ConnectToLedger(place));
    return AskEntries(admin, chain, filter, listing);
  }
  v1::QueryLedgerResponse found;
  for (v1::LedgerEntry& entry : entries) {
    *found.add_entries() = std::move(entry);
  }
  return found;
}

absl::Status PrintQuery(const OperatorWords& words, PlaceFinder place,
                        std::ostream& out) {
  GATEWAY_RETURN_IF_ERROR(CheckNoMoreWords(words, 1));
  GATEWAY_ASSIGN_OR_RETURN(const LedgerFilter filter,
                           LedgerFilterOf(words, SystemClock().WallTime()));
  GATEWAY_ASSIGN_OR_RETURN(const LedgerListing listing, LedgerListingOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const v1::QueryLedgerResponse found,
                           FindEntries(words, place, filter, listing));
  GATEWAY_RETURN_IF_ERROR(
      WriteAnswer(words.as_json ? AsJson(found) : LedgerTable(found), out));
  out << std::flush;
  if (!AsksAGateway(words)) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin, ConnectToLedger(place));
  return CheckAllWereSearched(admin, LastOf(words, "--chain"), found);
}

absl::Status PrintEntry(const OperatorWords& words, PlaceFinder place,
                        std::ostream& out) {
  if (words.words.size() < 2) {
    return absl::InvalidArgumentError(
        "ledger get needs the id of an entry; gatewayctl ledger query shows "
        "them");
  }
  GATEWAY_RETURN_IF_ERROR(CheckNoMoreWords(words, 2));
  const std::string& id = words.words[1];
  v1::LedgerEntry entry;
  const std::string archive = LastOf(words, "--archive");
  if (!archive.empty()) {
    GATEWAY_ASSIGN_OR_RETURN(entry, FindInArchive(archive, id));
  } else if (AsksAGateway(words)) {
    GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                             ConnectToLedger(place));
    v1::GetLedgerEntryRequest request;
    request.set_id(id);
    GATEWAY_ASSIGN_OR_RETURN(entry,
                             admin.Call(&Admin::GetLedgerEntry, request));
  } else {
    GATEWAY_ASSIGN_OR_RETURN(const v1::QueryLedgerResponse found,
                             FindEntries(words, place, {.id = id},
                                         {.limit = 1, .newest_first = true}));
    if (found.entries().empty()) {
      return absl::NotFoundError(
          absl::StrCat("there is no entry with the id '", id, "'"));
    }
    entry = found.entries(0);
  }
  return WriteAnswer(words.as_json ? AsJson(entry) : LedgerEntryText(entry),
                     out);
}

absl::Status PrintExport(const OperatorWords& words, PlaceFinder place,
                         std::ostream& out, Progress* progress) {
  GATEWAY_RETURN_IF_ERROR(CheckNoMoreWords(words, 1));
  GATEWAY_ASSIGN_OR_RETURN(const LedgerFilter filter,
                           LedgerFilterOf(words, SystemClock().WallTime()));
  const std::vector<std::string> files = LedgerFilesOf(words);
  GATEWAY_RETURN_IF_ERROR(CheckChainOfFiles(words, !files.empty()));
  EntryFacts facts;
  ForeignNames foreign(filter);
  const auto print = [&](std::string_view entry) {
    if (progress != nullptr) progress->Add();
    ReadEntryFacts(entry, &facts).IgnoreError();
    foreign.See(facts);
    if (Matches(filter, facts)) out << AsItIs{entry} << "\n";
  };
  for (const std::string& file : files) {
    GATEWAY_RETURN_IF_ERROR(VisitLedgerFile(
        file, [&](int64_t, std::string_view entry) { print(entry); }));
  }
  if (!files.empty()) return foreign.Check();
  const std::string chain = LastOf(words, "--chain");
  GATEWAY_ASSIGN_OR_RETURN(const std::unique_ptr<PostgresLedger> postgres,
                           PostgresLedgerOf(words));
  if (postgres != nullptr) {
    const auto print_of_chain = [&](const std::string& /*chain*/, int64_t,
                                    std::string_view entry) { print(entry); };
    GATEWAY_RETURN_IF_ERROR(
        VisitPostgresLedger(*postgres, chain, print_of_chain));
    return foreign.Check();
  }
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin, ConnectToLedger(place));
  v1::ExportLedgerRequest request;
  *request.mutable_filter() = ToMessage(filter);
  request.mutable_filter()->set_chain(chain);
  int64_t exported = 0;
  return admin.Stream<v1::ExportLedgerRequest, v1::ExportLedgerResponse>(
      &Admin::ExportLedger, request,
      [&](const v1::ExportLedgerResponse& piece) {
        const std::string& lines = piece.lines();
        out << AsItIs{lines};
        if (progress == nullptr) return;
        exported += std::count(lines.begin(), lines.end(), '\n');
        progress->Set(exported);
      });
}

// A ledger without an entry proves nothing, as a file: what was there may have
// been removed, or it is another one than was meant.
absl::StatusOr<bool> PrintFound(const OperatorWords& words,
                                const LedgerCheckScope& scope,
                                v1::VerifyLedgerResponse found,
                                std::ostream& out, Progress* progress) {
  if (found.valid() && found.total_entries() == 0 &&
      found.archived_entries() == 0 && scope.after_entry == 0) {
    found.set_valid(false);
    found.set_problem("nothing was read: there is no entry");
  }
  EndProgress(progress);
  GATEWAY_RETURN_IF_ERROR(WriteAnswer(
      words.as_json ? AsJson(found) : LedgerCheckText(found, scope), out));
  return found.valid();
}

absl::StatusOr<bool> PrintVerification(const OperatorWords& words,
                                       PlaceFinder place, std::ostream& out,
                                       Progress* progress) {
  GATEWAY_ASSIGN_OR_RETURN(const int64_t after, AfterEntryOf(words));
  GATEWAY_ASSIGN_OR_RETURN(std::string noted, NotedHashOf(words, "--noted"));
  if (words.words.size() > 1) {
    if (after > 0) {
      return absl::InvalidArgumentError(
          "--after is for a gateway's own check; files are verified whole");
    }
    GATEWAY_RETURN_IF_ERROR(CheckChainOfFiles(words, /*reads_files=*/true));
    GATEWAY_ASSIGN_OR_RETURN(const LedgerReport report,
                             VerifyLedger(words, progress));
    EndProgress(progress);
    out << report.text;
    return report.valid;
  }
  const std::string chain = LastOf(words, "--chain");
  const std::string archive = LastOf(words, "--archive");
  LedgerCheckScope scope{.chain = chain, .after_entry = after};
  GATEWAY_ASSIGN_OR_RETURN(const std::unique_ptr<PostgresLedger> postgres,
                           PostgresLedgerOf(words));
  if (postgres != nullptr) {
    if (!noted.empty() && !archive.empty()) {
      GATEWAY_ASSIGN_OR_RETURN(
          const bool is_archived,
          IsHashInArchive(*postgres, chain, archive, noted));
      // What is in the files is verified with them.
      if (is_archived) noted.clear();
    }
    GATEWAY_ASSIGN_OR_RETURN(
        v1::VerifyLedgerResponse found,
        VerifyPostgres(*postgres, chain, after, noted, progress));
    if (found.valid() && !archive.empty()) {
      GATEWAY_ASSIGN_OR_RETURN(
          scope.archive_files,
          VerifyArchive(*postgres, chain, archive, &found));
    }
    return PrintFound(words, scope, std::move(found), out, progress);
  }
  if (!archive.empty()) {
    return FlagMistake("--archive",
                       "is verified by what the database has recorded: give "
                       "--postgres, too");
  }
  if (!noted.empty()) {
    return FlagMistake("--noted",
                       "is for files and --postgres: who does not take the "
                       "gateway's word reads the ledger himself");
  }
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin, ConnectToLedger(place));
  v1::VerifyLedgerRequest request;
  request.set_after_entry(after);
  request.set_chain(chain);
  v1::VerifyLedgerResponse last;
  const absl::Status asked =
      admin.Stream<v1::VerifyLedgerRequest, v1::VerifyLedgerResponse>(
          &Admin::VerifyLedger, request,
          [&](const v1::VerifyLedgerResponse& told) {
            last = told;
            if (progress == nullptr) return;
            progress->Set(told.checked_entries(), told.total_entries());
          });
  GATEWAY_RETURN_IF_ERROR(asked);
  return PrintFound(words, scope, std::move(last), out, progress);
}

absl::Status PrintImport(const OperatorWords& words, std::ostream& out) {
  const std::string to = LastOf(words, "--to");
  if (words.words.size() < 2 || to.empty()) {
    return absl::InvalidArgumentError(
        "ledger import takes files with lines of JSON, in their order, and "
        "--to FILE, the ledger that it makes; see gatewayctl --help");
  }
  const std::vector<std::string> files(words.words.begin() + 1,
                                       words.words.end());
  GATEWAY_ASSIGN_OR_RETURN(const LedgerImport imported,
                           ImportLedger(files, to));
  if (words.as_json) {
    std::string text;
    JsonWriter json(&text);
    json.StartObject();
    json.StringField("ledger", to);
    json.Int64Field("entries", imported.entries);
    json.StringField("last_hash", imported.last_hash);
    json.EndObject();
    out << text << "\n";
    return absl::OkStatus();
  }
  out << "imported " << imported.entries << " entries into " << to << "\n";
  if (!imported.last_hash.empty()) {
    out << "last hash " << imported.last_hash << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<bool> RunLedger(const OperatorWords& words, PlaceFinder place,
                               std::ostream& out, Progress* progress) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kLedgerCommand, words));
  GATEWAY_RETURN_IF_ERROR(CheckLedgerFlags(words));
  const std::string& what = words.words[0];
  if (what == "verify") return PrintVerification(words, place, out, progress);
  if (what == "prove") {
    GATEWAY_ASSIGN_OR_RETURN(const LedgerReport report, ProveEntry(words));
    out << report.text;
    return report.valid;
  }
  if (what == "archive") {
    GATEWAY_ASSIGN_OR_RETURN(const std::string text,
                             ArchiveLedger(words, progress));
    EndProgress(progress);
    out << text;
    return true;
  }
  GATEWAY_RETURN_IF_ERROR(what == "query" ? PrintQuery(words, place, out)
                          : what == "get" ? PrintEntry(words, place, out)
                          : what == "export"
                              ? PrintExport(words, place, out, progress)
                              : PrintImport(words, out));
  return true;
}

absl::Status VisitExchanges(
    const AdminConnection& admin, const OperatorWords& words,
    absl::FunctionRef<void(std::string_view entry)> visit) {
  GATEWAY_ASSIGN_OR_RETURN(LedgerFilter filter,
                           LedgerFilterOf(words, SystemClock().WallTime()));
  filter.event_types = {"EXCHANGE"};
  v1::ExportLedgerRequest request;
  *request.mutable_filter() = ToMessage(filter);
  request.mutable_filter()->set_chain(LastOf(words, "--chain"));
  const auto visit_lines = [&visit](const v1::ExportLedgerResponse& piece) {
    std::string_view left = piece.lines();
    while (!left.empty()) {
      const size_t end = std::min(left.find('\n'), left.size());
      if (end > 0) visit(left.substr(0, end));
      left.remove_prefix(std::min(end + 1, left.size()));
    }
  };
  return admin.Stream<v1::ExportLedgerRequest, v1::ExportLedgerResponse>(
      &Admin::ExportLedger, request, visit_lines);
}

std::string LedgerTable(const v1::QueryLedgerResponse& response) {
  std::vector<Row> rows = {{"NUMBER", "TIME", "ID", "TYPE", "DECISION",
                            "SESSION", "MODEL", "REASON"}};
  // Numbers are those of chains, if there are any.
  const bool has_chains = std::any_of(
      response.entries().begin(), response.entries().end(),
      [](const v1::LedgerEntry& entry) { return !entry.chain().empty(); });
  if (has_chains) rows[0].insert(rows[0].begin(), "CHAIN");
  EntryFacts facts;
  for (const v1::LedgerEntry& entry : response.entries()) {
    ReadEntryFacts(entry.json(), &facts).IgnoreError();
    const bool is_long = entry.reason().size() > kReasonBytes;
    rows.push_back(
        {absl::StrCat(entry.number()),
         entry.has_time() ? TimeText(entry.time()) : "-", entry.id(),
         entry.event_type(), entry.decision(),
         facts.session_id.empty() ? "-" : facts.session_id,
         facts.model.empty() ? "-" : facts.model,
         is_long ? absl::StrCat(entry.reason().substr(0, kReasonBytes), "...")
                 : entry.reason()});
    if (has_chains) rows.back().insert(rows.back().begin(), entry.chain());
  }
  return Table(rows);
}

std::string LedgerEntryText(const v1::LedgerEntry& entry) {
  std::vector<Row> rows = {
      {"id", entry.id()},
      {"number", absl::StrCat(entry.number())},
      {"time", entry.has_time() ? TimeText(entry.time()) : "-"},
      {"type", entry.event_type()},
      {"submission", entry.submission_id()},
      {"decision", entry.decision()},
      {"reason", entry.reason()},
      {"previous hash", entry.previous_hash()},
      {"hash", entry.entry_hash()}};
  if (!entry.chain().empty()) {
    rows.insert(rows.begin() + 1, {"chain", entry.chain()});
  }
  for (Row& row : rows) {
    if (row[1].empty()) row[1] = "-";
  }
  return absl::StrCat(Table(rows), "\n", ShownText(entry.json()), "\n");
}

std::string LedgerCheckText(const v1::VerifyLedgerResponse& found,
                            const LedgerCheckScope& scope) {
  std::string text;
  if (!found.valid()) {
    absl::StrAppend(&text, "FAIL  ", ShownLine(found.problem()), "\n");
  }
  absl::StrAppend(&text, found.valid() ? "valid" : "NOT VALID", ": ",
                  found.checked_entries(), " of ", found.total_entries(),
                  " entries");
  if (!scope.chain.empty()) {
    absl::StrAppend(&text, " of the chain ", ShownLine(scope.chain));
  }
  if (scope.after_entry > 0) {
    absl::StrAppend(&text, " behind the entry ", scope.after_entry,
                    "; up to it nothing was read");
  }
  text.push_back('\n');
  if (found.checked_joins() > 0 || found.checked_chains() > 1) {
    absl::StrAppend(&text, "chains ", found.checked_chains(), ", joins ",
                    found.checked_joins(), "\n");
  }
  if (found.archived_entries() > 0) {
    absl::StrAppend(&text, "of them ", found.archived_entries(),
                    " are in archives, of which ");
    if (scope.archive_files.value_or(0) > 0) {
      absl::StrAppend(&text, "all files were verified, ", *scope.archive_files,
                      "\n");
    } else {
      absl::StrAppend(&text,
                      "the last hashes were: --archive DIR verifies the "
                      "files\n");
    }
  } else if (scope.archive_files.has_value()) {
    absl::StrAppend(&text, "files of archives that were verified: ",
                    *scope.archive_files, "\n");
  }
  text += OpenDispatchesText(found.open_dispatches());
  if (!found.last_hash().empty()) {
    absl::StrAppend(
        &text, "last hash ", ShownLine(found.last_hash()), "\n",
        scope.after_entry > 0 ? "merkle root of these " : "merkle root ",
        ShownLine(found.merkle_root()), "\n");
  }
  return text;
}

}  // namespace gateway
