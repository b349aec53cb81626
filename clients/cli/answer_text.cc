#include "clients/cli/answer_text.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "base/text/json_writer.h"
#include "base/text/shown_text.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/util/json_util.h"

namespace gateway {

namespace {

constexpr std::string_view kUnshown = "the answer cannot be shown as JSON: ";
constexpr std::string_view kUnshownBegins =
    R"({"error":"the answer cannot be shown as JSON: )";

std::string JsonOf(const google::protobuf::Message& message, bool in_lines) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = in_lines;
  options.preserve_proto_field_names = true;
  std::string text;
  // Why it cannot be written is told by its result.
  const google::protobuf::LogSilencer silence;
  const auto written =
      google::protobuf::util::MessageToJsonString(message, &text, options);
  if (written.ok()) return ShownText(text);
  // A time or a duration of the answer is beyond what JSON can say: whoever
  // reads it is told, and not that there is nothing.
  std::string failure;
  JsonWriter json(&failure);
  json.StartObject();
  json.StringField("error", absl::StrCat(ToAbsl(kUnshown),
                                         std::string(written.message())));
  json.EndObject();
  return ShownText(failure) + (in_lines ? "\n" : "");
}

}  // namespace

std::string AsJson(const google::protobuf::Message& message) {
  return JsonOf(message, /*in_lines=*/true);
}

std::string AsJsonLine(const google::protobuf::Message& message) {
  return JsonOf(message, /*in_lines=*/false) + "\n";
}

absl::Status WriteAnswer(std::string_view text, std::ostream& out) {
  absl::string_view why = ToAbsl(text);
  // No message has an `error` that is a text.
  if (absl::ConsumePrefix(&why, ToAbsl(kUnshownBegins))) {
    return absl::OutOfRangeError(
        absl::StrCat(ToAbsl(kUnshown), why.substr(0, why.rfind("\"}"))));
  }
  out << text;
  return absl::OkStatus();
}

// Columns as wide as they have to be, two spaces between them.
std::string Table(const std::vector<Row>& told) {
  std::vector<Row> rows = told;
  for (Row& row : rows) {
    for (std::string& cell : row) cell = ShownLine(cell);
  }
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&line, row[i],
                      std::string(widths[i] - row[i].size() + 2, ' '));
    }
    absl::StripTrailingAsciiWhitespace(&line);
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                          absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

// A value's name in lower case, without the prefix.
std::string ValueText(const std::string& name, std::string_view prefix) {
  return absl::AsciiStrToLower(absl::StripPrefix(name, ToAbsl(prefix)));
}

std::string OrDash(const std::string& text) {
  return text.empty() ? "-" : text;
}

}  // namespace gateway
