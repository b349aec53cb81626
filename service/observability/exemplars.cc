#include "service/observability/exemplars.h"

#include <bit>
#include <cassert>
#include <cstring>

namespace gateway {

void Exemplars::Put(size_t bucket, std::string_view request_id, double value,
                    absl::Time time) {
  assert(bucket < slots_.size());
  if (request_id.size() > kIdBytesMax) return;
  Words words = {std::bit_cast<uint64_t>(value),
                 static_cast<uint64_t>(absl::ToUnixMicros(time)),
                 request_id.size()};
  std::memcpy(&words[kFirstIdWord], request_id.data(), request_id.size());
  Slot& slot = slots_[bucket];
  const uint64_t version = slot.version.load(std::memory_order_relaxed);
  // The stores of words come after that of the odd version for whoever sees
  // one of them, and before that of the even one.
  slot.version.store(version + 1, std::memory_order_relaxed);
  for (size_t i = 0; i < kWords; ++i) {
    slot.words[i].store(words[i], std::memory_order_release);
  }
  slot.version.store(version + 2, std::memory_order_release);
}

std::optional<Exemplar> Exemplars::Read(size_t bucket) const {
  assert(bucket < slots_.size());
  const Slot& slot = slots_[bucket];
  const uint64_t version = slot.version.load(std::memory_order_acquire);
  if (version == 0 || version % 2 == 1) return std::nullopt;
  Words words;
  for (size_t i = 0; i < kWords; ++i) {
    words[i] = slot.words[i].load(std::memory_order_acquire);
  }
  if (slot.version.load(std::memory_order_relaxed) != version) {
    return std::nullopt;
  }
  Exemplar exemplar;
  exemplar.value = std::bit_cast<double>(words[0]);
  exemplar.time = absl::FromUnixMicros(static_cast<int64_t>(words[1]));
  exemplar.request_id.resize(words[2]);
  std::memcpy(exemplar.request_id.data(), &words[kFirstIdWord], words[2]);
  return exemplar;
}

}  // namespace gateway
