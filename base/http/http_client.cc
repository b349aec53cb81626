#include "base/http/http_client.h"

#include <cassert>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kHttpsPort = 443;

// Marks NoRoomForAnswer among other errors of its code.
constexpr std::string_view kNoRoomUrl = "llmgateway.dev/no_room_for_answer";

}  // namespace

std::string HttpDestination::Authority() const {
  const std::string port_text = absl::StrCat(port);
  std::string authority = JoinHostPort(host, port_text);
  if (port == (tls != nullptr ? kHttpsPort : kHttpPort)) {
    authority.resize(authority.size() - port_text.size() - 1);
  }
  return authority;
}

HttpRequestHead::HttpRequestHead(
    std::shared_ptr<const HttpDestination> destination, std::string method,
    std::string path, std::vector<Field> fields,
    std::shared_ptr<const void> use)
    : destination_(std::move(destination)),
      method_(std::move(method)),
      path_(std::move(path)),
      fields_(std::move(fields)),
      use_(std::move(use)),
      http1_("") {
  std::string text = absl::StrCat(method_, " ", path_, " HTTP/1.1\r\n");
  http1_line_bytes_ = text.size();
  AppendField("host", destination_->Authority(), &text);
  for (const Field& field : fields_) {
    assert(IsFieldName(field.name) && IsFieldValue(field.value.Reveal()));
    AppendField(field.name, field.value.Reveal(), &text);
  }
  http1_ = Secret(text);
  text.assign(text.size(), '\0');
}

absl::Status NoRoomForAnswer() {
  absl::Status status = absl::ResourceExhaustedError(
      "the answers that are being read hold too much memory");
  status.SetPayload(ToAbsl(kNoRoomUrl), absl::Cord());
  return status;
}

bool IsNoRoomForAnswer(const absl::Status& status) {
  return status.GetPayload(ToAbsl(kNoRoomUrl)).has_value();
}

}  // namespace gateway
