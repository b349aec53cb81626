#include "clients/cli/ledger_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "clients/cli/ledger_words.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/sqlite_commit_store.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// An SQLite file begins so (sqlite.org/fileformat.html §1.3.1).
constexpr std::string_view kSqliteMagic("SQLite format 3\0", 16);

absl::Status CannotReadLedger(const std::string& file) {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", file));
}

std::string PathOf(const std::string& file) {
  return file == "-" ? "/dev/stdin" : file;
}

// An entry has what was asked and answered, twice as long where it is quoted.
constexpr size_t kLineBytesMax = 256 * 1024 * 1024;

// Reads the next line, without its end; false if there is none.
absl::StatusOr<bool> NextLine(const std::string& file, std::istream& in,
                              std::string* line) {
  std::array<char, 64 * 1024> piece;
  line->clear();
  while (true) {
    in.getline(piece.data(), piece.size());
    const auto read = static_cast<size_t>(in.gcount());
    const bool has_end = in.good();
    line->append(piece.data(), has_end ? read - 1 : read);
    if (line->size() > kLineBytesMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat(file, " has a line of more than ", kLineBytesMax >> 20,
                       " MiB, which no entry has"));
    }
    if (has_end) return true;
    if (in.bad() || in.eof() || read == 0) return !line->empty();
    in.clear();  // The piece is full, and the line goes on.
  }
}

struct MatchedEntry {
  int64_t number = 0;
  std::string text;
};

}  // namespace

v1::LedgerEntry LedgerEntryMessage(int64_t number, const std::string& text) {
  EntryFacts facts;
  ReadEntryFacts(text, &facts).IgnoreError();
  v1::LedgerEntry entry;
  entry.set_id(facts.id);
  entry.set_event_type(facts.event_type);
  entry.set_submission_id(facts.submission_id);
  entry.set_decision(facts.decision);
  entry.set_reason(facts.reason);
  if (facts.time != absl::InfinitePast()) {
    const int64_t micros = absl::ToUnixMicros(facts.time);
    const int64_t seconds = absl::ToUnixSeconds(facts.time);
    entry.mutable_time()->set_seconds(seconds);
    entry.mutable_time()->set_nanos(
        static_cast<int32_t>(micros - seconds * 1'000'000) * 1'000);
  }
  entry.set_number(number);
  entry.set_previous_hash(facts.previous_hash);
  entry.set_entry_hash(facts.entry_hash);
  entry.set_json(text);
  return entry;
}

absl::StatusOr<bool> IsLedgerDatabase(const std::string& file) {
  const std::string path = PathOf(file);
  std::error_code none;
  // What is read of a pipe is gone, and no database comes through one.
  const bool is_pipe = std::filesystem::exists(path, none) &&
                       !std::filesystem::is_regular_file(path, none);
  if (is_pipe) return false;
  std::ifstream in(path, std::ios::binary);
  if (!in.is_open()) return CannotReadLedger(file);
  std::array<char, kSqliteMagic.size()> begin = {};
  in.read(begin.data(), begin.size());
  return std::string_view(begin.data(), begin.size()) == kSqliteMagic;
}

absl::Status VisitLedgerFile(
    const std::string& file,
    absl::FunctionRef<void(int64_t number, std::string_view entry)> visit) {
  return VisitLedgerFile(file, visit, [](const LedgerCommit&) {});
}

absl::Status VisitLedgerFile(
    const std::string& file,
    absl::FunctionRef<void(int64_t number, std::string_view entry)> visit,
    absl::FunctionRef<void(const LedgerCommit& commit)> on_commit) {
  GATEWAY_ASSIGN_OR_RETURN(const bool is_database, IsLedgerDatabase(file));
  if (is_database) {
    return ReadLedgerFile(PathOf(file), [&](const LedgerCommit& commit) {
      int64_t number = commit.first_entry;
      ForEachEntry(commit.texts,
                   [&](std::string_view entry) { visit(number++, entry); });
      on_commit(commit);
      return absl::OkStatus();
    });
  }
  std::ifstream in(PathOf(file), std::ios::binary);
  if (!in.is_open()) return CannotReadLedger(file);
  int64_t number = 0;
  std::string line;
  while (true) {
    GATEWAY_ASSIGN_OR_RETURN(const bool is_read, NextLine(file, in, &line));
    if (!is_read) break;
    if (number == 0 && line.starts_with(kSqliteMagic)) {
      return absl::InvalidArgumentError(absl::StrCat(
          file,
          " is a gateway's ledger, which is not read through a pipe; "
          "name the file itself"));
    }
    const std::string_view entry = ToStd(absl::StripAsciiWhitespace(line));
    if (!entry.empty()) visit(++number, entry);
  }
  return in.bad() ? CannotReadLedger(file) : absl::OkStatus();
}

absl::StatusOr<std::vector<v1::LedgerEntry>> FindInFiles(
    absl::Span<const std::string> files, const LedgerFilter& filter,
    int64_t limit, bool newest_first) {
  std::deque<MatchedEntry> found;
  ForeignNames foreign(filter);
  EntryFacts facts;
  int64_t before = 0;
  for (const std::string& file : files) {
    int64_t last = 0;
    GATEWAY_RETURN_IF_ERROR(
        VisitLedgerFile(file, [&](int64_t number, std::string_view entry) {
          last = number;
          const bool is_full =
              !newest_first && static_cast<int64_t>(found.size()) == limit;
          if (is_full && foreign.empty()) return;
          ReadEntryFacts(entry, &facts).IgnoreError();
          foreign.See(facts);
          if (is_full || !Matches(filter, facts)) return;
          found.push_back({before + number, std::string(entry)});
          if (static_cast<int64_t>(found.size()) > limit) found.pop_front();
        }));
    before += last;
  }
  GATEWAY_RETURN_IF_ERROR(foreign.Check());
  if (newest_first) std::reverse(found.begin(), found.end());
  std::vector<v1::LedgerEntry> entries;
  entries.reserve(found.size());
  for (const MatchedEntry& each : found) {
    entries.push_back(LedgerEntryMessage(each.number, each.text));
  }
  return entries;
}

}  // namespace gateway
