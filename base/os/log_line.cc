#include "base/os/log_line.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text/json_escape.h"
#include "base/text/timestamp.h"

namespace gateway {
namespace {

// The longest name of a level.
constexpr size_t kLevelColumn = 5;

template <typename Number>
void AppendNumber(Number number, std::string* out) {
  char text[32];
  const std::to_chars_result end =
      std::to_chars(text, text + sizeof(text), number);
  out->append(text, end.ptr);
}

void AppendQuoted(std::string_view text, std::string* out) {
  out->push_back('"');
  AppendJsonEscaped(text, kLogValueBytesLimit, out);
  out->push_back('"');
}

// Whether a value may stand in a line for people without quotes: nothing in it
// looks like the end of the value, or like another.
bool StandsAlone(std::string_view text) {
  return !text.empty() && text.size() <= kLogValueBytesLimit &&
         text.front() != ' ' && text.back() != ' ' && IsPlainJsonText(text) &&
         text.find_first_of(",=") == std::string_view::npos;
}

void AppendText(LogFormat format, std::string_view text, std::string* out) {
  if (format == LogFormat::kConsole && StandsAlone(text)) {
    out->append(text);
  } else {
    AppendQuoted(text, out);
  }
}

void AppendValue(LogFormat format, const LogField& field, std::string* out) {
  std::visit(
      [format, out](auto value) {
        using T = decltype(value);
        if constexpr (std::is_same_v<T, bool>) {
          out->append(value ? "true" : "false");
        } else if constexpr (std::is_same_v<T, double>) {
          if (std::isfinite(value)) {
            AppendNumber(value, out);
          } else {
            out->append("null");
          }
        } else if constexpr (std::is_integral_v<T>) {
          AppendNumber(value, out);
        } else if constexpr (std::is_same_v<T, std::string_view>) {
          AppendText(format, value, out);
        } else {
          std::string text = absl::StatusCodeToString(value->code());
          if (!value->ok()) absl::StrAppend(&text, ": ", value->message());
          AppendText(format, text, out);
        }
      },
      field.value);
}

void AppendJson(const LogLine& line, std::string* out) {
  out->append("{\"ts\":\"");
  AppendTimestamp(line.time, out);
  out->append("\",\"level\":\"");
  out->append(LogLevelName(line.level));
  out->append("\",\"module\":");
  AppendQuoted(line.module, out);
  out->append(",\"msg\":");
  AppendQuoted(line.message, out);
  for (const LogField& field : line.fields) {
    out->push_back(',');
    AppendQuoted(field.key, out);
    out->push_back(':');
    AppendValue(LogFormat::kJson, field, out);
  }
  out->push_back('}');
}

void AppendConsole(const LogLine& line, std::string* out) {
  AppendTimestamp(line.time, out);
  const std::string_view level = LogLevelName(line.level);
  out->push_back(' ');
  out->append(level);
  out->append(kLevelColumn + 1 - std::min(level.size(), kLevelColumn), ' ');
  AppendJsonEscaped(line.module, kLogValueBytesLimit, out);
  out->push_back(' ');
  AppendJsonEscaped(line.message, kLogValueBytesLimit, out);
  std::string_view between = ": ";
  for (const LogField& field : line.fields) {
    out->append(between);
    between = ", ";
    AppendJsonEscaped(field.key, kLogValueBytesLimit, out);
    out->push_back('=');
    AppendValue(LogFormat::kConsole, field, out);
  }
}

}  // namespace

void AppendLogLine(LogFormat format, const LogLine& line, std::string* out) {
  if (format == LogFormat::kConsole) {
    AppendConsole(line, out);
  } else {
    AppendJson(line, out);
  }
}

std::string_view LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return "trace";
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
    case LogLevel::kOff:
      break;
  }
  return "off";
}

}  // namespace gateway
