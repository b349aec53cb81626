#include "service/summary/recent_calls.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <functional>
#include <limits>
#include <type_traits>

#include "base/text/utf8.h"

namespace gateway {

static_assert(std::is_trivially_copyable_v<RecentCall>);
// So that each word is copied as one: with a size that is not constant a call
// took 500 instructions more (callgrind).
static_assert(sizeof(RecentCall) % sizeof(uint64_t) == 0);

void RecentCall::SetText(RecentText which, std::string_view text) {
  const auto index = static_cast<size_t>(which);
  assert(index >= set_);
  const size_t begin = TextBytes();
  while (set_ < index) ends_[set_++] = static_cast<uint16_t>(begin);
  const size_t bytes_max = std::min(kTextBytesMax, kTextsBytesMax - begin);
  if (text.size() > bytes_max) text = CutText(text, bytes_max);
  std::copy(text.begin(), text.end(), texts_.begin() + begin);
  ends_[set_++] = static_cast<uint16_t>(begin + text.size());
}

std::string_view RecentCall::Text(RecentText which) const {
  const auto index = static_cast<size_t>(which);
  if (index >= set_) return {};
  const size_t begin = index == 0 ? 0 : ends_[index - 1];
  return {texts_.data() + begin, ends_[index] - begin};
}

RecentCalls::Shard::Shard(size_t calls_limit) : places_(calls_limit) {
  // What readers find must be there before they look.
  for (auto& place : places_) place = std::make_unique<Place>();
}

void RecentCalls::Shard::Remember(const RecentCall& call) {
  const uint64_t number = next_.load(std::memory_order_relaxed);
  Place& place = *places_[number % places_.size()];
  const size_t bytes = call.used_bytes();
  // The stores of words come after that of the odd version for whoever sees
  // one of them, and before that of the even one.
  place.version.store(2 * number + 1, std::memory_order_relaxed);
  const char* const from = reinterpret_cast<const char*>(&call);
  for (size_t i = 0; i * kWordBytes < bytes; ++i) {
    uint64_t word;
    std::memcpy(&word, from + i * kWordBytes, kWordBytes);
    place.words[i].store(word, std::memory_order_release);
  }
  place.version.store(2 * number + 2, std::memory_order_release);
  next_.store(number + 1, std::memory_order_release);
}

bool RecentCalls::Shard::Read(uint64_t number, RecentCall* call) const {
  const Place& place = *places_[number % places_.size()];
  const uint64_t version = 2 * number + 2;
  if (place.version.load(std::memory_order_acquire) != version) return false;
  char* const to = reinterpret_cast<char*>(call);
  for (size_t i = 0; i < kWords; ++i) {
    const uint64_t word = place.words[i].load(std::memory_order_acquire);
    std::memcpy(to + i * kWordBytes, &word, kWordBytes);
  }
  return place.version.load(std::memory_order_relaxed) == version;
}

RecentCalls::Shard& RecentCalls::AddShard() {
  MutexLock lock(mu_);
  return *shards_.emplace_back(std::make_unique<Shard>(options_.calls_limit));
}

template <typename Visit>
void RecentCalls::ForEach(Visit visit) const {
  RecentCall call;
  for (const std::unique_ptr<Shard>& shard : shards_) {
    const uint64_t end = shard->next_.load(std::memory_order_acquire);
    const uint64_t places = shard->places_.size();
    const uint64_t first =
        std::max(shard->first_.load(std::memory_order_relaxed),
                 end > places ? end - places : 0);
    for (uint64_t number = end; number > first; --number) {
      if (shard->Read(number - 1, &call)) visit(call);
    }
  }
}

int64_t RecentCalls::FirstEnd() const {
  if (shards_.size() < 2) return std::numeric_limits<int64_t>::min();
  std::vector<int64_t> ends;
  ForEach([&ends](const RecentCall& call) { ends.push_back(call.end_us()); });
  if (ends.size() <= options_.calls_limit) {
    return std::numeric_limits<int64_t>::min();
  }
  const auto last =
      ends.begin() + static_cast<ptrdiff_t>(options_.calls_limit - 1);
  std::nth_element(ends.begin(), last, ends.end(), std::greater<>());
  return *last;
}

RecentCalls::Found RecentCalls::List(size_t limit, Filter matches) const {
  Found found;
  if (options_.calls_limit == 0) return found;
  MutexLock lock(mu_);
  const int64_t first_end = FirstEnd();
  const auto later = [](const RecentCall& a, const RecentCall& b) {
    return a.end_us() > b.end_us();
  };
  // So that each loop's may be gathered without holding all of them.
  const size_t gathered_max = 2 * limit + 1;
  const auto cut = [&found, &later, limit] {
    std::stable_sort(found.calls.begin(), found.calls.end(), later);
    if (found.calls.size() > limit) found.calls.resize(limit);
  };
  ForEach([&](const RecentCall& call) {
    if (call.end_us() < first_end || !matches(call)) return;
    ++found.matched;
    found.calls.push_back(call);
    if (found.calls.size() >= gathered_max) cut();
  });
  cut();
  return found;
}

void RecentCalls::Forget() {
  MutexLock lock(mu_);
  for (const std::unique_ptr<Shard>& shard : shards_) {
    shard->first_.store(shard->next_.load(std::memory_order_acquire),
                        std::memory_order_relaxed);
  }
}

}  // namespace gateway
