// How a gRPC message's bytes may be compressed, as `grpc-encoding` names it.
//
// Thread-compatible.

#ifndef SERVICE_RPC_MESSAGE_ENCODING_H_
#define SERVICE_RPC_MESSAGE_ENCODING_H_

#include <cstddef>
#include <string_view>

namespace gateway {

enum class MessageEncoding { kIdentity, kGzip, kDeflate };

// The value of `grpc-accept-encoding` in our answers: every MessageEncoding.
inline constexpr std::string_view kAcceptedMessageEncodings =
    "identity,deflate,gzip";

// The size of a message's prefix: the flag that says whether it is compressed,
// and its length.
inline constexpr size_t kMessagePrefixBytes = 5;

}  // namespace gateway

#endif  // SERVICE_RPC_MESSAGE_ENCODING_H_
