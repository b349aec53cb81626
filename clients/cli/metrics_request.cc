#include "clients/cli/metrics_request.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/os/clock.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/moment_words.h"
#include "llmgateway/v1/metrics.grpc.pb.h"
#include "service/money/money.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using MetricsStub = v1::MetricsService::Stub;
using MetricsConnection = RpcConnection<v1::MetricsService>;

constexpr int64_t kReadingsMax = 1'000'000;
constexpr int kCostGroupsMax = 1000;

constexpr std::string_view kShowMetricsFlags[] = {"--window"};
constexpr std::string_view kWatchMetricsFlags[] = {"--interval", "--count"};
constexpr std::string_view kMetricsCostFlags[] = {
    "--by",      "--bucket", "--since", "--until",  "--agent", "--provider",
    "--project", "--model",  "--key",   "--caller", "--limit"};
constexpr OperatorVerb kMetricsVerbs[] = {{"show", kShowMetricsFlags},
                                          {"watch", kWatchMetricsFlags},
                                          {"cost", kMetricsCostFlags}};

// What calls are told apart by: the word for it, and where its value is.
struct CostDimension {
  std::string_view word;
  v1::CallDimension dimension;
  const std::string& (v1::CallGroup::*get)() const;
  void (*set)(const std::string& value, v1::CallGroup* group);
};
constexpr CostDimension kCostDimensions[] = {
    {"agent", v1::CALL_DIMENSION_AGENT, &v1::CallGroup::agent_type,
     [](const std::string& v, v1::CallGroup* g) { g->set_agent_type(v); }},
    {"provider", v1::CALL_DIMENSION_PROVIDER, &v1::CallGroup::provider,
     [](const std::string& v, v1::CallGroup* g) { g->set_provider(v); }},
    {"model", v1::CALL_DIMENSION_MODEL, &v1::CallGroup::model,
     [](const std::string& v, v1::CallGroup* g) { g->set_model(v); }},
    {"project", v1::CALL_DIMENSION_PROJECT, &v1::CallGroup::project_id,
     [](const std::string& v, v1::CallGroup* g) { g->set_project_id(v); }},
    {"key", v1::CALL_DIMENSION_KEY, &v1::CallGroup::key,
     [](const std::string& v, v1::CallGroup* g) { g->set_key(v); }},
    {"caller", v1::CALL_DIMENSION_CALLER, &v1::CallGroup::caller,
     [](const std::string& v, v1::CallGroup* g) { g->set_caller(v); }}};

const CostDimension* DimensionOf(std::string_view word) {
  for (const CostDimension& each : kCostDimensions) {
    if (each.word == word) return &each;
  }
  return nullptr;
}

const CostDimension* DimensionOf(int dimension) {
  for (const CostDimension& each : kCostDimensions) {
    if (each.dimension == dimension) return &each;
  }
  return nullptr;
}

// A time that passes, such as 5m.
absl::Status SetSpan(const OperatorWords& words, std::string_view flag,
                     google::protobuf::Duration* out) {
  absl::Duration span;
  const std::string text = LastOf(words, flag);
  if (!absl::ParseDuration(text, &span) || span <= absl::ZeroDuration() ||
      span > absl::Hours(24)) {
    return FlagMistake(
        flag, absl::StrCat("must be a time, as in 5m, not '", text, "'"));
  }
  const int64_t nanos = absl::ToInt64Nanoseconds(span);
  out->set_seconds(nanos / 1'000'000'000);
  out->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  return absl::OkStatus();
}

// The number of a flag, or another one where it is not given.
absl::StatusOr<int64_t> CountOf(const OperatorWords& words,
                                std::string_view flag, int64_t max,
                                int64_t otherwise) {
  const std::string text = LastOf(words, flag);
  if (text.empty()) return otherwise;
  int64_t count = 0;
  if (!absl::SimpleAtoi(text, &count) || count < 1 || count > max) {
    return FlagMistake(flag, absl::StrCat("must be a number from 1 to ", max,
                                          ", not '", text, "'"));
  }
  return count;
}

template <typename Request>
void AddNames(const OperatorWords& words, Request* request) {
  for (size_t i = 1; i < words.words.size(); ++i) {
    request->add_names(words.words[i]);
  }
}

// As in `model=gpt-5 provider=openai`.
std::string LabelsText(const v1::Metric& metric) {
  std::vector<std::string> labels;
  for (const auto& [name, value] : metric.labels()) {
    labels.push_back(absl::StrCat(name, "=", value));
  }
  std::sort(labels.begin(), labels.end());
  std::string text;
  for (const std::string& label : labels) {
    absl::StrAppend(&text, text.empty() ? "" : " ", label);
  }
  return OrDash(text);
}

// The bound that so many of a hundred observations are at most; as in `<=0.5`.
std::string BoundText(const v1::Histogram& histogram, int percent) {
  for (const v1::HistogramBucket& bucket : histogram.buckets()) {
    if (bucket.count() * 100 >= histogram.count() * percent) {
      return absl::StrCat("<=", bucket.upper_bound());
    }
  }
  if (histogram.buckets().empty()) return "-";
  return absl::StrCat(">", histogram.buckets().rbegin()->upper_bound());
}

Row HistogramRow(const v1::Histogram& histogram) {
  if (histogram.count() == 0) return {"0", "-", "-", "-", "-"};
  return {absl::StrCat(histogram.count()),
          absl::StrFormat(
              "%.6g", histogram.sum() / static_cast<double>(histogram.count())),
          BoundText(histogram, 50), BoundText(histogram, 90),
          BoundText(histogram, 99)};
}

// A line of each metric of these families, if there are some.
std::string TableOf(const v1::GetMetricsResponse& response, bool histograms) {
  std::vector<Row> rows = {
      histograms ? Row{"METRIC", "LABELS", "COUNT", "MEAN", "P50", "P90", "P99"}
                 : Row{"METRIC", "LABELS", "VALUE"}};
  for (const v1::MetricFamily& family : response.families()) {
    for (const v1::Metric& metric : family.metrics()) {
      if (metric.has_histogram() != histograms) continue;
      Row row = {family.name(), LabelsText(metric)};
      if (histograms) {
        const Row figures = HistogramRow(metric.histogram());
        row.insert(row.end(), figures.begin(), figures.end());
      } else {
        row.push_back(absl::StrFormat("%.15g", metric.number()));
      }
      rows.push_back(std::move(row));
    }
  }
  return rows.size() == 1 ? "" : Table(rows);
}

void AddTotals(const v1::CallTotals& totals, Row* row) {
  row->push_back(
      absl::StrCat(totals.succeeded_count() + totals.failed_count()));
  row->push_back(absl::StrCat(totals.failed_count()));
  row->push_back(absl::StrCat(totals.input_tokens()));
  row->push_back(absl::StrCat(totals.output_tokens()));
  row->push_back(absl::StrCat(totals.unpriced_count()));
  row->push_back(Money::FromNanos(totals.cost_usd_nanos()).Text());
}

// Lines for groups, below the columns of a request.
class CostRows {
 public:
  CostRows(const v1::GetCostSummaryRequest& request, bool has_buckets)
      : request_(request), has_buckets_(has_buckets) {
    Row head;
    if (has_buckets) head.emplace_back("FROM");
    for (const int dimension : request.group_by()) {
      const CostDimension* const found = DimensionOf(dimension);
      std::string name(found == nullptr ? "?" : found->word);
      for (char& c : name) c = static_cast<char>(c - 'a' + 'A');
      head.push_back(std::move(name));
    }
    if (head.empty()) head.emplace_back("");
    for (const char* const column :
         {"CALLS", "FAILED", "INPUT", "OUTPUT", "UNPRICED", "USD"}) {
      head.emplace_back(column);
    }
    width_ = head.size() - 6;
    rows_.push_back(std::move(head));
  }

  void Add(const std::string& from, const v1::CostGroup& group) {
    Row row;
    if (has_buckets_) row.push_back(from);
    for (const int dimension : request_.group_by()) {
      const CostDimension* const found = DimensionOf(dimension);
      row.push_back(
          OrDash(found == nullptr ? "" : (group.group().*found->get)()));
    }
    row.resize(width_);
    AddTotals(group.totals(), &row);
    rows_.push_back(std::move(row));
  }

  // What is of no one group.
  void AddNamed(const std::string& name, const v1::CallTotals& totals) {
    Row row = {name};
    row.resize(width_);
    AddTotals(totals, &row);
    rows_.push_back(std::move(row));
  }

  std::string Text() const { return Table(rows_); }

 private:
  const v1::GetCostSummaryRequest& request_;
  const bool has_buckets_;
  size_t width_ = 0;  // Of what comes before the figures.
  std::vector<Row> rows_;
};

// NOT_FOUND if no metric of a name that is asked for has moved: the gateway
// tells of no others.
absl::Status CheckNames(
    const MetricsConnection& metrics,
    const google::protobuf::RepeatedPtrField<std::string>& names) {
  if (names.empty()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(
      const v1::GetMetricsResponse all,
      metrics.Call(&MetricsStub::GetMetrics, v1::GetMetricsRequest()));
  return CheckMetricNames({names.begin(), names.end()}, all);
}

absl::Status ShowMetrics(const MetricsConnection& metrics,
                         const v1::GetMetricsRequest& request, bool as_json,
                         std::ostream& out) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::GetMetricsResponse response,
                           metrics.Call(&MetricsStub::GetMetrics, request));
  return WriteAnswer(as_json ? AsJson(response) : MetricsTable(response), out);
}

absl::Status WatchMetrics(const MetricsConnection& metrics,
                          const v1::StreamMetricsRequest& request,
                          int64_t readings, bool as_json, std::ostream& out) {
  absl::Status written;
  const auto print = [&](const v1::StreamMetricsResponse& reading) {
    written =
        WriteAnswer(as_json ? AsJson(reading)
                            : absl::StrCat(MetricsTable(reading.metrics()),
                                           "\n"),
                    out);
    out << std::flush;
    return written.ok() && --readings > 0;
  };
  GATEWAY_RETURN_IF_ERROR(
      (metrics.StreamWhile<v1::StreamMetricsRequest,
                           v1::StreamMetricsResponse>(
          &MetricsStub::StreamMetrics, request, print)));
  return written;
}

absl::Status ShowCosts(const MetricsConnection& metrics,
                       const v1::GetCostSummaryRequest& request, bool as_json,
                       std::ostream& out) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::GetCostSummaryResponse response,
                           metrics.Call(&MetricsStub::GetCostSummary, request));
  return WriteAnswer(
      as_json ? AsJson(response) : CostTable(request, response), out);
}

}  // namespace

const OperatorCommand kMetricsCommand = {"metrics", kMetricsVerbs};

absl::Status PrintMetrics(const RpcPlace& place, const OperatorWords& words,
                          std::ostream& out) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kMetricsCommand, words));
  const auto open = [&place] { return MetricsConnection::Open(place); };
  if (words.words[0] == "show") {
    GATEWAY_ASSIGN_OR_RETURN(const v1::GetMetricsRequest request,
                             GetMetricsRequestOf(words));
    GATEWAY_ASSIGN_OR_RETURN(const MetricsConnection metrics, open());
    GATEWAY_RETURN_IF_ERROR(CheckNames(metrics, request.names()));
    return ShowMetrics(metrics, request, words.as_json, out);
  }
  if (words.words[0] == "watch") {
    GATEWAY_ASSIGN_OR_RETURN(const v1::StreamMetricsRequest request,
                             StreamMetricsRequestOf(words));
    GATEWAY_ASSIGN_OR_RETURN(
        const int64_t readings,
        CountOf(words, "--count", kReadingsMax, kReadingsMax));
    GATEWAY_ASSIGN_OR_RETURN(const MetricsConnection metrics, open());
    GATEWAY_RETURN_IF_ERROR(CheckNames(metrics, request.names()));
    return WatchMetrics(metrics, request, readings, words.as_json, out);
  }
  GATEWAY_ASSIGN_OR_RETURN(
      const v1::GetCostSummaryRequest request,
      CostSummaryRequestOf(words, SystemClock().WallTime()));
  GATEWAY_ASSIGN_OR_RETURN(const MetricsConnection metrics, open());
  return ShowCosts(metrics, request, words.as_json, out);
}

absl::Status CheckMetricNames(const std::vector<std::string>& names,
                              const v1::GetMetricsResponse& all) {
  for (const std::string& name : names) {
    const bool is_known = std::any_of(
        all.families().begin(), all.families().end(),
        [&name](const v1::MetricFamily& each) { return each.name() == name; });
    if (is_known) continue;
    std::string why =
        absl::StrCat("the gateway has no metric '", name,
                     "', or it has not moved yet; those that have:");
    for (const v1::MetricFamily& each : all.families()) {
      absl::StrAppend(&why, "\n  ", each.name());
    }
    return absl::NotFoundError(why);
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::GetMetricsRequest> GetMetricsRequestOf(
    const OperatorWords& words) {
  v1::GetMetricsRequest request;
  AddNames(words, &request);
  if (!LastOf(words, "--window").empty()) {
    GATEWAY_RETURN_IF_ERROR(
        SetSpan(words, "--window", request.mutable_window()));
  }
  return request;
}

absl::StatusOr<v1::StreamMetricsRequest> StreamMetricsRequestOf(
    const OperatorWords& words) {
  v1::StreamMetricsRequest request;
  AddNames(words, &request);
  if (!LastOf(words, "--interval").empty()) {
    GATEWAY_RETURN_IF_ERROR(
        SetSpan(words, "--interval", request.mutable_interval()));
  }
  return request;
}

absl::StatusOr<v1::GetCostSummaryRequest> CostSummaryRequestOf(
    const OperatorWords& words, absl::Time now) {
  if (words.words.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("metrics cost takes no '", words.words[1],
                     "'; say what calls are told apart by as --by model"));
  }
  v1::GetCostSummaryRequest request;
  const std::string by = LastOf(words, "--by");
  for (const absl::string_view word :
       absl::StrSplit(by, ',', absl::SkipEmpty())) {
    const CostDimension* const found = DimensionOf(ToStd(word));
    if (found == nullptr) {
      return FlagMistake("--by",
                         absl::StrCat("takes agent, provider, model, project, "
                                      "key and caller, not '",
                                      word, "'"));
    }
    request.add_group_by(found->dimension);
  }
  for (const auto& [flag, value] : words.flags) {
    const CostDimension* const found =
        DimensionOf(std::string_view(flag).substr(2));
    if (found != nullptr) found->set(value, request.mutable_filter());
  }
  const std::string bucket = LastOf(words, "--bucket");
  if (bucket == "hour") {
    request.set_bucket(v1::GetCostSummaryRequest::BUCKET_HOUR);
  } else if (bucket == "day") {
    request.set_bucket(v1::GetCostSummaryRequest::BUCKET_DAY);
  } else if (!bucket.empty()) {
    return FlagMistake("--bucket",
                       absl::StrCat("must be hour or day, not '", bucket, "'"));
  }
  if (const std::string since = LastOf(words, "--since"); !since.empty()) {
    GATEWAY_ASSIGN_OR_RETURN(const absl::Time time,
                             MomentOf("--since", since, now));
    *request.mutable_start_time() = ToTimestamp(time);
  }
  if (const std::string until = LastOf(words, "--until"); !until.empty()) {
    GATEWAY_ASSIGN_OR_RETURN(const absl::Time time,
                             MomentOf("--until", until, now));
    *request.mutable_end_time() = ToTimestamp(time);
  }
  GATEWAY_ASSIGN_OR_RETURN(const int64_t limit,
                           CountOf(words, "--limit", kCostGroupsMax, 0));
  request.set_groups_limit(static_cast<int32_t>(limit));
  return request;
}

std::string MetricsTable(const v1::GetMetricsResponse& response) {
  std::string text =
      response.has_window_start_time()
          ? absl::StrCat("added from ", TimeText(response.window_start_time()),
                         " to ", TimeText(response.read_time()),
                         "; gauges as they are\n\n")
          : absl::StrCat("read ", TimeText(response.read_time()), "\n\n");
  const std::string numbers = TableOf(response, /*histograms=*/false);
  const std::string histograms = TableOf(response, /*histograms=*/true);
  absl::StrAppend(&text, numbers,
                  numbers.empty() || histograms.empty() ? "" : "\n",
                  histograms);
  if (numbers.empty() && histograms.empty()) text += "nothing of that name\n";
  return text;
}

std::string CostTable(const v1::GetCostSummaryRequest& request,
                      const v1::GetCostSummaryResponse& response) {
  const bool has_buckets =
      request.bucket() != v1::GetCostSummaryRequest::BUCKET_UNSPECIFIED;
  CostRows rows(request, has_buckets);
  for (const v1::CostBucket& bucket : response.buckets()) {
    const std::string from =
        bucket.has_start_time() ? TimeText(bucket.start_time()) : "before";
    for (const v1::CostGroup& group : bucket.groups()) rows.Add(from, group);
  }
  if (!has_buckets && !request.group_by().empty()) {
    for (const v1::CostGroup& group : response.groups()) rows.Add("", group);
  }
  if (response.has_rest()) rows.AddNamed("the rest", response.rest());
  rows.AddNamed("all", response.totals());
  return rows.Text();
}

}  // namespace gateway
