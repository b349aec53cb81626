// RedisRecordStore is a RecordStore (service/store/record_store.h) in a Redis
// that several gateways share.
//
//   RedisRecordStore store({.prefix = "llmgw:"},
//                          [] { return ClientOfThisLoop(); });
//
// Each operation is one function of Redis's, and one round trip. A record of
// more than kRedisSmallBytesMax goes by RedisClient::bulk(), which is a second
// one where it is read, and so does what lists a collection. All of a
// collection is in one slot of a Cluster. Records expire by the time of Redis,
// so that gateways whose clocks differ agree; what has expired is not returned,
// and is removed behind.
//
// It counts who has how many records of a collection, for all gateways, in the
// step that puts one; a record that a gateway has put without telling whose it
// is counts for nobody.
//
// What it outlasts is what that Redis does: the process always; Redis's own end
// with what its `appendfsync` and its replicas have kept, so that the last
// changes before a failover may be lost. Whoever mirrors a collection is told
// OUT_OF_RANGE after each restart and failover, and lists it anew. A Redis that
// evicts keys without an expiry (`allkeys-*`) evicts whole collections.
//
// Errors besides those of the port are RedisClient's: UNAVAILABLE at once while
// it is down, DEADLINE_EXCEEDED, and RESOURCE_EXHAUSTED where Redis has no
// memory.
//
// Thread-safe, as long as each loop has a client of its own.

#ifndef SERVICE_STORE_REDIS_RECORD_STORE_H_
#define SERVICE_STORE_REDIS_RECORD_STORE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/redis/redis_client.h"
#include "base/redis/redis_command.h"
#include "base/redis/redis_reply.h"
#include "service/store/record_store.h"

namespace gateway {

class RedisRecordStore : public RecordStore {
 public:
  struct Options {
    // What the names of its keys begin with; without braces.
    std::string prefix = "llmgw:";
  };
  // Without a client what is asked is UNAVAILABLE.
  RedisRecordStore(Options options, RedisClientOfLoop client);

  Task<absl::StatusOr<std::optional<Record>>> Get(
      std::string_view collection, std::string_view key,
      CancelSignal& cancel) override;
  Task<absl::StatusOr<std::optional<Record>>> GetFor(
      std::string_view whose, std::string_view collection, std::string_view key,
      CancelSignal& cancel) override;
  Task<absl::StatusOr<int64_t>> Put(std::string_view collection,
                                    std::string_view key, std::string value,
                                    PutOptions options,
                                    CancelSignal& cancel) override;
  Task<absl::StatusOr<bool>> Delete(std::string_view collection,
                                    std::string_view key, DeleteOptions options,
                                    CancelSignal& cancel) override;
  bool counts_owners() const override { return true; }
  Task<absl::StatusOr<RecordPage>> List(std::string_view collection,
                                        std::string_view after, int limit,
                                        CancelSignal& cancel) override;
  Task<absl::StatusOr<int64_t>> Count(std::string_view collection,
                                      CancelSignal& cancel) override;
  Task<absl::StatusOr<RecordChanges>> ChangesSince(
      std::string_view collection, int64_t sequence, int limit,
      CancelSignal& cancel) override;

 private:
  // Begins a call of a function with the keys of the collection, and of an
  // owner if there is one.
  RedisCommand Begin(
      size_t function, std::string_view collection,
      std::optional<std::string_view> owner = std::nullopt) const;
  Task<absl::StatusOr<RedisReply>> Ask(RedisCommand call, CancelSignal& cancel);
  // The same where command or reply are large.
  Task<absl::StatusOr<RedisReply>> AskForLarge(RedisBulk::Need need,
                                               RedisCommand call,
                                               CancelSignal& cancel);

  const Options options_;
  const RedisClientOfLoop client_;
};

}  // namespace gateway

#endif  // SERVICE_STORE_REDIS_RECORD_STORE_H_
