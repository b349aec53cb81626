#include "service/pipeline/recorded_model.h"

#include <cstddef>
#include <string>
#include <utility>

#include "base/text/utf8.h"
#include "google/protobuf/arena.h"
#include "service/audit/redaction/key_redactor.h"

namespace gateway {
namespace {

// As much of a name as is recorded: callers may write any amount of it.
constexpr size_t kRecordedBytesMax = 1024;

// The text itself, if there is nothing to take out of it.
std::string_view WithoutKeys(std::string_view text, IncomingCall& call) {
  RedactedText redacted = KeyRedactor().RedactText(text);
  if (redacted.redactions == 0) return text;
  return *google::protobuf::Arena::Create<std::string>(
      &call.arena, std::move(redacted.text));
}

bool HidesModel(const IncomingCall& call) {
  return call.recorded_model.data() != call.facts.model.data();
}

}  // namespace

void NameModel(IncomingCall& call) {
  call.recorded_model =
      WithoutKeys(CutText(call.facts.model, kRecordedBytesMax), call);
  if (!HidesModel(call)) return;
  const std::string_view path = WithoutKeys(call.facts.path, call);
  if (path.data() != call.facts.path.data()) call.SetPath("", path);
}

std::string_view RecordedModel(IncomingCall& call, std::string_view model) {
  const std::string_view recorded = CutText(model, kRecordedBytesMax);
  const bool is_callers = HidesModel(call) && call.facts.model.find(recorded) !=
                                                  std::string_view::npos;
  return is_callers ? WithoutKeys(recorded, call) : recorded;
}

}  // namespace gateway
