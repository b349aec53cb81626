#include "base/redis/redis_library.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha1.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr size_t kVersionDigits = 10;

const char* FlagOf(RedisLibrary::Memory memory) {
  switch (memory) {
    case RedisLibrary::Memory::kNeeds:
      break;
    case RedisLibrary::Memory::kFrees:
      return "'allow-oom'";
    case RedisLibrary::Memory::kReadsOnly:
      return "'no-writes'";
  }
  return "";
}

}  // namespace

RedisLibrary::RedisLibrary(std::string_view name, std::string_view shared,
                           std::vector<Function> functions) {
  std::string all(shared);
  for (const Function& function : functions) {
    absl::StrAppend(&all, "\n", function.name, FlagOf(function.memory), "\n",
                    function.body);
  }
  name_ =
      absl::StrCat(ToAbsl(name), "_", Sha1Hex(all).substr(0, kVersionDigits));
  code_ = absl::StrCat("#!lua name=", name_, "\n", ToAbsl(shared), "\n");
  for (Function& function : functions) {
    Script script;
    script.function = absl::StrCat(name_, "_", function.name);
    script.text = absl::StrCat(ToAbsl(shared), "\n", function.body, "\n");
    script.sha1 = Sha1Hex(script.text);
    absl::StrAppend(&code_, "redis.register_function{function_name='",
                    script.function, "', flags={", FlagOf(function.memory),
                    "}, callback=function(KEYS, ARGV)\n", function.body,
                    "\nend}\n");
    scripts_.push_back(std::move(script));
  }
}

RedisCommand RedisLibrary::Call(size_t function, size_t keys) const {
  return RedisCommand("FCALL", scripts_[function].function, keys);
}

RedisCommand RedisLibrary::AsEvalSha(const RedisCommand& call) const {
  return call.WithBeginning("EVALSHA", ScriptOf(call).sha1);
}

RedisCommand RedisLibrary::AsEval(const RedisCommand& call) const {
  return call.WithBeginning("EVAL", ScriptOf(call).text);
}

RedisCommand RedisLibrary::Load() const {
  return RedisCommand("FUNCTION", "LOAD", "REPLACE", code_);
}

const RedisLibrary::Script& RedisLibrary::ScriptOf(
    const RedisCommand& call) const {
  const std::string_view name = call.second();
  const auto script = std::find_if(
      scripts_.begin(), scripts_.end(),
      [name](const Script& each) { return each.function == name; });
  assert(script != scripts_.end());
  return *script;
}

}  // namespace gateway
