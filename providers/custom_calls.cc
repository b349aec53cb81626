#include "providers/custom_calls.h"

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/status_macros.h"
#include "base/text/json.h"

namespace gateway {
namespace {

constexpr std::string_view kInput = "input";

// Returns the text of `{"input":"text"}`; nothing if it is anything else.
std::optional<std::string> TextOf(std::string_view arguments) {
  std::optional<std::string> text;
  bool alone = true;
  const absl::Status read = ReadJson(arguments, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key,
                              JsonValue& value) -> absl::Status {
      alone = alone && key == kInput && value.IsString() && !text.has_value();
      if (!alone) return absl::OkStatus();
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view words, value.String());
      text = std::string(words);
      return absl::OkStatus();
    });
  });
  return read.ok() && alone ? text : std::nullopt;
}

class RestoredCalls final : public ProviderStream {
 public:
  RestoredCalls(CustomCalls custom, std::unique_ptr<ProviderStream> stream)
      : custom_(std::move(custom)), stream_(std::move(stream)) {}

  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override {
    absl::StatusOr<bool> more = co_await stream_->Next(batch);
    custom_.Restore(&batch->events);
    co_return more;
  }

  const ResponseFacts& facts() const override { return stream_->facts(); }
  int64_t SaidTokens() const override { return stream_->SaidTokens(); }

 private:
  CustomCalls custom_;
  const std::unique_ptr<ProviderStream> stream_;
};

}  // namespace

CustomCalls::CustomCalls(const v1::GenerateRequest& request) {
  for (const v1::Tool& tool : request.tools()) {
    if (tool.has_custom()) names_.insert(tool.custom().name());
  }
}

void CustomCalls::Restore(v1::GenerateResponse* response) const {
  for (v1::Choice& choice : *response->mutable_choices()) {
    for (v1::Part& part : *choice.mutable_message()->mutable_parts()) {
      if (!part.has_tool_call()) continue;
      v1::ToolCall* const call = part.mutable_tool_call();
      if (call->kind() == v1::TOOL_KIND_CUSTOM ||
          !names_.contains(call->name())) {
        continue;
      }
      call->set_kind(v1::TOOL_KIND_CUSTOM);
      if (std::optional<std::string> text = TextOf(call->arguments())) {
        call->set_arguments(*std::move(text));
      }
    }
  }
}

void CustomCalls::Restore(EventList* events) {
  EventList restored;
  for (v1::GenerateEvent& event : *events) {
    if (event.has_choice_end()) {
      EndChoice(event.choice_end().choice_index(), &restored);
    } else if (event.has_delta() && event.delta().has_tool_call()) {
      TakePiece(event.mutable_delta());
    }
    restored.push_back(event);
  }
  *events = std::move(restored);
}

void CustomCalls::TakePiece(v1::Delta* delta) {
  v1::ToolCallDelta* const piece = delta->mutable_tool_call();
  const CallKey key = {delta->choice_index(), delta->part_index()};
  auto call = waiting_.find(key);
  if (call == waiting_.end()) {
    // Only the first piece of a call names its tool.
    if (piece->kind() == v1::TOOL_KIND_CUSTOM ||
        !names_.contains(piece->name())) {
      return;
    }
    piece->set_kind(v1::TOOL_KIND_CUSTOM);
    call = waiting_.emplace(key, Waiting{.index = piece->index()}).first;
  }
  std::string& arguments = call->second.arguments;
  arguments += piece->arguments();
  piece->clear_arguments();
  if (!arguments.ends_with('}')) return;
  if (std::optional<std::string> text = TextOf(arguments)) {
    piece->set_arguments(*std::move(text));
    waiting_.erase(call);
  }
}

void CustomCalls::EndChoice(int choice, EventList* events) {
  const auto begin = waiting_.lower_bound({choice, 0});
  auto end = begin;
  for (; end != waiting_.end() && end->first.first == choice; ++end) {
    Waiting& call = end->second;
    if (call.arguments.empty()) continue;
    v1::Delta* const delta = events->emplace_back().mutable_delta();
    delta->set_choice_index(choice);
    delta->set_part_index(end->first.second);
    delta->mutable_tool_call()->set_index(call.index);
    delta->mutable_tool_call()->set_arguments(std::move(call.arguments));
  }
  waiting_.erase(begin, end);
}

std::unique_ptr<ProviderStream> WithCustomCalls(
    CustomCalls custom, std::unique_ptr<ProviderStream> stream) {
  return std::make_unique<RestoredCalls>(std::move(custom), std::move(stream));
}

}  // namespace gateway
