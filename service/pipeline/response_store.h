// ResponseStore remembers conversations for callers who go on with
// `previous_response_id`, and of answers that were only forwarded, where they
// live: for a while, up to a number and a size, in memory. The oldest go first.
//
//   ResponseStore store({.ttl = absl::Hours(1), ...}, SystemClock());
//   store.Put("alice", "resp_1", std::move(kept));
//   ResponseStore::Entry kept = store.Find("alice", "resp_1");
//
// A caller sees only what is its own.
//
// Thread-safe. Never calls out while holding its lock.

#ifndef SERVICE_PIPELINE_RESPONSE_STORE_H_
#define SERVICE_PIPELINE_RESPONSE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/config/v1/config.pb.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

using MessageList = google::protobuf::RepeatedPtrField<v1::Message>;

// One answer, and what was said before it; or, of one whose bytes were only
// forwarded, which provider has it and by which of its credentials it was
// asked for.
//
// Messages are held serialized: as messages, short ones take thirty times as
// much memory.
struct StoredResponse {
  std::string provider;  // Empty: the answer is here.
  std::string credential;
  std::string before;  // A GenerateRequest with nothing but messages.
  std::string response;

  // Parse what is held, at each call.
  MessageList Before() const;
  v1::GenerateResponse Response() const;
};

class ResponseStore {
 public:
  struct Limits {
    absl::Duration ttl;
    size_t entries = 0;  // 0 keeps nothing.
    int64_t size_bytes = 0;
  };

  using Entry = std::shared_ptr<const StoredResponse>;

  static Limits LimitsOf(
      const llmgateway::config::v1::ResponseStoreConfig& config);

  // Borrows `clock`.
  ResponseStore(const Limits& limits, Clock& clock)
      : limits_(limits), clock_(clock) {}

  ResponseStore(const ResponseStore&) = delete;
  ResponseStore& operator=(const ResponseStore&) = delete;

  // Whether anything is kept at all.
  bool enabled() const { return limits_.entries > 0; }
  // What is larger is not kept.
  int64_t size_bytes_limit() const { return limits_.size_bytes; }

  // Replaces what had the same id.
  void Put(std::string_view caller, std::string_view id, StoredResponse kept)
      LOCKS_EXCLUDED(mu_);

  // Null if there is none, or no longer.
  Entry Find(std::string_view caller, std::string_view id) LOCKS_EXCLUDED(mu_);

  // False if there was none.
  bool Remove(std::string_view caller, std::string_view id) LOCKS_EXCLUDED(mu_);

  // All that is kept, in bytes.
  int64_t size_bytes() const LOCKS_EXCLUDED(mu_);

 private:
  using Key = std::pair<std::string, std::string>;  // Caller and id.
  struct Item {
    Key key;
    Entry entry;
    int64_t size_bytes = 0;
    absl::Duration expiry;
  };
  using Items = std::list<Item>;

  void Drop(Items::iterator item, Items* dropped) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Drops what has expired, and the oldest while there is too much.
  void Trim(absl::Duration now, Items* dropped) EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const Limits limits_;
  Clock& clock_;

  mutable Mutex mu_;
  Items items_ GUARDED_BY(mu_);  // Oldest first.
  absl::flat_hash_map<Key, Items::iterator> index_ GUARDED_BY(mu_);
  int64_t size_bytes_ GUARDED_BY(mu_) = 0;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_RESPONSE_STORE_H_
