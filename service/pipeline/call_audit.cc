#include "service/pipeline/call_audit.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "service/audit/audit_policy.h"
#include "service/identity/scopes.h"
#include "service/observability/charged_cost.h"
#include "service/observability/consumed_usage.h"
#include "service/pipeline/call.h"
#include "service/pipeline/message_text.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

// Before each event of a stream that was read stands its size.
constexpr size_t kEventSizeBytes = sizeof(uint32_t);

// A line of JSON for each event.
std::string EventLines(std::string_view bytes) {
  std::string lines;
  v1::GenerateEvent event;
  while (bytes.size() >= kEventSizeBytes) {
    uint32_t size = 0;
    bytes.copy(reinterpret_cast<char*>(&size), kEventSizeBytes);
    bytes.remove_prefix(kEventSizeBytes);
    if (size > bytes.size() ||
        !event.ParseFromArray(bytes.data(), static_cast<int>(size))) {
      break;
    }
    lines += MessageText(event, size_t{4} * size + 256);
    lines.push_back('\n');
    bytes.remove_prefix(size);
  }
  return lines;
}

std::array<int64_t, AuditUsage::kTokenKinds> AuditTokensOf(
    const v1::Usage& usage) {
  return {usage.input_tokens(),
          usage.output_tokens(),
          usage.cached_input_tokens(),
          usage.cache_write_tokens(),
          usage.cache_write_1h_tokens(),
          usage.reasoning_tokens(),
          usage.audio_input_tokens(),
          usage.audio_output_tokens(),
          usage.accepted_prediction_tokens(),
          usage.rejected_prediction_tokens(),
          usage.image_input_tokens(),
          usage.image_output_tokens()};
}

// In the order of AuditText.
void AddTexts(const Call& call, const CallRecord& record, AuditTexts* texts) {
  const CallScope& scope = record.scope;
  for (const std::string_view text :
       {record.request_id,    record.operation,
        record.caller,        std::string_view(call.caller->owner),
        record.peer,          scope.user_id,
        scope.session_id,     scope.work_order_id,
        scope.agent_id,       scope.agent_type,
        scope.project_id,     scope.contract_id,
        scope.framework_id,   scope.tier,
        record.model_asked,   record.provider,
        record.model_served,  record.route_reason,
        record.error_message, record.answer_of}) {
    texts->Add(text);
  }
}

}  // namespace

CallAudit::CallAudit(const BodyRule& rule, bool is_http)
    : keeps_request_(rule.request),
      keeps_response_(rule.response),
      is_http_(is_http),
      bytes_limit_(rule.bytes_limit) {}

std::unique_ptr<CallAudit> CallAudit::OfRule(const Call& call,
                                             std::string_view route) {
  const BodyRule* const rule = call.runtime->audit_policy().rules.Match(
      {.route = route,
       .api = ScopedApiName(call.facts.head.api),
       .caller = call.caller->id,
       .owner = call.caller->owner});
  if (rule == nullptr) return nullptr;
  return std::unique_ptr<CallAudit>(
      new CallAudit(*rule, call.facts.head.protocol == Protocol::kHttp));
}

std::unique_ptr<CallAudit> CallAudit::BeginResumed(
    const Call& call, std::string_view route,
    const google::protobuf::Message* request) {
  if (!AsksForBodies(call)) return nullptr;
  std::unique_ptr<CallAudit> audit = OfRule(call, route);
  if (audit == nullptr || !audit->keeps_request_) return audit;
  if (request != nullptr) {
    audit->TakeMessage(*request, &audit->request_);
  } else if (!call.facts.http_body.empty()) {
    audit->TakeBytes(call.facts.http_body, &audit->request_);
  }
  return audit;
}

std::unique_ptr<CallAudit> CallAudit::Begin(const Call& call) {
  std::unique_ptr<CallAudit> audit = OfRule(call, call.planned.reason);
  if (audit == nullptr || !audit->keeps_request_) return audit;
  AuditBody* const request = &audit->request_;
  if (!call.facts.http_body.empty()) {
    audit->TakeBytes(call.facts.http_body, request);
  } else if (call.own_request != nullptr || call.request != nullptr) {
    audit->TakeMessage(
        call.own_request != nullptr ? *call.own_request : *call.request,
        request);
  } else if (call.embed != nullptr) {
    audit->TakeMessage(*call.embed, request);
  }
  return audit;
}

size_t CallAudit::BytesMax() const {
  return bytes_limit_ + kRedactionMarginBytes;
}

void CallAudit::TakeBytes(std::string_view bytes, AuditBody* body) const {
  body->is_kept = true;
  body->bytes_limit = bytes_limit_;
  body->truncated = bytes.size() > BytesMax();
  body->bytes = bytes.substr(0, BytesMax());
}

void CallAudit::TakeMessage(const google::protobuf::Message& message,
                            AuditBody* body) const {
  body->is_kept = true;
  body->bytes_limit = bytes_limit_;
  body->bytes = MessageText(message, BytesMax());
  body->truncated = body->bytes.size() >= BytesMax();
}

size_t CallAudit::BytesToTake(size_t answer_bytes) const {
  return keeps_response_ ? std::min(answer_bytes, BytesMax()) : 0;
}

void CallAudit::TakeAnswer(const google::protobuf::Message& answer) {
  if (keeps_response_) TakeMessage(answer, &response_);
}

void CallAudit::AddBatch(const StreamBatch& batch) {
  if (!keeps_response_ || is_http_) return;
  response_.is_kept = true;
  response_.bytes_limit = bytes_limit_;
  for (const v1::GenerateEvent& event : batch.events) {
    AddEvent(event);
    if (response_.truncated) return;
  }
}

void CallAudit::AddEvent(const v1::GenerateEvent& event) {
  if (!keeps_response_ || is_http_) return;
  response_.is_kept = true;
  response_.bytes_limit = bytes_limit_;
  std::string& bytes = response_.bytes;
  if (bytes.size() >= BytesMax()) {
    response_.truncated = true;
    return;
  }
  response_.to_text = &EventLines;
  const auto size = static_cast<uint32_t>(event.ByteSizeLong());
  bytes.append(reinterpret_cast<const char*>(&size), kEventSizeBytes);
  event.AppendToString(&bytes);
}

void CallAudit::AddSent(absl::Span<const std::string_view> pieces) {
  if (!keeps_response_) return;
  response_.is_kept = true;
  response_.bytes_limit = bytes_limit_;
  std::string& bytes = response_.bytes;
  for (const std::string_view piece : pieces) {
    const size_t room = BytesMax() - std::min(BytesMax(), bytes.size());
    response_.truncated |= piece.size() > room;
    bytes.append(piece.substr(0, room));
  }
}

void CallAudit::MoveTo(AuditEntry* entry) {
  entry->request = std::move(request_);
  entry->response = std::move(response_);
}

bool AsksForBodies(const Call& call) {
  return call.runtime->audit() != nullptr &&
         !call.runtime->audit_policy().rules.empty() && IsKnown(*call.caller);
}

AuditEntry AuditEntryOf(const Call& call, const CallRecord& record) {
  AuditEntry entry;
  entry.time = record.start_time;
  AddTexts(call, record, &entry.texts);
  entry.outcome = record.status_code == absl::StatusCode::kOk
                      ? AuditOutcome::kSucceeded
                      : AuditOutcome::kFailed;
  entry.stream = record.stream;
  entry.failure = record.error_reason;
  entry.status_code = static_cast<int>(record.status_code);
  entry.http_status = record.http_status;
  entry.finish_reason = record.finish_reason;
  entry.attempts = static_cast<int>(record.attempts.size());
  const v1::Usage& usage = ConsumedUsage(record);
  entry.usage = {.tokens = AuditTokensOf(usage),
                 .charged_nanos = ChargedNanos(usage),
                 .cost_known = usage.cost_known(),
                 .estimated = usage.estimated()};
  entry.duration = record.duration;
  entry.request_bytes = record.request_bytes;
  entry.response_bytes = record.response_bytes;
  if (call.audit != nullptr) call.audit->MoveTo(&entry);
  return entry;
}

}  // namespace gateway
