#include "service/cache/answer_record.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "llmgateway/v1/content.pb.h"
#include "service/cache/answer_record.pb.h"

namespace gateway {
namespace {

namespace kept = ::llmgateway::kept;
namespace v1 = ::llmgateway::v1;

constexpr size_t kChecksumBytes = sizeof(uint64_t);

// Eight bytes, or the rest with zeros behind, by their places: the same on each
// machine.
uint64_t WordAt(std::string_view text, size_t at) {
  uint64_t word = 0;
  const size_t size = std::min(text.size() - at, sizeof(word));
  for (size_t i = 0; i < size; ++i) {
    word |= uint64_t{static_cast<unsigned char>(text[at + i])} << (8 * i);
  }
  return word;
}

void Mix(std::string_view text, uint64_t* sum) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  const auto add = [sum](uint64_t word) {
    *sum = (*sum ^ word) * kOdd;
    *sum ^= *sum >> 29;
  };
  add(text.size());
  for (size_t at = 0; at < text.size(); at += sizeof(uint64_t)) {
    add(WordAt(text, at));
  }
}

// Whether a body is cut where its events end.
bool EndsFit(const kept::AnswerRecord& record) {
  uint64_t last = 0;
  for (const uint64_t end : record.event_ends()) {
    if (end <= last) return false;
    last = end;
  }
  return record.event_ends().empty() || last == record.body().size();
}

KeptAnswerPtr AnswerFrom(kept::AnswerRecord& record) {
  auto answer = std::make_shared<KeptAnswer>();
  answer->body = std::move(*record.mutable_body());
  answer->event_ends.assign(record.event_ends().begin(),
                            record.event_ends().end());
  answer->is_message = record.is_message();
  answer->request_id = std::move(*record.mutable_request_id());
  answer->kept_id = std::move(*record.mutable_kept_id());
  answer->exchange_entry_id = std::move(*record.mutable_exchange_entry_id());
  answer->provider = std::move(*record.mutable_provider());
  if (record.has_caller()) answer->caller = std::move(*record.mutable_caller());
  answer->credential = std::move(*record.mutable_credential());
  answer->model = std::move(*record.mutable_model());
  answer->created = absl::FromUnixMicros(record.created_us());
  answer->usage = std::move(*record.mutable_usage());
  answer->finish_reason = record.finish_reason();
  answer->warnings.assign(record.warnings().begin(), record.warnings().end());
  return answer;
}

}  // namespace

uint64_t RecordChecksum(std::string_view name, std::string_view rest) {
  uint64_t sum = 0;
  Mix(name, &sum);
  Mix(rest, &sum);
  return sum;
}

std::string WriteAnswerRecord(std::string_view name, const KeptAnswer& answer,
                              absl::Time kept) {
  kept::AnswerRecord record;
  record.set_kept_us(absl::ToUnixMicros(kept));
  record.set_created_us(absl::ToUnixMicros(answer.created));
  record.set_request_id(answer.request_id);
  record.set_kept_id(answer.kept_id);
  record.set_exchange_entry_id(answer.exchange_entry_id);
  record.set_provider(answer.provider);
  if (answer.caller.has_value()) record.set_caller(*answer.caller);
  record.set_credential(answer.credential);
  record.set_model(answer.model);
  *record.mutable_usage() = answer.usage;
  record.set_finish_reason(answer.finish_reason);
  record.mutable_warnings()->Assign(answer.warnings.begin(),
                                    answer.warnings.end());
  record.set_is_message(answer.is_message);
  record.mutable_event_ends()->Assign(answer.event_ends.begin(),
                                      answer.event_ends.end());
  record.set_body(answer.body);
  std::string bytes(kChecksumBytes, '\0');
  record.AppendToString(&bytes);
  const uint64_t sum =
      RecordChecksum(name, std::string_view(bytes).substr(kChecksumBytes));
  for (size_t i = 0; i < kChecksumBytes; ++i) {
    bytes[i] = static_cast<char>(sum >> (8 * i));
  }
  return bytes;
}

std::optional<AnswerRecord> ReadAnswerRecord(std::string_view name,
                                             std::string_view bytes) {
  if (bytes.size() <= kChecksumBytes) return std::nullopt;
  const std::string_view rest = bytes.substr(kChecksumBytes);
  if (WordAt(bytes.substr(0, kChecksumBytes), 0) !=
      RecordChecksum(name, rest)) {
    return std::nullopt;
  }
  kept::AnswerRecord record;
  if (!record.ParseFromArray(rest.data(), static_cast<int>(rest.size())) ||
      !EndsFit(record) || !v1::FinishReason_IsValid(record.finish_reason())) {
    return std::nullopt;
  }
  const absl::Time kept = absl::FromUnixMicros(record.kept_us());
  return AnswerRecord{.answer = AnswerFrom(record), .kept = kept};
}

}  // namespace gateway
