#include "service/api/call_fields.h"

#include <cassert>

#include "base/text/decimal.h"

namespace gateway {

void CallFields::Add(std::string_view name, std::string_view value) {
  char* const out = Room(value.size());
  AddWritten(name, out + value.copy(out, value.size()));
}

void CallFields::Add(std::string_view name, int64_t number) {
  assert(number >= 0);
  AddWritten(name, WriteDecimal(static_cast<uint64_t>(number),
                                Room(kDecimalBytesMax)));
}

char* CallFields::Room(size_t bytes_max) {
  if (bytes_max <= text_.size() - used_) {
    room_ = text_.data() + used_;
  } else {
    room_ = more_.emplace_front(bytes_max, '\0').data();
  }
  return room_;
}

void CallFields::AddWritten(std::string_view name, const char* end) {
  const auto bytes = static_cast<size_t>(end - room_);
  if (room_ == text_.data() + used_) used_ += bytes;
  fields_.push_back({name, {room_, bytes}});
}

}  // namespace gateway
