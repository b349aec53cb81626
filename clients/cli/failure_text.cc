#include "clients/cli/failure_text.h"

#include <cstddef>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/string_view.h"
#include "base/text/json_writer.h"
#include "base/text/shown_text.h"
#include "clients/cli/operator_words.h"
#include "google/rpc/status.pb.h"

namespace gateway {
namespace {

constexpr char kRpcDetailsUrl[] = "gatewayctl/google.rpc.Status";

// The first detail of a kind; an empty one if there is none.
template <typename Detail>
Detail DetailOf(const absl::Status& failure) {
  Detail found;
  const auto kept = failure.GetPayload(kRpcDetailsUrl);
  if (!kept.has_value()) return found;
  google::rpc::Status details;
  details.ParseFromString(std::string(*kept));
  for (const google::protobuf::Any& detail : details.details()) {
    if (detail.UnpackTo(&found)) return found;
  }
  return Detail();
}

}  // namespace

std::string FailureText(const absl::Status& why, bool as_json) {
  const absl::string_view message = absl::StripSuffix(why.message(), "\n");
  if (!as_json) {
    return absl::StrCat("gatewayctl: ", ShownText(ToStd(message)), "\n");
  }
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  json.StartObjectField("error");
  json.StringField("code", absl::StatusCodeToString(why.code()));
  json.StringField("reason", FailureReason(why));
  json.StringField("message", ToStd(message));
  json.EndObject();
  json.EndObject();
  // Of a file whose name is no text in UTF-8 it shows what is.
  return ShownText(text) + "\n";
}

bool WantsJson(const std::vector<std::string>& words) {
  bool wants = false;
  for (size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    const absl::string_view word = words[i];
    absl::string_view value = word;
    if (word == ToAbsl(kOutputFlag) && i + 1 < words.size()) {
      wants = words[i + 1] == "json";
    } else if (absl::ConsumePrefix(&value, ToAbsl(kOutputFlag)) &&
               absl::ConsumePrefix(&value, "=")) {
      wants = value == "json";
    }
  }
  return wants;
}

void SetRpcDetails(std::string_view details, absl::Status* failure) {
  failure->SetPayload(kRpcDetailsUrl, absl::Cord(ToAbsl(details)));
}

void CopyRpcDetails(const absl::Status& from, absl::Status* failure) {
  const auto kept = from.GetPayload(kRpcDetailsUrl);
  if (kept.has_value()) failure->SetPayload(kRpcDetailsUrl, *kept);
}

std::string FailureReason(const absl::Status& failure) {
  return DetailOf<google::rpc::ErrorInfo>(failure).reason();
}

google::rpc::BadRequest FailureFields(const absl::Status& failure) {
  return DetailOf<google::rpc::BadRequest>(failure);
}

}  // namespace gateway
