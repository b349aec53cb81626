#include "clients/cli/traces_request.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using Admin = v1::AdminService::Stub;

// As many as are listed where nobody says.
constexpr int kTracesListed = 20;
constexpr int kTracesListedMax = 1000;

constexpr std::string_view kListTracesFlags[] = {"--outcome",      "--provider",
                                                 "--model",        "--since",
                                                 "--min_duration", "--count"};
constexpr OperatorVerb kTracesVerbs[] = {{"list", kListTracesFlags},
                                         {"get", {}}};

std::string MillisecondsText(const google::protobuf::Duration& duration) {
  return absl::StrFormat("%d.%03dms",
                         duration.seconds() * 1000 + duration.nanos() / 1000000,
                         duration.nanos() / 1000 % 1000);
}

absl::Status SetTraceTime(const OperatorWords& words, std::string_view flag,
                          google::protobuf::Duration* to) {
  absl::Duration duration;
  if (!absl::ParseDuration(LastOf(words, flag), &duration) ||
      duration < absl::ZeroDuration()) {
    return FlagMistake(flag, "must be a time, as in 10s or 1h30m");
  }
  const int64_t nanos = absl::ToInt64Nanoseconds(duration);
  to->set_seconds(nanos / 1000000000);
  to->set_nanos(static_cast<int32_t>(nanos % 1000000000));
  return absl::OkStatus();
}

absl::StatusOr<std::string> ListThem(const RpcPlace& place,
                                     const OperatorWords& words) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::ListTracesRequest request,
                           ListTracesRequestOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(const v1::ListTracesResponse traces,
                           admin.Call(&Admin::ListTraces, request));
  return words.as_json ? AsJson(traces) : TracesTable(traces);
}

absl::StatusOr<std::string> ShowTrace(const RpcPlace& place,
                                      const OperatorWords& words) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::GetTraceRequest request,
                           GetTraceRequestOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(const v1::Trace trace,
                           admin.Call(&Admin::GetTrace, request));
  return words.as_json ? AsJson(trace) : TraceText(trace);
}

std::string AttributeText(const v1::SpanAttribute& attribute) {
  switch (attribute.value_case()) {
    case v1::SpanAttribute::kInteger:
      return absl::StrCat(attribute.integer());
    case v1::SpanAttribute::kNumber:
      return absl::StrCat(attribute.number());
    case v1::SpanAttribute::kFlag:
      return attribute.flag() ? "true" : "false";
    default:
      return attribute.text();
  }
}

}  // namespace

const OperatorCommand kTracesCommand = {"traces", kTracesVerbs};

absl::StatusOr<std::string> AskTraces(const RpcPlace& place,
                                      const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kTracesCommand, words));
  return words.words[0] == "list" ? ListThem(place, words)
                                  : ShowTrace(place, words);
}

absl::StatusOr<v1::ListTracesRequest> ListTracesRequestOf(
    const OperatorWords& words) {
  if (words.words.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("traces list takes no '", words.words[1],
                     "'; gatewayctl traces get shows one"));
  }
  v1::ListTracesRequest request;
  request.set_page_size(kTracesListed);
  request.set_provider(LastOf(words, "--provider"));
  request.set_model(LastOf(words, "--model"));
  const std::string outcome = LastOf(words, "--outcome");
  if (outcome == "failed") {
    request.set_outcome(v1::ListTracesRequest::OUTCOME_FAILED);
  } else if (outcome == "succeeded") {
    request.set_outcome(v1::ListTracesRequest::OUTCOME_SUCCEEDED);
  } else if (!outcome.empty()) {
    return FlagMistake("--outcome", "must be failed or succeeded");
  }
  if (!LastOf(words, "--since").empty()) {
    GATEWAY_RETURN_IF_ERROR(
        SetTraceTime(words, "--since", request.mutable_window()));
  }
  if (!LastOf(words, "--min_duration").empty()) {
    GATEWAY_RETURN_IF_ERROR(
        SetTraceTime(words, "--min_duration", request.mutable_min_duration()));
  }
  const std::string count = LastOf(words, "--count");
  int32_t number = 0;
  if (count.empty()) return request;
  if (!absl::SimpleAtoi(count, &number) || number < 1 ||
      number > kTracesListedMax) {
    return FlagMistake("--count", absl::StrCat("must be a number from 1 to ",
                                               kTracesListedMax));
  }
  request.set_page_size(number);
  return request;
}

absl::StatusOr<v1::GetTraceRequest> GetTraceRequestOf(
    const OperatorWords& words) {
  if (words.words.size() != 2) {
    return absl::InvalidArgumentError(
        "traces get needs the id of one trace, or of a call; gatewayctl traces "
        "list shows them");
  }
  v1::GetTraceRequest request;
  request.set_trace_id(words.words[1]);
  return request;
}

std::string TracesTable(const v1::ListTracesResponse& response) {
  std::vector<Row> rows = {
      {"TRACE", "BEGAN", "TOOK", "OPERATION", "PROVIDER", "MODEL", "FAILURE"}};
  for (const v1::TraceSummary& trace : response.traces()) {
    const auto dash = [](const std::string& text) {
      return text.empty() ? "-" : text;
    };
    rows.push_back({trace.trace_id(), TimeText(trace.start_time()),
                    MillisecondsText(trace.duration()), trace.operation(),
                    dash(trace.provider()), dash(trace.model_served()),
                    trace.failure() == v1::ERROR_REASON_UNSPECIFIED
                        ? "-"
                        : ValueText(v1::ErrorReason_Name(trace.failure()),
                                    "ERROR_REASON_")});
  }
  return Table(rows);
}

std::string TraceText(const v1::Trace& trace) {
  std::string text = absl::StrCat("trace ", trace.trace_id(), "\n");
  std::map<std::string, int> depths;
  for (const v1::Span& span : trace.spans()) {
    // Parents come before what is a part of them.
    const auto parent = depths.find(span.parent_span_id());
    const int depth = parent == depths.end() ? 1 : parent->second + 1;
    depths[span.span_id()] = depth;
    const std::string indent(static_cast<size_t>(2 * depth), ' ');
    absl::StrAppend(&text, indent, span.name(), "  ",
                    MillisecondsText(span.duration()),
                    span.failed() ? "  FAILED " : "",
                    span.failed() ? span.failure_message() : "", "\n");
    for (const v1::SpanAttribute& each : span.attributes()) {
      absl::StrAppend(&text, indent, "    ", each.key(), "=",
                      AttributeText(each), "\n");
    }
  }
  return text;
}

}  // namespace gateway
