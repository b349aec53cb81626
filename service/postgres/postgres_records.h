// PostgresRecords are the records of PostgresRecordStore
// (postgres_record_store.h) as one session with the database reads and changes
// them, for the one thread that may wait for it.
//
//   PostgresRecords records(database);
//   GATEWAY_ASSIGN_OR_RETURN(
//       const int64_t version,
//       records.Put("statements", "node/writer", bytes, {}));
//
// The tables:
//
//   record_collections  one row for each collection: when it was made, and the
//                       number of its last change, which holds up whoever
//                       changes something else of it meanwhile
//   records             one row for each record; of one that was deleted there
//                       is no value, until the last changes do not tell it any
//                       more
//   records_version     of these tables
//
// A session that was lost is made anew, once for each operation; what only
// reads, or had not begun, is done then. No statement takes longer than the
// database's `timeout`.
//
// Sequences are told as they are in the database, with the number of the time
// that they are of before it: one ends with the session, and where a collection
// was made anew. So who follows what has changed is told to begin anew where
// the database may be another, such as a standby that had not heard of the
// last changes, or one that was restored.
//
// Thread-compatible, but for End; blocks.

#ifndef SERVICE_POSTGRES_POSTGRES_RECORDS_H_
#define SERVICE_POSTGRES_POSTGRES_RECORDS_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/postgres/postgres_connection.h"
#include "service/postgres/postgres_database.h"
#include "service/store/record_store.h"

namespace gateway {

class PostgresRecords {
 public:
  explicit PostgresRecords(PostgresDatabase database);

  PostgresRecords(const PostgresRecords&) = delete;
  PostgresRecords& operator=(const PostgresRecords&) = delete;

  // From now on no session is made, so that who waits for the operation under
  // way waits for one statement at most. Any thread.
  void End() { ends_.store(true, std::memory_order_relaxed); }

  // As those of RecordStore. REQUIRES: names, keys, values and limits are as
  // that wants them.
  absl::StatusOr<std::optional<Record>> Get(const std::string& collection,
                                            const std::string& key);
  absl::StatusOr<int64_t> Put(const std::string& collection,
                              const std::string& key, const std::string& value,
                              std::optional<int64_t> expected_version,
                              absl::Time expire_time);
  absl::StatusOr<bool> Delete(const std::string& collection,
                              const std::string& key,
                              std::optional<int64_t> expected_version);
  absl::StatusOr<RecordPage> List(const std::string& collection,
                                  const std::string& after, int limit);
  absl::StatusOr<int64_t> Count(const std::string& collection);
  absl::StatusOr<RecordChanges> ChangesSince(const std::string& collection,
                                             int64_t sequence, int limit);

 private:
  using Work = absl::FunctionRef<absl::Status(PostgresConnection& db)>;
  // Returns whether there is something to commit.
  using Changes =
      absl::FunctionRef<absl::StatusOr<bool>(PostgresConnection& db)>;

  // Connects, unless it is, and has the tables be there.
  absl::Status Open();
  // Gives up a session that is broken.
  void CloseBroken();
  absl::Status Read(Work work);
  absl::Status Change(Changes work);
  // Takes the next number of the collection, for who changes it: nobody else
  // does until the transaction has ended.
  absl::StatusOr<int64_t> NextSequence(PostgresConnection& db,
                                       const std::string& collection);
  // The version of the record that is there; 0 if there is none.
  absl::StatusOr<int64_t> VersionOf(PostgresConnection& db,
                                    const std::string& collection,
                                    const std::string& key);
  // Removes some of what is gone for long.
  absl::Status Forget(PostgresConnection& db, const std::string& collection,
                      int64_t latest);
  // The number of a change, as it is told. `created` is that of the collection,
  // 0 if there is none.
  int64_t Told(const std::string& collection, int64_t created,
               int64_t sequence);

  const PostgresDatabase database_;
  std::atomic<bool> ends_ = false;
  std::unique_ptr<PostgresConnection> db_;
  bool has_tables_ = false;  // In this session.
  bool was_open_ = false;    // Some session was.
  int64_t era_ = 0;          // The time that sequences are of.
  // By collection, as this session has seen it last.
  std::map<std::string, int64_t> created_;
};

}  // namespace gateway

#endif  // SERVICE_POSTGRES_POSTGRES_RECORDS_H_
