// Makes the calls that client_driver.py asks for, through the client for C++:
// cpp_driver SETTINGS.

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <cstdint>
#include <cstdlib>
#include <forward_list>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "base/os/thread.h"
#include "clients/cpp/call_status.h"
#include "clients/cpp/cancellation.h"
#include "clients/cpp/generate_stream.h"
#include "clients/cpp/llm_gateway.h"
#include "clients/cpp/option_problem.h"
#include "google/rpc/error_details.pb.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using google::protobuf::ListValue;
using google::protobuf::Struct;

Struct Parsed(const std::string& json) {
  Struct object;
  if (!google::protobuf::util::JsonStringToMessage(json, &object).ok()) {
    std::cerr << "not JSON: " << json << "\n";
    std::exit(1);
  }
  return object;
}

std::string Text(const Struct& object, const std::string& key) {
  const auto it = object.fields().find(key);
  return it == object.fields().end() ? "" : it->second.string_value();
}

double Number(const Struct& object, const std::string& key) {
  const auto it = object.fields().find(key);
  return it == object.fields().end() ? 0 : it->second.number_value();
}

bool Flag(const Struct& object, const std::string& key) {
  const auto it = object.fields().find(key);
  return it != object.fields().end() && it->second.bool_value();
}

void Set(Struct* object, const std::string& key, const std::string& text) {
  (*object->mutable_fields())[key].set_string_value(text);
}

void Set(Struct* object, const std::string& key, double number) {
  (*object->mutable_fields())[key].set_number_value(number);
}

ListValue* List(Struct* object, const std::string& key) {
  return (*object->mutable_fields())[key].mutable_list_value();
}

// As gRPC spells it.
std::string CodeName(absl::StatusCode code) {
  return absl::StatusCodeToString(code);
}

void SetFailure(const absl::Status& status, Struct* told) {
  if (status.ok()) return;
  if (const auto option = WrongOptionOf(status)) {
    Set(told, "wrong_option", *option);
    Set(told, "message", std::string(status.message()));
    return;
  }
  Struct* const error =
      (*told->mutable_fields())["error"].mutable_struct_value();
  const google::rpc::ErrorInfo info =
      ErrorInfoOf(status).value_or(google::rpc::ErrorInfo());
  Set(error, "code", CodeName(status.code()));
  Set(error, "reason", info.reason());
  Set(error, "message", std::string(status.message()));
  Set(error, "request_id", RequestIdOf(status));
  Struct* const metadata =
      (*error->mutable_fields())["metadata"].mutable_struct_value();
  for (const auto& [key, value] : info.metadata()) Set(metadata, key, value);
  if (const auto delay = RetryDelayOf(status)) {
    Set(error, "retry_after_ms",
        static_cast<double>(absl::ToInt64Milliseconds(*delay)));
  }
  ListValue* const fields = List(error, "fields");
  const google::rpc::BadRequest request = BadRequestOf(status);
  for (const auto& one : request.field_violations()) {
    fields->add_values()->set_string_value(one.field());
  }
  ListValue* const quotas = List(error, "quotas");
  const google::rpc::QuotaFailure failure = QuotaFailureOf(status);
  for (const auto& one : failure.violations()) {
    quotas->add_values()->set_string_value(one.subject());
  }
}

v1::GenerateRequest RequestOf(const Struct& command) {
  v1::GenerateRequest request;
  request.set_model(Text(command, "model"));
  request.set_provider_id(Text(command, "provider_id"));
  request.set_session(Text(command, "session"));
  request.set_idempotency_key(Text(command, "idempotency_key"));
  if (command.fields().count("text") > 0) {
    v1::Message* const message = request.add_messages();
    message->set_role(v1::ROLE_USER);
    message->add_parts()->set_text(Text(command, "text"));
  }
  return request;
}

std::string EventName(const v1::GenerateEvent& event) {
  switch (event.event_case()) {
    case v1::GenerateEvent::kStarted:
      return "started";
    case v1::GenerateEvent::kDelta:
      return "delta";
    case v1::GenerateEvent::kEnd:
      return "end";
    default:
      return "other";
  }
}

Struct Read(GenerateStream stream, int close_after) {
  Struct told;
  ListValue* const events = List(&told, "events");
  ListValue* const seqs = List(&told, "seqs");
  std::string text;
  int deltas = 0;
  v1::GenerateEvent event;
  while (stream.Read(&event)) {
    events->add_values()->set_string_value(EventName(event));
    seqs->add_values()->set_number_value(static_cast<double>(event.seq()));
    text += event.delta().text();
    if (event.has_delta() && ++deltas == close_after) break;
  }
  SetFailure(stream.Finish(), &told);
  Set(&told, "text", text);
  Set(&told, "request_id", stream.request_id());
  Set(&told, "last_seq", static_cast<double>(stream.last_seq()));
  Set(&told, "outcome", v1::StreamEnd::Outcome_Name(stream.end().outcome()));
  const v1::Usage& usage = stream.end().usage();
  Set(&told, "input_tokens", static_cast<double>(usage.input_tokens()));
  Set(&told, "output_tokens", static_cast<double>(usage.output_tokens()));
  return told;
}

// What a call has returned, as `fill` tells it.
template <typename Answer>
Struct Told(const absl::StatusOr<Answer>& answer,
            const std::function<void(const Answer&, Struct*)>& fill) {
  Struct told;
  SetFailure(answer.status(), &told);
  if (answer.ok()) fill(*answer, &told);
  return told;
}

void FillWhole(const v1::GenerateResponse& answer, Struct* told) {
  std::string text;
  for (const v1::Choice& choice : answer.choices()) {
    for (const v1::Part& part : choice.message().parts()) text += part.text();
    Set(told, "finish_reason", v1::FinishReason_Name(choice.finish_reason()));
  }
  Set(told, "text", text);
  Set(told, "request_id", answer.request_id());
  Set(told, "input_tokens", static_cast<double>(answer.usage().input_tokens()));
  Set(told, "output_tokens",
      static_cast<double>(answer.usage().output_tokens()));
}

template <typename Models>
void FillModels(const Models& models, Struct* told) {
  ListValue* const names = List(told, "models");
  for (const v1::Model& model : models) {
    names->add_values()->set_string_value(model.name());
  }
}

void FillSession(const v1::Session& session, Struct* told) {
  Set(told, "session", session.id());
  Set(told, "messages", session.messages_size());
}

Struct DoModels(LLMGateway& gateway, const Struct& command,
                const LLMGateway::CallOptions& call) {
  const std::string what = Text(command, "do");
  if (what == "models") {
    return Told<std::vector<v1::Model>>(
        gateway.Models(Text(command, "provider_id"), call),
        FillModels<std::vector<v1::Model>>);
  }
  if (what == "get_model") {
    v1::GetModelRequest request;
    request.set_name(Text(command, "name"));
    return Told<v1::Model>(gateway.GetModel(request, call),
                           [](const v1::Model& model, Struct* told) {
                             Set(told, "name", model.name());
                             Set(told, "provider", model.provider());
                           });
  }
  v1::ListModelsRequest request;
  request.set_provider_id(Text(command, "provider_id"));
  request.set_page_size(static_cast<int>(Number(command, "page_size")));
  return Told<v1::ListModelsResponse>(
      gateway.ListModels(request, call),
      [](const v1::ListModelsResponse& page, Struct* told) {
        FillModels(page.models(), told);
        (*told->mutable_fields())["more"].set_bool_value(
            !page.next_page_token().empty());
      });
}

Struct DoSession(LLMGateway& gateway, const Struct& command,
                 const LLMGateway::CallOptions& call) {
  const std::string what = Text(command, "do");
  const std::string id = Text(command, "session");
  if (what == "create_session") {
    v1::CreateSessionRequest request;
    request.mutable_ttl()->set_seconds(
        static_cast<int64_t>(Number(command, "ttl_s")));
    return Told<v1::Session>(gateway.CreateSession(request, call), FillSession);
  }
  if (what == "get_session") {
    return Told<v1::Session>(gateway.GetSession(id, call), FillSession);
  }
  Struct told;
  SetFailure(gateway.DeleteSession(id, call), &told);
  return told;
}

Struct DoTools(LLMGateway& gateway, const Struct& command,
               const LLMGateway::CallOptions& call) {
  if (Text(command, "do") == "list_tools") {
    return Told<v1::ListToolsResponse>(
        gateway.ListTools(call),
        [](const v1::ListToolsResponse& listed, Struct* told) {
          ListValue* const names = List(told, "tools");
          for (const v1::FunctionTool& tool : listed.tools()) {
            names->add_values()->set_string_value(tool.name());
          }
        });
  }
  v1::ExecuteToolRequest request;
  request.set_name(Text(command, "name"));
  request.set_arguments(Text(command, "arguments"));
  return Told<v1::ExecuteToolResponse>(
      gateway.ExecuteTool(request, call),
      [](const v1::ExecuteToolResponse& answer, Struct* told) {
        Set(told, "name", answer.name());
        (*told->mutable_fields())["success"].set_bool_value(answer.success());
        Set(told, "result", answer.result());
        Set(told, "error", answer.error());
      });
}

Struct Do(LLMGateway& gateway, const Struct& command,
          const LLMGateway::CallOptions& call) {
  const std::string what = Text(command, "do");
  if (what == "generate") {
    return Told<v1::GenerateResponse>(
        gateway.Generate(RequestOf(command), call), FillWhole);
  }
  if (what == "stream") {
    return Read(gateway.StreamGenerate(RequestOf(command), call),
                static_cast<int>(Number(command, "close_after")));
  }
  if (what == "resume") {
    v1::ResumeStreamRequest request;
    request.set_request_id(Text(command, "request_id"));
    request.set_after_seq(static_cast<int64_t>(Number(command, "after_seq")));
    return Read(gateway.ResumeStream(request, call), 0);
  }
  if (what == "count") {
    v1::CountTokensRequest request;
    *request.mutable_request() = RequestOf(command);
    return Told<v1::CountTokensResponse>(
        gateway.CountTokens(request, call),
        [](const v1::CountTokensResponse& count, Struct* told) {
          Set(told, "input_tokens", static_cast<double>(count.input_tokens()));
        });
  }
  if (what == "embed") {
    v1::EmbedRequest request;
    request.set_model(Text(command, "model"));
    request.add_inputs()->set_text(Text(command, "text"));
    return Told<v1::EmbedResponse>(
        gateway.Embed(request, call),
        [](const v1::EmbedResponse& answer, Struct* told) {
          for (const auto& one : answer.embeddings()) {
            List(told, "vectors")
                ->add_values()
                ->set_number_value(one.values_size());
          }
        });
  }
  if (what.find("session") != std::string::npos) {
    return DoSession(gateway, command, call);
  }
  if (what.find("tool") != std::string::npos) {
    return DoTools(gateway, command, call);
  }
  return DoModels(gateway, command, call);
}

// The calls that have begun.
class Calls {
 public:
  std::shared_ptr<Cancellation> Enter(int id) {
    MutexLock lock(mutex_);
    return Of(id);
  }
  void Cancel(int id) {
    MutexLock lock(mutex_);
    Of(id)->Cancel();
  }
  void Tell(int id, Struct told) {
    Set(&told, "id", id);
    std::string line;
    (void)google::protobuf::util::MessageToJsonString(told, &line);
    MutexLock lock(mutex_);
    std::cout << line << std::endl;
  }

 private:
  Mutex mutex_;
  // It may be cancelled before its thread has begun.
  std::shared_ptr<Cancellation>& Of(int id) EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::shared_ptr<Cancellation>& its = cancellations_[id];
    if (its == nullptr) its = std::make_shared<Cancellation>();
    return its;
  }

  std::map<int, std::shared_ptr<Cancellation>> cancellations_
      GUARDED_BY(mutex_);
};

// Of which bytes come in hexadecimal.
CallMetadata MetadataOf(const Struct& object) {
  CallMetadata metadata;
  const auto it = object.fields().find("metadata");
  if (it == object.fields().end()) return metadata;
  for (const auto& [key, value] : it->second.struct_value().fields()) {
    metadata.emplace(key, absl::EndsWith(key, "-bin")
                              ? absl::HexStringToBytes(value.string_value())
                              : value.string_value());
  }
  return metadata;
}

void Run(LLMGateway& gateway, Calls& calls, const Struct& command) {
  const int id = static_cast<int>(Number(command, "id"));
  LLMGateway::CallOptions call;
  if (const double timeout_ms = Number(command, "timeout_ms")) {
    call.timeout = absl::Milliseconds(timeout_ms);
  }
  call.cancellation = calls.Enter(id);
  call.metadata = MetadataOf(command);
  calls.Tell(id, Do(gateway, command, call));
}

LLMGateway::Options OptionsOf(const Struct& settings) {
  LLMGateway::Options options;
  const auto has = [&](const char* key) {
    return settings.fields().count(key) > 0;
  };
  options.target = Text(settings, "target");
  options.api_key = Text(settings, "api_key");
  options.wait_for_ready = Flag(settings, "wait_for_ready");
  options.plaintext = Flag(settings, "plaintext");
  options.root_certificates_file = Text(settings, "ca");
  options.certificate_chain_file = Text(settings, "cert");
  options.private_key_file = Text(settings, "key");
  options.server_name = Text(settings, "server_name");
  if (has("attempts_max")) {
    options.attempts_max = static_cast<int>(Number(settings, "attempts_max"));
  }
  if (has("generate_timeout_ms")) {
    options.generate_timeout =
        absl::Milliseconds(Number(settings, "generate_timeout_ms"));
  }
  if (has("lookup_timeout_ms")) {
    options.lookup_timeout =
        absl::Milliseconds(Number(settings, "lookup_timeout_ms"));
  }
  options.metadata = [settings] { return MetadataOf(settings); };
  return options;
}

}  // namespace
}  // namespace gateway

int main(int, char** argv) {
  gateway::Calls calls;
  const auto connected = gateway::LLMGateway::Connect(
      gateway::OptionsOf(gateway::Parsed(argv[1])));
  if (!connected.ok()) {
    google::protobuf::Struct told;
    gateway::SetFailure(connected.status(), &told);
    std::string line;
    (void)google::protobuf::util::MessageToJsonString(told, &line);
    std::cout << line << std::endl;
    return 1;
  }
  gateway::LLMGateway& client = **connected;
  std::forward_list<gateway::Thread> threads;
  for (std::string line; std::getline(std::cin, line);) {
    const google::protobuf::Struct command = gateway::Parsed(line);
    if (gateway::Text(command, "do") == "cancel") {
      calls.Cancel(static_cast<int>(gateway::Number(command, "id")));
      continue;
    }
    threads.emplace_front("call", [&client, &calls, command] {
      gateway::Run(client, calls, command);
    });
  }
  std::_Exit(0);  // Calls may be under way.
}
