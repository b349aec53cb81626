// SqliteDatabase is one SQLite file of the gateway's own, that any event loop
// may write and read without waiting for a disk.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       std::unique_ptr<SqliteDatabase> database,
//       SqliteDatabase::Open({.path = "/var/lib/llm-gateway/keys.db",
//                             .schema = KeySchema()}));
//   auto insert = [id](SqliteConnection& db) {
//     return db.Prepare("INSERT INTO keys (id) VALUES (?)")
//         .BindText(id)
//         .Run();
//   };
//   const absl::Status status =
//       co_await database->Write(id.size(), std::move(insert), call.cancel());
//
// One thread writes. What is queued while it commits goes into its next
// transaction together, so that a thousand writers share the wait for the disk.
// Each piece of work has a savepoint of its own in there: one that returns an
// error is rolled back, alone. Where a failure ends the whole transaction, as a
// file that cannot grow does, the others are done again without the one that
// met it. A caller is told what its work has returned once the transaction is
// committed: in the file's log and, with SqliteSync::kFull, on the disk. If the
// commit fails, all of its callers get that failure, those of failed work too,
// since what that saw did not come to be. (As with any database, a failure to
// commit is not always proof: if the disk fails at the last moment and the
// machine with it, the work may be found done.)
//
// Another thread reads, on a connection of its own: in WAL mode who reads does
// not wait for who writes, and so a look-up takes tens of microseconds while a
// commit waits milliseconds for the disk. It sees whatever was committed before
// it was asked, and one state of it throughout.
//
// Opening makes the file if it is not there, and checks it otherwise: it must
// be of the schema, whole (`PRAGMA quick_check`, about a second for each GB;
// Options::check_integrity),
// and of no later version; earlier ones are migrated (sqlite_schema.h). It is
// its owner's alone (0600), and so are the two files beside it, `-wal` and
// `-shm`, without which it is not complete. It must be on a local file system:
// the log cannot be shared by machines; and it has one name, beside which the
// log is. A second process may use it, unless Options::for_one_process, and
// each waits for the other's lock for `busy_timeout`; but nothing else in this
// one may open it, for to close it again would let go of SQLite's locks.
// Nothing of a file that is damaged, or another's, is changed.
//
// Errors are those of sqlite_connection.h, beside what the work itself returns,
// and RESOURCE_EXHAUSTED at once if too much waits; and DATA_LOSS when the file
// was removed or replaced while in use. A failure stays with the work that met
// it: the next transaction tries anew.
//
// Thread contract: Write and Read from any event loop, WriteBlocking and
// ReadBlocking from any other thread; work runs on the database's threads.

#ifndef SERVICE_STORE_SQLITE_DATABASE_H_
#define SERVICE_STORE_SQLITE_DATABASE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/os/thread.h"
#include "service/store/database_file.h"
#include "service/store/sqlite_connection.h"
#include "service/store/sqlite_schema.h"
#include "service/store/sqlite_work.h"

namespace gateway {

// What a commit waits for (`PRAGMA synchronous`). Either outlasts the process,
// however that ends; kNormal may lose the last commits when the machine does.
enum class SqliteSync { kFull, kNormal };

class SqliteDatabase {
 public:
  struct Options {
    // The folder must be there.
    std::string path;
    SqliteSchema schema;
    SqliteSync sync = SqliteSync::kFull;
    // Names the two threads, NAME-write and NAME-read; as for Thread.
    std::string_view thread_name = "sqlite";
    // Whether no other process may have it open so: for who goes by what it
    // has written itself. FAILED_PRECONDITION if one has, by whatever name.
    bool for_one_process = false;
    // Whether to check at once that the file is whole. Who says no has a check
    // of its own of what it reads.
    bool check_integrity = true;
    // What may wait to be written, and again to be read.
    SqliteWorkQueue::Options queue;
    // The most that the file may have, without its log; no limit if 0.
    int64_t file_bytes_limit = 0;
    absl::Duration busy_timeout = absl::Seconds(5);
  };

  // Blocks.
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(Options options);

  ~SqliteDatabase();

  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  // What `work` returns when called with an SqliteConnection&: an absl::Status
  // or an absl::StatusOr.
  template <typename Work>
  using ResultOf = typename AwaitedSqliteWork<Work>::Result;

  // Has `work` change the database, and returns once that is committed. `work`
  // owns what it uses, of which `bytes` is the size, roughly. It begins and
  // ends no transaction, may be called again, when nothing is left of what it
  // did, and neither takes long nor waits for other work, since all that is
  // queued waits for it. A caller that is cancelled is told so at once; its
  // work is not done, if it has not begun, and may be committed otherwise.
  template <typename Work>
  Task<ResultOf<Work>> Write(size_t bytes, Work work, CancelSignal& cancel) {
    return AwaitSqliteWork(writes_, bytes, std::move(work), cancel);
  }
  template <typename Work>
  ResultOf<Work> WriteBlocking(size_t bytes, Work work) {
    return RunSqliteWork(writes_, bytes, std::move(work));
  }

  // DATA_LOSS if its file was removed or replaced: what is read is what was
  // there, and what is written is lost. Any thread.
  absl::Status CheckInPlace() const { return file_.CheckInPlace(); }

  // Has `work` read the database, which it cannot change.
  template <typename Work>
  Task<ResultOf<Work>> Read(size_t bytes, Work work, CancelSignal& cancel) {
    return AwaitSqliteWork(reads_, bytes, std::move(work), cancel);
  }
  template <typename Work>
  ResultOf<Work> ReadBlocking(size_t bytes, Work work) {
    return RunSqliteWork(reads_, bytes, std::move(work));
  }

  // Does what is queued, tells those who wait, on loops that must be there
  // still, and closes the file; what comes later is refused with
  // FAILED_PRECONDITION. Called by one thread; the destructor does it, too.
  void Close();

  const std::string& path() const { return file_.path(); }

 private:
  SqliteDatabase(DatabaseFile file, const Options& options,
                 std::unique_ptr<SqliteConnection> writer,
                 std::unique_ptr<SqliteConnection> reader);

  void ServeWrites();
  void ServeReads();
  using Group = std::vector<std::shared_ptr<SqliteWork>>;

  // Does all of `group`, and tells who waits.
  void Commit(Group group);
  // Does it in one transaction. If a piece has ended that, `*ended_by` is
  // which.
  absl::Status CommitOnce(const Group& group, Group::const_iterator* ended_by);
  // Fails only if the transaction cannot go on.
  absl::Status RunInSavepoint(SqliteWork& work);
  absl::Status RunInSnapshot(SqliteWork& work);

  const DatabaseFile file_;
  SqliteWorkQueue writes_;
  SqliteWorkQueue reads_;
  // Each used by its thread only, while that runs.
  std::unique_ptr<SqliteConnection> writer_;
  std::unique_ptr<SqliteConnection> reader_;
  Thread write_thread_;  // Declared last, since they use all of the above.
  Thread read_thread_;
};

}  // namespace gateway

#endif  // SERVICE_STORE_SQLITE_DATABASE_H_
