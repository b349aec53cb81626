#include "service/api/traces_admin.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/observability/metrics.h"
#include "service/pipeline/batch_size.h"
#include "service/tracing/span_reader.h"

namespace gateway {
namespace {

constexpr std::string_view kTracesService = "llmgateway.v1.AdminService";
// How a page token begins; then the place of the last trace that was shown.
constexpr absl::string_view kTracesMark = "traces:";
constexpr absl::Duration kListWindowMin = absl::Milliseconds(1);
constexpr absl::Duration kListWindowMax = absl::Hours(168);
constexpr absl::Duration kDay = absl::Hours(24);
constexpr size_t kModelsToldMax = 256;
constexpr size_t kIdBytesMax = 128;
// About what it is to look at one that is kept: it reads some fields of each.
constexpr size_t kBytesToLookAtOne = 64;

// Of texts that may be any bytes, as messages take them.
std::string ShownName(std::string_view text) {
  if (IsUtf8(text)) return std::string(text);
  std::string shown(text);
  std::replace_if(
      shown.begin(), shown.end(),
      [](char c) { return static_cast<unsigned char>(c) > 0x7e; }, '?');
  return shown;
}

std::string TraceToken(const KeptTrace& last) {
  const TraceStore::Place place = PlaceOf(last);
  return absl::StrCat(kTracesMark, absl::ToUnixNanos(place.end_time), ":",
                      place.span);
}

absl::StatusOr<std::optional<TraceStore::Place>> PlaceOfToken(
    const std::string& token) {
  if (token.empty()) return std::nullopt;
  absl::string_view text = token;
  int64_t end_time = 0;
  TraceStore::Place place;
  const bool is_marked = absl::ConsumePrefix(&text, kTracesMark);
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits(':', 1));
  if (!is_marked || !absl::SimpleAtoi(parts.first, &end_time) ||
      !absl::SimpleAtoi(parts.second, &place.span)) {
    return InvalidField("page_token", "is not one that this listing returned");
  }
  place.end_time = absl::FromUnixNanos(end_time);
  return place;
}

// Borrows the request's texts.
absl::StatusOr<TraceStore::Query> QueryOf(
    const v1::ListTracesRequest& request) {
  TraceStore::Query query;
  if (!v1::ListTracesRequest::Outcome_IsValid(request.outcome())) {
    return InvalidField("outcome",
                        absl::StrCat("is ", request.outcome(),
                                     ", which there is not; there are "
                                     "OUTCOME_SUCCEEDED and OUTCOME_FAILED"));
  }
  if (request.outcome() != v1::ListTracesRequest::OUTCOME_UNSPECIFIED) {
    query.failed = request.outcome() == v1::ListTracesRequest::OUTCOME_FAILED;
  }
  query.provider = request.provider();
  query.model = request.model();
  query.min_duration = ToAbsl(request.min_duration());
  if (query.min_duration < absl::ZeroDuration()) {
    return InvalidField("min_duration", "must not be negative");
  }
  if (request.has_window()) {
    query.window = ToAbsl(request.window());
    if (query.window < kListWindowMin || query.window > kListWindowMax) {
      return InvalidField("window", "must be within 1ms and 168h");
    }
  }
  GATEWAY_ASSIGN_OR_RETURN(query.after, PlaceOfToken(request.page_token()));
  return query;
}

void FillSummary(const KeptTrace& from, v1::TraceSummary* to) {
  to->set_trace_id(TraceIdText(from.trace));
  to->set_span_id(SpanIdText(from.span));
  to->set_request_id(ShownName(from.request_id));
  to->set_operation(ShownName(from.operation));
  to->set_node(ShownName(from.node));
  to->set_caller(ShownName(from.caller));
  to->set_model(ShownName(from.model));
  to->set_provider(ShownName(from.provider));
  to->set_model_served(ShownName(from.model_served));
  *to->mutable_start_time() = ToProto(from.start_time);
  *to->mutable_duration() = ToProto(from.duration);
  to->set_failure(from.error_reason);
  to->set_span_count(from.span_count);
}

v1::Span::Kind ToldKind(SpanKind kind) {
  switch (kind) {
    case SpanKind::kServer:
      return v1::Span::KIND_SERVER;
    case SpanKind::kClient:
      return v1::Span::KIND_CLIENT;
    case SpanKind::kInternal:
      break;
  }
  return v1::Span::KIND_INTERNAL;
}

void FillSpan(ReadSpan from, v1::Span* to) {
  to->set_span_id(SpanIdText(from.span));
  to->set_parent_span_id(SpanIdText(from.parent));
  to->set_name(std::move(from.name));
  to->set_kind(ToldKind(from.kind));
  *to->mutable_start_time() = ToProto(from.start_time);
  *to->mutable_duration() = ToProto(from.end_time - from.start_time);
  to->set_failed(from.failed);
  to->set_failure_message(std::move(from.failure_message));
  std::sort(from.attributes.begin(), from.attributes.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [key, value] : from.attributes) {
    v1::SpanAttribute& attribute = *to->add_attributes();
    attribute.set_key(std::move(key));
    if (auto* const text = std::get_if<std::string>(&value)) {
      attribute.set_text(std::move(*text));
    } else if (const auto* integer = std::get_if<int64_t>(&value)) {
      attribute.set_integer(*integer);
    } else if (const auto* number = std::get_if<double>(&value)) {
      attribute.set_number(*number);
    } else {
      attribute.set_flag(std::get<bool>(value));
    }
  }
}

// So many models are told apart; those that served most.
void FillModels(const std::map<std::string, int64_t>& counts,
                google::protobuf::Map<std::string, int64_t>* to) {
  std::vector<std::pair<int64_t, std::string_view>> sorted;
  for (const auto& [model, count] : counts) sorted.emplace_back(-count, model);
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i) {
    const std::string name = i < kModelsToldMax ? ShownName(sorted[i].second)
                                                : std::string(kOtherLabel);
    (*to)[name] -= sorted[i].first;
  }
}

void FillOperations(const TraceTotals& totals,
                    v1::GetTraceMetricsResponse* to) {
  for (const auto& [operation, counts] : totals.operations) {
    v1::TraceOperation& told = *to->add_operations();
    told.set_operation(ShownName(operation));
    told.set_call_count(counts.calls);
    told.set_failed_count(counts.failed);
    *told.mutable_average_duration() = ToProto(counts.duration / counts.calls);
  }
}

}  // namespace

void TracesAdmin::AddTo(MethodTable& table) {
  table.AddUnary(kTracesService, "ListTraces", *this, &TracesAdmin::List);
  table.AddUnary(kTracesService, "GetTrace", *this, &TracesAdmin::Get);
  table.AddUnary(kTracesService, "GetTraceMetrics", *this,
                 &TracesAdmin::GetMetrics);
}

absl::Status TracesAdmin::CheckTraced() const {
  if (sources_.tracer != nullptr) return absl::OkStatus();
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_NOT_CONFIGURED,
                "tracing is not configured; add it, as in `tracing: {}`, and "
                "restart the gateway");
  AddFaultMetadata(fault, "field", "tracing");
  return fault;
}

size_t TracesAdmin::BytesToLookAt() const {
  return kBytesToLookAtOne * sources_.tracer->store().size().traces;
}

Task<absl::Status> TracesAdmin::List(CallContext&,
                                     const v1::ListTracesRequest& request,
                                     v1::ListTracesResponse* response) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckTraced());
  GATEWAY_CO_ASSIGN_OR_RETURN(
      const int page_size,
      PageSizeOf(*sources_.runtime.Get(), request.page_size()));
  GATEWAY_CO_ASSIGN_OR_RETURN(TraceStore::Query query, QueryOf(request));
  query.limit = static_cast<size_t>(page_size) + 1;
  const auto list = [&] { return sources_.tracer->store().List(query); };
  const std::vector<KeptTraceRef> found =
      co_await OffLoop(BytesToLookAt(), list, WorkerPool::Stage::kBegins);
  for (const KeptTraceRef& each : found) {
    if (response->traces_size() == page_size) {
      const auto last = static_cast<size_t>(page_size) - 1;
      response->set_next_page_token(TraceToken(*found[last]));
      break;
    }
    FillSummary(*each, response->add_traces());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> TracesAdmin::Get(CallContext&,
                                    const v1::GetTraceRequest& request,
                                    v1::Trace* response) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckTraced());
  const std::string& id = request.trace_id();
  if (id.empty()) co_return InvalidField("trace_id", "is required");
  const TraceStore& store = sources_.tracer->store();
  const auto find = [&store, &id] {
    std::optional<TraceId> trace = ParseTraceId(id);
    std::vector<KeptTraceRef> found;
    if (trace.has_value()) found = store.Find(*trace);
    if (!found.empty()) return found;
    // An id that the gateway makes up for a call looks like a trace's.
    trace = store.FindRequest(id);
    if (trace.has_value()) found = store.Find(*trace);
    return found;
  };
  const std::vector<KeptTraceRef> found =
      co_await OffLoop(2 * BytesToLookAt(), find, WorkerPool::Stage::kBegins);
  if (found.empty()) {
    co_return MakeFault(
        v1::ERROR_REASON_NOT_FOUND,
        absl::StrCat("no trace is kept that has the id '",
                     ShownName(std::string_view(id).substr(0, kIdBytesMax)),
                     "', or a call of that id; it was not sampled, or was too "
                     "long ago"));
  }
  response->set_trace_id(TraceIdText(found.front()->trace));
  for (const KeptTraceRef& each : found) {
    for (ReadSpan& span : ReadSpans(each->spans)) {
      FillSpan(std::move(span), response->add_spans());
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> TracesAdmin::GetMetrics(
    CallContext&, const v1::GetTraceMetricsRequest& request,
    v1::GetTraceMetricsResponse* response) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckTraced());
  const absl::Duration window =
      request.has_window() ? ToAbsl(request.window()) : kDay;
  if (window < TraceStatistics::kStep || window > kDay) {
    co_return InvalidField("window", "must be within 5m and 24h");
  }
  const TraceTotals totals = sources_.tracer->Totals(window);
  *response->mutable_window() = ToProto(window);
  response->set_call_count(totals.all.calls);
  response->set_failed_count(totals.all.failed);
  if (totals.all.calls > 0) {
    *response->mutable_average_duration() =
        ToProto(totals.all.duration / totals.all.calls);
  }
  response->set_cost_usd_nanos(totals.cost_usd_nanos);
  FillOperations(totals, response);
  FillModels(totals.models, response->mutable_models());
  for (const auto& [name, count] : totals.capabilities) {
    (*response->mutable_capabilities())[name] = count;
  }
  response->set_sampled_count(totals.sampled);
  if (sources_.exporter != nullptr) {
    response->set_exported_span_count(sources_.exporter->exported());
    response->set_dropped_span_count(sources_.exporter->refused() +
                                     sources_.tracer->queue().dropped());
  }
  co_return absl::OkStatus();
}

}  // namespace gateway
