#include "service/rpc/message_framing.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/http/zlib_codec.h"
#include "base/status_macros.h"
#include "errors/fault.h"

namespace gateway {
namespace {

using ::google::protobuf::MessageLite;

// Serializes into room for exactly the size that ByteSizeLong returned last.
void SerializeTo(const MessageLite& message, char* out) {
  message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(out));
}

absl::Status FrameCompressed(const MessageLite& message, size_t bytes,
                             MessageSpace space) {
  std::string plain(bytes, '\0');
  SerializeTo(message, plain.data());
  std::string compressed;
  GATEWAY_RETURN_IF_ERROR(CompressGzip(plain, &compressed));
  const bool smaller = compressed.size() < plain.size();
  const std::string& sent = smaller ? compressed : plain;
  char* const out = space(kMessagePrefixBytes + sent.size());
  WriteMessagePrefix(smaller, sent.size(), out);
  sent.copy(out + kMessagePrefixBytes, sent.size());
  return absl::OkStatus();
}

}  // namespace

void WriteMessagePrefix(bool compressed, size_t message_bytes, char* out) {
  assert(message_bytes <= UINT32_MAX);
  out[0] = compressed ? 1 : 0;
  out[1] = static_cast<char>(message_bytes >> 24);
  out[2] = static_cast<char>(message_bytes >> 16);
  out[3] = static_cast<char>(message_bytes >> 8);
  out[4] = static_cast<char>(message_bytes);
}

absl::Status FrameMessage(const MessageLite& message, size_t bytes,
                          MessageEncoding encoding, MessageSpace space) {
  assert(encoding != MessageEncoding::kDeflate);
  if (bytes > INT32_MAX) {
    return MakeFault(
        v1::ERROR_REASON_INTERNAL,
        absl::StrCat("a message of ", bytes, " bytes is too large to be sent"));
  }
  if (encoding == MessageEncoding::kGzip) {
    return FrameCompressed(message, bytes, space);
  }
  char* const out = space(kMessagePrefixBytes + bytes);
  WriteMessagePrefix(false, bytes, out);
  SerializeTo(message, out + kMessagePrefixBytes);
  return absl::OkStatus();
}

}  // namespace gateway
