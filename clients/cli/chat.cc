#include "clients/cli/chat.h"

#include <algorithm>
#include <cstddef>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "clients/cli/chat_printer.h"
#include "clients/cli/chat_request.h"
#include "clients/cli/failure_text.h"
#include "clients/cli/interrupts.h"
#include "clients/cli/told_file.h"
#include "clients/cpp/answer_fault.h"
#include "clients/cpp/event_order.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr std::string_view kPrompt = "> ";
constexpr std::string_view kChatHint =
    "Ctrl-D ends the chat, Ctrl-C an answer; /new begins anew.\n";
// The gateway keeps what was said in one.
constexpr std::string_view kSessionHint =
    "Ctrl-D ends the chat, Ctrl-C an answer; the session goes on.\n";
constexpr std::string_view kSessionStays =
    "The session keeps what was said: gatewayctl sessions create makes "
    "another, for --session.\n";
// As large as a request may be by default.
constexpr size_t kPromptBytesMax = 32 * 1024 * 1024;

// A call that went well and has no whole answer, as the clients of programs
// tell of it.
absl::Status NotWhole(const RpcPlace& place, const AnswerFault& fault) {
  google::rpc::ErrorInfo info;
  info.set_reason(fault.reason);
  info.set_domain("llmgateway.dev");
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  absl::Status failure(
      fault.code, absl::StrCat("the answer of the gateway at ", place.address,
                               " is not whole: ", fault.message));
  SetRpcDetails(details.SerializeAsString(), &failure);
  return failure;
}

// Whether a stream's events are those of a whole answer.
class AnswerCheck {
 public:
  // Returns whether the event is the next one; no other counts behind one that
  // is not.
  bool Add(const v1::GenerateEvent& event) {
    disorder_ = order_.Add(event);
    if (!disorder_.empty()) return false;
    if (event.has_end()) end_ = event.end();
    return true;
  }

  // OK if they are.
  absl::Status Conclude(const RpcPlace& place) const {
    const std::optional<AnswerFault> fault =
        disorder_.empty() ? FaultOfEnd(order_.has_ended() ? &end_ : nullptr)
                          : EventLost(disorder_);
    return fault.has_value() ? NotWhole(place, *fault) : absl::OkStatus();
  }

 private:
  EventOrder order_;
  std::string disorder_;  // Empty as long as there is none.
  v1::StreamEnd end_;
};

// One conversation with one gateway.
class Conversation {
 public:
  Conversation(const GatewayConnection& gateway, ChatTurns turns, bool as_json,
               const Console& console)
      : gateway_(gateway),
        turns_(std::move(turns)),
        as_json_(as_json),
        console_(console) {}

  absl::Status Say(const std::string& prompt, RunningCall* running) {
    std::string answer;
    const absl::Status ended = Send(turns_.Ask(prompt), running, &answer);
    if (ended.ok()) {
      turns_.Answered(answer);
    } else {
      turns_.Unanswered();
    }
    return ended;
  }

  // Sends the request as it is. It is no turn.
  absl::Status SayNoMore() {
    std::string answer;
    return Send(turns_.request(), /*running=*/nullptr, &answer);
  }

  // Begins anew. False if a session goes on, which is not ours to end.
  bool Forget() {
    turns_.Forget();
    return turns_.request().session().empty();
  }

 private:
  absl::Status Send(const v1::GenerateRequest& request, RunningCall* running,
                    std::string* answer) {
    ChatPrinter printer(console_, as_json_);
    AnswerCheck check;
    absl::Status printed;
    const auto print = [&](const v1::GenerateEvent& event) {
      const bool is_next = check.Add(event);
      if (is_next) printed = printer.Print(event);
      return is_next && printed.ok();
    };
    const absl::Status ended =
        gateway_.StreamWhile<v1::GenerateRequest, v1::GenerateEvent>(
            &v1::GatewayService::Stub::StreamGenerate, request, print, running);
    printer.Finish();
    *answer = printer.answer();
    GATEWAY_RETURN_IF_ERROR(printed);
    return ended.ok() ? check.Conclude(gateway_.place()) : ended;
  }

  const GatewayConnection& gateway_;
  ChatTurns turns_;
  const bool as_json_;
  const Console& console_;
};

// The lines of a terminal are turns.
void SayLines(Conversation& conversation, RunningCall* running,
              const Console& console) {
  std::string line;
  while (console.err << kPrompt << std::flush, std::getline(console.in, line)) {
    const absl::string_view said = absl::StripAsciiWhitespace(line);
    if (said.empty()) continue;
    if (said == "/new") {
      if (!conversation.Forget()) console.err << kSessionStays;
      continue;
    }
    const absl::Status ended = conversation.Say(std::string(said), running);
    if (absl::IsCancelled(ended)) {
      console.err << "(cancelled)\n";
    } else if (!ended.ok()) {
      console.err << FailureText(ended, /*as_json=*/false);
    }
  }
  console.err << "\n";
}

absl::Status ChatOnTerminal(const RpcPlace& place, ChatTurns turns,
                            bool as_json, const Console& console) {
  RunningCall running;
  const std::string_view hint =
      turns.request().session().empty() ? kChatHint : kSessionHint;
  const Interrupts interrupts([&running, &console, hint] {
    if (running.Cancel()) return;
    // The terminal has forgotten what was typed, and somebody waits for a line.
    console.err << "\n" << hint << kPrompt << std::flush;
  });
  GATEWAY_ASSIGN_OR_RETURN(const GatewayConnection gateway,
                           GatewayConnection::Open(place));
  Conversation conversation(gateway, std::move(turns), as_json, console);
  console.err << hint;
  SayLines(conversation, &running, console);
  return absl::OkStatus();
}

// As much as chat takes, and one byte more where there is more.
std::string ReadPrompt(std::istream& in) {
  std::string prompt;
  char piece[64 * 1024];
  while (in && prompt.size() <= kPromptBytesMax) {
    const size_t wanted =
        std::min(sizeof(piece), kPromptBytesMax + 1 - prompt.size());
    in.read(piece, static_cast<std::streamsize>(wanted));
    prompt.append(piece, static_cast<size_t>(in.gcount()));
  }
  return prompt;
}

// Empty if there is none, and the request asks by itself.
absl::StatusOr<std::string> PromptOf(const OperatorWords& words, bool asks,
                                     const Console& console) {
  std::string prompt = absl::StrJoin(words.words, " ");
  const bool input_is_taken = LastOf(words, "--request") == kStandardInput;
  if (words.words.empty() && !console.in_is_terminal && !input_is_taken) {
    prompt = ReadPrompt(console.in);
  }
  // Before all else is asked of it, which the rest may not be.
  if (prompt.size() > kPromptBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("the prompt has more than ", kPromptBytesMax, " bytes"));
  }
  if (absl::StripAsciiWhitespace(prompt).empty()) {
    if (asks) return std::string();
    return absl::InvalidArgumentError(
        "there is nothing to ask: chat takes the prompt as words, from "
        "standard input, or as the last message of --request, of the role "
        "ROLE_USER or ROLE_TOOL; see gatewayctl --help");
  }
  if (!IsUtf8(prompt)) {
    return absl::InvalidArgumentError(
        "the prompt is no text in UTF-8; iconv makes it one");
  }
  return prompt;
}

}  // namespace

absl::Status Chat(const RpcPlace& place, const OperatorWords& words,
                  const Console& console) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kChatCommand, words));
  GATEWAY_ASSIGN_OR_RETURN(ChatTurns turns, ChatTurns::Of(words));
  const bool has_lines =
      console.in_is_terminal && LastOf(words, "--request") != kStandardInput;
  if (words.words.empty() && has_lines && !turns.asks()) {
    return ChatOnTerminal(place, std::move(turns), words.as_json, console);
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string prompt,
                           PromptOf(words, turns.asks(), console));
  GATEWAY_ASSIGN_OR_RETURN(const GatewayConnection gateway,
                           GatewayConnection::Open(place));
  Conversation conversation(gateway, std::move(turns), words.as_json, console);
  return prompt.empty() ? conversation.SayNoMore()
                        : conversation.Say(prompt, /*running=*/nullptr);
}

}  // namespace gateway
