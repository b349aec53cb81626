#include "clients/cli/ledger_verify.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text/json_writer.h"
#include "clients/cli/ledger_file.h"
#include "clients/cli/ledger_words.h"
#include "service/ledger/chain_check.h"
#include "service/ledger/end_file.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/ledger_commit.h"
#include "service/ledger/merkle.h"
#include "service/ledger/sqlite_commit_store.h"

namespace gateway {
namespace {

// So many findings are told; of more their number.
constexpr size_t kFindingsTold = 20;

constexpr char kNothingRead[] =
    "nothing was read: there is no entry; see whether what was to write them "
    "has failed";

// A finding with where it is.
struct Found {
  std::string file;
  int64_t entry = 0;  // Within the file, from 1 on.
  ChainCheck::Finding finding;
};

// A chain that was found, as far as it was read.
struct FoundChain {
  ChainCheck check;
  RunningMerkleRoot merkle;
  std::string first_hash;

  void Add(std::string_view entry, ChainCheck::Finding* finding) {
    *finding = check.Add(entry);
    if (check.last_hash().empty()) return;
    merkle.Add(check.last_hash());
    if (first_hash.empty()) first_hash = check.last_hash();
  }
};

// Checks the entries of one file after the other. Lines may be of several
// chains, as an export of what replicas have written: one that says to be the
// first of a chain begins another, and one that follows the last of a chain
// belongs to that.
class Verification {
 public:
  // Borrows `progress`, which may be null.
  Verification(std::string noted_hash, Progress* progress)
      : noted_hash_(std::move(noted_hash)), progress_(progress) {}

  absl::Status Read(const std::string& file) {
    file_ = file;
    last_ = 0;
    GATEWAY_ASSIGN_OR_RETURN(is_database_, IsLedgerDatabase(file));
    // Before the file itself, which a gateway may go on writing.
    LedgerEnd end;
    if (is_database_) {
      GATEWAY_ASSIGN_OR_RETURN(end, EndFile::Peek(LedgerEndPath(file)));
    }
    const absl::Status read = VisitLedgerFile(
        file,
        [this](int64_t number, std::string_view entry) { Add(number, entry); });
    // The file can be read, and something of it is not there.
    if (read.ok() && last_ < end.entries) {
      Report(last_ + 1,
             {.severity = ChainCheck::Severity::kFail,
              .what = absl::StrCat("is not there, nor what is behind it: the "
                                   "ledger had ",
                                   end.entries, " entries, as ",
                                   LedgerEndPath(file), " says")});
    }
    if (!is_database_ || !absl::IsDataLoss(read)) return read;
    Report(last_ + 1, {.severity = ChainCheck::Severity::kFail,
                       .what = absl::StrCat("cannot be read, nor what is "
                                            "behind it: ",
                                            read.message())});
    return absl::OkStatus();
  }

  // Once all was read.
  void End() {
    if (noted_hash_.empty() || has_noted_) return;
    Report(last_,
           {.severity = ChainCheck::Severity::kFail,
            .what = absl::StrCat("is the last one, and none has the hash that "
                                 "was noted, ",
                                 noted_hash_,
                                 ": what was there then was removed or "
                                 "written anew")});
  }

  // A chain of nothing proves nothing: what should have written it may have
  // failed.
  bool valid() const { return failures_ == 0 && entries() > 0; }
  int64_t entries() const {
    int64_t entries = 0;
    for (const FoundChain& each : chains_) entries += each.check.entries();
    return entries;
  }
  int64_t failures() const { return failures_; }
  int64_t warnings() const { return warnings_; }
  // At least one.
  const std::vector<FoundChain>& chains() const { return chains_; }
  // Of several, that of their roots in their order, as of a whole ledger.
  std::string merkle_root() const {
    if (chains_.size() == 1) return chains_.front().merkle.Root();
    std::vector<std::string> roots;
    for (const FoundChain& each : chains_) roots.push_back(each.merkle.Root());
    return MerkleRoot(roots);
  }
  const std::vector<Found>& found() const { return found_; }

 private:
  void Add(int64_t number, std::string_view entry) {
    if (number != last_ + 1) {
      Report(last_ + 1, {.severity = ChainCheck::Severity::kFail,
                         .what = absl::StrCat("is not there: the entry ",
                                              number, " comes next")});
    }
    last_ = number;
    if (progress_ != nullptr) progress_->Add();
    if (!is_database_) FindChain(entry);
    ChainCheck::Finding finding;
    FoundChain& chain = chains_[chain_];
    chain.Add(entry, &finding);
    has_noted_ = has_noted_ || chain.check.last_hash() == noted_hash_;
    if (chain.check.entries() == 1) CheckBeginsOnce(&finding);
    if (finding.severity == ChainCheck::Severity::kWarn) {
      CheckWithoutHash(entry, &finding);
    }
    if (finding.severity != ChainCheck::Severity::kOk) {
      Report(number, std::move(finding));
    }
  }

  // The gateway writes no entry without a hash, and an import takes none. Of
  // the oldest versions' files each entry says what it is.
  void CheckWithoutHash(std::string_view entry, ChainCheck::Finding* finding) {
    ReadEntryFacts(entry, &facts_).IgnoreError();
    const bool is_entry = !facts_.id.empty() && !facts_.event_type.empty();
    if (is_entry && !is_database_) return;
    finding->severity = ChainCheck::Severity::kFail;
    if (!is_entry) finding->what = "is no entry: it has no id and event_type";
  }

  // Finds the chain that an entry says to be of. What is of none is of the one
  // before it, where it is told to be wrong.
  void FindChain(std::string_view entry) {
    const std::string& last = chains_[chain_].check.last_hash();
    if (last.empty() || entry.find(last) != std::string_view::npos) return;
    ReadEntryFacts(entry, &facts_).IgnoreError();
    if (facts_.entry_hash.empty()) return;
    if (facts_.previous_hash.empty()) {
      chain_ = chains_.size();
      chains_.emplace_back();
      return;
    }
    for (size_t i = 0; i < chains_.size(); ++i) {
      if (chains_[i].check.last_hash() == facts_.previous_hash) chain_ = i;
    }
  }

  // That the chain which has just begun is none that was there before.
  void CheckBeginsOnce(ChainCheck::Finding* finding) {
    for (size_t i = 0; i < chain_; ++i) {
      if (chains_[i].first_hash != chains_[chain_].first_hash) continue;
      finding->severity = ChainCheck::Severity::kFail;
      finding->what = "is the first of a chain that was there before";
    }
  }

  void Report(int64_t number, ChainCheck::Finding finding) {
    ++(finding.severity == ChainCheck::Severity::kFail ? failures_ : warnings_);
    if (found_.size() < kFindingsTold) {
      found_.push_back({file_, number, std::move(finding)});
    }
  }

  const std::string noted_hash_;
  Progress* const progress_;  // May be null.
  bool has_noted_ = false;
  std::vector<FoundChain> chains_ = std::vector<FoundChain>(1);
  size_t chain_ = 0;  // That the last entry was of.
  EntryFacts facts_;
  std::string file_;
  bool is_database_ = false;
  int64_t last_ = 0;  // The number of the last entry of the file.
  int64_t failures_ = 0;
  int64_t warnings_ = 0;
  std::vector<Found> found_;
};

const char* SeverityWord(ChainCheck::Severity severity) {
  return severity == ChainCheck::Severity::kFail ? "FAIL" : "WARN";
}

std::string ReportText(const Verification& verification) {
  std::string text;
  for (const Found& each : verification.found()) {
    absl::StrAppend(&text, SeverityWord(each.finding.severity), "  ", each.file,
                    ", entry ", each.entry,
                    each.finding.entry_id.empty() ? "" : ", ",
                    each.finding.entry_id, ": ", each.finding.what, "\n");
  }
  const int64_t untold = verification.warnings() + verification.failures() -
                         static_cast<int64_t>(verification.found().size());
  if (untold > 0) absl::StrAppend(&text, "and ", untold, " more\n");
  absl::StrAppend(&text, verification.valid() ? "valid" : "NOT VALID", ": ",
                  verification.entries(), " entries, ", verification.failures(),
                  " failures, ", verification.warnings(), " warnings\n");
  if (verification.entries() == 0) absl::StrAppend(&text, kNothingRead, "\n");
  const std::vector<FoundChain>& chains = verification.chains();
  if (chains.size() > 1) {
    for (const FoundChain& each : chains) {
      absl::StrAppend(&text, "a chain of ", each.check.entries(),
                      " entries, last hash ", each.check.last_hash(),
                      "\n  merkle root ", each.merkle.Root(), "\n");
    }
    absl::StrAppend(&text, "chains ", chains.size(), ", merkle root ",
                    verification.merkle_root(), "\n");
  } else if (const std::string& hash = chains.front().check.last_hash();
             !hash.empty()) {
    absl::StrAppend(&text, "last hash ", hash, "\nmerkle root ",
                    verification.merkle_root(), "\n");
  }
  return text;
}

std::string ReportJson(const Verification& verification) {
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  json.BoolField("valid", verification.valid());
  json.Int64Field("entries", verification.entries());
  json.Int64Field("failures", verification.failures());
  json.Int64Field("warnings", verification.warnings());
  const std::vector<FoundChain>& chains = verification.chains();
  // Of several chains none is the last.
  json.StringField("last_hash",
                   chains.size() == 1 ? chains.front().check.last_hash() : "");
  json.StringField("merkle_root", verification.merkle_root());
  json.StartArrayField("chains");
  for (const FoundChain& each : chains) {
    json.StartObject();
    json.Int64Field("entries", each.check.entries());
    json.StringField("last_hash", each.check.last_hash());
    json.StringField("merkle_root", each.merkle.Root());
    json.EndObject();
  }
  json.EndArray();
  if (verification.entries() == 0) json.StringField("problem", kNothingRead);
  json.StartArrayField("findings");
  for (const Found& each : verification.found()) {
    json.StartObject();
    json.StringField("severity", SeverityWord(each.finding.severity));
    json.StringField("file", each.file);
    json.Int64Field("entry", each.entry);
    json.StringField("id", each.finding.entry_id);
    json.StringField("what", each.finding.what);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  text.push_back('\n');
  return text;
}

}  // namespace

absl::StatusOr<LedgerReport> VerifyLedger(const OperatorWords& words,
                                          Progress* progress) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kLedgerCommand, words));
  if (words.words.size() < 2) {
    return absl::InvalidArgumentError(
        "ledger verify takes the files of a ledger, in their order; see "
        "gatewayctl --help");
  }
  GATEWAY_ASSIGN_OR_RETURN(std::string noted, NotedHashOf(words, "--noted"));
  Verification verification(std::move(noted), progress);
  for (size_t i = 1; i < words.words.size(); ++i) {
    GATEWAY_RETURN_IF_ERROR(verification.Read(words.words[i]));
  }
  verification.End();
  return LedgerReport{.valid = verification.valid(),
                      .text = words.as_json ? ReportJson(verification)
                                            : ReportText(verification)};
}

}  // namespace gateway
