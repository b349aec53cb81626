// RecordStore keeps small records that outlast a call, such as issued keys and
// sessions: values under a key, in collections that have a name each.
//
//   GATEWAY_CO_ASSIGN_OR_RETURN(
//       const std::optional<Record> session,
//       co_await store.Get("sessions", id, call.cancel()));
//   ...
//   // As long as nobody else has changed it:
//   const PutOptions options{.expected_version = session->version,
//                            .expire_time = clock.WallTime() + kSessionTtl};
//   GATEWAY_CO_ASSIGN_OR_RETURN(
//       const int64_t version,
//       co_await store.Put("sessions", id, bytes, options, call.cancel()));
//
// Who mirrors a collection in memory reads all of its pages, and then asks,
// again and again, what has changed since:
//
//   int64_t sequence = page.sequence;  // Of the first page.
//   ...
//   changes = co_await store.ChangesSince("keys", sequence, 1000, cancel);
//   if (absl::IsOutOfRange(changes.status())) ...;  // Begin anew, with List.
//   for (RecordChange& change : changes->changes) Apply(std::move(change));
//   sequence = changes->sequence;
//
// Each operation is one step: it is done whole or not at all, and sees one
// state of its collection. None covers two collections, or two keys, so that a
// shared store can serve each with one round trip, and all of a collection can
// be in one of its parts.
//
// When a change is acknowledged it has happened, and is seen by whatever is
// asked afterwards, by anyone. What it outlasts:
//
//   SqliteRecordStore    the process, however it ends, and the machine
//   MemoryRecordStore    nothing: it ends with the process
//   RedisRecordStore     the process; Redis's end as far as that keeps its data
//   PostgresRecordStore  the process, and what that PostgreSQL outlasts
//
// A change that fails, or whose caller is cancelled, may have happened where
// the error is not one of those below: read it again.
//
//   INVALID_ARGUMENT    a name, key or value that no store takes
//   ABORTED             the record is not of the version that was expected
//   OUT_OF_RANGE        ChangesSince: begin anew
//   RESOURCE_EXHAUSTED  the store is full, too much waits for it, or the quota
//                       has no room (QuotaRefusalOf); nothing was changed
//
// and otherwise those of the store. No error tells a key or a value.
//
// Thread-safe: from any event loop. A caller that is cancelled gets at once
// what `cancel` fired with.

#ifndef SERVICE_STORE_RECORD_STORE_H_
#define SERVICE_STORE_RECORD_STORE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"

namespace gateway {

// A collection's name is so many of lower-case letters, digits and '_', at
// least one.
inline constexpr size_t kCollectionBytesMax = 64;
// A key is so many bytes of any kind, at least one.
inline constexpr size_t kRecordKeyBytesMax = 512;
inline constexpr size_t kRecordValueBytesMax = size_t{1024} * 1024;
// List and ChangesSince return at most so many records, and no further one once
// their values have so many bytes.
inline constexpr int kRecordPageMax = 1000;
inline constexpr size_t kRecordPageBytesMax = size_t{4} * 1024 * 1024;
// ChangesSince tells at least the last so many changes of a collection.
inline constexpr int64_t kRecordChangesKept = 10'000;

struct Record {
  std::string key;
  std::string value;
  // Of this record: 1 when it is made, and 1 more with each Put. A record that
  // was deleted, or has expired, and is made anew is of version 1 again.
  int64_t version = 0;
  // From then on there is no such record. In whole milliseconds, rounded down.
  absl::Time expire_time = absl::InfiniteFuture();
};

// How many records a collection may have.
struct RecordQuota {
  int64_t records = 0;
  // The last so many of them are for owners who have fewer than so many.
  int64_t share = 0;
};

struct PutOptions {
  // The version that the record must have; 0: there must be none. Anything goes
  // if absent.
  std::optional<int64_t> expected_version;
  // The record is gone at once if that has passed.
  absl::Time expire_time = absl::InfiniteFuture();

  // Where the store counts_owners(), whose the record is, always the same; ""
  // is an owner, too. Nobody's if absent.
  std::optional<std::string_view> owner;
  // Where it does, what a record that is not there yet must find room in.
  // REQUIRES: an owner.
  std::optional<RecordQuota> quota;

  // For whom, such as a caller, where there is no owner; empty for the gateway
  // itself. Where what is large has to wait, those for whom it is take turns.
  std::string_view whose;
};

struct DeleteOptions {
  // The version that the record must have. Anything goes if absent.
  std::optional<int64_t> expected_version;
  // As it was put. If it is not told, the record counts for its owner until it
  // would have expired.
  std::optional<std::string_view> owner;
};

struct RecordPage {
  std::vector<Record> records;  // In the order of their keys' bytes.
  bool more = false;
  // Where ChangesSince goes on for who has read this page: it tells all that
  // has changed since.
  int64_t sequence = 0;
};

struct RecordChange {
  std::string key;
  // What it is now; absent if there is none any more.
  std::optional<Record> record;
};

struct RecordChanges {
  // In the order in which they happened. Of several changes of a record the
  // last is told alone, or, if it has expired since, that there is none. To
  // expire is no change: who mirrors a record obeys its expire_time.
  std::vector<RecordChange> changes;
  bool more = false;
  // Where to go on. Grows with each change of the collection, by one or more.
  int64_t sequence = 0;
};

class RecordStore {
 public:
  virtual ~RecordStore() = default;

  // Below, what a view shows must stay until the task has ended.

  // Returns nothing if there is no such record.
  virtual Task<absl::StatusOr<std::optional<Record>>> Get(
      std::string_view collection, std::string_view key,
      CancelSignal& cancel) = 0;

  // As Get, for `whose` as in PutOptions.
  virtual Task<absl::StatusOr<std::optional<Record>>> GetFor(
      std::string_view whose, std::string_view collection, std::string_view key,
      CancelSignal& cancel) {
    (void)whose;
    return Get(collection, key, cancel);
  }

  // Makes the record, or replaces it. Returns its version.
  virtual Task<absl::StatusOr<int64_t>> Put(std::string_view collection,
                                            std::string_view key,
                                            std::string value,
                                            PutOptions options,
                                            CancelSignal& cancel) = 0;

  // Returns false if there is no such record. ABORTED if that was expected, or
  // it is of another version than was expected.
  virtual Task<absl::StatusOr<bool>> Delete(std::string_view collection,
                                            std::string_view key,
                                            DeleteOptions options,
                                            CancelSignal& cancel) = 0;

  // Whether it counts who has how many records, and so obeys `owner` and
  // `quota`. One that several processes share does, since none of them could
  // by itself. Others take no notice of the two: the process that they belong
  // to knows of each change.
  virtual bool counts_owners() const { return false; }

  // Returns the next records of the collection after `after`, which need not be
  // there; from the first if that is empty. `limit` is at least 1, and at most
  // kRecordPageMax counts.
  virtual Task<absl::StatusOr<RecordPage>> List(std::string_view collection,
                                                std::string_view after,
                                                int limit,
                                                CancelSignal& cancel) = 0;

  // How many records the collection has. Takes time in proportion to that.
  virtual Task<absl::StatusOr<int64_t>> Count(std::string_view collection,
                                              CancelSignal& cancel) = 0;

  // Returns what has changed since `sequence`, which List or ChangesSince has
  // returned, or 0, from the beginning of all. OUT_OF_RANGE if that is not
  // known any more, or comes from a store that has lost something since.
  virtual Task<absl::StatusOr<RecordChanges>> ChangesSince(
      std::string_view collection, int64_t sequence, int limit,
      CancelSignal& cancel) = 0;
};

// Why a quota had no room: there are as many records as there may be, or only
// those are left that are for owners who have fewer.
enum class QuotaRefusal { kCollection, kOwner };
// Nothing if the error is another.
std::optional<QuotaRefusal> QuotaRefusalOf(const absl::Status& status);

// What follows is for stores.

// INVALID_ARGUMENT for a name, key or value that is none; the message names the
// limit.
absl::Status CheckCollection(std::string_view collection);
absl::Status CheckRecordKey(std::string_view collection, std::string_view key);
absl::Status CheckRecordValue(std::string_view collection,
                              std::string_view value);
// For `limit` of List and ChangesSince; returns the one that counts.
absl::StatusOr<int> RecordPageLimit(int limit);

// The time from which a record of this `expire_time` is gone.
absl::Time RoundedExpireTime(absl::Time expire_time);

// ABORTED, unless a record of version `actual`, 0 if there is none, is what was
// expected.
absl::Status CheckRecordVersion(std::string_view collection, int64_t actual,
                                std::optional<int64_t> expected);

// RESOURCE_EXHAUSTED for a record for which a quota has no room.
absl::Status RefuseByQuota(std::string_view collection, QuotaRefusal refusal);

// OUT_OF_RANGE, unless changes since `sequence` can be told by a store that has
// kept the last kRecordChangesKept of `latest`.
absl::Status CheckRecordSequence(std::string_view collection, int64_t sequence,
                                 int64_t latest);

}  // namespace gateway

#endif  // SERVICE_STORE_RECORD_STORE_H_
