#include "tests/clients/cpp/scripted_gateway.h"

#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include "absl/strings/str_cat.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

ScriptedGateway::ScriptedGateway() {
  // The client leaves what does not say that it serves.
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  server_->GetHealthCheckService()->SetServingStatus(
      v1::GatewayService::service_full_name(), true);
}

ScriptedGateway::~ScriptedGateway() { server_->Shutdown(); }

std::string ScriptedGateway::address() const {
  return absl::StrCat("127.0.0.1:", port_);
}

LLMGateway::Options ScriptedGateway::Options() const {
  return {.target = address(),
          .api_key = {},
          .credentials = grpc::InsecureChannelCredentials()};
}

grpc::Status ScriptedGateway::Generate(grpc::ServerContext* context,
                                       const v1::GenerateRequest* request,
                                       v1::GenerateResponse* response) {
  return generate(*context, *request, *response);
}

grpc::Status ScriptedGateway::StreamGenerate(grpc::ServerContext* context,
                                             const v1::GenerateRequest* request,
                                             Writer* writer) {
  return stream_generate(*context, *request, *writer);
}

grpc::Status ScriptedGateway::GetModel(grpc::ServerContext* /*context*/,
                                       const v1::GetModelRequest* request,
                                       v1::Model* model) {
  model->set_name(request->name());
  return grpc::Status::OK;
}

grpc::Status ScriptedGateway::ExecuteTool(grpc::ServerContext* /*context*/,
                                          const v1::ExecuteToolRequest* request,
                                          v1::ExecuteToolResponse* response) {
  return execute_tool(*request, *response);
}

v1::GenerateEvent TextEvent(int64_t seq, const std::string& text) {
  v1::GenerateEvent event;
  event.set_seq(seq);
  event.mutable_delta()->set_text(text);
  return event;
}

v1::GenerateEvent EndEvent(int64_t seq, v1::StreamEnd::Outcome outcome) {
  v1::GenerateEvent event;
  event.set_seq(seq);
  event.mutable_end()->set_outcome(outcome);
  return event;
}

}  // namespace gateway
