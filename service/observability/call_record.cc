#include "service/observability/call_record.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/text/utf8.h"
#include "errors/fault.h"

namespace gateway {
namespace {

constexpr std::array<std::string_view, 17> kStatusCodeNames = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
};

// Calls `visit` with every text of a record.
template <typename Visit>
void VisitTexts(CallRecord& record, Visit visit) {
  for (std::string_view* text : {&record.request_id,
                                 &record.trace_id,
                                 &record.operation,
                                 &record.path,
                                 &record.method,
                                 &record.caller,
                                 &record.peer,
                                 &record.model_asked,
                                 &record.provider,
                                 &record.model_served,
                                 &record.route_reason,
                                 &record.error_message,
                                 &record.cache,
                                 &record.cache_key,
                                 &record.answer_of,
                                 &record.scope.user_id,
                                 &record.scope.session_id,
                                 &record.scope.work_order_id,
                                 &record.scope.agent_id,
                                 &record.scope.agent_type,
                                 &record.scope.project_id,
                                 &record.scope.contract_id,
                                 &record.scope.framework_id,
                                 &record.scope.tier}) {
    visit(*text);
  }
}

template <typename Visit>
void VisitTexts(CallLabel& label, Visit visit) {
  visit(label.key);
  visit(label.value);
}

template <typename Visit>
void VisitTexts(CallAttempt& attempt, Visit visit) {
  for (std::string_view* text :
       {&attempt.provider, &attempt.model, &attempt.error_message,
        &attempt.credential, &attempt.provider_request_id}) {
    visit(*text);
  }
}

}  // namespace

bool IsRefusal(const CallRecord& record) {
  return record.status_code != absl::StatusCode::kOk && record.attempts.empty();
}

std::string_view StatusCodeName(absl::StatusCode code) {
  const auto index = static_cast<size_t>(code);
  return index < kStatusCodeNames.size() ? kStatusCodeNames[index] : "UNKNOWN";
}

std::string_view ErrorReasonName(llmgateway::v1::ErrorReason reason) {
  return reason == llmgateway::v1::ERROR_REASON_UNSPECIFIED
             ? std::string_view()
             : ReasonName(reason);
}

std::string_view ProtocolName(Protocol protocol) {
  return protocol == Protocol::kGrpc ? "grpc" : "http";
}

OwnedCallRecord::OwnedCallRecord(const CallRecord& record)
    : record_(record),
      usage_(*record.usage),
      labels_(record.labels.begin(), record.labels.end()) {
  attempts_.reserve(record.attempts.size());
  usages_.reserve(record.attempts.size());
  for (const CallAttempt* attempt : record.attempts) {
    CallAttempt& own = attempts_.emplace_back(*attempt);
    if (own.usage == record.usage) {
      own.usage = &usage_;
    } else if (own.usage != nullptr) {
      own.usage = &usages_.emplace_back(*own.usage);
    }
    pointers_.push_back(&own);
  }
  record_.usage = &usage_;
  if (record.consumed != nullptr) {
    record_.consumed = &consumed_.emplace(*record.consumed);
  }
  record_.attempts = pointers_;
  record_.labels = labels_;
  size_t size = 0;
  const auto cut = [&](std::string_view& text) {
    text = CutText(text, kTextBytesMax);
    size += text.size();
  };
  VisitTexts(record_, cut);
  for (CallAttempt& attempt : attempts_) VisitTexts(attempt, cut);
  for (CallLabel& label : labels_) VisitTexts(label, cut);

  // Reserved at once, since the views would not survive a reallocation.
  texts_.reserve(size);
  const auto own = [&](std::string_view& text) {
    const size_t begin = texts_.size();
    texts_.append(text);
    text = std::string_view(texts_).substr(begin, text.size());
  };
  VisitTexts(record_, own);
  for (CallAttempt& attempt : attempts_) VisitTexts(attempt, own);
  for (CallLabel& label : labels_) VisitTexts(label, own);
}

}  // namespace gateway
