#include "base/os/logging.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/os/clock.h"
#include "base/os/log_file.h"
#include "base/os/log_line.h"
#include "base/os/mutex.h"
#include "spdlog/async_logger.h"
#include "spdlog/details/null_mutex.h"
#include "spdlog/details/thread_pool.h"
#include "spdlog/sinks/base_sink.h"
#include "spdlog/sinks/stdout_sinks.h"

namespace gateway {
namespace {

// Says which lines are written, by level and module.
class LevelTable {
 public:
  bool Allows(LogLevel level, std::string_view module) LOCKS_EXCLUDED(mu_) {
    if (level == LogLevel::kOff) return false;
    if (level < lowest_.load(std::memory_order_relaxed)) return false;
    if (uniform_.load(std::memory_order_relaxed)) return true;
    MutexLock lock(mu_);
    const auto found = levels_.module_levels.find(module);
    return level >= (found == levels_.module_levels.end() ? levels_.level
                                                          : found->second);
  }

  void Set(const LogLevels& levels) LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    levels_ = levels;
    LogLevel lowest = levels.level;
    for (const auto& [module, level] : levels.module_levels) {
      lowest = std::min(lowest, level);
    }
    lowest_.store(lowest, std::memory_order_relaxed);
    uniform_.store(levels.module_levels.empty(), std::memory_order_relaxed);
  }

 private:
  // The lowest level that any module logs at: most silent lines are refused by
  // it without taking the lock.
  std::atomic<LogLevel> lowest_ = LogLevel::kInfo;
  std::atomic<bool> uniform_ = true;

  Mutex mu_;
  LogLevels levels_ GUARDED_BY(mu_);
};

// Needs no lock, since only the writing thread uses it.
class LogFileSink
    : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit LogFileSink(std::unique_ptr<LogFile> file)
      : file_(std::move(file)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    file_->Write({line.data(), line.size()});
  }
  void flush_() override {}

  const std::unique_ptr<LogFile> file_;
};

// Where lines go. Changes only while no thread logs.
struct Output {
  std::shared_ptr<spdlog::details::thread_pool> thread_pool;
  // Null to write to stderr at once.
  std::shared_ptr<spdlog::async_logger> logger;
  LogFormat format = LogFormat::kJson;
  Clock* clock = &SystemClock();
  uint64_t dropped_before = 0;  // Lines that earlier outputs have dropped.
};

LevelTable& Levels() {
  static LevelTable& levels = *new LevelTable;
  return levels;
}

Output& CurrentOutput() {
  static Output& output = *new Output;
  return output;
}

// Runs on the writing thread.
void PrepareWritingThread() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  pthread_setname_np(pthread_self(), "log_writer");
}

}  // namespace

void Log(LogLevel level, std::string_view module, std::string_view message,
         std::initializer_list<LogField> fields) {
  if (!LogEnabled(level, module)) return;
  const Output& output = CurrentOutput();
  thread_local std::string line;
  line.clear();
  AppendLogLine(output.format,
                {output.clock->WallTime(), level, module, message, fields},
                &line);
  if (output.logger != nullptr) {
    output.logger->log(spdlog::level::critical,
                       spdlog::string_view_t(line.data(), line.size()));
    return;
  }
  line.push_back('\n');
  fwrite(line.data(), 1, line.size(), stderr);
}

bool LogEnabled(LogLevel level, std::string_view module) {
  return Levels().Allows(level, module);
}

void SetLogLevels(const LogLevels& levels) { Levels().Set(levels); }

absl::Status StartLogging(const LoggingOptions& options) {
  Output next;
  std::unique_ptr<LogFile> file;
  if (!options.file.empty()) {
    absl::StatusOr<std::unique_ptr<LogFile>> opened = LogFile::Open(
        options.file, options.rotation,
        options.clock == nullptr ? SystemClock() : *options.clock);
    if (!opened.ok()) return opened.status();
    file = *std::move(opened);
  }
  try {
    next.thread_pool = std::make_shared<spdlog::details::thread_pool>(
        std::max<size_t>(options.lines_waiting_limit, 1), 1,
        PrepareWritingThread);
    spdlog::sink_ptr sink;
    if (file == nullptr) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<LogFileSink>(std::move(file));
    }
    next.logger = std::make_shared<spdlog::async_logger>(
        "gateway", std::move(sink), next.thread_pool,
        spdlog::async_overflow_policy::overrun_oldest);
    // Lines come formatted, and levels were checked before. Each line is
    // flushed, so that whoever watches the file sees it.
    next.logger->set_pattern("%v");
    next.logger->set_level(spdlog::level::trace);
    next.logger->flush_on(spdlog::level::trace);
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot start the log: ", error.what()));
  }
  StopLogging();
  if (options.clock != nullptr) next.clock = options.clock;
  next.format = options.format;
  next.dropped_before = CurrentOutput().dropped_before;
  CurrentOutput() = std::move(next);
  SetLogLevels(options.levels);
  return absl::OkStatus();
}

void StopLogging() {
  Output next;
  next.dropped_before = DroppedLogLines();
  // This destroys the old output, whose thread ends once all waiting lines are
  // written.
  CurrentOutput() = std::move(next);
}

uint64_t DroppedLogLines() {
  const Output& output = CurrentOutput();
  return output.dropped_before + (output.thread_pool == nullptr
                                      ? 0
                                      : output.thread_pool->overrun_counter());
}

}  // namespace gateway
