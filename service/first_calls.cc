#include "service/first_calls.h"

#include <string_view>

#include "absl/strings/str_replace.h"

namespace gateway {
namespace {

constexpr const char* kCommands = R"(
llm-gateway is ready:

  gRPC        $grpc
  HTTP        $http
  admin gRPC  $admin
  operations  $operations

First calls:

  grpcurl -plaintext -d '{"model":"mock-model","messages":[{"role":"ROLE_USER","parts":[{"text":"Hello"}]}]}' $grpc llmgateway.v1.GatewayService/Generate

  grpcurl -plaintext -d '{"model":"mock-model","messages":[{"role":"ROLE_USER","parts":[{"text":"Hello"}]}]}' $grpc llmgateway.v1.GatewayService/StreamGenerate

  curl -s http://$http/v1/chat/completions -H 'content-type: application/json' -d '{"model":"mock-model","messages":[{"role":"user","content":"Hello"}]}'

  curl -sN http://$http/v1/chat/completions -H 'content-type: application/json' -d '{"model":"mock-model","stream":true,"messages":[{"role":"user","content":"Hello"}]}'

  curl -s http://$http/v1/messages -H 'content-type: application/json' -d '{"model":"mock-model","max_tokens":64,"messages":[{"role":"user","content":"Hello"}]}'

  curl -s http://$http/v1/responses -H 'content-type: application/json' -d '{"model":"mock-model","input":"Hello"}'

  curl -s http://$http/v1/models

  grpcurl -plaintext $grpc grpc.health.v1.Health/Check

  grpcurl -plaintext $grpc list

  curl -s http://$operations/readyz

Set OPENAI_API_KEY or ANTHROPIC_API_KEY before starting, and gpt-... and
claude-... models are answered by the real ones. Ctrl-C ends the gateway.

)";

}  // namespace

std::string FirstCalls(const App::Addresses& at) {
  return absl::StrReplaceAll(kCommands, {{"$grpc", at.grpc},
                                         {"$http", at.http},
                                         {"$admin", at.admin},
                                         {"$operations", at.operations}});
}

}  // namespace gateway
