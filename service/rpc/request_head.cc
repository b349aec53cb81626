#include "service/rpc/request_head.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/http/http2_limits.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/literal.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "service/rpc/binary_metadata.h"
#include "service/rpc/call_trailers.h"
#include "service/rpc/size_fault.h"

namespace gateway {
namespace {

constexpr size_t kTimeoutDigitsMax = 8;

// A longer timeout counts as none, so that a deadline counted from now does not
// overflow.
constexpr absl::Duration kTimeoutMax = absl::Hours(24 * 365);

bool IsBinary(std::string_view name) { return name.ends_with("-bin"); }

// Removes the first element from a list and returns it, without the spaces
// around it. The list becomes null behind its last element.
std::string_view TakeElement(std::string_view* list) {
  const size_t comma = std::min(list->find(','), list->size());
  const std::string_view element = list->substr(0, comma);
  *list = comma == list->size() ? std::string_view() : list->substr(comma + 1);
  return ToStd(absl::StripAsciiWhitespace(ToAbsl(element)));
}

bool IsGrpc(std::string_view content_type) {
  if (content_type == kGrpcContentType) return true;  // The most frequent form.
  if (!EqualsIgnoreCase(content_type.substr(0, kGrpcContentType.size()),
                        kGrpcContentType)) {
    return false;
  }
  content_type.remove_prefix(kGrpcContentType.size());
  return content_type.empty() || content_type.front() == '+' ||
         content_type.front() == ';';
}

std::optional<absl::Duration> TimeoutUnit(char unit) {
  switch (unit) {
    case 'H':
      return absl::Hours(1);
    case 'M':
      return absl::Minutes(1);
    case 'S':
      return absl::Seconds(1);
    case 'm':
      return absl::Milliseconds(1);
    case 'u':
      return absl::Microseconds(1);
    case 'n':
      return absl::Nanoseconds(1);
    default:
      return std::nullopt;
  }
}

std::optional<absl::Duration> ParseTimeout(std::string_view text) {
  if (text.size() < 2 || text.size() > kTimeoutDigitsMax + 1) {
    return std::nullopt;
  }
  int64_t value = 0;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  const std::optional<absl::Duration> unit = TimeoutUnit(text.back());
  if (!unit.has_value()) return std::nullopt;
  const absl::Duration timeout = value * *unit;
  return timeout <= kTimeoutMax ? timeout : absl::InfiniteDuration();
}

std::optional<MessageEncoding> ParseEncoding(std::string_view text) {
  if (text == "identity") return MessageEncoding::kIdentity;
  if (text == "gzip") return MessageEncoding::kGzip;
  if (text == "deflate") return MessageEncoding::kDeflate;
  return std::nullopt;
}

bool ListsGzip(std::string_view encodings) {
  while (!encodings.empty()) {
    if (TakeElement(&encodings) == "gzip") return true;
  }
  return false;
}

class HeadReader {
 public:
  explicit HeadReader(const MetadataLimits& limits) : limits_(limits) {}

  void Put(const HttpField& field) {
    if (!IsReservedMetadataName(field.name)) {
      PutMetadata(field);
    } else if (Is(field.name, ":method")) {
      is_post_ = Is(field.value, "POST");
      head_.is_head = Is(field.value, "HEAD");
    } else if (Is(field.name, ":path")) {
      head_.path = field.value;
    } else if (Is(field.name, ":authority")) {
      head_.authority = field.value;
    } else if (Is(field.name, "te")) {
      has_te_ = has_te_ || Is(field.value, "trailers") ||
                EqualsIgnoreCase(field.value, "trailers");
    } else if (Is(field.name, "content-type")) {
      // If there are two, both must be gRPC's.
      is_grpc_ = is_grpc_.value_or(true) && IsGrpc(field.value);
    } else if (Is(field.name, "grpc-timeout")) {
      PutTimeout(field.value);
    } else if (Is(field.name, "grpc-encoding")) {
      PutEncoding(field.value);
    } else if (Is(field.name, "grpc-accept-encoding")) {
      head_.accepts_gzip = head_.accepts_gzip || ListsGzip(field.value);
    }
  }

  RequestHead Finish() {
    if (!is_grpc_.value_or(false)) {
      head_.http_status = 415;
    } else if (!is_post_) {
      head_.http_status = 405;
    }
    if (!has_te_) {
      Refuse(InvalidField("te",
                          "must be `trailers`, which a proxy on the way may "
                          "have dropped"));
    }
    return std::move(head_);
  }

 private:
  // Records what is wrong; the first thing counts.
  void Refuse(absl::Status status) { head_.status.Update(std::move(status)); }

  void PutTimeout(std::string_view text) {
    const std::optional<absl::Duration> timeout = ParseTimeout(text);
    if (!timeout.has_value()) {
      Refuse(InvalidField(
          "grpc-timeout",
          "must be at most 8 digits and one of the units H, M, S, m, u, n"));
    } else if (std::exchange(has_timeout_, true)) {
      Refuse(InvalidField("grpc-timeout", "is there twice"));
    } else {
      head_.timeout = *timeout;
    }
  }

  void PutEncoding(std::string_view text) {
    const std::optional<MessageEncoding> encoding = ParseEncoding(text);
    if (!encoding.has_value()) {
      Refuse(MakeFault(v1::ERROR_REASON_UNIMPLEMENTED,
                       absl::StrCat("grpc-encoding ", ToAbsl(text),
                                    " is not supported; these are: ",
                                    ToAbsl(kAcceptedMessageEncodings))));
    } else if (std::exchange(has_encoding_, true)) {
      Refuse(InvalidField("grpc-encoding", "is there twice"));
    } else {
      head_.encoding = *encoding;
    }
  }

  void PutMetadata(const HttpField& field) {
    if (head_.request_id.empty() && field.name == kRequestIdHeader) {
      head_.request_id = field.value;
    }
    values_ += 1;
    if (IsBinary(field.name)) {
      values_ += static_cast<size_t>(
          std::count(field.value.begin(), field.value.end(), ','));
    }
    const size_t bytes = field.name.size() + field.value.size();
    head_.metadata_bytes += bytes;
    bytes_ += bytes + kFieldOverheadBytes;
    if (!head_.status.ok()) return;
    if (values_ > limits_.values) {
      Refuse(SizeFault(
          absl::StrCat("metadata has more than ", limits_.values, " values"),
          limits_.values));
    } else if (bytes_ > limits_.bytes) {
      Refuse(SizeFault(
          absl::StrCat("metadata has more than ", limits_.bytes, " bytes"),
          limits_.bytes));
    }
  }

  const MetadataLimits& limits_;
  RequestHead head_;
  std::optional<bool> is_grpc_;
  bool is_post_ = false;
  bool has_te_ = false;
  bool has_timeout_ = false;
  bool has_encoding_ = false;
  size_t values_ = 0;
  size_t bytes_ = 0;
};

// Writes names and values one behind the other.
class MetadataCopy {
 public:
  MetadataCopy(char* out, CallContext& context)
      : out_(out), context_(context) {}

  absl::Status Put(const HttpField& field) {
    const std::string_view name = Keep(field.name);
    if (!IsBinary(name)) {
      context_.AddOwnMetadata(name, Keep(field.value));
      return absl::OkStatus();
    }
    std::string_view list = field.value;
    bool more = true;
    while (more) {
      more = list.find(',') != std::string_view::npos;
      const std::string_view text = TakeElement(&list);
      const std::optional<size_t> size = DecodeBase64(text, out_);
      if (!size.has_value()) {
        return InvalidField(name, "is not valid base64, which -bin asks for");
      }
      context_.AddOwnMetadata(name, {out_, *size});
      out_ += *size;
    }
    return absl::OkStatus();
  }

 private:
  std::string_view Keep(std::string_view text) {
    if (!text.empty()) memcpy(out_, text.data(), text.size());
    const std::string_view kept(out_, text.size());
    out_ += text.size();
    return kept;
  }

  char* out_;
  CallContext& context_;
};

}  // namespace

RequestHead ReadRequestHead(absl::Span<const HttpField> fields,
                            const MetadataLimits& limits) {
  HeadReader reader(limits);
  for (const HttpField& field : fields) reader.Put(field);
  return reader.Finish();
}

absl::Status AddMetadata(absl::Span<const HttpField> fields, size_t bytes,
                         CallContext& context) {
  if (bytes == 0) return absl::OkStatus();
  // Room for the values as they were sent, since decoding shortens them.
  MetadataCopy copy(
      google::protobuf::Arena::CreateArray<char>(context.arena(), bytes),
      context);
  for (const HttpField& field : fields) {
    if (IsReservedMetadataName(field.name)) continue;
    GATEWAY_RETURN_IF_ERROR(copy.Put(field));
  }
  return absl::OkStatus();
}

}  // namespace gateway
