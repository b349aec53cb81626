// Logging writes what the service has to say to its operator: one JSON object
// per line, on standard error or in a file, or text for people (log_line.h).
//
//   Log(LogLevel::kInfo, "config", "configuration loaded",
//       {{"file", path}, {"providers", providers.size()}});
//
//   {"ts":"2026-01-02T03:04:05.678Z","level":"info","module":"config",
//    "msg":"configuration loaded","file":"gateway.yaml","providers":3}
//
// Levels are set for all modules and, by name, for some. A module is the room
// that speaks, such as `http` or `routing`.
//
// A line is formatted by the caller and written by a thread of its own, so a
// slow disk never holds up an event loop: when too many lines wait, the oldest
// are dropped and counted. Until StartLogging and after StopLogging lines are
// written at once.
//
// A Secret cannot be logged; the compiler refuses. Prompts are not for logging
// either, unless the configuration says so.
//
// Thread-safe, but for StartLogging and StopLogging.

#ifndef BASE_OS_LOGGING_H_
#define BASE_OS_LOGGING_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/log_rotation.h"

namespace gateway {

class Secret;

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError, kOff };

// How lines are written.
enum class LogFormat { kJson, kConsole };

// Longer messages and values are cut to this.
inline constexpr size_t kLogValueBytesLimit = 4096;

// One key and its value in a line. Borrows texts.
struct LogField {
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  LogField(std::string_view key, T value) : key(key), value(Number<T>(value)) {}
  LogField(std::string_view key, bool value) : key(key), value(value) {}
  LogField(std::string_view key, double value) : key(key), value(value) {}
  LogField(std::string_view key, std::string_view value)
      : key(key), value(value) {}
  LogField(std::string_view key, const std::string& value)
      : LogField(key, std::string_view(value)) {}
  LogField(std::string_view key, const char* value)
      : LogField(key, std::string_view(value)) {}
  LogField(std::string_view key, absl::string_view value)
      : LogField(key, std::string_view(value.data(), value.size())) {}
  // Writes a number of seconds; the key should say so.
  LogField(std::string_view key, absl::Duration value)
      : LogField(key, absl::ToDoubleSeconds(value)) {}
  // Writes code and message, never payloads.
  LogField(std::string_view key, const absl::Status& value)
      : key(key), value(&value) {}

  LogField(std::string_view key, const Secret& value) = delete;
  LogField(std::string_view key, const void* value) = delete;

  std::string_view key;
  std::variant<int64_t, uint64_t, double, bool, std::string_view,
               const absl::Status*>
      value;

 private:
  template <typename T>
  using Number = std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>;
};

// Writes a line if the module's level allows it.
void Log(LogLevel level, std::string_view module, std::string_view message,
         std::initializer_list<LogField> fields = {});

// Returns whether Log would write: spares making values that cost something.
bool LogEnabled(LogLevel level, std::string_view module);

struct LogLevels {
  LogLevel level = LogLevel::kInfo;
  std::map<std::string, LogLevel, std::less<>> module_levels;
};

// Replaces the levels, from the next line on.
void SetLogLevels(const LogLevels& levels);

struct LoggingOptions {
  LogLevels levels;
  LogFormat format = LogFormat::kJson;
  // The file to append to; empty for standard error.
  std::string file;
  // When that file is set aside.
  LogRotation rotation;
  // Lines that wait to be written before the oldest are dropped.
  size_t lines_waiting_limit = 1024;
  // The time of lines; must outlive logging. Null for the machine's clock.
  Clock* clock = nullptr;
};

// Opens the output and starts the writing thread. Returns an error that names
// the file if it cannot be opened; what was there before then goes on.
// REQUIRES: no other thread logs.
absl::Status StartLogging(const LoggingOptions& options);

// Writes all waiting lines and goes back to writing at once to standard error.
// REQUIRES: no other thread logs.
void StopLogging();

// Counts the lines dropped since the start of the process because too many
// waited.
uint64_t DroppedLogLines();

}  // namespace gateway

#endif  // BASE_OS_LOGGING_H_
