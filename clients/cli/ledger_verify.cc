#include "clients/cli/ledger_verify.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json_writer.h"
#include "base/text/shown_text.h"
#include "clients/cli/file_chains.h"
#include "clients/cli/ledger_file.h"
#include "clients/cli/ledger_words.h"
#include "service/ledger/chain_check.h"
#include "service/ledger/end_file.h"
#include "service/ledger/ledger_commit.h"
#include "service/ledger/note_check.h"
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
  int64_t entry = 0;  // Within the file, from 1 on; 0 for all of it.
  ChainCheck::Finding finding;
};

// Checks the entries of one file after the other.
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
    end_ = LedgerEnd();
    if (is_database_) ReadEnd();
    const absl::Status read = VisitLedgerFile(
        file,
        [this](int64_t number, std::string_view entry) { Add(number, entry); },
        [this](const LedgerCommit& commit) { CheckCommit(commit); });
    // The file can be read, and something of it is not there.
    if (read.ok() && last_ < end_.entries) {
      Report(last_ + 1,
             {.severity = ChainCheck::Severity::kFail,
              .what = absl::StrCat("is not there, nor what is behind it: the "
                                   "ledger had ",
                                   end_.entries, " entries, as ",
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
    const std::set<std::string>& lacking = chains_.current().notes.lacking();
    if (is_database_ && !lacking.empty()) {
      Report(0, {.severity = ChainCheck::Severity::kFail,
                 .entry_id = *lacking.begin(),
                 .what = "has neither an exchange nor a note beside it: the "
                         "note was removed"});
    }
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
  int64_t entries() const { return chains_.entries(); }
  // Those without a hash, of which nothing is known.
  int64_t unverified() const { return unverified_; }
  int64_t failures() const { return failures_; }
  int64_t warnings() const { return warnings_; }
  const FileChains& chains() const { return chains_; }
  const std::vector<Found>& found() const { return found_; }

 private:
  // What the file beside it says of its end. One that says nothing is told, and
  // does not keep the rest from being verified.
  void ReadEnd() {
    const absl::StatusOr<LedgerEnd> end = EndFile::Peek(LedgerEndPath(file_));
    if (end.ok()) {
      end_ = *end;
      return;
    }
    Report(0, {.severity = ChainCheck::Severity::kWarn,
               .what = absl::StrCat("whether the end is missing is not known: ",
                                    end.status().message())});
  }

  void Add(int64_t number, std::string_view entry) {
    if (number != last_ + 1) {
      Report(last_ + 1, {.severity = ChainCheck::Severity::kFail,
                         .what = absl::StrCat("is not there: the entry ",
                                              number, " comes next")});
    }
    last_ = number;
    if (progress_ != nullptr) progress_->Add();
    ChainCheck::Finding finding = chains_.Add(entry, is_database_);
    chains_.Follow(entry, is_database_);
    const std::string& hash = chains_.current().check.last_hash();
    has_noted_ = has_noted_ || hash == noted_hash_;
    if (finding.severity == ChainCheck::Severity::kWarn) ++unverified_;
    if (finding.severity != ChainCheck::Severity::kOk) {
      Report(number, std::move(finding));
    }
    if (number == end_.entries && !end_.hash.empty() && hash != end_.hash) {
      Report(number, {.severity = ChainCheck::Severity::kFail,
                      .what = absl::StrCat(
                          "has the hash ", hash, ", and ", LedgerEndPath(file_),
                          " says that it was ", end_.hash,
                          ": all up to it was written anew, or it is "
                          "another ledger")});
    }
  }

  // That a commit says of itself what its entries do, which were added.
  void CheckCommit(const LedgerCommit& commit) {
    const int64_t entries = last_ - commit.first_entry + 1;
    if (entries != commit.entries) {
      Report(last_ + 1,
             {.severity = ChainCheck::Severity::kFail,
              .what = absl::StrCat("is not there: the commit ", commit.number,
                                   " has ", entries, " entries and says ",
                                   commit.entries)});
    }
    const std::string& hash = chains_.current().check.last_hash();
    if (commit.last_hash.has_value() && *commit.last_hash != hash) {
      Report(last_,
             {.severity = ChainCheck::Severity::kFail,
              .what = absl::StrCat("has the hash ", hash, ", and the commit ",
                                   commit.number, " says that it ends with ",
                                   ToAbsl(*commit.last_hash),
                                   ": what is said of it was altered")});
    }
    if (std::optional<DispatchNoteCheck::Fault> fault =
            chains_.EndCommit(commit.notes)) {
      Report(commit.first_entry + static_cast<int64_t>(fault->place),
             {.severity = ChainCheck::Severity::kFail,
              .entry_id = std::move(fault->id),
              .what = std::move(fault->what)});
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
  FileChains chains_;
  std::string file_;
  bool is_database_ = false;
  LedgerEnd end_;     // Of a gateway's file, if it is known.
  int64_t last_ = 0;  // The number of the last entry of the file.
  int64_t failures_ = 0;
  int64_t warnings_ = 0;
  int64_t unverified_ = 0;
  std::vector<Found> found_;
};

const char* SeverityWord(ChainCheck::Severity severity) {
  return severity == ChainCheck::Severity::kFail ? "FAIL" : "WARN";
}

// An entry's id, its hashes and so what is found may be any texts.
std::string FindingText(const Found& found) {
  std::string text = absl::StrCat(SeverityWord(found.finding.severity), "  ",
                                  ShownLine(found.file));
  if (found.entry > 0) absl::StrAppend(&text, ", entry ", found.entry);
  if (!found.finding.entry_id.empty()) {
    absl::StrAppend(&text, ", ", ShownLine(found.finding.entry_id));
  }
  absl::StrAppend(&text, ": ", ShownLine(found.finding.what), "\n");
  return text;
}

// A last hash and a root are told of what is valid: of anything else they are
// what it says of itself.
std::string ChainsText(const FileChains& chains) {
  if (chains.all().size() == 1) {
    return absl::StrCat("last hash ", chains.current().check.last_hash(),
                        "\nmerkle root ", chains.merkle_root(), "\n");
  }
  std::string text;
  for (const FileChains::Chain& each : chains.all()) {
    absl::StrAppend(&text, "a chain of ", each.check.entries(),
                    " entries, last hash ", each.check.last_hash(),
                    "\n  merkle root ", each.merkle.Root(), "\n");
  }
  absl::StrAppend(&text, "chains ", chains.all().size(), ", merkle root ",
                  chains.merkle_root(), "\n");
  return text;
}

std::string ReportText(const Verification& verification) {
  std::string text;
  for (const Found& each : verification.found()) text += FindingText(each);
  const int64_t untold = verification.warnings() + verification.failures() -
                         static_cast<int64_t>(verification.found().size());
  if (untold > 0) absl::StrAppend(&text, "and ", untold, " more\n");
  absl::StrAppend(&text, verification.valid() ? "valid" : "NOT VALID", ": ",
                  verification.entries(), " entries, ", verification.failures(),
                  " failures, ", verification.warnings(), " warnings\n");
  if (verification.entries() == 0) absl::StrAppend(&text, kNothingRead, "\n");
  if (verification.unverified() > 0) {
    absl::StrAppend(&text, "of them ", verification.unverified(),
                    " have no hash: nothing of those was verified\n");
  }
  text += OpenDispatchesText(verification.chains().open_dispatches());
  const bool has_hash = !verification.chains().all().front().first_hash.empty();
  if (verification.valid() && has_hash) {
    text += ChainsText(verification.chains());
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
  json.Int64Field("unverified", verification.unverified());
  json.Int64Field("open_dispatches", verification.chains().open_dispatches());
  const bool is_valid = verification.valid();
  const std::vector<FileChains::Chain>& chains = verification.chains().all();
  // Of several chains none is the last.
  json.StringField("last_hash", is_valid && chains.size() == 1
                                    ? chains.front().check.last_hash()
                                    : "");
  json.StringField("merkle_root",
                   is_valid ? verification.chains().merkle_root() : "");
  json.StartArrayField("chains");
  for (const FileChains::Chain& each : chains) {
    json.StartObject();
    json.Int64Field("entries", each.check.entries());
    json.StringField("last_hash", is_valid ? each.check.last_hash() : "");
    json.StringField("merkle_root", is_valid ? each.merkle.Root() : "");
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
  return ShownText(text);
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
