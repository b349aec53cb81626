#include "clients/cpp/answer_fault.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "llmgateway/v1/errors.pb.h"

namespace gateway {

namespace {

namespace v1 = ::llmgateway::v1;

std::string ReasonOf(v1::ErrorReason reason) {
  const std::string& name = v1::ErrorReason_Name(reason);
  if (name.empty()) return absl::StrCat(static_cast<int>(reason));
  return std::string(absl::StripPrefix(name, "ERROR_REASON_"));
}

}  // namespace

AnswerFault EventLost(const std::string& lost) {
  return {absl::StatusCode::kDataLoss,
          ReasonOf(v1::ERROR_REASON_STREAM_INTERRUPTED), lost};
}

std::optional<AnswerFault> FaultOfEnd(const v1::StreamEnd* end) {
  if (end == nullptr) {
    return AnswerFault{absl::StatusCode::kUnavailable,
                       ReasonOf(v1::ERROR_REASON_STREAM_INTERRUPTED),
                       "the stream broke off without its end"};
  }
  if (end->outcome() == v1::StreamEnd::OUTCOME_FINISHED) return std::nullopt;
  const std::string& told = end->error().message();
  return AnswerFault{absl::StatusCode::kUnknown,
                     ReasonOf(end->error().reason()),
                     told.empty() ? "the model did not finish" : told};
}

}  // namespace gateway
