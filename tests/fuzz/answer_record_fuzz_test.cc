// Any bytes are a record of an answer or none: what is one has events that fit
// its body, and is the same when it is written again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "service/cache/answer_record.h"
#include "tests/testing/exact_copy.h"

namespace gateway {
namespace {

constexpr std::string_view kName = "llmgw:answer:1:fuzz";

void Expect(bool holds) {
  if (!holds) std::abort();
}

void Check(std::string_view bytes) {
  const std::optional<AnswerRecord> record = ReadAnswerRecord(kName, bytes);
  if (!record) return;
  const KeptAnswer& answer = *record->answer;
  size_t last = 0;
  for (const size_t end : answer.event_ends) {
    Expect(end > last && end <= answer.body.size());
    last = end;
  }
  Expect(!answer.is_stream() || last == answer.body.size());
  const std::optional<AnswerRecord> again =
      ReadAnswerRecord(kName, WriteAnswerRecord(kName, answer, record->kept));
  Expect(again && again->answer->body == answer.body &&
         again->answer->event_ends == answer.event_ends &&
         again->kept == record->kept);
}

// What follows the checksum, with one that is right.
void CheckRest(std::string_view rest) {
  uint64_t sum = RecordChecksum(kName, rest);
  std::string bytes;
  for (size_t i = 0; i < sizeof(sum); ++i, sum >>= 8) {
    bytes += static_cast<char>(sum);
  }
  bytes += rest;
  const ExactCopy copy(bytes);
  Check(copy.view());
}

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const gateway::ExactCopy copy(
      std::string_view(reinterpret_cast<const char*>(data), size));
  gateway::Check(copy.view());
  gateway::CheckRest(copy.view());
  return 0;
}
