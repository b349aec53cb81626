// Writes gRPC's length-prefixed messages straight to where they leave from.
//
//   GATEWAY_RETURN_IF_ERROR(FrameMessage(
//       reply, reply.ByteSizeLong(), MessageEncoding::kIdentity,
//       [&](size_t bytes) { return stream.Extend(bytes); }));
//
// Thread-safe: plain functions.

#ifndef SERVICE_RPC_MESSAGE_FRAMING_H_
#define SERVICE_RPC_MESSAGE_FRAMING_H_

#include <cstddef>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "service/rpc/message_encoding.h"

namespace gateway {

// Makes room for so many bytes behind what has been written, and returns it.
using MessageSpace = absl::FunctionRef<char*(size_t bytes)>;

// Asks `space` once, for prefix and message together, and fills what it gives.
// `bytes` is what the message's ByteSizeLong has said since it last changed.
// A message that compression does not make smaller goes as it is, which each
// message may do whatever `grpc-encoding` says.
//
// INTERNAL, with nothing asked for, if the message does not fit in 2 GiB, which
// is as much as receivers take. REQUIRES: not kDeflate, which nobody prefers.
absl::Status FrameMessage(const google::protobuf::MessageLite& message,
                          size_t bytes, MessageEncoding encoding,
                          MessageSpace space);

// Writes the kMessagePrefixBytes bytes that stand before a message.
void WriteMessagePrefix(bool compressed, size_t message_bytes, char* out);

}  // namespace gateway

#endif  // SERVICE_RPC_MESSAGE_FRAMING_H_
