// RedisReader makes replies of the bytes that a Redis server sends (RESP2),
// however they are cut. Parsing itself is hiredis's; what a reply may hold has
// limits here, which are found out as soon as the server announces more, not
// when it has sent it.
//
//   GATEWAY_RETURN_IF_ERROR(reader.Feed(bytes));
//   RedisReply reply;
//   for (;;) {
//     GATEWAY_ASSIGN_OR_RETURN(const bool whole, reader.Next(&reply));
//     if (!whole) break;
//     ...
//   }
//
// Arrays may be nested seven times, which is more than any command needs.
//
// Thread-compatible.

#ifndef BASE_REDIS_REDIS_READER_H_
#define BASE_REDIS_REDIS_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/redis/redis_reply.h"

struct redisReadTask;
struct redisReader;

namespace gateway {

struct RedisReplyLimits {
  // Of one reply, with all that it holds, as it is kept in memory.
  size_t bytes = 16 * 1024 * 1024;
  // Elements of all arrays of one reply together.
  size_t elements = 256 * 1024;
};

class RedisReader {
 public:
  // Lines that are no texts of announced length: numbers, errors.
  static constexpr size_t kLineBytesMax = 16 * 1024;

  explicit RedisReader(const RedisReplyLimits& limits);
  ~RedisReader();

  RedisReader(const RedisReader&) = delete;
  RedisReader& operator=(const RedisReader&) = delete;

  // Takes bytes as they came. INTERNAL if there is no memory for them.
  absl::Status Feed(std::string_view bytes);

  // Moves the next whole reply to `reply` and returns true; false if more bytes
  // are needed. INTERNAL, from then on each time, if the bytes are no RESP2;
  // RESOURCE_EXHAUSTED likewise if a reply is beyond the limits.
  absl::StatusOr<bool> Next(RedisReply* reply);

 private:
  struct Callbacks;

  // Where a value of hiredis's is in the reply that is being made, and null for
  // one that is refused.
  void* Added(const redisReadTask* task, size_t at);
  absl::Status CheckAnnounced() const;

  const RedisReplyLimits limits_;
  const std::unique_ptr<redisReader, void (*)(redisReader*)> reader_;
  RedisReply reply_;     // As far as it has come.
  size_t elements_ = 0;  // Announced by its arrays.
  absl::Status failure_;
};

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_READER_H_
