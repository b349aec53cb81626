// ScriptedGateway is a GatewayService on a port of its own, whose methods a
// test writes.
//
//   ScriptedGateway server;
//   server.generate = [](grpc::ServerContext& context,
//                        const v1::GenerateRequest& request,
//                        v1::GenerateResponse& response) { ... };
//   LLMGateway gateway(server.Options());
//
// Thread contract: methods are set before the first call and run on threads of
// the library.

#ifndef TESTS_CLIENTS_CPP_SCRIPTED_GATEWAY_H_
#define TESTS_CLIENTS_CPP_SCRIPTED_GATEWAY_H_

#include <grpcpp/server.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>
#include <grpcpp/support/sync_stream.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "clients/cpp/llm_gateway.h"
#include "llmgateway/v1/gateway.grpc.pb.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

class ScriptedGateway final : public llmgateway::v1::GatewayService::Service {
 public:
  using Writer = grpc::ServerWriter<llmgateway::v1::GenerateEvent>;

  ScriptedGateway();
  ~ScriptedGateway() override;

  std::string address() const;
  // Plaintext to this server.
  LLMGateway::Options Options() const;

  std::function<grpc::Status(grpc::ServerContext&,
                             const llmgateway::v1::GenerateRequest&,
                             llmgateway::v1::GenerateResponse&)>
      generate;
  std::function<grpc::Status(grpc::ServerContext&,
                             const llmgateway::v1::GenerateRequest&, Writer&)>
      stream_generate;
  std::function<grpc::Status(const llmgateway::v1::ExecuteToolRequest&,
                             llmgateway::v1::ExecuteToolResponse&)>
      execute_tool;

  grpc::Status Generate(grpc::ServerContext* context,
                        const llmgateway::v1::GenerateRequest* request,
                        llmgateway::v1::GenerateResponse* response) override;
  grpc::Status StreamGenerate(grpc::ServerContext* context,
                              const llmgateway::v1::GenerateRequest* request,
                              Writer* writer) override;
  grpc::Status GetModel(grpc::ServerContext* context,
                        const llmgateway::v1::GetModelRequest* request,
                        llmgateway::v1::Model* model) override;

  grpc::Status ExecuteTool(
      grpc::ServerContext* context,
      const llmgateway::v1::ExecuteToolRequest* request,
      llmgateway::v1::ExecuteToolResponse* response) override;

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// Events of a stream.
llmgateway::v1::GenerateEvent TextEvent(int64_t seq, const std::string& text);
llmgateway::v1::GenerateEvent EndEvent(
    int64_t seq, llmgateway::v1::StreamEnd::Outcome outcome);

}  // namespace gateway

#endif  // TESTS_CLIENTS_CPP_SCRIPTED_GATEWAY_H_
