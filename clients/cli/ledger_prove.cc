#include "clients/cli/ledger_prove.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/os/file.h"
#include "base/status_macros.h"
#include "base/text/json_writer.h"
#include "base/text/shown_text.h"
#include "clients/cli/file_chains.h"
#include "clients/cli/ledger_file.h"
#include "clients/cli/ledger_postgres.h"
#include "clients/cli/ledger_words.h"
#include "service/ledger/archive_file.h"
#include "service/ledger/chain_check.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/inclusion_proof.h"
#include "service/ledger/merkle.h"

namespace gateway {
namespace {

// An entry has a prompt and an answer at most.
constexpr size_t kProofBytesMax = size_t{256} << 20;

using FoundProof = std::optional<InclusionProof>;

absl::Status NothingIsProven(const std::string& place,
                             const ChainCheck::Finding& finding) {
  return absl::DataLossError(absl::StrCat(
      place, finding.entry_id.empty() ? "" : ", ", finding.entry_id, ": ",
      finding.what, "; nothing is proven by what is not valid"));
}

// Shows entries that come one after the other to a search, as long as they are
// what was written.
class CheckedSearch {
 public:
  CheckedSearch(std::string place, const std::string& id,
                std::string previous_hash)
      : place_(std::move(place)),
        search_(id),
        check_(std::move(previous_hash)) {}

  void Add(int64_t number, std::string_view entry) {
    const ChainCheck::Finding finding = check_.Add(entry);
    if (finding.severity != ChainCheck::Severity::kOk && status_.ok()) {
      status_ =
          NothingIsProven(absl::StrCat(place_, ", entry ", number), finding);
    }
    search_.Add(entry);
  }

  absl::StatusOr<FoundProof> Find() const {
    GATEWAY_RETURN_IF_ERROR(status_);
    return search_.Find();
  }

 private:
  const std::string place_;
  ProofSearch search_;
  ChainCheck check_;
  absl::Status status_;
};

absl::Status NoSuchEntry(const std::string& id, const std::string& where) {
  return absl::NotFoundError(
      absl::StrCat("there is no entry with the id '", id, "' in ", where));
}

absl::StatusOr<InclusionProof> ProveInArchive(const std::string& folder,
                                              const std::string& id) {
  GATEWAY_ASSIGN_OR_RETURN(const std::vector<ArchivedPiece> pieces,
                           PiecesIn(folder));
  for (const ArchivedPiece& piece : pieces) {
    CheckedSearch search(absl::StrCat(folder, "/", piece.file), id,
                         piece.hash_before);
    RunningMerkleRoot root;
    EntryFacts facts;
    GATEWAY_RETURN_IF_ERROR(
        VisitPiece(folder, piece, [&](int64_t number, std::string_view entry) {
          search.Add(number, entry);
          ReadEntryFacts(entry, &facts).IgnoreError();
          root.Add(facts.entry_hash);
        }));
    GATEWAY_ASSIGN_OR_RETURN(FoundProof found, search.Find());
    if (root.Root() != piece.merkle_root) {
      return absl::DataLossError(
          absl::StrCat(folder, "/", piece.file, ": has the Merkle root ",
                       root.Root(), ", and its manifest says ",
                       piece.merkle_root, ": one of them was altered"));
    }
    if (found.has_value()) return *std::move(found);
  }
  return NoSuchEntry(
      id, absl::StrCat("the ", pieces.size(), " files that the manifests in ",
                       folder, " tell of"));
}

absl::StatusOr<InclusionProof> ProveInPostgres(const PostgresLedger& ledger,
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
    if (chain.empty()) return NoSuchEntry(id, "the database");
  }
  int64_t number = 0;
  LedgerEnd archived;
  if (absl::SimpleAtoi(chain, &number)) {
    GATEWAY_ASSIGN_OR_RETURN(archived, ledger.Archived(number));
  }
  CheckedSearch search(absl::StrCat("chain ", chain), id, archived.hash);
  GATEWAY_RETURN_IF_ERROR(VisitPostgresLedger(
      ledger, chain,
      [&](const std::string&, int64_t place, std::string_view entry) {
        search.Add(place, entry);
      }));
  GATEWAY_ASSIGN_OR_RETURN(FoundProof found, search.Find());
  if (found.has_value()) return *std::move(found);
  return NoSuchEntry(
      id, archived.entries == 0
              ? absl::StrCat("the chain ", chain)
              : absl::StrCat("what the database has of the chain ", chain,
                             ", whose first ", archived.entries,
                             " entries are in archives"));
}

// By the root that verification tells of the entry's chain.
absl::StatusOr<InclusionProof> ProveInFile(const std::string& file,
                                           const std::string& id) {
  GATEWAY_ASSIGN_OR_RETURN(const bool is_database, IsLedgerDatabase(file));
  FileChains chains;
  std::deque<ProofSearch> searches;
  absl::Status status;
  EntryFacts facts;
  bool is_without_hash = false;
  const auto add = [&](int64_t number, std::string_view entry) {
    const ChainCheck::Finding finding = chains.Add(entry, is_database);
    if (finding.severity == ChainCheck::Severity::kFail && status.ok()) {
      status = NothingIsProven(absl::StrCat(file, ", entry ", number), finding);
    }
    if (finding.severity == ChainCheck::Severity::kWarn) {
      ReadEntryFacts(entry, &facts).IgnoreError();
      is_without_hash = is_without_hash || facts.id == id;
    }
    while (searches.size() < chains.all().size()) searches.emplace_back(id);
    searches[chains.current_place()].Add(entry);
  };
  GATEWAY_RETURN_IF_ERROR(VisitLedgerFile(file, add));
  GATEWAY_RETURN_IF_ERROR(status);
  for (const ProofSearch& search : searches) {
    FoundProof found = search.Find();
    if (found.has_value()) return *std::move(found);
  }
  if (is_without_hash) {
    return absl::FailedPreconditionError(
        absl::StrCat("the entry '", id, "' of ", file,
                     " has no hash, as the oldest versions wrote them: it "
                     "cannot be proven"));
  }
  return NoSuchEntry(id, file);
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
  if (!LastOf(words, "--root").empty()) {
    return FlagMistake("--root", "is for --check, which compares it");
  }
  GATEWAY_RETURN_IF_ERROR(CheckChainOfFiles(words, postgres == nullptr));
  const absl::StatusOr<InclusionProof> found =
      !folder.empty() ? ProveInArchive(folder, id)
      : postgres != nullptr
          ? ProveInPostgres(*postgres, id, LastOf(words, "--chain"))
          : ProveInFile(words.words[2], id);
  GATEWAY_RETURN_IF_ERROR(found.status());
  return LedgerReport{.valid = true, .text = ProofText(*found)};
}

absl::StatusOr<LedgerReport> CheckProof(const OperatorWords& words,
                                        const std::string& file) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string root,
                           NotedHashOf(words, "--root"));
  const bool has_place =
      std::any_of(words.flags.begin(), words.flags.end(), [](const auto& flag) {
        return flag.first != "--check" && flag.first != "--root";
      });
  if (words.words.size() > 1 || root.empty() || has_place) {
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
    report.text = absl::StrCat(ShownText(report.text), "\n");
  } else if (report.valid) {
    // A path shows which of its entries one is, and not how many there are.
    report.text = absl::StrCat("valid: ", ShownLine(facts.id), " is entry ",
                               proof->index + 1, " under this root, of ",
                               proof->entries, " as the proof says\n");
  } else {
    report.text = absl::StrCat("NOT VALID: ", ShownLine(file), ": ",
                               ShownLine(fault), "\n");
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
