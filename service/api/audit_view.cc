#include "service/api/audit_view.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/utf8.h"
#include "errors/fault.h"
#include "google/protobuf/descriptor.h"
#include "proto/proto_time.h"
#include "service/api/key_view.h"
#include "service/observability/record_messages.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr absl::string_view kAuditMark = "audit:";
constexpr size_t kFilterTextBytesMax = 1024;

// That a number is one of the values of its type. So many are named in a
// refusal.
absl::Status CheckValue(std::string_view field, int number,
                        const google::protobuf::EnumDescriptor& type) {
  constexpr int kValuesNamedMax = 8;
  if (type.FindValueByNumber(number) != nullptr) return absl::OkStatus();
  std::string known;
  for (int i = 1; i < type.value_count() && i <= kValuesNamedMax; ++i) {
    absl::StrAppend(&known, known.empty() ? "" : ", ", type.value(i)->name());
  }
  const bool is_long = type.value_count() - 1 > kValuesNamedMax;
  return InvalidField(
      field, absl::StrCat("is ", number, ", which there is not; there are ",
                          known, is_long ? " and others of " : "",
                          is_long ? type.name() : ""));
}

// Callers may say any bytes; messages are UTF-8.
std::string ValidText(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    if (bytes == 0) {
      valid += "\xef\xbf\xbd";
      text.remove_prefix(1);
      continue;
    }
    valid += text.substr(0, bytes);
    text.remove_prefix(bytes);
  }
  return valid;
}

void FillAuditScope(const AuditTexts& texts, v1::CallerScope* to) {
  to->set_user_id(ValidText(texts[AuditText::kUserId]));
  to->set_session_id(ValidText(texts[AuditText::kSessionId]));
  to->set_work_order_id(ValidText(texts[AuditText::kWorkOrderId]));
  to->set_agent_id(ValidText(texts[AuditText::kAgentId]));
  to->set_agent_type(ValidText(texts[AuditText::kAgentType]));
  to->set_project_id(ValidText(texts[AuditText::kProjectId]));
  to->set_contract_id(ValidText(texts[AuditText::kContractId]));
  to->set_framework_id(ValidText(texts[AuditText::kFrameworkId]));
  to->set_tier(ValidText(texts[AuditText::kTier]));
}

void FillAuditUsage(const AuditUsage& from, v1::Usage* to) {
  to->set_input_tokens(from.tokens[0]);
  to->set_output_tokens(from.tokens[1]);
  to->set_cached_input_tokens(from.tokens[2]);
  to->set_cache_write_tokens(from.tokens[3]);
  to->set_cache_write_1h_tokens(from.tokens[4]);
  to->set_reasoning_tokens(from.tokens[5]);
  to->set_audio_input_tokens(from.tokens[6]);
  to->set_audio_output_tokens(from.tokens[7]);
  to->set_accepted_prediction_tokens(from.tokens[8]);
  to->set_rejected_prediction_tokens(from.tokens[9]);
  to->set_image_input_tokens(from.tokens[10]);
  to->set_image_output_tokens(from.tokens[11]);
  to->set_cost_usd_nanos(from.charged_nanos.value_or(0));
  to->set_cost_known(from.cost_known);
  to->set_estimated(from.estimated);
}

void FillAuditBody(const AuditBody& from, v1::AuditBody* to) {
  to->set_text(ValidText(from.bytes));
  to->set_kept_bytes(from.kept_bytes);
  to->set_truncated(from.truncated);
  to->set_redactions(from.redactions);
  to->set_key_id(from.key_id);
  to->set_unavailable(from.unavailable);
}

// Fills in what only an entry of a call has.
void FillAuditedCall(const AuditEntry& from, v1::AuditEntry* to) {
  const AuditTexts& texts = from.texts;
  FillAuditScope(texts, to->mutable_scope());
  if (to->scope().ByteSizeLong() == 0) to->clear_scope();
  if (!texts[AuditText::kProvider].empty()) {
    FillRoute(ValidText(texts[AuditText::kProvider]),
              ValidText(texts[AuditText::kModelServed]),
              ValidText(texts[AuditText::kRouteReason]), to->mutable_route());
  }
  FillAuditUsage(from.usage, to->mutable_usage());
  SetProto(from.duration, to->mutable_duration());
  to->set_attempts(from.attempts);
  to->set_stream(from.stream);
  to->set_outcome(static_cast<v1::AuditOutcome>(from.outcome));
  to->set_failure(static_cast<v1::ErrorReason>(from.failure));
  to->set_status_code(from.status_code);
  to->set_http_status(from.http_status);
  to->set_finish_reason(static_cast<v1::FinishReason>(from.finish_reason));
  to->set_request_bytes(from.request_bytes);
  to->set_response_bytes(from.response_bytes);
}

}  // namespace

void FillAuditEntry(const AuditEntry& from, v1::AuditEntry* to) {
  const AuditTexts& texts = from.texts;
  to->set_id(from.id);
  to->set_kind(static_cast<v1::AuditEntry::Kind>(from.kind));
  SetProto(from.time, to->mutable_time());
  to->set_request_id(ValidText(texts[AuditText::kRequestId]));
  to->set_operation(ValidText(texts[AuditText::kOperation]));
  to->set_caller(ValidText(texts[AuditText::kCaller]));
  to->set_owner(ValidText(texts[AuditText::kOwner]));
  to->set_peer(ValidText(texts[AuditText::kPeer]));
  to->set_model(ValidText(texts[AuditText::kModel]));
  to->set_message(ValidText(texts[AuditText::kMessage]));
  to->set_answer_of(ValidText(texts[AuditText::kAnswerOf]));
  to->set_entries(from.entries);
  if (from.kind == AuditKind::kCall) FillAuditedCall(from, to);
  if (from.request.is_kept) FillAuditBody(from.request, to->mutable_request());
  if (from.response.is_kept) {
    FillAuditBody(from.response, to->mutable_response());
  }
}

absl::StatusOr<AuditFilter> AuditFilterOf(const v1::AuditFilter& filter) {
  const std::pair<const char*, const std::string*> texts[] = {
      {"filter.caller", &filter.caller()},
      {"filter.agent_id", &filter.agent_id()},
      {"filter.agent_type", &filter.agent_type()},
      {"filter.provider", &filter.provider()},
      {"filter.project_id", &filter.project_id()},
      {"filter.model", &filter.model()},
      {"filter.request_id", &filter.request_id()}};
  for (const auto& [field, text] : texts) {
    if (text->size() > kFilterTextBytesMax) {
      return InvalidField(field, "must have at most 1024 bytes");
    }
  }
  GATEWAY_RETURN_IF_ERROR(CheckValue("filter.kind", filter.kind(),
                                     *v1::AuditEntry::Kind_descriptor()));
  GATEWAY_RETURN_IF_ERROR(CheckValue("filter.outcome", filter.outcome(),
                                     *v1::AuditOutcome_descriptor()));
  GATEWAY_RETURN_IF_ERROR(CheckValue("filter.failure", filter.failure(),
                                     *v1::ErrorReason_descriptor()));
  if (filter.has_start_time()) {
    GATEWAY_RETURN_IF_ERROR(
        CheckTime(filter.start_time(), "filter.start_time"));
  }
  if (filter.has_end_time()) {
    GATEWAY_RETURN_IF_ERROR(CheckTime(filter.end_time(), "filter.end_time"));
  }
  AuditFilter result{.request_id = filter.request_id(),
                     .caller = filter.caller(),
                     .agent_id = filter.agent_id(),
                     .agent_type = filter.agent_type(),
                     .provider = filter.provider(),
                     .project_id = filter.project_id(),
                     .model = filter.model(),
                     .outcome = static_cast<AuditOutcome>(filter.outcome()),
                     .failure = filter.failure()};
  if (filter.kind() != v1::AuditEntry::KIND_UNSPECIFIED) {
    result.kind = static_cast<AuditKind>(filter.kind());
  }
  if (filter.has_start_time()) result.start_time = ToAbsl(filter.start_time());
  if (filter.has_end_time()) result.end_time = ToAbsl(filter.end_time());
  if (result.end_time < result.start_time) {
    return InvalidField("filter.end_time", "is before filter.start_time");
  }
  return result;
}

std::string AuditPageToken(const AuditPlace& place) {
  return absl::StrCat(kAuditMark, place.time_us, "/", place.id);
}

absl::StatusOr<AuditPlace> AuditPlaceOf(const std::string& page_token) {
  AuditPlace place;
  if (page_token.empty()) return place;
  absl::string_view token = page_token;
  const bool marked = absl::ConsumePrefix(&token, kAuditMark);
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '/');
  if (!marked || parts.size() != 2 ||
      !absl::SimpleAtoi(parts[0], &place.time_us) ||
      !absl::SimpleAtoi(parts[1], &place.id)) {
    return InvalidField("page_token", "is not one that this listing returned");
  }
  return place;
}

}  // namespace gateway
