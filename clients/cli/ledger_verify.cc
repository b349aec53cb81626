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

// A finding with where it is.
struct Found {
  std::string file;
  int64_t entry = 0;  // Within the file, from 1 on.
  ChainCheck::Finding finding;
};

// Checks the entries of one file after the other.
class Verification {
 public:
  explicit Verification(std::string noted_hash)
      : noted_hash_(std::move(noted_hash)) {}

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

  bool valid() const { return failures_ == 0; }
  int64_t entries() const { return check_.entries(); }
  int64_t failures() const { return failures_; }
  int64_t warnings() const { return warnings_; }
  const std::string& last_hash() const { return check_.last_hash(); }
  std::string merkle_root() const { return merkle_.Root(); }
  const std::vector<Found>& found() const { return found_; }

 private:
  void Add(int64_t number, std::string_view entry) {
    if (number != last_ + 1) {
      Report(last_ + 1, {.severity = ChainCheck::Severity::kFail,
                         .what = absl::StrCat("is not there: the entry ",
                                              number, " comes next")});
    }
    last_ = number;
    const bool is_behind = check_.entries() > 0;
    ChainCheck::Finding finding = check_.Add(entry);
    if (is_behind && !is_database_ &&
        finding.severity == ChainCheck::Severity::kFail && IsFirst(entry)) {
      absl::StrAppend(&finding.what,
                      "; if the ledger has several chains, as replicas write "
                      "them, export and verify each by itself: gatewayctl "
                      "ledger export --chain N");
    }
    if (!check_.last_hash().empty()) merkle_.Add(check_.last_hash());
    has_noted_ = has_noted_ || check_.last_hash() == noted_hash_;
    // The gateway writes no entry without a hash, and an import takes none.
    if (is_database_ && finding.severity == ChainCheck::Severity::kWarn) {
      finding.severity = ChainCheck::Severity::kFail;
    }
    if (finding.severity != ChainCheck::Severity::kOk) {
      Report(number, std::move(finding));
    }
  }

  // Whether it says to be the first of a chain.
  bool IsFirst(std::string_view entry) {
    ReadEntryFacts(entry, &facts_).IgnoreError();
    return !facts_.entry_hash.empty() && facts_.previous_hash.empty();
  }

  void Report(int64_t number, ChainCheck::Finding finding) {
    ++(finding.severity == ChainCheck::Severity::kFail ? failures_ : warnings_);
    if (found_.size() < kFindingsTold) {
      found_.push_back({file_, number, std::move(finding)});
    }
  }

  const std::string noted_hash_;
  bool has_noted_ = false;
  ChainCheck check_;
  EntryFacts facts_;
  RunningMerkleRoot merkle_;
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
  if (!verification.last_hash().empty()) {
    absl::StrAppend(&text, "last hash ", verification.last_hash(),
                    "\nmerkle root ", verification.merkle_root(), "\n");
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
  json.StringField("last_hash", verification.last_hash());
  json.StringField("merkle_root", verification.merkle_root());
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

absl::StatusOr<LedgerReport> VerifyLedger(const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kLedgerCommand, words));
  if (words.words.size() < 2) {
    return absl::InvalidArgumentError(
        "ledger verify takes the files of a ledger, in their order; see "
        "gatewayctl --help");
  }
  GATEWAY_ASSIGN_OR_RETURN(std::string noted, NotedHashOf(words, "--noted"));
  Verification verification(std::move(noted));
  for (size_t i = 1; i < words.words.size(); ++i) {
    GATEWAY_RETURN_IF_ERROR(verification.Read(words.words[i]));
  }
  verification.End();
  return LedgerReport{.valid = verification.valid(),
                      .text = words.as_json ? ReportJson(verification)
                                            : ReportText(verification)};
}

}  // namespace gateway
