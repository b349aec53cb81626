// IssuedKeyStore keeps issued keys: each is a record of a RecordStore, and what
// is kept is in force in a KeyRegistry, which answers for all of them at once.
//
//   IssuedKeyStore keys(record_store, registry);
//   GATEWAY_CO_RETURN_IF_ERROR(co_await keys.Load(never));  // At the start.
//   loop.Post([&] { Spawn(keys.Follow(loop)); });
//   ...
//   GATEWAY_CO_ASSIGN_OR_RETURN(
//       const StoredKey made, co_await keys.Put(record, 0, call.cancel()));
//   ...
//   keys.Stop(loop);
//
// A change is in force here as soon as it is kept, when Put returns. Others who
// use the same store know of it within kFollowInterval, and of theirs is known
// here: while the store cannot be read, what was known last counts.
//
// Of a revoked key the record stays for kRevokedKeptFor, so that operators see
// it and its id is not taken for another's; then it is gone.
//
// Thread contract: Follow once, on one loop; Stop from a thread that is none of
// a loop's; the others from any loop.

#ifndef SERVICE_IDENTITY_ISSUED_KEY_STORE_H_
#define SERVICE_IDENTITY_ISSUED_KEY_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "service/identity/issued_key_record.pb.h"
#include "service/identity/key_registry.h"
#include "service/store/record_store.h"

namespace gateway {

// A key as it is kept.
struct StoredKey {
  llmgateway::kept::IssuedKeyRecord record;
  int64_t version = 0;  // As of Record.
};

class IssuedKeyStore {
 public:
  // Where the records are.
  static constexpr std::string_view kCollection = "issued_keys";
  static constexpr absl::Duration kFollowInterval = absl::Seconds(1);
  static constexpr absl::Duration kRevokedKeptFor = absl::Hours(24 * 30);

  struct Page {
    std::vector<StoredKey> keys;  // Sorted by id.
    bool more = false;
    // Where the next page begins; of a record that cannot be read, too.
    std::string last;
  };

  // Borrows both.
  IssuedKeyStore(RecordStore& store, KeyRegistry& registry)
      : store_(store), registry_(registry) {}

  IssuedKeyStore(const IssuedKeyStore&) = delete;
  IssuedKeyStore& operator=(const IssuedKeyStore&) = delete;

  // Below, errors are those of RecordStore; DATA_LOSS for a record that cannot
  // be read.

  // Nothing if there is none of this id.
  Task<absl::StatusOr<std::optional<StoredKey>>> Get(std::string_view id,
                                                     CancelSignal& cancel);

  // Keeps a key, and puts it into force. ABORTED if it is not of that version,
  // or, where that is 0, if there is one of its id. REQUIRES: its `key.id` is
  // one, and `key.update_time` is set.
  Task<absl::StatusOr<StoredKey>> Put(llmgateway::kept::IssuedKeyRecord record,
                                      int64_t expected_version,
                                      CancelSignal& cancel);

  // The next keys after that id, at most `limit`; those that cannot be read are
  // left out, and the log tells of them.
  Task<absl::StatusOr<Page>> List(std::string after, int limit,
                                  CancelSignal& cancel);

  // Takes all keys into the registry.
  Task<absl::Status> Load(CancelSignal& cancel);

  // Takes what changes from Load on, until Stop.
  Task<void> Follow(EventLoop& loop);

  // Ends Follow, and returns when it has ended. REQUIRES: it was posted to
  // `loop`, which is running.
  void Stop(EventLoop& loop);
  // Has Follow end soon; on its loop.
  void StopOnLoop();

  KeyRegistry& registry() const { return registry_; }

 private:
  static absl::StatusOr<StoredKey> Read(const Record& record);
  // A key that cannot be read opens nothing.
  void Take(const Record& record);
  Task<absl::Status> TakeChanges(CancelSignal& cancel);
  void TellOnce(const absl::Status& followed);

  RecordStore& store_;
  KeyRegistry& registry_;
  Latch ended_;

  // Of the loop that follows, and of Load before.
  CancelSignal stop_;
  int64_t sequence_ = 0;
  bool follows_ = true;  // Whether the store could be read lately.
};

}  // namespace gateway

#endif  // SERVICE_IDENTITY_ISSUED_KEY_STORE_H_
