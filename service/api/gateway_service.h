// The handlers of llmgateway.v1.GatewayService, and of its old name
// PromptRouter; those for sessions are in session_methods.h.
//
// Thread contract: built before the listeners open; handlers run on the loop of
// their call and use that loop's services.

#ifndef SERVICE_API_GATEWAY_SERVICE_H_
#define SERVICE_API_GATEWAY_SERVICE_H_

#include <functional>

#include "absl/status/status.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "service/api/session_methods.h"
#include "service/api/tool_methods.h"
#include "service/pipeline/loop_services.h"

namespace gateway {

class GatewayService {
 public:
  // `services_of` returns the services of a call's loop.
  explicit GatewayService(
      std::function<LoopServices&(EventLoop&)> services_of);

  // Adds the handlers, which borrow this object.
  void AddTo(MethodTable& table);

  // The handlers. All fail as a caller who is not known does
  // (service/pipeline/caller_access.h). The first four fail as RunCall does;
  // their contract is gateway.proto.
  Task<absl::Status> Generate(CallContext& context,
                              const v1::GenerateRequest& request,
                              v1::GenerateResponse* response);
  Task<absl::Status> StreamGenerate(CallContext& context,
                                    const v1::GenerateRequest& request,
                                    MessageWriter& writer);
  // The same where callers may come back to their streams.
  Task<absl::Status> StreamResumably(CallContext& context,
                                     const v1::GenerateRequest& request,
                                     MessageWriter& writer);
  Task<absl::Status> ResumeStream(CallContext& context,
                                  const v1::ResumeStreamRequest& request,
                                  MessageWriter& writer);
  Task<absl::Status> CountTokens(CallContext& context,
                                 const v1::CountTokensRequest& request,
                                 v1::CountTokensResponse* response);
  Task<absl::Status> Embed(CallContext& context,
                           const v1::EmbedRequest& request,
                           v1::EmbedResponse* response);
  // Fail as ModelDiscovery does not: a provider that cannot say its models is
  // left out. GetModel: INVALID_REQUEST without a name, MODEL_NOT_FOUND.
  Task<absl::Status> ListModels(CallContext& context,
                                const v1::ListModelsRequest& request,
                                v1::ListModelsResponse* response);
  Task<absl::Status> GetModel(CallContext& context,
                              const v1::GetModelRequest& request,
                              v1::Model* response);

 private:
  const std::function<LoopServices&(EventLoop&)> services_of_;
  SessionMethods sessions_;
  ToolMethods tools_;
};

}  // namespace gateway

#endif  // SERVICE_API_GATEWAY_SERVICE_H_
