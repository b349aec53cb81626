#include "service/limits/limit_usage.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "service/limits/call_counters.h"
#include "service/limits/gcra.h"
#include "service/limits/limit_counters.h"
#include "service/limits/rate_counters.h"

namespace gateway {
namespace {

bool IsFuller(const LimitUsage& a, const LimitUsage& b) {
  return std::tie(b.filled, a.rule->name(), a.subject) <
         std::tie(a.filled, b.rule->name(), b.subject);
}

// The fullest so far, at most so many: a heap whose first is the least full.
class FullestFirst {
 public:
  explicit FullestFirst(size_t count) : count_(count) {}

  void Add(LimitUsage usage) {
    if (heap_.size() == count_) {
      if (count_ == 0 || !IsFuller(usage, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), IsFuller);
      heap_.pop_back();
    }
    heap_.push_back(std::move(usage));
    std::push_heap(heap_.begin(), heap_.end(), IsFuller);
  }

  std::vector<LimitUsage> Take() && {
    std::sort_heap(heap_.begin(), heap_.end(), IsFuller);
    return std::move(heap_);
  }

 private:
  const size_t count_;
  std::vector<LimitUsage> heap_;
};

double Share(int64_t part, int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

int64_t LimitUsage::Remaining(int64_t now) const {
  return rule->counts_calls() ? std::max<int64_t>(rule->limit() - number, 0)
                              : rule->gcra().Remaining(number, now);
}

std::vector<LimitUsage> FullestCounters(
    absl::Span<const LimitRule* const> rules, int64_t now, size_t count,
    CounterFilter wanted) {
  FullestFirst fullest(count);
  for (const LimitRule* const rule : rules) {
    const auto add = [&](const std::string& subject, int64_t number,
                         double filled) {
      if (wanted(*rule, subject)) fullest.Add({rule, subject, number, filled});
    };
    LimitCounters& counters = rule->counters();
    if (rule->counts_calls()) {
      counters.calls->ForEach([&](const std::string& subject, int64_t calls) {
        add(subject, calls, Share(calls, rule->limit()));
      });
    } else {
      counters.rates->ForEach(
          now, [&](const std::string& subject, int64_t tat) {
            add(subject, tat,
                Share(Gcra::Ahead(tat, now), rule->gcra().tolerance()));
          });
    }
  }
  return std::move(fullest).Take();
}

int64_t ResetCounters(absl::Span<const LimitRule* const> rules, int64_t now,
                      CounterFilter wanted) {
  int64_t reset = 0;
  for (const LimitRule* const rule : rules) {
    if (rule->counts_calls()) continue;
    reset += rule->counters().rates->Reset(
        now,
        [&](const std::string& subject) { return wanted(*rule, subject); });
  }
  return reset;
}

size_t CountersBytes(absl::Span<const LimitRule* const> rules) {
  size_t bytes = 0;
  for (const LimitRule* const rule : rules) {
    const LimitCounters& counters = rule->counters();
    bytes += rule->counts_calls() ? counters.calls->memory_bytes()
                                  : counters.rates->memory_bytes();
  }
  return bytes;
}

}  // namespace gateway
