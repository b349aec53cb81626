#include "providers/schema/output_mode.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "google/protobuf/repeated_field.h"

namespace gateway {
namespace {

using Settings = v1::ReasoningSettings;

constexpr char kDefaultToolName[] = "answer";
constexpr char kDefaultToolDescription[] =
    "Gives the answer. Always call this, once.";
constexpr char kAnyObjectPrompt[] =
    "Answer with one JSON object, with nothing before or after it and no code "
    "fence around it.";
constexpr char kSchemaPrompt[] =
    "Answer with one JSON value that satisfies the JSON Schema below, with "
    "nothing before or after it and no code fence around it.";

// Returns whether the schema says that its values are objects.
bool IsOfObjects(std::string_view schema) {
  bool objects = false;
  const absl::Status read =
      ReadJson(schema, [&](JsonValue& root) -> absl::Status {
        if (!root.IsObject()) return absl::OkStatus();
        return root.EachField([&](std::string_view key,
                                  JsonValue& value) -> absl::Status {
          if (key != "type" || !value.IsString()) return absl::OkStatus();
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view type, value.String());
          objects = type == "object";
          return absl::OkStatus();
        });
      });
  return read.ok() && objects;
}

bool Reasons(const Settings& settings) {
  if (settings.mode() == Settings::MODE_DISABLED) return false;
  return settings.mode() != Settings::MODE_UNSPECIFIED ||
         settings.has_budget_tokens() ||
         (settings.effort() != Settings::EFFORT_UNSPECIFIED &&
          settings.effort() != Settings::EFFORT_NONE);
}

std::string_view WhatWasDone(OutputMode mode) {
  switch (mode) {
    case OutputMode::kForcedTool:
      return "asked for by a tool that the model must call, which the answer "
             "shows as text";
    case OutputMode::kJsonMode:
      return "asked for as any JSON object, the schema by the prompt: the "
             "model is not held to it";
    case OutputMode::kPrompt:
      return "asked for by the prompt: the model is not held to it";
    case OutputMode::kNative:
      break;
  }
  return "asked for as it is";
}

}  // namespace

OutputRewrite::OutputRewrite(OutputMode mode, OutputMode fallback,
                             const v1::GenerateRequest& request,
                             std::vector<v1::Warning>* warnings)
    : request_(request) {
  std::string why;
  mode_ = Choose(mode, fallback, &why);
  if (mode_ == OutputMode::kNative) return;
  rewritten_ = request;
  switch (mode_) {
    case OutputMode::kForcedTool:
      ForceTool();
      break;
    case OutputMode::kJsonMode:
      AddToPrompt();
      AskForAnyObject();
      break;
    case OutputMode::kPrompt:
      AddToPrompt();
      rewritten_->clear_response_format();
      break;
    case OutputMode::kNative:
      break;
  }
  v1::Warning& warning = warnings->emplace_back();
  warning.set_field("response_format");
  warning.set_message(absl::StrCat(ToAbsl(WhatWasDone(mode_)), why));
}

OutputMode OutputRewrite::Choose(OutputMode mode, OutputMode fallback,
                                 std::string* why) {
  const v1::ResponseFormat& format = request_.response_format();
  if (format.kind() == v1::ResponseFormat::KIND_JSON_OBJECT) {
    // A tool needs a schema, and there is none.
    if (mode == OutputMode::kForcedTool) mode = fallback;
    return mode == OutputMode::kPrompt ? mode : OutputMode::kNative;
  }
  if (format.kind() != v1::ResponseFormat::KIND_JSON_SCHEMA ||
      mode == OutputMode::kNative || mode == OutputMode::kPrompt) {
    return format.kind() == v1::ResponseFormat::KIND_JSON_SCHEMA
               ? mode
               : OutputMode::kNative;
  }
  if (!IsOfObjects(format.schema())) {
    *why = " (its type is not object)";
    return OutputMode::kPrompt;
  }
  if (mode == OutputMode::kJsonMode) return mode;
  if (!request_.tools().empty()) {
    *why = " (the request has tools of its own)";
    return fallback;
  }
  if (Reasons(request_.reasoning())) {
    *why = " (a model that must call a tool cannot reason first)";
    return fallback;
  }
  return mode;
}

void OutputRewrite::ForceTool() {
  const v1::ResponseFormat& format = request_.response_format();
  tool_name_ = format.name().empty() ? kDefaultToolName : format.name();
  v1::FunctionTool* const tool = rewritten_->add_tools()->mutable_function();
  tool->set_name(tool_name_);
  tool->set_description(format.description().empty() ? kDefaultToolDescription
                                                     : format.description());
  tool->set_parameters_schema(format.schema());
  if (format.has_strict()) tool->set_strict(format.strict());
  v1::ToolChoice* const choice = rewritten_->mutable_tool_choice();
  choice->Clear();
  choice->set_mode(v1::ToolChoice::MODE_TOOL);
  choice->set_tool_name(tool_name_);
  choice->set_tool_kind(v1::TOOL_KIND_FUNCTION);
  rewritten_->set_parallel_tool_calls(false);
  rewritten_->clear_response_format();
}

void OutputRewrite::AskForAnyObject() {
  v1::ResponseFormat* const format = rewritten_->mutable_response_format();
  format->Clear();
  format->set_kind(v1::ResponseFormat::KIND_JSON_OBJECT);
}

// Appends to the last system message: many models take only one such message,
// and only at the beginning.
void OutputRewrite::AddToPrompt() {
  auto* const messages = rewritten_->mutable_messages();
  const bool system_speaks =
      !messages->empty() && (messages->Get(0).role() == v1::ROLE_SYSTEM ||
                             messages->Get(0).role() == v1::ROLE_DEVELOPER);
  if (!system_speaks) {
    messages->Add()->set_role(v1::ROLE_SYSTEM);
    for (int i = messages->size() - 1; i > 0; --i) {
      messages->SwapElements(i, i - 1);
    }
  }
  const v1::ResponseFormat& format = request_.response_format();
  std::string prompt = system_speaks ? "\n\n" : "";
  if (format.kind() == v1::ResponseFormat::KIND_JSON_OBJECT) {
    prompt += kAnyObjectPrompt;
  } else {
    prompt += kSchemaPrompt;
    if (!format.description().empty()) {
      absl::StrAppend(&prompt, "\n\nThe value is: ", format.description());
    }
    absl::StrAppend(&prompt, "\n\n", format.schema());
  }
  messages->Mutable(0)->add_parts()->set_text(prompt);
}

void OutputRewrite::RestoreAnswer(v1::GenerateResponse* response) const {
  if (mode_ != OutputMode::kForcedTool) return;
  for (v1::Choice& choice : *response->mutable_choices()) {
    bool answered = false;
    auto* const parts = choice.mutable_message()->mutable_parts();
    for (int i = 0; i < parts->size();) {
      v1::Part* const part = parts->Mutable(i);
      if (!part->has_tool_call() || part->tool_call().name() != tool_name_) {
        ++i;
      } else if (!answered) {
        answered = true;
        std::string text =
            std::move(*part->mutable_tool_call()->mutable_arguments());
        part->set_text(std::move(text));
        ++i;
      } else {
        parts->DeleteSubrange(i, 1);
        v1::Warning* const warning = response->add_warnings();
        warning->set_field("response_format");
        warning->set_message(
            "the model answered twice; the second is left "
            "out");
      }
    }
    if (answered && choice.finish_reason() == v1::FINISH_REASON_TOOL_CALLS) {
      choice.set_finish_reason(v1::FINISH_REASON_STOP);
      choice.clear_provider_finish_reason();
    }
  }
}

void OutputRewrite::RestoreEvent(v1::GenerateEvent* event) {
  if (mode_ != OutputMode::kForcedTool) return;
  if (event->has_delta()) {
    RestoreDelta(event->mutable_delta());
  } else if (event->has_choice_end() &&
             answered_.count(event->choice_end().choice_index()) > 0 &&
             event->choice_end().finish_reason() ==
                 v1::FINISH_REASON_TOOL_CALLS) {
    event->mutable_choice_end()->set_finish_reason(v1::FINISH_REASON_STOP);
    event->mutable_choice_end()->clear_provider_finish_reason();
  }
}

void OutputRewrite::RestoreDelta(v1::Delta* delta) {
  if (!delta->has_tool_call()) return;
  const PartKey key = {delta->choice_index(), delta->part_index()};
  // Only the first piece of a call names its tool.
  if (delta->tool_call().name() == tool_name_) {
    calls_.insert(key);
    if (answered_.insert(key.first).second) answers_.insert(key);
  }
  if (calls_.count(key) == 0) return;
  if (answers_.count(key) > 0) {
    std::string text =
        std::move(*delta->mutable_tool_call()->mutable_arguments());
    delta->set_text(std::move(text));
  } else {
    delta->clear_piece();  // A second call is left out.
  }
}

}  // namespace gateway
