// A line of the log as it is written, without its end:
//
//   {"ts":"2026-01-02T03:04:05.678Z","level":"info","module":"config",
//    "msg":"configuration loaded","file":"gateway.yaml","providers":3}
//
// or, for people,
//
//   2026-01-02T03:04:05.678Z info  config configuration loaded:
//   file=gateway.yaml, providers=3
//
// of which all is one line. There texts stand in quotes, and are escaped as in
// JSON, where they could be taken for something else. In neither form does
// anything that is logged end the line or reach a terminal as a command.
//
// Thread-safe: plain functions.

#ifndef BASE_OS_LOG_LINE_H_
#define BASE_OS_LOG_LINE_H_

#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/os/logging.h"

namespace gateway {

// Borrows all.
struct LogLine {
  absl::Time time;
  LogLevel level;
  std::string_view module;
  std::string_view message;
  std::initializer_list<LogField> fields;
};

void AppendLogLine(LogFormat format, const LogLine& line, std::string* out);

// Returns `info` for kInfo.
std::string_view LogLevelName(LogLevel level);

}  // namespace gateway

#endif  // BASE_OS_LOG_LINE_H_
