#include "service/observability/metrics_text.h"

#include <cstdint>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"
#include "prometheus/metric_type.h"
#include "prometheus/text_serializer.h"
#include "service/observability/metrics.h"

namespace gateway {
namespace {

prometheus::MetricType TypeOf(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return prometheus::MetricType::Counter;
    case MetricKind::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricKind::kHistogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

prometheus::ClientMetric ToPrometheus(MetricKind kind,
                                      const MetricValue& value) {
  prometheus::ClientMetric metric;
  for (const auto& [name, text] : value.labels) {
    metric.label.push_back({.name = name, .value = text});
  }
  switch (kind) {
    case MetricKind::kCounter:
      metric.counter.value = value.number;
      break;
    case MetricKind::kGauge:
      metric.gauge.value = value.number;
      break;
    case MetricKind::kHistogram:
      metric.histogram.sample_count =
          static_cast<uint64_t>(value.histogram.count);
      metric.histogram.sample_sum = value.histogram.sum;
      for (const HistogramValue::Bucket& bucket : value.histogram.buckets) {
        metric.histogram.bucket.push_back(
            {.cumulative_count = static_cast<uint64_t>(bucket.count),
             .upper_bound = bucket.upper_bound});
      }
      break;
  }
  return metric;
}

}  // namespace

std::string MetricsText(const MetricsSnapshot& snapshot) {
  std::vector<prometheus::MetricFamily> families;
  families.reserve(snapshot.families.size());
  for (const MetricFamilyValue& value : snapshot.families) {
    prometheus::MetricFamily family;
    family.name = value.name;
    family.help = value.help;
    family.type = TypeOf(value.kind);
    family.metric.reserve(value.metrics.size());
    for (const MetricValue& metric : value.metrics) {
      family.metric.push_back(ToPrometheus(value.kind, metric));
    }
    families.push_back(std::move(family));
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return std::move(text).str();
}

}  // namespace gateway
