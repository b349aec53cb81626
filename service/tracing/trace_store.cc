#include "service/tracing/trace_store.h"

#include <algorithm>
#include <utility>

#include "base/string_view.h"

namespace gateway {
namespace {

// So many traces are looked at in one go; then others may take the lock.
constexpr size_t kLooksAtOnce = 256;

// A caller has many traces where it has more than one of so many shares.
constexpr size_t kShares = 8;

// Whether `one` stands before `other` in a list.
bool IsBefore(const TraceStore::Place& one, const TraceStore::Place& other) {
  if (one.end_time != other.end_time) return one.end_time > other.end_time;
  return one.span > other.span;
}

bool Matches(const TraceStore::Query& query, const KeptTrace& trace,
             absl::Time now) {
  if (query.failed.has_value() && trace.failed != *query.failed) return false;
  if (!query.provider.empty() && trace.provider != query.provider) return false;
  if (!query.model.empty() && trace.model != query.model &&
      trace.model_served != query.model) {
    return false;
  }
  if (trace.duration < query.min_duration) return false;
  if (trace.end_time() + query.window < now) return false;
  return !query.after.has_value() || IsBefore(*query.after, PlaceOf(trace));
}

}  // namespace

TraceStore::Place PlaceOf(const KeptTrace& trace) {
  return {.end_time = trace.end_time(), .span = trace.span};
}

TraceStore::TraceStore(const Limits& limits, Clock& clock)
    : limits_(limits), clock_(clock) {
  for (size_t i = 0; i < limits.parts; ++i)
    parts_.emplace_back(new Part(*this));
}

void TraceStore::Part::Add(KeptTraceRef trace) {
  if (!store_.enabled()) return;
  const size_t bytes = trace->bytes();
  if (bytes > store_.limits_.bytes / store_.limits_.parts) return;
  const MutexLock lock(mu_);
  Held& of_caller = of_callers_[ToAbsl(trace->caller)];
  of_caller.numbers.push_back(next_);
  of_caller.bytes += bytes;
  bytes_ += bytes;
  traces_.emplace_hint(traces_.end(), next_++, std::move(trace));
  Trim(of_caller);
}

void TraceStore::Part::Trim(const Held& of_caller) {
  const Limits& limits = store_.limits_;
  const size_t traces_max = std::max<size_t>(limits.traces / limits.parts, 1);
  const size_t bytes_max = limits.bytes / limits.parts;
  const absl::Time now = store_.clock_.WallTime();
  // The one that was added, which is the last, stays.
  const auto is_over = [&](const KeptTraceRef& trace) {
    return store_.IsOver(*trace, now);
  };
  while (traces_.size() > 1 && is_over(traces_.begin()->second)) {
    Remove(traces_.begin());
  }
  while (traces_.size() > 1 &&
         (traces_.size() > traces_max || bytes_ > bytes_max)) {
    const size_t count = of_caller.numbers.size();
    const bool has_many =
        count > 1 && (count > traces_max / kShares ||
                      of_caller.bytes > bytes_max / kShares);
    Remove(has_many ? traces_.find(of_caller.numbers.front())
                    : traces_.begin());
  }
}

void TraceStore::Part::Remove(Traces::iterator trace) {
  const size_t bytes = trace->second->bytes();
  bytes_ -= bytes;
  const auto held = of_callers_.find(ToAbsl(trace->second->caller));
  held->second.bytes -= bytes;
  held->second.numbers.pop_front();
  if (held->second.numbers.empty()) of_callers_.erase(held);
  traces_.erase(trace);
}

void TraceStore::Part::Look(
    absl::FunctionRef<bool(const KeptTraceRef&)> show) const {
  uint64_t next = UINT64_MAX;  // Behind the one that comes next.
  while (true) {
    const MutexLock lock(mu_);
    auto at = traces_.lower_bound(next);
    for (size_t i = 0; i < kLooksAtOnce; ++i) {
      if (at == traces_.begin()) return;
      --at;
      if (!show(at->second)) return;
      next = at->first;
    }
  }
}

std::vector<KeptTraceRef> TraceStore::List(const Query& query) const {
  const absl::Time now = clock_.WallTime();
  std::vector<KeptTraceRef> found;
  const auto is_before = [](const KeptTraceRef& one,
                            const KeptTraceRef& other) {
    return IsBefore(PlaceOf(*one), PlaceOf(*other));
  };
  const auto keep_newest = [&] {
    std::sort(found.begin(), found.end(), is_before);
    if (found.size() > query.limit) found.resize(query.limit);
  };
  for (const auto& part : parts_) {
    part->Look([&](const KeptTraceRef& trace) {
      if (!IsOver(*trace, now) && Matches(query, *trace, now)) {
        found.push_back(trace);
        if (found.size() >= 2 * query.limit + kLooksAtOnce) keep_newest();
      }
      return true;
    });
  }
  keep_newest();
  return found;
}

std::vector<KeptTraceRef> TraceStore::Find(const TraceId& trace) const {
  const absl::Time now = clock_.WallTime();
  std::vector<KeptTraceRef> found;
  for (const auto& part : parts_) {
    part->Look([&](const KeptTraceRef& each) {
      if (each->trace == trace && !IsOver(*each, now)) found.push_back(each);
      return true;
    });
  }
  std::sort(found.begin(), found.end(),
            [](const KeptTraceRef& one, const KeptTraceRef& other) {
              if (one->start_time != other->start_time) {
                return one->start_time < other->start_time;
              }
              return one->span < other->span;
            });
  return found;
}

std::optional<TraceId> TraceStore::FindRequest(
    std::string_view request_id) const {
  if (request_id.empty()) return std::nullopt;
  const absl::Time now = clock_.WallTime();
  KeptTraceRef newest;
  for (const auto& part : parts_) {
    part->Look([&](const KeptTraceRef& each) {
      if (each->request_id != request_id || IsOver(*each, now)) return true;
      if (newest == nullptr || IsBefore(PlaceOf(*each), PlaceOf(*newest))) {
        newest = each;
      }
      return true;
    });
  }
  if (newest == nullptr) return std::nullopt;
  return newest->trace;
}

TraceStore::Size TraceStore::size() const {
  Size size;
  for (const auto& part : parts_) {
    const MutexLock lock(part->mu_);
    size.traces += part->traces_.size();
    size.bytes += part->bytes_;
  }
  return size;
}

}  // namespace gateway
