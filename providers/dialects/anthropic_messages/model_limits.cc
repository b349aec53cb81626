#include "providers/dialects/anthropic_messages/model_limits.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "providers/dialects/anthropic_messages/content_writer.h"
#include "providers/dialects/anthropic_messages/vendor_names.h"

namespace gateway::anthropic {
namespace {

using Settings = v1::ReasoningSettings;

// Bytes per token of the densest prompts, so that the estimate is never too
// low.
constexpr int64_t kPromptBytesPerToken = 2;

constexpr double kTemperatureMax = 1.0;
// The least `top_p` that is taken while the model thinks.
constexpr double kTopPMinWhileThinking = 0.95;

// The least budget that the format allows, and budgets for more effort.
constexpr int64_t kBudgetMin = 1024;
constexpr int64_t kBudgetMedium = 8192;
constexpr int64_t kBudgetHigh = 24576;

std::string_view WordOf(EffortLevel level) {
  switch (level) {
    case kEffortMinimal:
    case kEffortLow:
      return "low";
    case kEffortMedium:
      return "medium";
    case kEffortXhigh:
      return "xhigh";
    case kEffortMax:
      return "max";
    default:
      return "high";
  }
}

int64_t BudgetOf(EffortLevel level) {
  if (level <= kEffortLow) return kBudgetMin;
  return level == kEffortMedium ? kBudgetMedium : kBudgetHigh;
}

EffortLevel LevelOfBudget(int64_t tokens) {
  if (tokens < kBudgetMedium) return kEffortLow;
  return tokens < kBudgetHigh ? kEffortMedium : kEffortHigh;
}

// Which form of thinking the caller asks for.
enum class Wish { kNothing, kBudget, kAdaptive, kOff };

Wish WishOf(const Settings& settings) {
  const Settings::Mode mode = settings.mode();
  const bool may_think =
      mode == Settings::MODE_ENABLED || mode == Settings::MODE_UNSPECIFIED;
  if (settings.has_budget_tokens() && may_think) return Wish::kBudget;
  if (mode == Settings::MODE_ENABLED || mode == Settings::MODE_ADAPTIVE) {
    return Wish::kAdaptive;
  }
  const bool off = mode == Settings::MODE_DISABLED ||
                   settings.effort() == Settings::EFFORT_NONE;
  return off ? Wish::kOff : Wish::kNothing;
}

bool ForcesTool(const v1::GenerateRequest& request) {
  const v1::ToolChoice::Mode mode = request.tool_choice().mode();
  return mode == v1::ToolChoice::MODE_REQUIRED ||
         mode == v1::ToolChoice::MODE_TOOL;
}

bool HasResult(const v1::Message& message) {
  return std::any_of(
      message.parts().begin(), message.parts().end(),
      [](const v1::Part& part) { return part.has_tool_result(); });
}

bool HasSignedThoughts(const v1::Message& message) {
  return std::any_of(
      message.parts().begin(), message.parts().end(), [](const v1::Part& part) {
        return part.has_reasoning() && IsSigned(part.reasoning());
      });
}

// Returns whether the last turn called tools, whose results now follow, and has
// no thoughts that this provider has signed, as after another provider or
// through a format that has no place for them. A turn goes on from one call to
// the next, up to what the user says.
bool LacksThoughts(const v1::GenerateRequest& request) {
  bool answers_calls = false;
  bool in_turn = false;
  for (int i = request.messages_size() - 1; i >= 0; --i) {
    const v1::Message& message = request.messages(i);
    if (message.role() == v1::ROLE_ASSISTANT) {
      if (!answers_calls || HasSignedThoughts(message)) return false;
      in_turn = true;
    } else if (HasResult(message)) {
      answers_calls = true;
    } else if (in_turn) {
      break;
    }
  }
  return in_turn;
}

// Fits one request. For each field, only what becomes of it in the end is
// recorded.
class Fitting {
 public:
  Fitting(const v1::GenerateRequest& request, int64_t limit,
          const ModelFamily& family, DroppedFields& dropped)
      : request_(request),
        settings_(request.reasoning()),
        limit_(limit),
        family_(family),
        dropped_(dropped) {}

  WireReasoning Fit() {
    const bool asks_effort =
        settings_.effort() != Settings::EFFORT_UNSPECIFIED &&
        settings_.effort() != Settings::EFFORT_NONE;
    if (asks_effort) FitEffort();
    switch (WishOf(settings_)) {
      case Wish::kBudget:
        FitBudget();
        break;
      case Wish::kAdaptive:
        FitAdaptive();
        break;
      case Wish::kOff:
        FitOff();
        break;
      case Wish::kNothing:
        if (asks_effort) FitEffortAlone();
        break;
    }
    // The display of thoughts can only be set together with `thinking`.
    if (Takes(kThinkingUnasked) && fitted_.type.empty() &&
        !settings_.display().empty()) {
      fitted_.type = "adaptive";
    }
    if (asks_effort) TellEffort();
    return fitted_;
  }

 private:
  bool Takes(ThinkingWay way) const { return (family_.thinking & way) != 0; }

  void FitEffort() {
    const EffortLevel asked = LevelOf(settings_.effort());
    if (family_.efforts == 0) {
      if (WishOf(settings_) == Wish::kNothing && Takes(kThinkingBudget)) return;
      dropped_.Changed("reasoning.effort", "left out: the model takes none");
      return;
    }
    fitted_.effort = WordOf(NearestEffort(family_.efforts, asked));
  }

  // Turns an effort into thinking, for models that think only when told to.
  void FitEffortAlone() {
    if (Takes(kThinkingUnasked) ||
        settings_.effort() == Settings::EFFORT_MINIMAL) {
      return;
    }
    if (Takes(kThinkingAdaptive)) {
      fitted_.type = "adaptive";
    } else if (Takes(kThinkingBudget) || fitted_.effort.empty()) {
      ThinkWithin("reasoning.effort");
    }
  }

  void TellEffort() {
    if (fitted_.effort.empty() || effort_told_) return;
    if (fitted_.effort == WordOf(LevelOf(settings_.effort())) &&
        settings_.effort() != Settings::EFFORT_MINIMAL) {
      return;
    }
    dropped_.Changed("reasoning.effort",
                     absl::StrCat("became ", ToAbsl(fitted_.effort)));
  }

  void FitBudget() {
    if (Takes(kThinkingBudget)) {
      if (TellObstacle("reasoning.budget_tokens")) return;
      fitted_.type = "enabled";
      fitted_.budget_tokens = settings_.budget_tokens();
      return;
    }
    if (!Takes(kThinkingAdaptive)) {
      return CannotThink("reasoning.budget_tokens");
    }
    fitted_.type = "adaptive";
    if (fitted_.effort.empty()) {
      fitted_.effort = WordOf(NearestEffort(
          family_.efforts, LevelOfBudget(settings_.budget_tokens())));
    }
    dropped_.Changed("reasoning.budget_tokens",
                     absl::StrCat("the model takes no budget; it thinks as it "
                                  "sees fit, with effort ",
                                  ToAbsl(fitted_.effort)));
  }

  void FitAdaptive() {
    if (!Takes(kThinkingAdaptive)) return ThinkWithin("reasoning.mode");
    if (settings_.mode() == Settings::MODE_ENABLED) {
      dropped_.Changed("reasoning.mode",
                       "no budget was given, so the model decides how much");
    }
    fitted_.type = "adaptive";
  }

  // Turns a wish without a number into a budget.
  void ThinkWithin(std::string_view field) {
    if (!Takes(kThinkingBudget)) return CannotThink(field);
    if (TellObstacle(field)) return;
    int64_t budget = BudgetOf(LevelOf(settings_.effort()));
    if (limit_ > 0) budget = std::min(budget, limit_ / 2);
    if (budget < kBudgetMin) {
      return DoesNotThink(field, "max_output_tokens has no room for it");
    }
    fitted_.type = "enabled";
    fitted_.budget_tokens = budget;
    // Not recorded if the effort is written by its name, too: a budget beside
    // it takes nothing away.
    if (field == "reasoning.effort" && !fitted_.effort.empty()) return;
    dropped_.Changed(field,
                     absl::StrCat("became a budget of ", budget, " tokens"));
  }

  // Returns whether the model may not think within a budget, and records why.
  bool TellObstacle(std::string_view field) {
    if (ForcesTool(request_)) {
      DoesNotThink(field, "made to call a tool, the model does not think");
      return true;
    }
    if (LacksThoughts(request_)) {
      DoesNotThink(field,
                   "the turn that called a tool came without its thoughts, so "
                   "the model goes on without any");
      return true;
    }
    return false;
  }

  void CannotThink(std::string_view field) {
    DoesNotThink(field, "the model cannot be told to think");
  }

  void DoesNotThink(std::string_view field, std::string_view why) {
    const bool kept = field == "reasoning.effort" && !fitted_.effort.empty();
    dropped_.Changed(
        field,
        absl::StrCat(kept ? "without thinking: " : "left out: ", ToAbsl(why)));
  }

  void FitOff() {
    if (family_.thinking == 0) return;
    if (Takes(kThinkingOff)) {
      fitted_.type = "disabled";
      return;
    }
    if (Takes(kThinkingOffToHigh)) {
      fitted_.type = "disabled";
      if (fitted_.effort == "xhigh" || fitted_.effort == "max") {
        fitted_.effort = "high";
        effort_told_ = true;
        dropped_.Changed("reasoning.effort",
                         "became high, the most without thinking");
      }
      return;
    }
    fitted_.effort = "low";
    effort_told_ = true;
    dropped_.Changed("reasoning.mode",
                     "the model always thinks; its effort became low");
  }

  const v1::GenerateRequest& request_;
  const Settings& settings_;
  const int64_t limit_;  // 0 if there is none.
  const ModelFamily& family_;
  DroppedFields& dropped_;
  WireReasoning fitted_;
  bool effort_told_ = false;
};

// Writes the settings for a model of which nothing is known.
WireReasoning Plain(const Settings& settings, DroppedFields& dropped) {
  WireReasoning plain;
  plain.effort = WordOfEffort(settings.effort());
  if (settings.effort() == Settings::EFFORT_MINIMAL) {
    dropped.Changed("reasoning.effort", "minimal became low");
  }
  switch (WishOf(settings)) {
    case Wish::kBudget:
      plain.type = "enabled";
      plain.budget_tokens = settings.budget_tokens();
      break;
    case Wish::kAdaptive:
      if (settings.mode() == Settings::MODE_ENABLED) {
        dropped.Changed("reasoning.mode",
                        "no budget was given, so the model decides how much");
      }
      plain.type = "adaptive";
      break;
    case Wish::kOff:
      plain.type = "disabled";
      break;
    case Wish::kNothing:
      break;
  }
  return plain;
}

// Leaves a value out; not recorded if it is the default, which the model uses
// anyway.
template <typename Number>
void LeaveOut(std::string_view field, std::string_view why, Number usual,
              std::optional<Number>* value, DroppedFields& dropped) {
  if (!value->has_value()) return;
  if (**value != usual) {
    dropped.Changed(field, absl::StrCat("left out: ", ToAbsl(why)));
  }
  value->reset();
}

}  // namespace

int64_t LimitOf(const v1::GenerateRequest& request, int64_t known_limit,
                const ModelFamily* family) {
  if (request.has_max_output_tokens()) return request.max_output_tokens();
  if (known_limit == 0 || family == nullptr ||
      (family->refusals & kRefusesTooHighLimit) == 0) {
    return known_limit;
  }
  const int64_t prompt =
      static_cast<int64_t>(request.ByteSizeLong()) / kPromptBytesPerToken;
  const int64_t room = std::max(kOldWindowTokens - prompt, kOutputTokensUsual);
  return std::min(known_limit, room);
}

WireReasoning FitReasoning(const v1::GenerateRequest& request, int64_t limit,
                           const ModelFamily* family, DroppedFields& dropped) {
  if (family == nullptr) return Plain(request.reasoning(), dropped);
  return Fitting(request, limit, *family, dropped).Fit();
}

bool TakesForcedTool(const ModelFamily* family) {
  return family == nullptr || (family->refusals & kRefusesForcedTool) == 0;
}

bool TakesPrefill(const WireReasoning& reasoning, const ModelFamily* family) {
  if (family == nullptr) return true;
  return (family->refusals & kRefusesPrefill) == 0 &&
         reasoning.type != "enabled";
}

WireSampling FitSampling(const v1::Sampling& sampling,
                         const WireReasoning& reasoning,
                         const ModelFamily* family, DroppedFields& dropped) {
  WireSampling fitted;
  if (sampling.has_temperature()) fitted.temperature = sampling.temperature();
  if (sampling.has_top_p()) fitted.top_p = sampling.top_p();
  if (sampling.has_top_k()) fitted.top_k = sampling.top_k();
  const auto leave_out = [&](bool temperature, bool top_p, bool top_k,
                             std::string_view why) {
    if (temperature) {
      LeaveOut("sampling.temperature", why, kTemperatureMax,
               &fitted.temperature, dropped);
    }
    if (top_p) LeaveOut("sampling.top_p", why, 1.0, &fitted.top_p, dropped);
    if (top_k) {
      LeaveOut("sampling.top_k", why, int64_t{0}, &fitted.top_k, dropped);
    }
  };
  if (family != nullptr && family->sampling == SamplingRule::kRefused) {
    leave_out(true, true, true, "the model takes none");
  }
  const bool thinks =
      reasoning.type == "enabled" || reasoning.type == "adaptive";
  if (family != nullptr && thinks) {
    leave_out(true, fitted.top_p.value_or(1) < kTopPMinWhileThinking, true,
              "not while the model thinks");
  }
  if (family != nullptr && family->sampling == SamplingRule::kOneOfTwo &&
      fitted.temperature.has_value()) {
    leave_out(false, true, false, "the model takes it or temperature");
  }
  if (fitted.temperature.has_value() &&
      *fitted.temperature > kTemperatureMax) {
    fitted.temperature = kTemperatureMax;
    dropped.Changed("sampling.temperature",
                    "became 1, the most that the provider allows");
  }
  return fitted;
}

}  // namespace gateway::anthropic
