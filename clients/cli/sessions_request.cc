#include "clients/cli/sessions_request.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "google/protobuf/util/json_util.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using GatewayStub = v1::GatewayService::Stub;

constexpr std::string_view kTtlFlag = "--ttl";
constexpr std::string_view kContextFlag = "--context";
constexpr std::string_view kCreateSessionFlags[] = {kTtlFlag, kContextFlag};
constexpr OperatorVerb kSessionsVerbs[] = {
    {"create", kCreateSessionFlags}, {"get", {}}, {"delete", {}}};

// Of a longer text the table shows the beginning.
constexpr size_t kShownBytesMax = 100;

absl::Status SessionsMistake(const std::string& what) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, "; see gatewayctl --help"));
}

absl::StatusOr<v1::CreateSessionRequest> CreateSessionRequestOf(
    const OperatorWords& words) {
  if (words.words.size() > 1) {
    return SessionsMistake(
        absl::StrCat("sessions create takes no '", words.words[1], "'"));
  }
  v1::CreateSessionRequest request;
  const std::string ttl = LastOf(words, kTtlFlag);
  absl::Duration duration;
  if (!ttl.empty() && !absl::ParseDuration(ttl, &duration)) {
    return FlagMistake(
        kTtlFlag, absl::StrCat("must be a time as in 30m, not '", ttl, "'"));
  }
  if (!ttl.empty()) {
    request.mutable_ttl()->set_seconds(absl::ToInt64Seconds(duration));
  }
  const std::string context = LastOf(words, kContextFlag);
  if (!context.empty() && !google::protobuf::util::JsonStringToMessage(
                               context, request.mutable_context())
                               .ok()) {
    return FlagMistake(kContextFlag, "must be a JSON object");
  }
  return request;
}

absl::StatusOr<std::string> SessionIdOf(const OperatorWords& words) {
  if (words.words.size() == 2) return words.words[1];
  return SessionsMistake(
      absl::StrCat("sessions ", words.words[0], " takes one session's id"));
}

// What a part says, or what it is.
std::string PartText(const v1::Part& part) {
  switch (part.kind_case()) {
    case v1::Part::kText:
      return part.text();
    case v1::Part::kRefusal:
      return part.refusal();
    case v1::Part::kToolCall:
      return absl::StrCat(part.tool_call().name(), "(",
                          part.tool_call().arguments(), ")");
    case v1::Part::kToolResult: {
      std::string text;
      for (const v1::Part& each : part.tool_result().parts()) {
        absl::StrAppend(&text, PartText(each));
      }
      return text;
    }
    default:
      return "(no text)";
  }
}

std::string MessageText(const v1::Message& message) {
  std::string text;
  for (const v1::Part& part : message.parts()) {
    absl::StrAppend(&text, text.empty() ? "" : " ", PartText(part));
  }
  // A terminal would obey some of them.
  std::replace_if(text.begin(), text.end(), absl::ascii_iscntrl, ' ');
  if (text.size() <= kShownBytesMax) return text;
  size_t end = kShownBytesMax;
  // Not within a character.
  while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), "...");
}

std::string ContextText(const v1::Session& session) {
  std::string text;
  // Fails for no message without an Any.
  const auto printed =
      google::protobuf::util::MessageToJsonString(session.context(), &text);
  assert(printed.ok());
  return text;
}

std::string SessionTable(const v1::Session& session) {
  std::vector<Row> rows = {
      {"id", session.id()},
      {"created", TimeText(session.create_time())},
      {"expires", TimeText(session.expire_time())},
      {"ttl", absl::FormatDuration(absl::Seconds(session.ttl().seconds()))}};
  if (session.has_context()) {
    rows.push_back({"context", ContextText(session)});
  }
  rows.push_back({"messages", absl::StrCat(session.messages_size())});
  std::string text = Table(rows);
  if (session.messages().empty()) return text;
  std::vector<Row> messages = {{"ROLE", "TEXT"}};
  for (const v1::Message& each : session.messages()) {
    messages.push_back(
        {ValueText(v1::Role_Name(each.role()), "ROLE_"), MessageText(each)});
  }
  return absl::StrCat(text, "\n", Table(messages));
}

template <typename Request, typename Response>
absl::StatusOr<Response> AskGateway(
    const RpcPlace& place,
    grpc::Status (GatewayStub::*method)(grpc::ClientContext*, const Request&,
                                        Response*),
    const Request& request) {
  GATEWAY_ASSIGN_OR_RETURN(const GatewayConnection gateway,
                           GatewayConnection::Open(place));
  return gateway.Call(method, request);
}

std::string SessionText(const v1::Session& session,
                        const OperatorWords& words) {
  return words.as_json ? AsJson(session) : SessionTable(session);
}

}  // namespace

const OperatorCommand kSessionsCommand = {"sessions", kSessionsVerbs};

absl::StatusOr<std::string> AskSessions(const RpcPlace& place,
                                        const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kSessionsCommand, words));
  const std::string& what = words.words[0];
  if (what == "create") {
    GATEWAY_ASSIGN_OR_RETURN(const v1::CreateSessionRequest request,
                             CreateSessionRequestOf(words));
    GATEWAY_ASSIGN_OR_RETURN(
        const v1::Session session,
        AskGateway(place, &GatewayStub::CreateSession, request));
    return SessionText(session, words);
  }
  if (what == "get") {
    v1::GetSessionRequest request;
    GATEWAY_ASSIGN_OR_RETURN(*request.mutable_id(), SessionIdOf(words));
    GATEWAY_ASSIGN_OR_RETURN(
        const v1::Session session,
        AskGateway(place, &GatewayStub::GetSession, request));
    return SessionText(session, words);
  }
  v1::DeleteSessionRequest request;
  GATEWAY_ASSIGN_OR_RETURN(*request.mutable_id(), SessionIdOf(words));
  GATEWAY_ASSIGN_OR_RETURN(
      const v1::DeleteSessionResponse response,
      AskGateway(place, &GatewayStub::DeleteSession, request));
  return words.as_json ? AsJson(response)
                       : absl::StrCat("deleted  ", request.id(), "\n");
}

}  // namespace gateway
