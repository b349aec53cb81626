#include "base/http/field_block.h"

#include <cstdint>
#include <cstring>

namespace gateway {
namespace {

// Memory that is taken first: enough for an ordinary head, which so is never
// copied to a larger place.
constexpr size_t kFirstBytes = 1024;

struct Lengths {
  uint32_t name;
  uint32_t value;
};

}  // namespace

void FieldBlock::Add(std::string_view name, std::string_view value) {
  const Lengths lengths{static_cast<uint32_t>(name.size()),
                        static_cast<uint32_t>(value.size())};
  if (queue_.empty()) queue_.Reserve(kFirstBytes);
  char* const at = queue_.Extend(sizeof(lengths) + name.size() + value.size());
  std::memcpy(at, &lengths, sizeof(lengths));
  name.copy(at + sizeof(lengths), name.size());
  value.copy(at + sizeof(lengths) + name.size(), value.size());
}

void FieldBlock::Append(const FieldBlock& other) {
  if (other.empty()) return;
  if (queue_.empty()) queue_.Reserve(kFirstBytes);
  queue_.Append(other.queue_.bytes());
}

absl::Span<const HttpField> FieldBlock::View(FieldViews& views) const {
  views.clear();
  const std::string_view all = queue_.bytes();
  const char* at = all.data();
  const char* const end = at + all.size();
  while (at != end) {
    Lengths lengths;
    std::memcpy(&lengths, at, sizeof(lengths));
    at += sizeof(lengths);
    views.push_back({{at, lengths.name}, {at + lengths.name, lengths.value}});
    at += lengths.name + lengths.value;
  }
  return views;
}

}  // namespace gateway
