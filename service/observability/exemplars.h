// Exemplars has, for each bucket of a histogram, the latest call that was
// counted in it, so that whoever sees a slow one finds out which it was.
//
//   Exemplars exemplars(12);
//   exemplars.Put(3, "req-1", 0.21, end_time);  // On the loop that counts.
//   exemplars.Read(3);                          // On any thread.
//
// To put one takes no lock; who reads one that is written meanwhile gets
// nothing.
//
// Thread contract: Put by one thread at a time.

#ifndef SERVICE_OBSERVABILITY_EXEMPLARS_H_
#define SERVICE_OBSERVABILITY_EXEMPLARS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace gateway {

struct Exemplar {
  std::string request_id;
  double value = 0;
  absl::Time time;
};

class Exemplars {
 public:
  // OpenMetrics allows 128 characters, the label's name included; a call whose
  // id is longer is no exemplar.
  static constexpr size_t kIdBytesMax = 64;

  explicit Exemplars(size_t buckets) : slots_(buckets) {}

  // REQUIRES: `bucket` is less than the number of buckets, here and below.
  void Put(size_t bucket, std::string_view request_id, double value,
           absl::Time time);
  std::optional<Exemplar> Read(size_t bucket) const;

 private:
  // The value, the time, the id's length and the id.
  static constexpr size_t kFirstIdWord = 3;
  static constexpr size_t kWords =
      kFirstIdWord + kIdBytesMax / sizeof(uint64_t);
  using Words = std::array<uint64_t, kWords>;

  struct Slot {
    // Odd while it is written; 0 before the first time.
    std::atomic<uint64_t> version = 0;
    std::array<std::atomic<uint64_t>, kWords> words = {};
  };

  std::vector<Slot> slots_;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_EXEMPLARS_H_
