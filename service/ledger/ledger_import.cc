#include "service/ledger/ledger_import.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/ledger/chain_check.h"
#include "service/ledger/dispatch_note.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/sqlite_commit_store.h"
#include "service/store/sqlite_connection.h"
#include "service/store/sqlite_database.h"

namespace gateway {
namespace {

// What one commit has at most.
constexpr int64_t kEntriesInACommit = 1000;
constexpr size_t kBytesInACommit = size_t{4} * 1024 * 1024;

// As LedgerLog writes one, with texts that have their links already.
constexpr SqlText kImportCommit =
    "INSERT INTO commits "
    "(number, first_entry, entries, time_us, last_hash, texts, notes) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)";

// Ids of eight digits, as earlier systems drew them, are the same by chance in
// some ledger of ten thousands of entries: of those only what is of the same
// type and time as well is one entry twice.
constexpr size_t kShortIdBytes = std::string_view("LED-01234567").size();

// Half a digest is enough to tell entries apart, and half as much to keep.
using IdDigest = std::pair<uint64_t, uint64_t>;

IdDigest DigestOfId(const EntryFacts& facts) {
  const Sha256Digest digest =
      facts.id.size() > kShortIdBytes
          ? Sha256(facts.id)
          : Sha256(absl::StrCat(facts.id, " ", facts.event_type, " ",
                                absl::FormatTime(facts.time)));
  IdDigest half;
  std::memcpy(&half.first, digest.data(), sizeof(half.first));
  std::memcpy(&half.second, digest.data() + sizeof(half.first),
              sizeof(half.second));
  return half;
}

class Importing {
 public:
  explicit Importing(std::unique_ptr<SqliteDatabase> database)
      : database_(std::move(database)) {}

  absl::Status ReadFile(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in.is_open()) return CannotRead(file);
    int64_t number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      const std::string_view entry = ToStd(absl::StripAsciiWhitespace(line));
      if (entry.empty()) continue;
      if (absl::Status added = Add(entry); !added.ok()) {
        return absl::Status(added.code(), absl::StrCat(file, ", line ", number,
                                                       ": ", added.message()));
      }
    }
    return in.bad() ? CannotRead(file) : absl::OkStatus();
  }

  // All was read.
  absl::Status End() {
    GATEWAY_RETURN_IF_ERROR(Commit());
    if (open_.empty()) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        "the dispatch ", *open_.begin(),
        " has no exchange, and what it may have cost is kept where it was "
        "exported from: start that gateway, which closes it, and export the "
        "ledger anew"));
  }

  absl::Status Commit() {
    if (entries_ == 0) return absl::OkStatus();
    ++commits_;
    auto append = [&](SqliteConnection& db) {
      return db.Prepare(kImportCommit)
          .BindInt64(commits_)
          .BindInt64(check_.entries() - entries_ + 1)
          .BindInt64(entries_)
          .BindInt64(absl::ToUnixMicros(time_))
          .BindText(check_.last_hash())
          .BindBlob(texts_)
          // Older readers know none, and need it of entries alone that name
          // the hash of a note.
          .BindBlob(names_notes_ ? TakenOverNote() : "")
          .Run();
    };
    GATEWAY_RETURN_IF_ERROR(database_->WriteBlocking(texts_.size(), append));
    entries_ = 0;
    names_notes_ = false;
    texts_.clear();
    return absl::OkStatus();
  }

  LedgerImport imported() const {
    return {.entries = check_.entries(), .last_hash = check_.last_hash()};
  }

 private:
  static absl::Status CannotRead(const std::string& file) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", file));
  }

  absl::Status Add(std::string_view entry) {
    const ChainCheck::Finding finding = check_.Add(entry);
    if (finding.severity != ChainCheck::Severity::kOk) {
      return absl::FailedPreconditionError(
          absl::StrCat("the entry ", finding.entry_id, " ", finding.what));
    }
    // Checked: it is an entry.
    GATEWAY_RETURN_IF_ERROR(ReadEntryFacts(entry, &facts_));
    if (!ids_.insert(DigestOfId(facts_)).second) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the entry ", facts_.id, " is there already, on a line before"));
    }
    time_ =
        facts_.time == absl::InfinitePast() ? absl::UnixEpoch() : facts_.time;
    Follow();
    texts_.append(entry);
    texts_.push_back('\n');
    ++entries_;
    if (entries_ < kEntriesInACommit && texts_.size() < kBytesInACommit) {
      return absl::OkStatus();
    }
    return Commit();
  }

  void Follow() {
    const bool names_note = !facts_.note_hash.empty();
    names_notes_ = names_notes_ || names_note;
    if (names_note && facts_.event_type == "DISPATCH") open_.insert(facts_.id);
    if (facts_.event_type == "EXCHANGE") open_.erase(facts_.dispatch_entry_id);
  }

  const std::unique_ptr<SqliteDatabase> database_;
  ChainCheck check_;
  EntryFacts facts_;
  absl::flat_hash_set<IdDigest> ids_;  // Of all entries.
  // What is to be committed.
  std::string texts_;
  bool names_notes_ = false;
  int64_t entries_ = 0;
  absl::Time time_;
  int64_t commits_ = 0;
  // Dispatches whose notes an export does not have, and whose exchange has not
  // come yet.
  std::set<std::string> open_;
};

absl::StatusOr<LedgerImport> ImportTo(absl::Span<const std::string> files,
                                      const std::string& path) {
  GATEWAY_ASSIGN_OR_RETURN(
      std::unique_ptr<SqliteDatabase> database,
      SqliteDatabase::Open({.path = path,
                            .schema = SqliteCommitStore::Schema(),
                            .sync = SqliteSync::kFull,
                            .thread_name = "import"}));
  Importing importing(std::move(database));
  for (const std::string& file : files) {
    GATEWAY_RETURN_IF_ERROR(importing.ReadFile(file));
  }
  GATEWAY_RETURN_IF_ERROR(importing.End());
  return importing.imported();
}

void Remove(const std::string& path) {
  for (const char* const ending : {"", "-wal", "-shm"}) {
    unlink(absl::StrCat(path, ending).c_str());
  }
}

}  // namespace

absl::StatusOr<LedgerImport> ImportLedger(absl::Span<const std::string> files,
                                          const std::string& to) {
  if (access(to.c_str(), F_OK) == 0) {
    return absl::AlreadyExistsError(absl::StrCat(
        to,
        ": is there already; name a file that is not, for what is taken "
        "over begins a ledger"));
  }
  // Under another name until it is whole.
  const std::string draft = absl::StrCat(to, ".importing");
  Remove(draft);
  absl::StatusOr<LedgerImport> imported = ImportTo(files, draft);
  // Closed by now, and so there is one file alone.
  if (imported.ok() && link(draft.c_str(), to.c_str()) != 0) {
    imported = absl::ErrnoToStatus(errno, absl::StrCat(to, ": cannot be made"));
  }
  Remove(draft);
  return imported;
}

}  // namespace gateway
