// Calls a gateway through the C++ client: cpp_smoke ADDRESS.
//
// Prints what smoke.py checks.

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/security/credentials.h>

#include <iostream>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cpp/call_status.h"
#include "clients/cpp/generate_stream.h"
#include "clients/cpp/llm_gateway.h"
#include "google/rpc/error_details.pb.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using google::protobuf::ListValue;
using google::protobuf::Struct;

v1::GenerateRequest Prompt() {
  v1::GenerateRequest request;
  request.set_model("mock-model");
  v1::Message* message = request.add_messages();
  message->set_role(v1::ROLE_USER);
  message->add_parts()->set_text("Hello");
  return request;
}

void Set(Struct* object, const std::string& key, const std::string& text) {
  (*object->mutable_fields())[key].set_string_value(text);
}

void SetTokens(Struct* object, const v1::Usage& usage) {
  auto& fields = *object->mutable_fields();
  fields["input_tokens"].set_number_value(usage.input_tokens());
  fields["output_tokens"].set_number_value(usage.output_tokens());
}

absl::Status Generate(LLMGateway& gateway, Struct* saw) {
  const absl::StatusOr<v1::GenerateResponse> response =
      gateway.Generate(Prompt());
  if (!response.ok()) return response.status();
  const v1::Choice& choice = response->choices(0);
  std::string text;
  for (const v1::Part& part : choice.message().parts()) text += part.text();
  Set(saw, "text", text);
  Set(saw, "finish_reason", v1::FinishReason_Name(choice.finish_reason()));
  SetTokens(saw, response->usage());
  return absl::OkStatus();
}

absl::Status StreamGenerate(LLMGateway& gateway, Struct* saw) {
  GenerateStream stream = gateway.StreamGenerate(Prompt());
  ListValue* events = (*saw->mutable_fields())["events"].mutable_list_value();
  ListValue* seqs = (*saw->mutable_fields())["seqs"].mutable_list_value();
  std::string text;
  v1::GenerateEvent event;
  while (stream.Read(&event)) {
    const auto* field =
        v1::GenerateEvent::descriptor()->FindFieldByNumber(event.event_case());
    events->add_values()->set_string_value(field == nullptr ? "unknown"
                                                            : field->name());
    seqs->add_values()->set_number_value(static_cast<double>(event.seq()));
    text += event.delta().text();
  }
  Set(saw, "text", text);
  Set(saw, "outcome", v1::StreamEnd::Outcome_Name(stream.end().outcome()));
  SetTokens(saw, stream.end().usage());
  return stream.Finish();
}

absl::Status Fail(LLMGateway& gateway, Struct* saw) {
  v1::GenerateRequest request = Prompt();
  request.set_provider_id("nobody");
  const absl::Status status = gateway.Generate(request).status();
  const std::optional<google::rpc::ErrorInfo> info = ErrorInfoOf(status);
  if (!info.has_value()) {
    return absl::InternalError("refused without a reason: " +
                               status.ToString());
  }
  Set(saw, "code", absl::StatusCodeToString(status.code()));
  Set(saw, "reason", info->reason());
  Set(saw, "domain", info->domain());
  const auto provider = info->metadata().find("provider");
  if (provider != info->metadata().end()) {
    Set(saw, "provider", provider->second);
  }
  return absl::OkStatus();
}

int Main(const char* address) {
  LLMGateway gateway({.target = address,
                      .api_key = {},
                      .credentials = grpc::InsecureChannelCredentials()});
  Struct saw;
  auto& fields = *saw.mutable_fields();
  absl::Status status =
      Generate(gateway, fields["generate"].mutable_struct_value());
  status.Update(
      StreamGenerate(gateway, fields["stream"].mutable_struct_value()));
  status.Update(Fail(gateway, fields["error"].mutable_struct_value()));
  if (!status.ok()) {
    std::cerr << status << "\n";
    return 1;
  }
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(saw, &json).ok()) return 1;
  std::cout << json;
  return 0;
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) {
  return argc == 2 ? gateway::Main(argv[1]) : 2;
}
