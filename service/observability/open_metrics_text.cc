#include "service/observability/open_metrics_text.h"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr std::string_view kTotal = "_total";
constexpr size_t kNumberBytesMax = 64;

using Labels = std::vector<std::pair<std::string, std::string>>;

// As many digits as MetricFamilyValue.per_unit promises are exact.
constexpr int kExactDigits = 16;

// The shortest text that reads back as the same number; of what is counted in
// parts of its unit all digits of that. A whole one has `.0`.
std::string NumberText(double number, bool is_counted_in_parts = false) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "+Inf" : "-Inf";
  char buffer[kNumberBytesMax];
  char* const limit = buffer + sizeof(buffer);
  const auto written =
      is_counted_in_parts
          ? std::to_chars(buffer, limit, number, std::chars_format::general,
                          kExactDigits)
          : std::to_chars(buffer, limit, number);
  std::string text(buffer, written.ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

void AppendEscaped(std::string_view text, std::string* out) {
  for (const char c : text) {
    switch (c) {
      case '\n':
        *out += "\\n";
        break;
      case '"':
      case '\\':
        *out += '\\';
        [[fallthrough]];
      default:
        *out += c;
    }
  }
}

void AppendLabel(std::string_view name, std::string_view value,
                 std::string* out) {
  absl::StrAppend(out, ToAbsl(name), "=\"");
  AppendEscaped(value, out);
  *out += '"';
}

// `bound` is that of a bucket; empty for none.
void AppendLabels(const Labels& labels, std::string_view bound,
                  std::string* out) {
  if (labels.empty() && bound.empty()) return;
  *out += '{';
  bool first = true;
  for (const auto& [name, value] : labels) {
    if (!std::exchange(first, false)) *out += ',';
    AppendLabel(name, value, out);
  }
  if (!bound.empty()) {
    if (!first) *out += ',';
    AppendLabel("le", bound, out);
  }
  *out += '}';
}

void AppendSample(std::string_view name, const Labels& labels,
                  std::string_view value, std::string* out) {
  *out += name;
  AppendLabels(labels, {}, out);
  absl::StrAppend(out, " ", ToAbsl(value), "\n");
}

void AppendExemplar(const Exemplar& exemplar, std::string* out) {
  *out += " # {";
  AppendLabel("request_id", exemplar.request_id, out);
  absl::StrAppend(
      out, "} ", NumberText(exemplar.value), " ",
      NumberText(absl::ToDoubleSeconds(exemplar.time - absl::UnixEpoch())));
}

void AppendBucket(std::string_view family, const MetricValue& metric,
                  size_t bucket, std::string* out) {
  const HistogramValue& histogram = metric.histogram;
  const bool has_bound = bucket < histogram.buckets.size();
  absl::StrAppend(out, ToAbsl(family), "_bucket");
  AppendLabels(metric.labels,
               has_bound ? NumberText(histogram.buckets[bucket].upper_bound)
                         : std::string("+Inf"),
               out);
  absl::StrAppend(
      out, " ", has_bound ? histogram.buckets[bucket].count : histogram.count);
  if (bucket < histogram.exemplars.size() &&
      histogram.exemplars[bucket].has_value()) {
    AppendExemplar(*histogram.exemplars[bucket], out);
  }
  *out += '\n';
}

void AppendHistogram(std::string_view family, const MetricValue& metric,
                     std::string* out) {
  for (size_t i = 0; i <= metric.histogram.buckets.size(); ++i) {
    AppendBucket(family, metric, i, out);
  }
  AppendSample(absl::StrCat(ToAbsl(family), "_count"), metric.labels,
               std::to_string(metric.histogram.count), out);
  AppendSample(absl::StrCat(ToAbsl(family), "_sum"), metric.labels,
               NumberText(metric.histogram.sum), out);
}

std::string_view TypeName(const MetricFamilyValue& family) {
  switch (family.kind) {
    case MetricKind::kCounter:
      return family.name.ends_with(kTotal) ? "counter" : "unknown";
    case MetricKind::kGauge:
      return "gauge";
    case MetricKind::kHistogram:
      break;
  }
  return "histogram";
}

void AppendFamily(const MetricFamilyValue& family, std::string* out) {
  const std::string_view type = TypeName(family);
  std::string_view name = family.name;
  if (type == "counter") name.remove_suffix(kTotal.size());
  absl::StrAppend(out, "# TYPE ", ToAbsl(name), " ", ToAbsl(type), "\n# HELP ",
                  ToAbsl(name), " ");
  AppendEscaped(family.help, out);
  *out += '\n';
  for (const MetricValue& metric : family.metrics) {
    if (family.kind == MetricKind::kHistogram) {
      AppendHistogram(family.name, metric, out);
    } else {
      AppendSample(family.name, metric.labels,
                   NumberText(metric.number, family.per_unit != 1), out);
    }
  }
}

}  // namespace

bool AcceptsOpenMetrics(std::string_view accept) {
  for (const absl::string_view each : absl::StrSplit(ToAbsl(accept), ',')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(each, ';');
    const bool is_named = absl::EqualsIgnoreCase(
        absl::StripAsciiWhitespace(parts[0]), "application/openmetrics-text");
    if (!is_named) continue;
    bool refused = false;
    for (const absl::string_view part : parts) {
      const absl::string_view parameter = absl::StripAsciiWhitespace(part);
      refused = refused || parameter == "q=0" || parameter == "q=0.0";
    }
    if (!refused) return true;
  }
  return false;
}

std::string OpenMetricsText(const MetricsSnapshot& snapshot) {
  std::string text;
  for (const MetricFamilyValue& family : snapshot.families) {
    AppendFamily(family, &text);
  }
  text += "# EOF\n";
  return text;
}

}  // namespace gateway
