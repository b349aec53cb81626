#include "service/pipeline/response_holders.h"

#include <algorithm>
#include <iterator>

#include "base/string_view.h"

namespace gateway {
namespace {

constexpr Holding kAll[] = {Holding::kEntries, Holding::kBytes};

}  // namespace

void ResponseHolders::Add(std::string_view caller, int64_t sequence,
                          int64_t bytes) {
  Holder& holder = holders_[ToAbsl(caller)];
  if (!holder.sequences.empty()) Unrank(holder);
  holder.sequences.insert(sequence);
  holder.bytes += bytes;
  Enrank(holder);
}

void ResponseHolders::Remove(std::string_view caller, int64_t sequence,
                             int64_t bytes) {
  const auto found = holders_.find(ToAbsl(caller));
  Holder& holder = found->second;
  Unrank(holder);
  holder.sequences.erase(sequence);
  holder.bytes -= bytes;
  if (holder.sequences.empty()) {
    holders_.erase(found);
  } else {
    Enrank(holder);
  }
}

int64_t ResponseHolders::OldestOfMost(Holding what, int64_t limit,
                                      int64_t newest) const {
  const std::set<Rank>& ranks = ranks_[static_cast<size_t>(what)];
  auto most = std::prev(ranks.end());
  const auto [amount, oldest] = *most;
  // Nothing else of this holder's could go in its place.
  if (-oldest == newest && most != ranks.begin() &&
      amount <= std::max<int64_t>(limit / kShare, 1)) {
    --most;
  }
  return -most->second;
}

void ResponseHolders::Unrank(const Holder& holder) {
  for (const Holding what : kAll) {
    ranks_[static_cast<size_t>(what)].erase(RankOf(holder, what));
  }
}

void ResponseHolders::Enrank(const Holder& holder) {
  for (const Holding what : kAll) {
    ranks_[static_cast<size_t>(what)].insert(RankOf(holder, what));
  }
}

}  // namespace gateway
