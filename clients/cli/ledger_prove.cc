#include "clients/cli/ledger_prove.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/os/file.h"
#include "base/status_macros.h"
#include "base/text/json_writer.h"
#include "clients/cli/ledger_file.h"
#include "clients/cli/ledger_postgres.h"
#include "clients/cli/ledger_words.h"
#include "service/ledger/archive_file.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/inclusion_proof.h"

namespace gateway {
namespace {

// An entry has a prompt and an answer at most.
constexpr size_t kProofBytesMax = size_t{256} << 20;

using FoundProof = std::optional<InclusionProof>;

absl::StatusOr<FoundProof> ProveInArchive(const std::string& folder,
                                          const std::string& id) {
  GATEWAY_ASSIGN_OR_RETURN(const std::vector<ArchivedPiece> pieces,
                           PiecesIn(folder));
  for (const ArchivedPiece& piece : pieces) {
    ProofSearch search(id);
    GATEWAY_RETURN_IF_ERROR(VisitPiece(
        folder, piece,
        [&](int64_t, std::string_view entry) { search.Add(entry); }));
    FoundProof found = search.Find();
    if (!found.has_value()) continue;
    if (found->root == piece.merkle_root) return found;
    return absl::DataLossError(
        absl::StrCat(folder, "/", piece.file, ": has the Merkle root ",
                     found->root, ", and its manifest says ", piece.merkle_root,
                     ": one of them was altered"));
  }
  return FoundProof();
}

absl::StatusOr<FoundProof> ProveInPostgres(const PostgresLedger& ledger,
                                           const std::string& id,
                                           const std::string& named) {
  std::string chain = named;
  if (chain.empty()) {
    EntryFacts facts;
    GATEWAY_RETURN_IF_ERROR(VisitPostgresLedger(
        ledger, chain,
        [&](const std::string& each, int64_t, std::string_view entry) {
          if (!chain.empty()) return;
          ReadEntryFacts(entry, &facts).IgnoreError();
          if (facts.id == id) chain = each;
        }));
    if (chain.empty()) return FoundProof();
  }
  ProofSearch search(id);
  GATEWAY_RETURN_IF_ERROR(VisitPostgresLedger(
      ledger, chain, [&](const std::string&, int64_t, std::string_view entry) {
        search.Add(entry);
      }));
  return search.Find();
}

absl::StatusOr<FoundProof> ProveInFile(const std::string& file,
                                       const std::string& id) {
  ProofSearch search(id);
  GATEWAY_RETURN_IF_ERROR(VisitLedgerFile(
      file, [&](int64_t, std::string_view entry) { search.Add(entry); }));
  return search.Find();
}

absl::StatusOr<LedgerReport> MakeProof(const OperatorWords& words) {
  const std::string& id = words.words[1];
  const std::string folder = LastOf(words, "--archive");
  GATEWAY_ASSIGN_OR_RETURN(const std::unique_ptr<PostgresLedger> postgres,
                           PostgresLedgerOf(words));
  const int places = (folder.empty() ? 0 : 1) + (postgres == nullptr ? 0 : 1) +
                     (words.words.size() == 3 ? 1 : 0);
  if (places != 1 || words.words.size() > 3) {
    return absl::InvalidArgumentError(
        "ledger prove ID takes one place to look for the entry: --archive DIR, "
        "--postgres CONNINFO or a FILE; see gatewayctl --help");
  }
  const absl::StatusOr<FoundProof> found =
      !folder.empty() ? ProveInArchive(folder, id)
      : postgres != nullptr
          ? ProveInPostgres(*postgres, id, LastOf(words, "--chain"))
          : ProveInFile(words.words[2], id);
  GATEWAY_RETURN_IF_ERROR(found.status());
  if (!found->has_value()) {
    return absl::NotFoundError(
        absl::StrCat("there is no entry with the id '", id, "'"));
  }
  return LedgerReport{.valid = true, .text = ProofText(**found)};
}

absl::StatusOr<LedgerReport> CheckProof(const OperatorWords& words,
                                        const std::string& file) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string root,
                           NotedHashOf(words, "--root"));
  if (words.words.size() > 1 || root.empty()) {
    return absl::InvalidArgumentError(
        "ledger prove --check FILE takes --root HEX, the Merkle root as it was "
        "noted elsewhere, and nothing else; see gatewayctl --help");
  }
  const absl::StatusOr<std::string> text = ReadFile(file, kProofBytesMax);
  if (!text.ok()) {
    return absl::Status(text.status().code(),
                        absl::StrCat(file, ": ", text.status().message()));
  }
  const absl::StatusOr<InclusionProof> proof = ReadProof(*text);
  if (!proof.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": is no proof: ", proof.status().message()));
  }
  const std::string fault = FaultOfProof(*proof, root);
  EntryFacts facts;
  ReadEntryFacts(proof->entry, &facts).IgnoreError();
  LedgerReport report{.valid = fault.empty()};
  if (words.as_json) {
    JsonWriter json(&report.text);
    json.StartObject();
    json.BoolField("valid", report.valid);
    json.StringField("id", facts.id);
    json.StringField("problem", fault);
    json.EndObject();
    report.text.push_back('\n');
  } else if (report.valid) {
    report.text =
        absl::StrCat("valid: ", facts.id, " is entry ", proof->index + 1,
                     " of ", proof->entries, " under this root\n");
  } else {
    report.text = absl::StrCat("NOT VALID: ", file, ": ", fault, "\n");
  }
  return report;
}

}  // namespace

absl::StatusOr<LedgerReport> ProveEntry(const OperatorWords& words) {
  const std::string proof = LastOf(words, "--check");
  if (!proof.empty()) return CheckProof(words, proof);
  if (words.words.size() > 1) return MakeProof(words);
  return absl::InvalidArgumentError(
      "ledger prove takes the id of an entry and where it is, or --check FILE "
      "and --root HEX; see gatewayctl --help");
}

}  // namespace gateway
