// What every API does with a request to generate or to count: it makes a Call
// of the bytes and has it run through the four stages.
//
//   Task<void> MyRoutes::Complete(RequestContext context) {
//     GenerationOptions options;
//     options.operation = kComplete;
//     return Generate(std::move(context), std::move(options));
//   }
//
// Thread contract: one request, on its loop.

#ifndef SERVICE_HTTP_GENERATION_H_
#define SERVICE_HTTP_GENERATION_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "service/http/request_context.h"

namespace gateway {

// What an API adds to the bytes of a request.
struct GenerationOptions {
  Operation operation;
  // The model in the path; empty if the body names it.
  std::string model;
  // Used only if `model` is set.
  bool stream = false;
  // As in CallFacts.
  std::string previous_response_id;
  bool remembered_unless_refused = false;
  bool background = false;
  std::string stored_reference;
  // Reads in the body what only this API has, such as the four above. Null if
  // it has nothing of its own.
  void (*read_more)(std::string_view body,
                    GenerationOptions* options) = nullptr;
  // What the API found wrong with the request.
  absl::Status api_error;
};

// Generates an answer, whole or as a stream, as the request asks.
Task<void> Generate(RequestContext&& context, GenerationOptions&& options);

// Counts the input tokens of a request.
Task<void> CountTokens(RequestContext&& context, GenerationOptions&& options);

}  // namespace gateway

#endif  // SERVICE_HTTP_GENERATION_H_
