#include "service/pipeline/call_log.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/logging.h"
#include "base/text/json_escape.h"
#include "google/protobuf/util/json_util.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/pipeline/admission.h"
#include "service/pipeline/plan.h"

namespace gateway {
namespace {

constexpr std::string_view kModule = "pipeline";

void AppendQuoted(std::string_view text, std::string* out) {
  out->push_back('"');
  AppendJsonEscaped(text, kLogValueBytesLimit, out);
  out->push_back('"');
}

// Texts as far as a line takes them; of anything else that is large, such as
// pictures, only that it was there.
void AppendPart(const v1::Part& part, std::string* out) {
  if (part.kind_case() == v1::Part::kText) {
    out->append("{\"text\":");
    AppendQuoted(part.text(), out);
    out->push_back('}');
    return;
  }
  const size_t bytes = part.ByteSizeLong();
  std::string whole;
  if (bytes <= kLogValueBytesLimit &&
      google::protobuf::util::MessageToJsonString(part, &whole).ok()) {
    out->append(whole);
    return;
  }
  absl::StrAppend(out, "{\"omitted_bytes\":", bytes, "}");
}

// Ends early once there is more than a line takes; the log cuts the rest.
std::string PromptOf(const v1::GenerateRequest& request) {
  std::string prompt = "[";
  for (const v1::Message& message : request.messages()) {
    if (prompt.size() > kLogValueBytesLimit) break;
    if (prompt.size() > 1) prompt.push_back(',');
    prompt.append("{\"role\":");
    AppendQuoted(v1::Role_Name(message.role()), &prompt);
    prompt.append(",\"parts\":[");
    bool first = true;
    for (const v1::Part& part : message.parts()) {
      if (prompt.size() > kLogValueBytesLimit) break;
      if (!first) prompt.push_back(',');
      first = false;
      AppendPart(part, &prompt);
    }
    prompt.append("]}");
  }
  prompt.push_back(']');
  return prompt;
}

std::string InputsOf(const v1::EmbedRequest& request) {
  std::string inputs = "[";
  for (const v1::EmbedInput& input : request.inputs()) {
    if (inputs.size() > kLogValueBytesLimit) break;
    if (inputs.size() > 1) inputs.push_back(',');
    if (input.has_tokens()) {
      absl::StrAppend(&inputs, "{\"tokens\":", input.tokens().ids_size(), "}");
    } else {
      AppendQuoted(input.text(), &inputs);
    }
  }
  inputs.push_back(']');
  return inputs;
}

// How many calls of this second the thread has written the steps of, and of how
// many since then it has not.
struct StepsOfSecond {
  absl::Duration began = -absl::InfiniteDuration();
  int logged = 0;
  int64_t unlogged = 0;
};

// Returns for how many calls before there was no place, if there is one now.
std::optional<int64_t> TakeStepPlace(absl::Duration now) {
  thread_local StepsOfSecond steps;
  if (now - steps.began >= absl::Seconds(1) || now < steps.began) {
    steps.began = now;
    steps.logged = 0;
  }
  if (steps.logged >= kStepsLoggedPerSecond) {
    ++steps.unlogged;
    return std::nullopt;
  }
  ++steps.logged;
  return std::exchange(steps.unlogged, 0);
}

LogLevel StepLevel(const IncomingCall& call) {
  return call.steps_logged_at_info ? LogLevel::kInfo : LogLevel::kDebug;
}

}  // namespace

void LogPrompt(const IncomingCall& call) {
  if (!call.runtime->config().logging().log_prompts()) return;
  if (!LogEnabled(LogLevel::kInfo, kModule)) return;
  const CallFacts& facts = call.facts;
  if (call.raw != nullptr) {
    Log(LogLevel::kInfo, kModule, "Prompt",
        {{"request_id", facts.request_id}, {"prompt", call.raw->body}});
    return;
  }
  if (call.embed == nullptr && call.request == nullptr) return;
  const std::string prompt =
      call.embed != nullptr ? InputsOf(*call.embed) : PromptOf(*call.request);
  Log(LogLevel::kInfo, kModule, "Prompt",
      {{"request_id", facts.request_id}, {"prompt", prompt}});
}

void LogRoute(const Admitted& admitted, const Planned& planned,
              IncomingCall& call) {
  if (!LogEnabled(LogLevel::kInfo, kModule)) return;
  const std::optional<int64_t> unlogged =
      TakeStepPlace(call.runtime->clock().SteadyTime());
  call.steps_logged_at_info = unlogged.has_value();
  const LogLevel level = StepLevel(call);
  const std::string_view agent = admitted.scope.agent_type;
  if (unlogged.value_or(0) > 0) {
    Log(level, kModule, "Routing request",
        {{"request_id", call.facts.request_id},
         {"agent_type", agent},
         {"model", call.recorded_model},
         {"provider", planned.first.provider->name},
         {"reason", planned.reason},
         {"unlogged", *unlogged}});
    return;
  }
  Log(level, kModule, "Routing request",
      {{"request_id", call.facts.request_id},
       {"agent_type", agent},
       {"model", call.recorded_model},
       {"provider", planned.first.provider->name},
       {"reason", planned.reason}});
}

void LogAttempt(const IncomingCall& call, const Attempt& attempt) {
  const LogLevel level = StepLevel(call);
  if (!LogEnabled(level, kModule)) return;
  Log(level, kModule, "Forwarding to provider",
      {{"request_id", call.facts.request_id},
       {"provider", attempt.provider},
       {"model", attempt.model}});
}

}  // namespace gateway
