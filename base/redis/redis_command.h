// RedisCommand is one command as it goes to a Redis server (RESP2), written
// into one row of memory as its arguments are named.
//
//   RedisCommand get("GET", RedisKey(key));
//   RedisCommand call("FCALL", "take", 2);
//   call.Add(RedisKey(first)).Add(RedisKey(second)).Add(amount);
//
// The first RedisKey says which node of a Cluster it goes to; without a Cluster
// a key is an argument like others.
//
// Thread-compatible.

#ifndef BASE_REDIS_REDIS_COMMAND_H_
#define BASE_REDIS_REDIS_COMMAND_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "base/memory/byte_queue.h"

namespace gateway {

// An argument that is a key, or a channel of a shard.
struct RedisKey {
  explicit RedisKey(std::string_view key) : text(key) {}

  std::string_view text;
};

class RedisCommand {
 public:
  template <typename... Arguments>
  explicit RedisCommand(std::string_view name, const Arguments&... arguments) {
    Begin();
    Add(name);
    (Add(arguments), ...);
  }

  RedisCommand(RedisCommand&&) noexcept = default;
  RedisCommand& operator=(RedisCommand&&) noexcept = default;

  RedisCommand& Add(std::string_view argument);
  RedisCommand& Add(const RedisKey& key);
  template <std::integral T>
    requires(!std::same_as<T, bool> && !std::same_as<T, char>)
  RedisCommand& Add(T argument) {
    if constexpr (std::is_signed_v<T>) return AddInteger(argument);
    return AddUnsigned(argument);
  }

  // The argument behind the name; empty if there is none.
  std::string_view second() const;
  // Returns a command with `name` and `argument` in place of the first two
  // arguments, which both have. REQUIRES: there are two.
  RedisCommand WithBeginning(std::string_view name,
                             std::string_view argument) const;

  // What is sent.
  std::string_view bytes() const {
    return bytes_.bytes().substr(kCountBytesMax - count_bytes_);
  }
  bool has_key() const { return key_at_ > 0; }
  // The first key; empty if there is none.
  std::string_view key() const {
    return bytes_.bytes().substr(key_at_, key_bytes_);
  }

  // Makes room for so many bytes to come, so that nothing is left behind where
  // it would have grown.
  void Reserve(size_t bytes);
  // Overwrites the memory, for a command that has a secret in it, and is of no
  // use afterwards.
  void Wipe();

 private:
  // Room for the line that says how many arguments follow.
  static constexpr size_t kCountBytesMax = 16;

  void Begin();
  void WriteCount();
  // The argument at `at` in bytes_; moves `at` behind it.
  std::string_view Next(size_t& at) const;
  RedisCommand& AddInteger(int64_t argument);
  RedisCommand& AddUnsigned(uint64_t argument);

  ByteQueue bytes_;
  size_t key_at_ = 0;  // In bytes_; 0 if there is none.
  size_t key_bytes_ = 0;
  uint32_t arguments_ = 0;
  uint32_t count_bytes_ = 0;
};

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_COMMAND_H_
