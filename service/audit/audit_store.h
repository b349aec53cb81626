// AuditStore is the audit log as a file: an SQLite database with a row for each
// entry, and one for each body that is kept.
//
//   GATEWAY_ASSIGN_OR_RETURN(std::unique_ptr<AuditStore> store,
//                            AuditStore::Open({.path = "audit.db"}));
//   GATEWAY_RETURN_IF_ERROR(store->Append(entries));
//   // They are in the file's log.
//   const auto page = co_await store->Search(query, call.cancel());
//
// What a search asks for by one of the texts that have an index is found by
// that, newest first, however many entries there are: what costs time is the
// entries that match it and not the rest of the filter. A commit outlasts the
// process; the last ones may be lost when the machine fails.
//
// The text of a body is whatever is given: who encrypts it does so before, and
// its context names what it belongs to.
//
// As a file of SqliteDatabase it is its owner's alone, and one process writes.
//
// Thread contract: Append, Delete and KeepLook by one thread, which blocks on
// the disk; Search, Get and AppendOne from any event loop, SearchBlocking from
// any other thread.

#ifndef SERVICE_AUDIT_AUDIT_STORE_H_
#define SERVICE_AUDIT_AUDIT_STORE_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "service/audit/audit_entry.h"
#include "service/audit/body_cipher.h"
#include "service/store/sqlite_database.h"

namespace gateway {

// Which entries are meant; an empty text asks for nothing.
struct AuditFilter {
  absl::Time start_time = absl::InfinitePast();  // And later.
  absl::Time end_time = absl::InfiniteFuture();  // And before.
  AuditKind kind = AuditKind::kCall;
  std::string request_id;
  std::string caller;
  std::string agent_id;
  std::string agent_type;
  std::string provider;
  std::string project_id;
  std::string model;  // As the caller named it, or as the provider was asked.
  AuditOutcome outcome = AuditOutcome::kNone;  // Of any.
  int failure = 0;                             // Of any, if 0.
};

// The place of an entry in the order of a search.
struct AuditPlace {
  int64_t time_us = std::numeric_limits<int64_t>::max();
  int64_t id = std::numeric_limits<int64_t>::max();
  bool operator==(const AuditPlace&) const = default;
};

struct AuditQuery {
  AuditFilter filter;
  AuditPlace before;  // Only what comes behind it, newest first.
  int limit = 100;
  // The page ends before its entries have more bytes; one has as many as it
  // has.
  size_t bytes_limit = 3 * 1024 * 1024;
  bool bodies = false;
  // What opens bodies; null if none is encrypted any more.
  std::shared_ptr<const BodyCipher> cipher;
};

struct AuditPage {
  std::vector<AuditEntry> entries;
  std::optional<AuditPlace> next;  // Nothing on the last page.
};

// Names what a body belongs to, for BodyCipher.
std::string BodyContext(int64_t entry, bool is_response);

class AuditStore {
 public:
  struct Options {
    std::string path;  // The folder must be there.
    int64_t file_bytes_limit = 0;
    absl::Duration busy_timeout = absl::Seconds(5);
  };

  // Blocks. Errors as SqliteDatabase::Open.
  static absl::StatusOr<std::unique_ptr<AuditStore>> Open(
      const Options& options);
  // What the file holds.
  static SqliteSchema Schema();

  // The highest id that was ever given, of entries that are deleted too, as of
  // when it was opened.
  int64_t last_id() const { return last_id_; }

  // When the clock was last looked at to delete what is old, as of when it was
  // opened; infinitely long ago if it never was.
  absl::Time looked_at() const { return looked_at_; }
  // Has whoever opens the file next read that.
  absl::Status KeepLook(absl::Time time);

  // Writes them, in one transaction. One whose id is there already stays as it
  // is, so that it can be tried again whatever came of it.
  absl::Status Append(absl::Span<const AuditEntry> entries);

  // The same of one, from an event loop, which waits until it is written.
  Task<absl::Status> AppendOne(AuditEntry entry, CancelSignal& cancel);

  // Deletes at most `limit` entries from before `time`, oldest first, and in
  // the same transaction has `record`, an entry of kDeletion, count them; what
  // tells of deletions stays. Their bytes are overwritten. Returns how many.
  absl::StatusOr<int64_t> Delete(absl::Time time, int limit,
                                 const AuditEntry& record);

  // Errors are those of SqliteDatabase::Read.
  Task<absl::StatusOr<AuditPage>> Search(AuditQuery query,
                                         CancelSignal& cancel);
  absl::StatusOr<AuditPage> SearchBlocking(AuditQuery query);

  // NOT_FOUND if there is none of this id.
  Task<absl::StatusOr<AuditEntry>> Get(int64_t id, bool bodies,
                                       std::shared_ptr<const BodyCipher> cipher,
                                       CancelSignal& cancel);

 private:
  explicit AuditStore(std::unique_ptr<SqliteDatabase> database)
      : database_(std::move(database)) {}

  const std::unique_ptr<SqliteDatabase> database_;
  int64_t last_id_ = 0;
  absl::Time looked_at_ = absl::InfinitePast();
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_AUDIT_STORE_H_
