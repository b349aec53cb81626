#include "clients/cli/ledger_verify.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text/json_writer.h"
#include "service/ledger/chain_check.h"
#include "service/ledger/ledger_log.h"

namespace gateway {
namespace {

constexpr OperatorVerb kLedgerVerbs[] = {{"verify", {}}};
// An SQLite file begins so (sqlite.org/fileformat.html §1.3.1).
constexpr std::string_view kSqliteMagic("SQLite format 3\0", 16);
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
  absl::Status Read(const std::string& file) {
    file_ = file;
    entries_ = 0;
    std::ifstream in(file, std::ios::binary);
    if (!in.is_open()) {
      return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", file));
    }
    std::array<char, kSqliteMagic.size()> begin = {};
    in.read(begin.data(), begin.size());
    if (std::string_view(begin.data(), begin.size()) == kSqliteMagic) {
      return ReadLedgerFile(file, [this](const LedgerCommit& commit) {
        ForEachEntry(commit.texts, [this](std::string_view entry) {
          if (!entry.empty()) Add(entry);
        });
        return absl::OkStatus();
      });
    }
    in.clear();
    in.seekg(0);
    return ReadLines(in);
  }

  const ChainCheck& check() const { return check_; }
  const std::vector<Found>& found() const { return found_; }

 private:
  absl::Status ReadLines(std::ifstream& in) {
    for (std::string line; std::getline(in, line);) {
      if (!absl::StripAsciiWhitespace(line).empty()) Add(line);
    }
    if (in.bad()) {
      return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", file_));
    }
    return absl::OkStatus();
  }

  void Add(std::string_view entry) {
    ++entries_;
    ChainCheck::Finding finding = check_.Add(entry);
    if (finding.severity == ChainCheck::Severity::kOk) return;
    if (found_.size() < kFindingsTold) {
      found_.push_back({file_, entries_, std::move(finding)});
    }
  }

  ChainCheck check_;
  std::string file_;
  int64_t entries_ = 0;  // Of the file, so far.
  std::vector<Found> found_;
};

const char* SeverityWord(ChainCheck::Severity severity) {
  return severity == ChainCheck::Severity::kFail ? "FAIL" : "WARN";
}

std::string ReportText(const Verification& verification) {
  const ChainCheck& check = verification.check();
  std::string text;
  for (const Found& each : verification.found()) {
    absl::StrAppend(&text, SeverityWord(each.finding.severity), "  ", each.file,
                    ", entry ", each.entry,
                    each.finding.entry_id.empty() ? "" : ", ",
                    each.finding.entry_id, ": ", each.finding.what, "\n");
  }
  const int64_t untold = check.warnings() + check.failures() -
                         static_cast<int64_t>(verification.found().size());
  if (untold > 0) absl::StrAppend(&text, "and ", untold, " more\n");
  absl::StrAppend(&text, check.valid() ? "valid" : "NOT VALID", ": ",
                  check.entries(), " entries, ", check.failures(),
                  " failures, ", check.warnings(), " warnings\n");
  if (!check.last_hash().empty()) {
    absl::StrAppend(&text, "last hash ", check.last_hash(), "\n");
  }
  return text;
}

std::string ReportJson(const Verification& verification) {
  const ChainCheck& check = verification.check();
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  json.BoolField("valid", check.valid());
  json.Int64Field("entries", check.entries());
  json.Int64Field("failures", check.failures());
  json.Int64Field("warnings", check.warnings());
  json.StringField("last_hash", check.last_hash());
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

const OperatorCommand kLedgerCommand = {.name = "ledger",
                                        .verbs = kLedgerVerbs};

absl::StatusOr<LedgerReport> VerifyLedger(const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kLedgerCommand, words));
  if (words.words.size() < 2) {
    return absl::InvalidArgumentError(
        "ledger verify takes the files of a ledger, in their order; see "
        "gatewayctl --help");
  }
  Verification verification;
  for (size_t i = 1; i < words.words.size(); ++i) {
    GATEWAY_RETURN_IF_ERROR(verification.Read(words.words[i]));
  }
  return LedgerReport{.valid = verification.check().valid(),
                      .text = words.as_json ? ReportJson(verification)
                                            : ReportText(verification)};
}

}  // namespace gateway
