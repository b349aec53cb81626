// An answer may come in the other form than it was asked for in: a stream in
// place of JSON, or JSON in place of a stream. Its caller gets none of it, but
// a model has made it, and what it has cost is read here.
//
//   UnaskedAnswer answer;
//   const absl::Status read = co_await ReadUnasked(*stream, limit, &answer);
//
// Thread contract: one attempt, on its loop.

#ifndef PROVIDERS_UNASKED_ANSWER_H_
#define PROVIDERS_UNASKED_ANSWER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "google/protobuf/arena.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

class ProviderStream;

struct UnaskedAnswer {
  UnaskedAnswer() = default;
  UnaskedAnswer(const UnaskedAnswer&) = delete;
  UnaskedAnswer& operator=(const UnaskedAnswer&) = delete;

  google::protobuf::Arena arena;
  // As far as it could be read: its usage and its service tier.
  v1::GenerateResponse& response =
      *google::protobuf::Arena::CreateMessage<v1::GenerateResponse>(&arena);
  // What it says, by estimate.
  int64_t output_tokens = 0;
  // What is told of the usage counts all of it.
  bool usage_is_final = false;
};

// Reads a stream to its end, or until it has said so many characters. Returns
// how it ended; what had come until then is in `answer`.
Task<absl::Status> ReadUnasked(ProviderStream& stream, int64_t characters_limit,
                               UnaskedAnswer* answer);

}  // namespace gateway

#endif  // PROVIDERS_UNASKED_ANSWER_H_
