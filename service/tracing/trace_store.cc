#include "service/tracing/trace_store.h"

#include <algorithm>
#include <utility>

namespace gateway {
namespace {

// So many traces are looked at in one go; then others may take the lock.
constexpr size_t kLooksAtOnce = 256;

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
  const MutexLock lock(mu_);
  bytes_ += trace->bytes();
  traces_.push_back(std::move(trace));
  Trim();
}

void TraceStore::Part::Trim() {
  const Limits& limits = store_.limits_;
  const size_t traces_max = std::max<size_t>(limits.traces / limits.parts, 1);
  const size_t bytes_max = limits.bytes / limits.parts;
  const absl::Time now = store_.clock_.WallTime();
  while (!traces_.empty() &&
         (traces_.size() > traces_max || bytes_ > bytes_max ||
          store_.IsOver(*traces_.front(), now))) {
    bytes_ -= traces_.front()->bytes();
    traces_.pop_front();
    ++begin_;
  }
}

void TraceStore::Part::Look(
    absl::FunctionRef<bool(const KeptTraceRef&)> show) const {
  std::optional<uint64_t> next;  // Behind the one that comes next.
  while (true) {
    const MutexLock lock(mu_);
    uint64_t at = std::min(next.value_or(UINT64_MAX), begin_ + traces_.size());
    for (size_t i = 0; i < kLooksAtOnce; ++i) {
      if (at <= begin_) return;
      --at;
      if (!show(traces_[at - begin_])) return;
    }
    next = at;
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
