#include "service/api/metrics_view.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

constexpr int kMetricNamesMax = 100;
constexpr absl::Duration kMetricWindowLeast = absl::Minutes(1);
constexpr absl::Duration kMetricWindowMost = absl::Hours(1);

v1::MetricFamily::Kind KindOf(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return v1::MetricFamily::KIND_COUNTER;
    case MetricKind::kGauge:
      return v1::MetricFamily::KIND_GAUGE;
    case MetricKind::kHistogram:
      break;
  }
  return v1::MetricFamily::KIND_HISTOGRAM;
}

void FillMetric(const MetricValue& from, MetricKind kind, v1::Metric* to) {
  for (const auto& [name, value] : from.labels) {
    (*to->mutable_labels())[name] = value;
  }
  if (kind != MetricKind::kHistogram) {
    to->set_number(from.number);
    return;
  }
  v1::Histogram& histogram = *to->mutable_histogram();
  histogram.set_count(from.histogram.count);
  histogram.set_sum(from.histogram.sum);
  for (const HistogramValue::Bucket& bucket : from.histogram.buckets) {
    v1::HistogramBucket& added = *histogram.add_buckets();
    added.set_upper_bound(bucket.upper_bound);
    added.set_count(bucket.count);
  }
}

void FillFamily(const MetricFamilyValue& from, v1::MetricFamily* to) {
  to->set_name(from.name);
  to->set_help(from.help);
  to->set_kind(KindOf(from.kind));
  for (const MetricValue& metric : from.metrics) {
    FillMetric(metric, from.kind, to->add_metrics());
  }
}

bool IsAskedFor(const MetricNames& names, const std::string& name) {
  return names.empty() ||
         std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

absl::Status CheckMetricNames(const MetricNames& names) {
  if (names.size() <= kMetricNamesMax) return absl::OkStatus();
  return InvalidField("names", absl::StrCat("must be at most ", kMetricNamesMax,
                                            ", not ", names.size()));
}

absl::Status CheckMetricWindow(const v1::GetMetricsRequest& request) {
  if (!request.has_window()) return absl::OkStatus();
  const absl::Duration window = ToAbsl(request.window());
  if (window >= kMetricWindowLeast && window <= kMetricWindowMost) {
    return absl::OkStatus();
  }
  return InvalidField("window", absl::StrCat("must be 1m to 1h, not ",
                                             absl::FormatDuration(window)));
}

void FillMetrics(const MetricsSnapshot& snapshot, const MetricNames& names,
                 v1::GetMetricsResponse* out) {
  for (const MetricFamilyValue& family : snapshot.families) {
    if (!IsAskedFor(names, family.name)) continue;
    FillFamily(family, out->add_families());
  }
  *out->mutable_read_time() = ToProto(snapshot.read_time);
}

absl::Status SumsNotRead(const absl::Status& run) {
  if (!absl::IsResourceExhausted(run)) return run;
  return MakeFault(v1::ERROR_REASON_OVERLOADED,
                   "too many others ask for sums; try again later");
}

absl::Status FeedRefusal(const absl::Status& status) {
  const v1::ErrorReason reason = absl::IsResourceExhausted(status)
                                     ? v1::ERROR_REASON_RATE_LIMITED
                                     : v1::ERROR_REASON_DRAINING;
  return MakeFault(reason, ToStd(status.message()));
}

absl::Status FeedClosed() {
  return MakeFault(v1::ERROR_REASON_DRAINING, "the gateway is shutting down");
}

}  // namespace gateway
