#include "service/overload/memory_gate.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "base/process/process_stats.h"
#include "service/overload/overload_fault.h"

namespace gateway {
namespace {

// The field that an operator would raise.
constexpr std::string_view kMemoryLimitField =
    "overload.memory.size_bytes_limit";

// Above the soft limit one piece in so many is taken at once.
constexpr size_t kBatchDivisor = 4;

// A state is left at so much of what led to it.
constexpr double kLeftBelow = 0.95;

std::optional<CgroupMemoryReader> FindGroup(const MemoryGate::Options& of) {
  if (!of.is_watched || of.size_bytes_limit > 0) return std::nullopt;
  return CgroupMemoryReader::Find(of.cgroup_root, of.own_groups);
}

}  // namespace

std::string_view MemoryPressureName(MemoryPressure pressure) {
  switch (pressure) {
    case MemoryPressure::kNormal:
      return "normal";
    case MemoryPressure::kElevated:
      return "elevated";
    case MemoryPressure::kCritical:
      return "critical";
  }
  return "";
}

MemoryPressure NextPressure(MemoryPressure before, double fill,
                            double soft_ratio) {
  const auto reaches = [&](MemoryPressure state, double from) {
    return fill >= (before >= state ? from * kLeftBelow : from);
  };
  if (reaches(MemoryPressure::kCritical, 1)) return MemoryPressure::kCritical;
  if (reaches(MemoryPressure::kElevated, soft_ratio)) {
    return MemoryPressure::kElevated;
  }
  return MemoryPressure::kNormal;
}

MemoryGate::MemoryGate(const Options& options)
    : options_(options), group_(FindGroup(options)) {
  assert(options.soft_ratio > 0 && options.soft_ratio <= 1);
  assert(options.cgroup_ratio > 0 && options.cgroup_ratio <= 1);
  Sample();
}

void MemoryGate::SetOptions(const Options& options) {
  const std::optional<CgroupMemoryReader> group = FindGroup(options);
  MutexLock lock(mu_);
  options_ = options;
  group_ = group;
}

bool MemoryGate::has_limit() const {
  MutexLock lock(mu_);
  return options_.is_watched &&
         (options_.size_bytes_limit > 0 || group_.has_value());
}

bool MemoryGate::Sample() {
  MutexLock lock(mu_);
  const int64_t resident = options_.read_resident_bytes
                               ? options_.read_resident_bytes()
                               : ReadProcessMemory().resident_bytes;
  const double fill = FillOf(resident);
  const MemoryPressure before = pressure();
  const MemoryPressure now = NextPressure(before, fill, options_.soft_ratio);
  resident_bytes_.store(resident, std::memory_order_relaxed);
  fill_.store(fill, std::memory_order_relaxed);
  pressure_.store(now, std::memory_order_relaxed);
  return now != before;
}

size_t MemoryGate::BatchSize(size_t most) const {
  if (pressure() == MemoryPressure::kNormal) return most;
  return std::max<size_t>(1, most / kBatchDivisor);
}

absl::Status MemoryGate::Refusal() const {
  return OverloadFault(
      kMemoryLimitField,
      "the gateway has as much memory in use as it may have; ask again later, "
      "or of another replica");
}

double MemoryGate::FillOf(int64_t resident_bytes) const {
  if (!options_.is_watched) return 0;
  if (options_.size_bytes_limit > 0) {
    return static_cast<double>(resident_bytes) /
           static_cast<double>(options_.size_bytes_limit);
  }
  if (!group_.has_value()) return 0;
  // A group that has lost its limit, or cannot be read, says nothing.
  const std::optional<CgroupMemory> group = group_->Read();
  if (!group.has_value() || group->limit_bytes == 0) return 0;
  return static_cast<double>(group->used_bytes) /
         (static_cast<double>(group->limit_bytes) * options_.cgroup_ratio);
}

}  // namespace gateway
