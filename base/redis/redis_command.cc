#include "base/redis/redis_command.h"

#include <string.h>

#include <cassert>
#include <charconv>
#include <cstring>
#include <utility>

namespace gateway {
namespace {

// A number of 64 bits has at most 20 characters.
constexpr size_t kNumberBytesMax = 20;

// Writes `number` and a line's end; returns where that is.
template <typename T>
char* WriteLine(char* out, T number) {
  if (number < 10) {
    *out++ = static_cast<char>('0' + number);
  } else {
    out = std::to_chars(out, out + kNumberBytesMax, number).ptr;
  }
  *out++ = '\r';
  *out++ = '\n';
  return out;
}

}  // namespace

void RedisCommand::Begin() { bytes_.Extend(kCountBytesMax); }

// Ends where the first argument begins, however many digits it has.
void RedisCommand::WriteCount() {
  char* const first = bytes_.Extend(0) - bytes_.size() + kCountBytesMax;
  if (arguments_ < 10) {
    const char line[] = {'*', static_cast<char>('0' + arguments_), '\r', '\n'};
    count_bytes_ = sizeof(line);
    std::memcpy(first - sizeof(line), line, sizeof(line));
    return;
  }
  char line[kCountBytesMax];
  line[0] = '*';
  count_bytes_ = static_cast<uint32_t>(WriteLine(line + 1, arguments_) - line);
  std::memcpy(first - count_bytes_, line, count_bytes_);
}

RedisCommand& RedisCommand::Add(std::string_view argument) {
  char head[kNumberBytesMax + 3];
  head[0] = '$';
  const size_t head_bytes =
      static_cast<size_t>(WriteLine(head + 1, argument.size()) - head);
  char* out = bytes_.Extend(head_bytes + argument.size() + 2);
  std::memcpy(out, head, head_bytes);
  out += head_bytes;
  if (!argument.empty()) std::memcpy(out, argument.data(), argument.size());
  out[argument.size()] = '\r';
  out[argument.size() + 1] = '\n';
  ++arguments_;
  WriteCount();
  return *this;
}

RedisCommand& RedisCommand::Add(const RedisKey& key) {
  Add(key.text);
  if (!has_key()) {
    key_at_ = bytes_.size() - key.text.size() - 2;
    key_bytes_ = key.text.size();
  }
  return *this;
}

RedisCommand& RedisCommand::AddInteger(int64_t argument) {
  char digits[kNumberBytesMax];
  char* const end =
      std::to_chars(digits, digits + sizeof(digits), argument).ptr;
  return Add({digits, static_cast<size_t>(end - digits)});
}

RedisCommand& RedisCommand::AddUnsigned(uint64_t argument) {
  char digits[kNumberBytesMax];
  char* const end =
      std::to_chars(digits, digits + sizeof(digits), argument).ptr;
  return Add({digits, static_cast<size_t>(end - digits)});
}

std::string_view RedisCommand::Next(size_t& at) const {
  const std::string_view all = bytes_.bytes();
  const size_t line_end = all.find('\r', at);
  size_t size = 0;
  std::from_chars(all.data() + at + 1, all.data() + line_end, size);
  const std::string_view argument = all.substr(line_end + 2, size);
  at = line_end + 2 + size + 2;
  return argument;
}

std::string_view RedisCommand::second() const {
  if (arguments_ < 2) return {};
  size_t at = kCountBytesMax;
  Next(at);
  return Next(at);
}

RedisCommand RedisCommand::WithBeginning(std::string_view name,
                                         std::string_view argument) const {
  assert(arguments_ >= 2);
  size_t rest = kCountBytesMax;
  Next(rest);
  Next(rest);
  RedisCommand other(name, argument);
  if (key_at_ >= rest) {
    other.key_at_ = other.bytes_.size() + key_at_ - rest;
    other.key_bytes_ = key_bytes_;
  }
  other.bytes_.Append(bytes_.bytes().substr(rest));
  other.arguments_ = arguments_;
  other.WriteCount();
  return other;
}

void RedisCommand::Reserve(size_t bytes) {
  if (bytes_.size() + bytes <= bytes_.capacity()) return;
  ByteQueue larger;
  larger.Reserve(bytes_.size() + bytes);
  larger.Append(bytes_.bytes());
  bytes_ = std::move(larger);
}

void RedisCommand::Wipe() {
  if (bytes_.empty()) return;
  explicit_bzero(bytes_.Extend(0) - bytes_.size(), bytes_.size());
}

}  // namespace gateway
