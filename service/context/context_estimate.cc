#include "service/context/context_estimate.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr int64_t kTokensPerMessage = 4;

struct Family {
  std::string_view part_of_name;
  int64_t tenths_per_token;  // Of a character.
};
// In the order in which they are looked for: a codellama is a llama, too.
constexpr Family kFamilies[] = {
    {"qwen", 35},  {"codellama", 38}, {"deepseek", 32},
    {"llama", 35}, {"gpt", 40},       {"claude", 38},
};
constexpr int64_t kDefaultTenths = 40;

struct KnownModel {
  std::string_view name;
  int64_t limit;
};
constexpr KnownModel kKnownModels[] = {
    {"gpt-5.2", 128000},          {"gpt-5.2-pro", 128000},
    {"gpt-5.2-mini", 128000},     {"gpt-5.2-nano", 128000},
    {"claude-opus-4-5", 200000},  {"claude-sonnet-4-5", 200000},
    {"claude-haiku-4-5", 200000}, {"gemini-2.0-flash", 1048576},
    {"gemini-1.5-pro", 2097152},  {"gemini-1.5-flash", 1048576},
    {"gemini-pro", 32768},        {"deepseek-reasoner", 64000},
};

}  // namespace

int64_t EstimateContextTokens(std::string_view model, int64_t characters,
                              int64_t messages) {
  const std::string name = absl::AsciiStrToLower(ToAbsl(model));
  int64_t tenths = kDefaultTenths;
  for (const Family& each : kFamilies) {
    if (absl::StrContains(name, ToAbsl(each.part_of_name))) {
      tenths = each.tenths_per_token;
      break;
    }
  }
  return characters * 10 / tenths + kTokensPerMessage * messages;
}

int64_t ContextLimitOf(std::string_view model) {
  if (model.empty()) return kDefaultContextLimit;
  const std::string name = absl::AsciiStrToLower(ToAbsl(model));
  for (const KnownModel& each : kKnownModels) {
    if (each.name == name) return each.limit;
  }
  for (const KnownModel& each : kKnownModels) {
    if (absl::StrContains(name, ToAbsl(each.name)) ||
        absl::StrContains(ToAbsl(each.name), name)) {
      return each.limit;
    }
  }
  return kDefaultContextLimit;
}

}  // namespace gateway
