// Http2RequestFields is the head of a request in HTTP/2's form. Points into the
// texts that it is made of.
//
// Thread-compatible.

#ifndef BASE_HTTP_HTTP2_REQUEST_FIELDS_H_
#define BASE_HTTP_HTTP2_REQUEST_FIELDS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/http/http1_codec.h"
#include "base/http/http_client.h"
#include "base/string_view.h"

namespace gateway {

class Http2RequestFields {
 public:
  // `length` is the body's, if known.
  Http2RequestFields(const HttpCall& call, const std::string& authority,
                     std::optional<uint64_t> length)
      : length_(absl::StrCat(length.value_or(0))) {
    const HttpRequestHead& head = *call.head;
    fields_.push_back({":method", head.method()});
    fields_.push_back(
        {":scheme", head.destination()->tls != nullptr ? "https" : "http"});
    fields_.push_back({":authority", authority});
    fields_.push_back({":path", call.path.empty() ? head.path() : call.path});
    for (const HttpRequestHead::Field& field : head.fields()) {
      Add({field.name, field.value.Reveal(), !field.indexable});
    }
    for (const HttpField& field : call.extra_fields) {
      if (IsLowerCase(field.name)) {
        Add(field);
      } else {
        // Reserved, since views of them are taken.
        names_.reserve(call.extra_fields.size());
        names_.push_back(absl::AsciiStrToLower(ToAbsl(field.name)));
        Add({names_.back(), field.value, field.secret});
      }
    }
    if (length.has_value() && (*length > 0 || head.method() != "GET")) {
      fields_.push_back({"content-length", length_});
    }
  }

  absl::Span<const HttpField> fields() const { return fields_; }

 private:
  // Whether a field belongs to an HTTP/1.1 connection, or is told by HTTP/2 in
  // another way. One value is left to `te` (RFC 9113, 8.2.2), which gRPC sends.
  static bool IsForbidden(const HttpField& field) {
    constexpr std::array<std::string_view, 8> kNames = {
        "connection", "content-length",    "host",    "keep-alive",
        "te",         "transfer-encoding", "upgrade", "proxy-connection"};
    if (field.name == "te" && field.value == "trailers") return false;
    return std::find(kNames.begin(), kNames.end(), field.name) != kNames.end();
  }
  static bool IsLowerCase(std::string_view name) {
    return std::none_of(name.begin(), name.end(), absl::ascii_isupper);
  }

  void Add(const HttpField& field) {
    if (!IsForbidden(field)) fields_.push_back(field);
  }

  const std::string length_;
  std::vector<std::string> names_;
  absl::InlinedVector<HttpField, 16> fields_;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_REQUEST_FIELDS_H_
