#include "providers/bounded_messages.h"

#include <cstddef>

#include "google/protobuf/arena.h"
#include "google/protobuf/message_lite.h"
#include "providers/dialects/bounded_reading.h"

namespace gateway {
namespace {

size_t ArenaBytesOf(const google::protobuf::MessageLite& message) {
  const google::protobuf::Arena* const arena = message.GetArena();
  return arena == nullptr ? 0 : arena->SpaceAllocated();
}

}  // namespace

absl::Status ReadBoundedRequest(const Dialect& dialect, std::string_view body,
                                RequestUse use, v1::GenerateRequest* request) {
  return ReadBounded(
      body.size(), [request] { return ArenaBytesOf(*request); },
      [&] {
        if (use == RequestUse::kCountTokens) {
          return dialect.ReadCountRequest(body, request);
        }
        bool stream = false;
        bool stream_usage = false;
        return dialect.ReadRequest(body, request, &stream, &stream_usage);
      },
      RequestTakesTooMuch);
}

absl::Status ReadBoundedResponse(const Dialect& dialect, std::string_view body,
                                 v1::GenerateResponse* response) {
  return ReadBounded(
      body.size(), [response] { return ArenaBytesOf(*response); },
      [&] { return dialect.ReadResponse(body, response); },
      AnswerTakesTooMuch);
}

}  // namespace gateway
