#include "service/cache/request_key.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/types/span.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/wire_format_lite.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

using google::protobuf::internal::WireFormatLite;
using Request = ::llmgateway::v1::GenerateRequest;

// In front of everything: what is written behind it may change with a version.
constexpr std::string_view kVersion = "llmgateway-request-key-1";

// Say which kind of form follows the scope.
enum class Form : char { kJson = 'j', kMessage = 'm', kBytes = 'b' };

// What is digested, kept by the thread for the next request.
constexpr size_t kFormBytesKept = 256 * 1024;

std::string& ThreadForm() {
  thread_local std::string form;
  if (form.capacity() > kFormBytesKept) form = {};
  form.clear();
  return form;
}

void AppendText(std::string_view text, std::string* form) {
  const uint64_t length = text.size();
  form->append(reinterpret_cast<const char*>(&length), sizeof(length));
  form->append(text);
}

void AppendScope(const RequestScope& scope, Form kind, std::string* form) {
  form->append(kVersion);
  AppendText(scope.caller, form);
  AppendText(scope.api, form);
  AppendText(scope.operation, form);
  form->push_back(scope.stream ? '1' : '0');
  const uint64_t count = scope.varies_by.size();
  form->append(reinterpret_cast<const char*>(&count), sizeof(count));
  for (const std::string_view text : scope.varies_by) AppendText(text, form);
  form->push_back(static_cast<char>(kind));
}

// Cuts the fields of these numbers out of a serialized message, which begins at
// `begin`.
bool CutFields(absl::Span<const int> left_out, size_t begin,
               std::string* form) {
  namespace io = google::protobuf::io;
  const auto bytes = static_cast<int>(form->size() - begin);
  io::CodedInputStream input(
      reinterpret_cast<const uint8_t*>(form->data() + begin), bytes);
  size_t kept = begin;
  int field = 0;  // Where the field begins.
  while (const uint32_t tag = input.ReadTag()) {
    if (!WireFormatLite::SkipField(&input, tag)) return false;
    const int end = input.CurrentPosition();
    const int number = WireFormatLite::GetTagFieldNumber(tag);
    if (!std::binary_search(left_out.begin(), left_out.end(), number)) {
      std::memmove(form->data() + kept, form->data() + begin + field,
                   end - field);
      kept += end - field;
    }
    field = end;
  }
  form->resize(kept);
  return field == bytes;
}

}  // namespace

std::string RequestKey::Hex() const {
  return absl::BytesToHexString(
      {reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::optional<RequestKey> KeyOfJson(const RequestScope& scope,
                                    std::string_view body,
                                    absl::Span<const std::string_view> left_out,
                                    WatchedMember* watched) {
  std::string& form = ThreadForm();
  AppendScope(scope, Form::kJson, &form);
  if (!AppendCanonicalJson(body, left_out, &form, watched)) return std::nullopt;
  return RequestKey{Sha256(form)};
}

bool AppendMessage(const google::protobuf::MessageLite& message,
                   std::string* out) {
  google::protobuf::io::StringOutputStream stream(out);
  google::protobuf::io::CodedOutputStream output(&stream);
  // The order of a map's entries would be chance otherwise.
  output.SetSerializationDeterministic(true);
  return message.SerializeToCodedStream(&output);
}

std::optional<RequestKey> KeyOfMessage(
    const RequestScope& scope, const google::protobuf::MessageLite& message,
    absl::Span<const int> left_out) {
  std::string& form = ThreadForm();
  AppendScope(scope, Form::kMessage, &form);
  const size_t begin = form.size();
  if (!AppendMessage(message, &form)) return std::nullopt;
  if (!CutFields(left_out, begin, &form)) return std::nullopt;
  return RequestKey{Sha256(form)};
}

RequestKey KeyOfBytes(const RequestScope& scope, std::string_view body) {
  std::string& form = ThreadForm();
  AppendScope(scope, Form::kBytes, &form);
  form.append(body);
  return RequestKey{Sha256(form)};
}

std::vector<int> LeftOutOfGenerateRequest(
    absl::Span<const std::string_view> names) {
  std::vector<int> numbers = {Request::kIdempotencyKeyFieldNumber,
                              Request::kCacheControlFieldNumber};
  for (const std::string_view name : names) {
    if (name == "user") {
      numbers.push_back(Request::kScopeFieldNumber);
    } else if (name == "metadata") {
      numbers.push_back(Request::kLabelsFieldNumber);
    } else if (const auto* const field =
                   Request::descriptor()->FindFieldByName(std::string(name));
               field != nullptr) {
      numbers.push_back(field->number());
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

bool AnswersRepeatRequests(std::string_view dialect) {
  return dialect == "openai_responses";
}

}  // namespace gateway
