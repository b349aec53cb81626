// Completes what a model is to be chosen by, for requests that name no model.
//
//   CompleteSelection(context, {.node = "chat_completion"}, request);
//   GATEWAY_RETURN_IF_ERROR(CheckThatThereIsAModel(context, *request));
//
// Thread contract: one request, by one thread at a time.

#ifndef SERVICE_HTTP_SELECTION_COMPLETION_H_
#define SERVICE_HTTP_SELECTION_COMPLETION_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/http/request_context.h"

namespace gateway {

// What is meant where neither the request nor what is said beside it says.
struct SelectionDefaults {
  std::string node;
  absl::Span<const std::string_view> capabilities;
};

// Completes the selection of `request`, or leaves it out where no policies are
// configured, so that there is nothing to choose among, and nobody insists on a
// choice: by capabilities in the request, or by anything beside it.
void CompleteSelection(const RequestContext& context,
                       const SelectionDefaults& defaults,
                       llmgateway::v1::GenerateRequest* request);

// MODEL_NOT_FOUND if nothing can say which model is meant, and INVALID_REQUEST
// for a provider that is named beside the request: which of its models, nobody
// says.
absl::Status CheckThatThereIsAModel(
    const RequestContext& context,
    const llmgateway::v1::GenerateRequest& request);

}  // namespace gateway

#endif  // SERVICE_HTTP_SELECTION_COMPLETION_H_
