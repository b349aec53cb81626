// ResponseHolders says who has how much of what a bounded store of answers
// keeps, and whose oldest goes first when that is too much: of who has most.
// So one caller who keeps answers without end drives out his own, and nobody
// who has less.
//
//   holders.Add("alice", /*sequence=*/7, bytes);
//   while (bytes_of_all > bytes_limit) {
//     const int64_t sequence =
//         holders.OldestOfMost(Holding::kBytes, bytes_limit, /*newest=*/7);
//     ... holders.Remove(caller_of(sequence), sequence, bytes_of(sequence)) ...
//   }
//
// Each takes time in proportion to the logarithm of what there is.
//
// Thread-compatible.

#ifndef SERVICE_PIPELINE_RESPONSE_HOLDERS_H_
#define SERVICE_PIPELINE_RESPONSE_HOLDERS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace gateway {

// What of answers is limited.
enum class Holding { kEntries, kBytes };

class ResponseHolders {
 public:
  // The caller has one answer more, which is the newest: its sequence is larger
  // than all others.
  void Add(std::string_view caller, int64_t sequence, int64_t bytes);

  // REQUIRES: it was added with these.
  void Remove(std::string_view caller, int64_t sequence, int64_t bytes);

  // The sequence of the answer that is to go where there is more than `limit`
  // of `what`: the oldest of who has most of it, and of several who have as
  // much, the oldest of theirs. The answer `newest` goes only if it alone is
  // more than a quarter of the limit, or there is no other. REQUIRES: there is
  // an answer.
  int64_t OldestOfMost(Holding what, int64_t limit, int64_t newest) const;

 private:
  static constexpr int64_t kShare = 4;
  static constexpr size_t kHoldings = 2;

  struct Holder {
    std::set<int64_t> sequences;
    int64_t bytes = 0;

    int64_t Amount(Holding what) const {
      return what == Holding::kBytes ? bytes
                                     : static_cast<int64_t>(sequences.size());
    }
  };
  // How much, and the oldest, negated: who comes last is the one.
  using Rank = std::pair<int64_t, int64_t>;

  // To be called before and after a change of the holder, who has something.
  void Unrank(const Holder& holder);
  void Enrank(const Holder& holder);
  static Rank RankOf(const Holder& holder, Holding what) {
    return {holder.Amount(what), -*holder.sequences.begin()};
  }

  absl::flat_hash_map<std::string, Holder> holders_;  // Who have something.
  std::array<std::set<Rank>, kHoldings> ranks_;       // By Holding.
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_RESPONSE_HOLDERS_H_
