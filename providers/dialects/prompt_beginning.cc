#include "providers/dialects/prompt_beginning.h"

#include <algorithm>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"

namespace gateway {

void PromptBeginning::Add(std::string_view text, std::string* to) const {
  if (text.empty() || to->size() >= bytes_max_) return;
  to->append(text.substr(0, bytes_max_ - to->size()));
  to->push_back('\0');
}

std::string PromptBeginning::ToText() const {
  std::string text = cache_key_;
  if (text.empty()) text = absl::StrCat(system_, tools_, first_turn_);
  text.resize(std::min(text.size(), bytes_max_));
  return text;
}

namespace wire {
namespace {

using TakeText = absl::FunctionRef<void(std::string_view text)>;

// Hands over the texts of a message, a system prompt or a part, however deep.
absl::Status EachText(JsonValue& value, TakeText take) {
  if (value.IsString()) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
    take(text);
  } else if (value.IsArray()) {
    return value.EachElement(
        [&](JsonValue& element) { return EachText(element, take); });
  } else if (value.IsObject()) {
    return value.EachField([&](std::string_view key, JsonValue& field) {
      const bool has_text = key == "content" || key == "parts" || key == "text";
      return has_text ? EachText(field, take) : absl::OkStatus();
    });
  }
  return absl::OkStatus();
}

// Hands over the names of tools.
absl::Status EachName(JsonValue& value, TakeText take) {
  if (value.IsArray()) {
    return value.EachElement(
        [&](JsonValue& element) { return EachName(element, take); });
  }
  if (!value.IsObject()) return absl::OkStatus();
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "name" && field.IsString()) {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view name, field.String());
          take(name);
        } else if (key == "function" || key == "custom" ||
                   key == "functionDeclarations" ||
                   key == "function_declarations") {
          return EachName(field, take);
        }
        return absl::OkStatus();
      });
}

class BeginningReader {
 public:
  explicit BeginningReader(size_t bytes_max) : beginning_(bytes_max) {}

  absl::Status TakeField(std::string_view key, JsonValue& value) {
    if (key == "system" || key == "instructions" ||
        key == "systemInstruction" || key == "system_instruction") {
      return EachText(
          value, [this](std::string_view text) { beginning_.AddSystem(text); });
    }
    if (key == "tools" || key == "functions") {
      return EachName(
          value, [this](std::string_view name) { beginning_.AddTool(name); });
    }
    if (key == "messages" || key == "input" || key == "contents") {
      return TakeTurns(value);
    }
    if (key == "prompt_cache_key" && value.IsString()) {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
      beginning_.SetCacheKey(text);
    }
    return absl::OkStatus();
  }

  const PromptBeginning& beginning() const { return beginning_; }

 private:
  absl::Status TakeTurns(JsonValue& turns) {
    if (!turns.IsArray()) return TakeTurn(turns);
    return turns.EachElement([this](JsonValue& turn) {
      return has_first_turn_ ? absl::OkStatus() : TakeTurn(turn);
    });
  }

  absl::Status TakeTurn(JsonValue& turn) {
    bool is_of_system = false;
    // Whose they are may be said behind them.
    absl::InlinedVector<std::string_view, 4> texts;
    const auto keep = [&texts](std::string_view text) {
      texts.push_back(text);
    };
    if (turn.IsObject()) {
      GATEWAY_RETURN_IF_ERROR(turn.EachField(
          [&](std::string_view key, JsonValue& field) -> absl::Status {
            if (key == "role" && field.IsString()) {
              GATEWAY_ASSIGN_OR_RETURN(const std::string_view role,
                                       field.String());
              is_of_system = role == "system" || role == "developer";
            } else if (key == "content" || key == "parts") {
              return EachText(field, keep);
            }
            return absl::OkStatus();
          }));
    } else {
      GATEWAY_RETURN_IF_ERROR(EachText(turn, keep));
    }
    for (const std::string_view text : texts) {
      if (is_of_system) {
        beginning_.AddSystem(text);
      } else {
        beginning_.AddFirstTurn(text);
      }
    }
    has_first_turn_ = !is_of_system;
    return absl::OkStatus();
  }

  PromptBeginning beginning_;
  bool has_first_turn_ = false;
};

}  // namespace

PromptBeginning ReadPromptBeginning(std::string_view body, size_t bytes_max) {
  BeginningReader reader(bytes_max);
  const absl::Status status = ReadJson(body, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      return reader.TakeField(key, value);
    });
  });
  return status.ok() ? reader.beginning() : PromptBeginning(bytes_max);
}

}  // namespace wire
}  // namespace gateway
