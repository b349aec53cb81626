#include "service/observability/process_metrics.h"

#include <string_view>

#include "absl/time/time.h"
#include "base/memory/allocator.h"
#include "base/os/clock.h"
#include "base/os/log_file.h"
#include "base/os/logging.h"
#include "base/process/process_stats.h"
#include "service/observability/access_log.h"
#include "service/observability/metrics.h"

namespace gateway {
namespace {

constexpr std::string_view kVersionLabels[] = {"version"};

constexpr MetricDefinition kBuildInfo = {
    .name = "llmgw_build_info",
    .help = "Always 1; the labels say what runs.",
    .kind = MetricKind::kGauge,
    .label_names = kVersionLabels};
constexpr MetricDefinition kAccessLogDropped = {
    .name = "llmgw_access_log_dropped_total",
    .help = "Access log lines lost because the output was slow or failed.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kLogLinesDropped = {
    .name = "llmgw_log_lines_dropped_total",
    .help = "Log lines lost because the output was slow or failed.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kCpu = {.name = "process_cpu_seconds_total",
                                   .help = "CPU time in user and kernel mode.",
                                   .kind = MetricKind::kCounter};
constexpr MetricDefinition kStartTime = {
    .name = "process_start_time_seconds",
    .help = "When the process started, since 1970.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kResident = {.name = "process_resident_memory_bytes",
                                        .help = "Memory in use.",
                                        .kind = MetricKind::kGauge};
constexpr MetricDefinition kVirtual = {.name = "process_virtual_memory_bytes",
                                       .help = "Memory reserved.",
                                       .kind = MetricKind::kGauge};
constexpr MetricDefinition kAllocated = {
    .name = "llmgw_allocated_memory_bytes",
    .help = "Memory that was allocated and not freed; a leak shows here first.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kOpenFiles = {
    .name = "process_open_fds",
    .help = "Open files, sockets included.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kOpenFilesLimit = {
    .name = "process_max_fds",
    .help = "How many files may be open.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kThreads = {
    .name = "process_threads", .help = "Threads.", .kind = MetricKind::kGauge};

}  // namespace

void AddProcessMetrics(const ProcessMetricsOptions& options, Clock& clock,
                       MetricRegistry& registry) {
  registry.AddSource(kBuildInfo, {options.version}, [] { return 1.0; });
  registry.AddSource(kLogLinesDropped, {}, [] {
    return static_cast<double>(DroppedLogLines() + LogFile::LostLines());
  });
  if (const AccessLog* log = options.access_log; log != nullptr) {
    registry.AddSource(kAccessLogDropped, {}, [log] {
      return static_cast<double>(log->DroppedLines());
    });
  }
  const double start_seconds =
      absl::ToDoubleSeconds(clock.WallTime() - absl::UnixEpoch());
  registry.AddSource(kStartTime, {}, [start_seconds] { return start_seconds; });
  registry.AddSource(kCpu, {},
                     [] { return absl::ToDoubleSeconds(ProcessCpuTime()); });
  registry.AddSource(kResident, {}, [] {
    return static_cast<double>(ReadProcessMemory().resident_bytes);
  });
  registry.AddSource(kVirtual, {}, [] {
    return static_cast<double>(ReadProcessMemory().virtual_bytes);
  });
  registry.AddSource(kAllocated, {},
                     [] { return static_cast<double>(AllocatedBytes()); });
  registry.AddSource(kOpenFiles, {},
                     [] { return static_cast<double>(CountOpenFiles()); });
  registry.AddSource(kOpenFilesLimit, {},
                     [] { return static_cast<double>(OpenFilesLimit()); });
  registry.AddSource(kThreads, {},
                     [] { return static_cast<double>(CountThreads()); });
}

}  // namespace gateway
