#include "clients/cli/chat_request.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "clients/cli/told_file.h"
#include "google/protobuf/util/json_util.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr std::string_view kChatFlags[] = {
    "--model",      "--provider",    "--system",  "--session",
    "--max_tokens", "--temperature", "--request", "--agent_type",
    "--project",    "--user",        "--tag"};
constexpr size_t kRequestBytesMax = 32 * 1024 * 1024;
// It does one thing only.
constexpr OperatorVerb kChatVerbs[] = {{"", kChatFlags}};

void AddTurn(v1::Role role, const std::string& text,
             v1::GenerateRequest* request) {
  v1::Message& message = *request->add_messages();
  message.set_role(role);
  message.add_parts()->set_text(text);
}

// What every turn asks for, such as tools, in the contract's own words.
absl::Status ReadRequest(const std::string& path,
                         v1::GenerateRequest* request) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string text,
                           ReadToldFile(path, kRequestBytesMax));
  const auto read = google::protobuf::util::JsonStringToMessage(text, request);
  if (read.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      path == kStandardInput ? "standard input" : path,
      " is no GenerateRequest as JSON: ", read.message().as_string()));
}

// The flags that are plain texts.
using SetText = void (*)(const std::string& value,
                         v1::GenerateRequest* request);
constexpr std::pair<std::string_view, SetText> kTextFlags[] = {
    {"--model",
     [](const std::string& v, v1::GenerateRequest* r) { r->set_model(v); }},
    {"--provider", [](const std::string& v,
                      v1::GenerateRequest* r) { r->set_provider_id(v); }},
    {"--session",
     [](const std::string& v, v1::GenerateRequest* r) { r->set_session(v); }},
    {"--tag", [](const std::string& v,
                 v1::GenerateRequest* r) { r->add_domain_tags(v); }},
    {"--agent_type",
     [](const std::string& v, v1::GenerateRequest* r) {
       r->mutable_scope()->set_agent_type(v);
     }},
    {"--project",
     [](const std::string& v, v1::GenerateRequest* r) {
       r->mutable_scope()->set_project_id(v);
     }},
    {"--user",
     [](const std::string& v, v1::GenerateRequest* r) {
       r->mutable_scope()->set_user_id(v);
     }},
    {"--system", [](const std::string& v, v1::GenerateRequest* r) {
       AddTurn(v1::ROLE_SYSTEM, v, r);
     }}};

absl::Status SetNumbers(const OperatorWords& words,
                        v1::GenerateRequest* request) {
  const std::string tokens = LastOf(words, "--max_tokens");
  if (!tokens.empty()) {
    int32_t tokens_max = 0;
    if (!absl::SimpleAtoi(tokens, &tokens_max) || tokens_max < 1) {
      return FlagMistake(
          "--max_tokens",
          absl::StrCat("must be a number from 1 to ",
                       std::numeric_limits<int32_t>::max(), ", not '", tokens,
                       "'"));
    }
    request->set_max_output_tokens(tokens_max);
  }
  const std::string temperature = LastOf(words, "--temperature");
  if (temperature.empty()) return absl::OkStatus();
  double value = 0;
  // Written so that what is no number fails, too.
  if (!absl::SimpleAtod(temperature, &value) || !(value >= 0 && value <= 2)) {
    return FlagMistake(
        "--temperature",
        absl::StrCat("must be a number from 0 to 2, not '", temperature, "'"));
  }
  request->mutable_sampling()->set_temperature(value);
  return absl::OkStatus();
}

}  // namespace

const OperatorCommand kChatCommand = {"chat", kChatVerbs};

absl::StatusOr<v1::GenerateRequest> GenerateRequestOf(
    const OperatorWords& words) {
  v1::GenerateRequest request;
  if (const std::string path = LastOf(words, "--request"); !path.empty()) {
    GATEWAY_RETURN_IF_ERROR(ReadRequest(path, &request));
  }
  for (const auto& [flag, value] : words.flags) {
    for (const auto& [name, set] : kTextFlags) {
      if (name == flag) set(value, &request);
    }
  }
  GATEWAY_RETURN_IF_ERROR(SetNumbers(words, &request));
  return request;
}

absl::StatusOr<ChatTurns> ChatTurns::Of(const OperatorWords& words) {
  GATEWAY_ASSIGN_OR_RETURN(v1::GenerateRequest request,
                           GenerateRequestOf(words));
  return ChatTurns(std::move(request));
}

ChatTurns::ChatTurns(v1::GenerateRequest request)
    : request_(std::move(request)), first_messages_(request_.messages_size()) {}

bool ChatTurns::asks() const {
  if (request_.messages().empty()) return false;
  const v1::Message& last = *request_.messages().rbegin();
  return last.role() == v1::ROLE_USER || last.role() == v1::ROLE_TOOL;
}

const v1::GenerateRequest& ChatTurns::Ask(const std::string& prompt) {
  if (!request_.session().empty()) Forget();
  AddTurn(v1::ROLE_USER, prompt, &request_);
  return request_;
}

void ChatTurns::Answered(const std::string& text) {
  if (text.empty()) return Unanswered();
  AddTurn(v1::ROLE_ASSISTANT, text, &request_);
}

void ChatTurns::Unanswered() { request_.mutable_messages()->RemoveLast(); }

void ChatTurns::Forget() {
  request_.mutable_messages()->DeleteSubrange(
      first_messages_, request_.messages_size() - first_messages_);
}

}  // namespace gateway
