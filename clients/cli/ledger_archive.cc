#include "clients/cli/ledger_archive.h"

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/text/json_writer.h"
#include "clients/cli/ledger_file.h"
#include "clients/cli/ledger_postgres.h"
#include "clients/cli/ledger_words.h"
#include "service/budgets/budget_ledger_state.h"
#include "service/ledger/archive_check.h"
#include "service/ledger/archive_file.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/postgres_archive.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

std::string ArchivedText(const ArchivedMonths& archived,
                         const std::string& before) {
  if (archived.partitions.empty()) {
    return absl::StrCat("there is nothing before ", before,
                        " in the database: nothing to archive\n");
  }
  std::string text;
  for (const ArchivedPiece& piece : archived.pieces) {
    absl::StrAppend(&text, "chain ", piece.chain, ", ", piece.month, ": ",
                    piece.entries(), " entries, ", piece.first_entry, " to ",
                    piece.last_entry, ", in ", piece.file, "\n  last hash ",
                    piece.last_hash, "\n  merkle root ", piece.merkle_root,
                    "\n");
  }
  for (const std::string& partition : archived.partitions) {
    absl::StrAppend(&text, "dropped ", partition, "\n");
  }
  return text;
}

std::string ArchivedJson(const ArchivedMonths& archived) {
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  json.StartArrayField("archived");
  for (const ArchivedPiece& piece : archived.pieces) {
    std::string manifest = ManifestText(piece);
    manifest.pop_back();  // Its newline.
    json.Raw(manifest);
  }
  json.EndArray();
  json.StartArrayField("dropped");
  for (const std::string& partition : archived.partitions) {
    json.String(partition);
  }
  json.EndArray();
  json.EndObject();
  text.push_back('\n');
  return text;
}

// What the database has recorded of archives, of one chain if it is named.
absl::StatusOr<std::vector<ArchivedPiece>> RecordedOf(
    const PostgresLedger& ledger, const std::string& chain) {
  GATEWAY_ASSIGN_OR_RETURN(std::vector<ArchivedPiece> recorded,
                           ledger.Archives());
  if (chain.empty()) return recorded;
  std::erase_if(recorded, [&](const ArchivedPiece& piece) {
    return piece.chain != chain;
  });
  return recorded;
}

}  // namespace

absl::StatusOr<std::string> ArchiveLedger(const OperatorWords& words,
                                          Progress* progress) {
  const std::string before = LastOf(words, "--before");
  const std::string folder = LastOf(words, "--out");
  if (words.words.size() > 1 || before.empty() || folder.empty()) {
    return absl::InvalidArgumentError(
        "ledger archive takes --postgres CONNINFO, --before MONTH, as in "
        "2026-09, and --out DIR; see gatewayctl --help");
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::unique_ptr<PostgresLedger> ledger,
                           PostgresLedgerOf(words));
  if (ledger == nullptr) {
    return FlagMistake("--postgres",
                       "is required: a ledger that is a file has no months");
  }
  // What a gateway forgets it forgets again when it starts.
  const auto new_state = [] {
    return std::make_unique<BudgetLedgerState>(absl::InfiniteDuration());
  };
  const auto tell = [progress](std::string_view step) {
    if (progress != nullptr) progress->Say(step);
  };
  tell("verifying the ledger");
  const absl::StatusOr<ArchivedMonths> archived =
      ArchiveMonths(*ledger, {.before = before,
                              .folder = folder,
                              .new_state = new_state,
                              .on_step = tell});
  if (absl::IsInvalidArgument(archived.status())) {
    return FlagMistake("--before", std::string(archived.status().message()));
  }
  GATEWAY_RETURN_IF_ERROR(archived.status());
  return words.as_json ? ArchivedJson(*archived)
                       : ArchivedText(*archived, before);
}

absl::StatusOr<bool> IsHashInArchive(const PostgresLedger& ledger,
                                     const std::string& chain,
                                     const std::string& folder,
                                     const std::string& hash) {
  GATEWAY_ASSIGN_OR_RETURN(const std::vector<ArchivedPiece> recorded,
                           RecordedOf(ledger, chain));
  bool is_there = false;
  EntryFacts facts;
  for (const ArchivedPiece& piece : recorded) {
    const absl::Status read =
        VisitPiece(folder, piece, [&](int64_t, std::string_view entry) {
          if (is_there) return;
          ReadEntryFacts(entry, &facts).IgnoreError();
          is_there = facts.entry_hash == hash;
        });
    // Who verifies the files says what is wrong with them.
    if (is_there || !read.ok()) break;
  }
  return is_there;
}

absl::StatusOr<int64_t> VerifyArchive(const PostgresLedger& ledger,
                                      const std::string& chain,
                                      const std::string& folder,
                                      v1::VerifyLedgerResponse* found) {
  GATEWAY_ASSIGN_OR_RETURN(const std::vector<ArchivedPiece> recorded,
                           RecordedOf(ledger, chain));
  GATEWAY_ASSIGN_OR_RETURN(const ArchivesChecked checked,
                           CheckArchives(folder, recorded, &ledger));
  if (checked.fault.empty()) return checked.files;
  found->set_valid(false);
  found->set_broken_chain(checked.chain);
  found->set_problem(checked.fault);
  found->clear_last_hash();
  found->clear_merkle_root();
  return checked.files;
}

absl::StatusOr<v1::LedgerEntry> FindInArchive(const std::string& folder,
                                              const std::string& id) {
  GATEWAY_ASSIGN_OR_RETURN(const std::vector<ArchivedPiece> pieces,
                           PiecesIn(folder));
  std::optional<v1::LedgerEntry> found;
  EntryFacts facts;
  for (const ArchivedPiece& piece : pieces) {
    GATEWAY_RETURN_IF_ERROR(
        VisitPiece(folder, piece, [&](int64_t number, std::string_view entry) {
          if (found.has_value()) return;
          ReadEntryFacts(entry, &facts).IgnoreError();
          if (facts.id != id) return;
          found = LedgerEntryMessage(number, std::string(entry));
          found->set_chain(piece.chain);
        }));
    if (found.has_value()) return *std::move(found);
  }
  return absl::NotFoundError(absl::StrCat(
      "there is no entry with the id '", id, "' in the ", pieces.size(),
      " files that the manifests in ", folder, " tell of"));
}

}  // namespace gateway
