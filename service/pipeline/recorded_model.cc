#include "service/pipeline/recorded_model.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "base/text/utf8.h"
#include "google/protobuf/arena.h"
#include "service/audit/redaction/body_redactor.h"
#include "service/audit/redaction/plain_names.h"
#include "service/audit/redaction/secret_digests.h"
#include "service/ledger/hash_text.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

// As much of a name, or of an id, as is recorded: callers may write any amount
// of it.
constexpr size_t kRecordedBytesMax = 1024;
constexpr size_t kRecordedIdBytesMax = 256;
constexpr size_t kHashDigits = 8;

// The text itself, if there is nothing to take out of it.
std::string_view WithoutKeys(std::string_view text, IncomingCall& call) {
  PlainNames& plain = call.runtime->plain_names();
  if (plain.Has(text)) return text;
  RedactedText redacted = call.runtime->key_redactor()->RedactText(text);
  if (redacted.redactions == 0) {
    plain.Add(text);
    return text;
  }
  return *google::protobuf::Arena::Create<std::string>(
      &call.arena, std::move(redacted.text));
}

// The beginning of a name, without keys. It is looked at beyond where it is
// cut, so that no part of a key stays before that.
std::string_view RecordedBeginning(std::string_view name, IncomingCall& call,
                                   size_t bytes_max = kRecordedBytesMax) {
  const std::string_view looked_at =
      CutText(name, bytes_max + SecretDigests::kBytesMax);
  const std::string_view without = WithoutKeys(looked_at, call);
  return CutText(without, bytes_max);
}

// Whether a path is the same in each call, and says nothing that a caller has
// made up: `POST /v1/messages` and, by gRPC, the method's name.
bool IsOperationsOwn(std::string_view path, std::string_view operation) {
  return operation.ends_with(path) ||
         (path.starts_with('/') && path.substr(1) == operation);
}

bool HidesModel(const IncomingCall& call) {
  return call.recorded_model.data() != call.facts.model.data();
}

}  // namespace

std::string_view RecordedName(IncomingCall& call, std::string_view name) {
  return RecordedBeginning(name, call);
}

std::string_view RecordedId(IncomingCall& call, std::string_view id) {
  if (id.empty()) return id;
  const std::string_view recorded =
      RecordedBeginning(id, call, kRecordedIdBytesMax);
  if (recorded.data() == id.data() && recorded.size() == id.size()) return id;
  const std::string_view beginning =
      CutText(recorded, kRecordedIdBytesMax - kHashDigits - 1);
  return *google::protobuf::Arena::Create<std::string>(
      &call.arena, ToldApart(beginning, id));
}

std::string ToldApart(std::string_view recorded, std::string_view name) {
  return absl::StrCat(ToAbsl(recorded), "#",
                      HashText(name).substr(0, kHashDigits));
}

void NameModel(IncomingCall& call) {
  call.recorded_model = RecordedBeginning(call.facts.model, call);
  if (IsOperationsOwn(call.facts.path, call.facts.operation)) return;
  const std::string_view path = WithoutKeys(call.facts.path, call);
  if (path.data() != call.facts.path.data()) call.SetPath("", path);
}

std::string_view RecordedModel(IncomingCall& call, std::string_view model) {
  const std::string_view recorded = CutText(model, kRecordedBytesMax);
  const bool is_callers = HidesModel(call) && call.facts.model.find(recorded) !=
                                                  std::string_view::npos;
  return is_callers ? RecordedBeginning(model, call) : recorded;
}

}  // namespace gateway
