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
  std::string_view rest = queue_.bytes();
  while (!rest.empty()) {
    Lengths lengths;
    std::memcpy(&lengths, rest.data(), sizeof(lengths));
    rest.remove_prefix(sizeof(lengths));
    views.push_back({rest.substr(0, lengths.name),
                     rest.substr(lengths.name, lengths.value)});
    rest.remove_prefix(lengths.name + lengths.value);
  }
  return views;
}

}  // namespace gateway
