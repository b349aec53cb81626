#include "providers/dialects/event_text.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "base/text/json_token.h"
#include "base/text/utf8.h"
#include "providers/dialects/compact_json.h"

namespace gateway {
namespace {

constexpr std::string_view kSpokenUnder[] = {
    "arguments",         "content", "delta",       "partial_json", "reasoning",
    "reasoning_content", "refusal", "stringValue", "text",         "thinking"};

// Parts that are no text, and what of them is said: a call's arguments may be
// an object with names of the tool's own.
struct SpokenPart {
  std::string_view part;
  std::string_view fields[2];
};
constexpr SpokenPart kSpokenParts[] = {
    {"function", {"name", "arguments"}},
    {"function_call", {"name", "arguments"}},
    {"custom", {"name", "input"}},
    {"functionCall", {"name", "args"}},
    {"executableCode", {"code", ""}},
    {"codeExecutionResult", {"output", ""}},
};

// Objects of these types are calls, which have a name.
constexpr std::string_view kCallTypes[] = {
    "tool_use",      "server_tool_use",  "mcp_tool_use",
    "function_call", "custom_tool_call", "mcp_call"};

// What is said about an answer is none of it: what it quotes, what it rests on,
// and reasoning that stands beside itself in another form.
constexpr std::string_view kBesideAnswer[] = {
    "annotations",       "citation", "citationMetadata", "citations",
    "groundingMetadata", "logprobs", "logprobsResult",   "promptFeedback",
    "reasoning_details", "usage",    "usageMetadata"};

// So many events in a row are read although each differs from the last, and
// then one in so many.
constexpr unsigned kUnlikeMax = 64;
constexpr unsigned kUnlikePerReading = 16;

// Behind one text alone so many bytes more or less are no other one, which
// would stand under a name: OpenAI pads its events, and counts grow.
constexpr size_t kPaddingBytesMax = 32;

// What one event says.
struct Spoken {
  Said said;
  // The first text of it, with its escapes; null if something else is.
  const char* first = nullptr;
  size_t first_bytes = 0;
  int64_t first_characters = 0;
  bool has_other = false;  // Than texts.
};

// Returns how many characters the text has once what its escapes stand for is
// in their place. A pair of surrogates is one.
int64_t CharactersOf(std::string_view json) {
  constexpr size_t kUnicodeBytes = 6;
  int64_t characters = CountCharacters(json);
  for (size_t at = json.find('\\'); at != json.npos;) {
    const std::string_view escape = json.substr(at, kUnicodeBytes);
    const bool is_unit = escape.size() == kUnicodeBytes && escape[1] == 'u';
    const bool ends_pair =
        is_unit && (escape[2] | 0x20) == 'd' && (escape[3] | 0x20) >= 'c';
    characters -= is_unit ? int64_t{kUnicodeBytes} - !ends_pair : 1;
    at = json.find('\\', at + (is_unit ? kUnicodeBytes : 2));
  }
  return characters;
}

void AddOther(int64_t characters, Spoken* spoken) {
  spoken->has_other = true;
  spoken->said.characters += characters;
}

void AddText(std::string_view json, Spoken* spoken) {
  json = json.substr(1, json.size() - 2);
  if (json.empty()) return;
  const int64_t characters = CharactersOf(json);
  if (spoken->first == nullptr) {
    spoken->first = json.data();
    spoken->first_bytes = json.size();
    spoken->first_characters = characters;
  }
  spoken->said.characters += characters;
}

absl::Status AddValue(JsonValue& value, Spoken* spoken) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.RawUnchecked());
  if (raw.starts_with('"')) {
    AddText(raw, spoken);
  } else if (raw != "null") {
    AddOther(CountCharacters(CompactJson(raw)), spoken);
  }
  return absl::OkStatus();
}

// A picture, a file or sound that stands in the event.
absl::Status AddMedium(JsonValue& value, Spoken* spoken) {
  bool is_sound = false;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view name, JsonValue& field) -> absl::Status {
        if (name != "mimeType" || !field.IsString()) return absl::OkStatus();
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view type, field.String());
        is_sound = type.starts_with("audio/");
        return absl::OkStatus();
      }));
  AddOther(is_sound ? 0 : kCharactersOfMedium, spoken);
  spoken->said.has_sound = spoken->said.has_sound || is_sound;
  return absl::OkStatus();
}

// Sound of Chat Completions: its bytes, or what they say.
absl::Status AddSound(JsonValue& value, Spoken* spoken) {
  return value.EachField([spoken](std::string_view name, JsonValue& field) {
    if (field.IsString() && (name == "data" || name == "transcript")) {
      AddOther(0, spoken);
      spoken->said.has_sound = true;
    }
    return absl::OkStatus();
  });
}

absl::Status FindSpoken(std::string_view key, JsonValue& value, Spoken* spoken);

absl::Status FindInPart(const SpokenPart& part, JsonValue& value,
                        Spoken* spoken) {
  return value.EachField([&](std::string_view name, JsonValue& field) {
    const bool is_said =
        !name.empty() && (name == part.fields[0] || name == part.fields[1]);
    return is_said ? AddValue(field, spoken) : FindSpoken(name, field, spoken);
  });
}

absl::Status FindInObject(JsonValue& value, Spoken* spoken) {
  bool is_call = false;
  std::string_view call_name;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view name, JsonValue& field) -> absl::Status {
        if (name == "type" && field.IsString()) {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view type, field.String());
          is_call = std::find(std::begin(kCallTypes), std::end(kCallTypes),
                              type) != std::end(kCallTypes);
        } else if (name == "name" && field.IsString()) {
          GATEWAY_ASSIGN_OR_RETURN(call_name, field.RawUnchecked());
        } else if (name == "input" && is_call && field.IsObject()) {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw,
                                   field.RawUnchecked());
          // What is empty here comes in pieces.
          if (raw != "{}") AddOther(CountCharacters(CompactJson(raw)), spoken);
        } else {
          return FindSpoken(name, field, spoken);
        }
        return absl::OkStatus();
      }));
  if (is_call && !call_name.empty()) AddText(call_name, spoken);
  return absl::OkStatus();
}

absl::Status FindSpoken(std::string_view key, JsonValue& value,
                        Spoken* spoken) {
  if (std::find(std::begin(kBesideAnswer), std::end(kBesideAnswer), key) !=
      std::end(kBesideAnswer)) {
    return absl::OkStatus();
  }
  if (value.IsObject()) {
    if (key == "inlineData" || key == "image_url") {
      return AddMedium(value, spoken);
    }
    if (key == "audio") return AddSound(value, spoken);
    const auto* const part = std::find_if(
        std::begin(kSpokenParts), std::end(kSpokenParts),
        [key](const SpokenPart& each) { return each.part == key; });
    return part != std::end(kSpokenParts) ? FindInPart(*part, value, spoken)
                                          : FindInObject(value, spoken);
  }
  if (value.IsArray()) {
    return value.EachElement([key, spoken](JsonValue& element) {
      return FindSpoken(key, element, spoken);
    });
  }
  const bool is_spoken =
      value.IsString() &&
      std::find(std::begin(kSpokenUnder), std::end(kSpokenUnder), key) !=
          std::end(kSpokenUnder);
  return is_spoken ? AddValue(value, spoken) : absl::OkStatus();
}

absl::Status FindAllSpoken(std::string_view event, Spoken* spoken) {
  return ReadJson(event, [spoken](JsonValue& root) {
    return FindSpoken("", root, spoken);
  });
}

}  // namespace

Said SaidIn(std::string_view event) {
  Spoken spoken;
  return FindAllSpoken(event, &spoken).ok() ? spoken.said : Said();
}

void SpokenCounter::Add(std::string_view event) {
  const std::string_view text = FindText(event);
  if (text.empty()) {
    if (IsWorthReading()) return Read(event);
    characters_ += last_read_;
    return;
  }
  const std::string_view tail = event.substr(
      static_cast<size_t>(text.data() - event.data()) + text.size());
  if (IsAlike(tail)) {
    unlike_ = 0;
  } else if (IsWorthReading()) {
    return Read(event);
  }
  characters_ += CharactersOf(text) + rest_;
}

std::string_view SpokenCounter::FindText(std::string_view event) const {
  if (offset_ == 0 || event.size() <= offset_ ||
      std::memcmp(event.data() + offset_ - kFrameBytes, before_.data(),
                  kFrameBytes) != 0) {
    return {};
  }
  const char* const begin = event.data() + offset_;
  bool has_escapes = false;
  const char* const behind =
      SkipJsonString(begin, event.data() + event.size(), &has_escapes);
  if (behind == nullptr) return {};
  return {begin, static_cast<size_t>(behind - begin) - 1};
}

bool SpokenCounter::IsAlike(std::string_view tail) const {
  if (tail.size() < behind_bytes_ ||
      std::memcmp(tail.data(), behind_.data(), behind_bytes_) != 0) {
    return false;
  }
  return rest_ == 0 ? tail.size() <= tail_bytes_ + kPaddingBytesMax
                    : tail.size() == tail_bytes_;
}

bool SpokenCounter::IsWorthReading() {
  ++unlike_;
  return unlike_ <= kUnlikeMax || unlike_ % kUnlikePerReading == 0;
}

void SpokenCounter::Read(std::string_view event) {
  Spoken spoken;
  if (!FindAllSpoken(event, &spoken).ok()) return;
  Add(spoken.said);
  last_read_ = spoken.said.characters;
  if (spoken.first == nullptr) return;
  const auto offset = static_cast<size_t>(spoken.first - event.data());
  // An event that is nearly all text is laid out like no other, and so is one
  // with what is no text.
  offset_ = offset < kFrameBytes || spoken.has_other ? 0 : offset;
  if (offset_ == 0) return;
  const std::string_view tail = event.substr(offset + spoken.first_bytes);
  tail_bytes_ = tail.size();
  behind_bytes_ = std::min(kFrameBytes, tail.size());
  std::memcpy(before_.data(), spoken.first - kFrameBytes, kFrameBytes);
  std::memcpy(behind_.data(), tail.data(), behind_bytes_);
  rest_ = spoken.said.characters - spoken.first_characters;
}

}  // namespace gateway
