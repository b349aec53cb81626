#include "service/pipeline/usage_bounds.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

using ::llmgateway::v1::Usage;
using ::llmgateway::v1::Warning;

// A count that is a part of another.
struct Part {
  std::string_view name;
  std::string_view whole_name;
  int64_t (Usage::*get)() const;
  void (Usage::*set)(int64_t);
  int64_t (Usage::*whole)() const;
};

constexpr Part kParts[] = {
    {"cached_input_tokens", "input_tokens", &Usage::cached_input_tokens,
     &Usage::set_cached_input_tokens, &Usage::input_tokens},
    {"cache_write_tokens", "input_tokens", &Usage::cache_write_tokens,
     &Usage::set_cache_write_tokens, &Usage::input_tokens},
    {"audio_input_tokens", "input_tokens", &Usage::audio_input_tokens,
     &Usage::set_audio_input_tokens, &Usage::input_tokens},
    {"image_input_tokens", "input_tokens", &Usage::image_input_tokens,
     &Usage::set_image_input_tokens, &Usage::input_tokens},
    {"reasoning_tokens", "output_tokens", &Usage::reasoning_tokens,
     &Usage::set_reasoning_tokens, &Usage::output_tokens},
    {"audio_output_tokens", "output_tokens", &Usage::audio_output_tokens,
     &Usage::set_audio_output_tokens, &Usage::output_tokens},
    {"image_output_tokens", "output_tokens", &Usage::image_output_tokens,
     &Usage::set_image_output_tokens, &Usage::output_tokens},
};

}  // namespace

void BoundUsage(Usage* usage, std::vector<Warning>* warnings) {
  for (const Part& part : kParts) {
    const int64_t told = (usage->*part.get)();
    const int64_t whole = (usage->*part.whole)();
    if (told <= whole) continue;
    (usage->*part.set)(whole);
    Warning& warning = warnings->emplace_back();
    warning.set_field(absl::StrCat("usage.", ToAbsl(part.name)));
    warning.set_message(absl::StrCat(
        "the provider has told ", told, ", more than the ", whole,
        " of which they are a part (", ToAbsl(part.whole_name),
        "); counted as ", whole));
  }
}

}  // namespace gateway
