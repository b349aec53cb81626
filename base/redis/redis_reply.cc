#include "base/redis/redis_reply.h"

#include <cassert>
#include <cstring>
#include <new>

namespace gateway {
namespace {

using redis_internal::ValueHead;

constexpr ValueHead kNilHead;

// Texts are filled up, so that the next head is where it may be.
size_t Filled(size_t bytes) { return (bytes + 7) & ~size_t{7}; }

}  // namespace

const char* RedisValue::End() const {
  if (has_text()) return behind() + Filled(node().size);
  if (type() == RedisType::kArray) return behind() + node().number;
  return behind();
}

RedisValue RedisValue::operator[](size_t index) const {
  assert(index < size());
  Iterator at = begin();
  for (size_t i = 0; i < index; ++i) ++at;
  return *at;
}

RedisValue RedisReply::value() const {
  if (bytes_.empty()) {
    return RedisValue(reinterpret_cast<const char*>(&kNilHead));
  }
  return RedisValue(bytes_.bytes().data());
}

size_t RedisReply::AddInteger(int64_t integer) {
  return Add({.type = RedisType::kInteger, .number = integer}, 0);
}

size_t RedisReply::AddText(RedisType type, std::string_view text) {
  const size_t at =
      Add({.type = type, .size = static_cast<uint32_t>(text.size())},
          Filled(text.size()));
  if (!text.empty()) {
    char* const end = bytes_.Extend(0);
    std::memcpy(end - Filled(text.size()), text.data(), text.size());
  }
  return at;
}

size_t RedisReply::AddArray(uint32_t elements) {
  return Add({.type = RedisType::kArray, .size = elements}, 0);
}

size_t RedisReply::AddNil() { return Add({}, 0); }

void RedisReply::Belongs(size_t at, size_t array) {
  char* const begin = bytes_.Extend(0) - bytes_.size();
  auto* const head = reinterpret_cast<ValueHead*>(begin + array);
  head->number += static_cast<int64_t>(bytes_.size() - at);
}

size_t RedisReply::Add(const ValueHead& head, size_t text_bytes) {
  const size_t at = bytes_.size();
  new (bytes_.Extend(sizeof(head) + text_bytes)) ValueHead(head);
  return at;
}

}  // namespace gateway
