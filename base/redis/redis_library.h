// RedisLibrary is a few functions in Lua that a Redis server runs, each in one
// step and for one round trip, and how they are called where the server has no
// functions: as scripts.
//
//   const RedisLibrary limits("limits", /*shared=*/"",
//       {{"take", "return redis.call('INCRBY', KEYS[1], ARGV[1])"}});
//   RedisCommand take = limits.Call(0, /*keys=*/1);
//   take.Add(RedisKey(key)).Add(amount);
//   co_await client.CallFunction(limits, std::move(take), &cancel);
//
// The library's name at the server has a part that its code decides, so that
// replicas with different code do not run each other's.
//
// Thread contract: immutable; may be shared by all loops.

#ifndef BASE_REDIS_REDIS_LIBRARY_H_
#define BASE_REDIS_REDIS_LIBRARY_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/redis/redis_command.h"

namespace gateway {

class RedisLibrary {
 public:
  // What a Redis that is full does with a function.
  enum class Memory {
    kNeeds,      // Refuses it with OOM.
    kFrees,      // Runs it.
    kReadsOnly,  // Runs it; a function that writes nevertheless is refused.
  };

  // A function of KEYS and ARGV, which are tables of texts. Its body may not
  // write to anything global.
  struct Function {
    std::string name;
    std::string body;
    Memory memory = Memory::kNeeds;
  };

  // `shared` is Lua that stands before all bodies: local functions. Names are
  // letters, digits and underscores.
  RedisLibrary(std::string_view name, std::string_view shared,
               std::vector<Function> functions);

  // Begins a call of the function with this index, by FCALL. Keys are to be
  // added, then arguments.
  RedisCommand Call(size_t function, size_t keys) const;

  // The same call by EVALSHA and by EVAL. REQUIRES: `call` began by Call.
  RedisCommand AsEvalSha(const RedisCommand& call) const;
  RedisCommand AsEval(const RedisCommand& call) const;

  // Brings the library to a server.
  RedisCommand Load() const;

  const std::string& name() const { return name_; }

 private:
  struct Script {
    std::string function;  // What it is registered as.
    std::string text;
    std::string sha1;
  };
  const Script& ScriptOf(const RedisCommand& call) const;

  std::string name_;
  std::string code_;
  std::vector<Script> scripts_;
};

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_LIBRARY_H_
