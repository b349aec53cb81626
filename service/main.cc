// The gateway's program: flags, environment, signals.
//
//   gateway --config deploy/config/quickstart.yaml
//   gateway --config gateway.yaml --check_config
//
// Exit codes: 0 after a drain or a configuration that is fine, 1 for anything
// that is not.

#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/logging.h"
#include "base/thread.h"
#include "service/app.h"
#include "service/config/config_reader.h"
#include "service/first_calls.h"

ABSL_FLAG(std::string, config, "", "The configuration file, YAML or JSON.");
ABSL_FLAG(bool, check_config, false,
          "Check the configuration, print what is in effect, and exit.");
ABSL_FLAG(bool, first_calls, false,
          "Print commands to try when the gateway is ready.");

extern char** environ;

namespace gateway {
namespace {

Environment ReadEnvironment() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals == std::string::npos) continue;
    environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return environment;
}

LogLevel ToLogLevel(llmgateway::config::v1::LogLevel level) {
  switch (level) {
    case llmgateway::config::v1::LOG_LEVEL_TRACE:
      return LogLevel::kTrace;
    case llmgateway::config::v1::LOG_LEVEL_DEBUG:
      return LogLevel::kDebug;
    case llmgateway::config::v1::LOG_LEVEL_WARN:
      return LogLevel::kWarn;
    case llmgateway::config::v1::LOG_LEVEL_ERROR:
      return LogLevel::kError;
    case llmgateway::config::v1::LOG_LEVEL_OFF:
      return LogLevel::kOff;
    default:
      return LogLevel::kInfo;
  }
}

LoggingOptions ToLoggingOptions(
    const llmgateway::config::v1::LoggingConfig& config) {
  LoggingOptions options;
  options.levels.level = ToLogLevel(config.level());
  for (const auto& [module, level] : config.module_levels()) {
    options.levels.module_levels[module] = ToLogLevel(level);
  }
  options.file = config.file();
  return options;
}

// The configuration, or null after its problems have been printed.
std::shared_ptr<const ConfigSnapshot> ReadConfig(
    const std::string& file, const Environment& environment) {
  if (file.empty()) {
    std::cerr << "gateway: --config is required; "
                 "deploy/config/quickstart.yaml is a good first one\n";
    return nullptr;
  }
  const ConfigReading reading =
      ReadConfigFile(file, environment, SystemClock().WallTime());
  for (const ConfigProblem& problem : reading.problems) {
    std::cerr << problem.ToString() << "\n";
  }
  return reading.snapshot;
}

// SIGTERM and SIGINT end the gateway, a second one at once. They are blocked
// from the start, so that none is lost and no thread is interrupted.
class EndSignals {
 public:
  EndSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    signal(SIGPIPE, SIG_IGN);
  }

  int Await() const {
    int number = 0;
    sigwait(&set_, &number);
    return number;
  }

 private:
  sigset_t set_;
};

int Serve(std::shared_ptr<const ConfigSnapshot> config,
          const Environment& environment) {
  const EndSignals signals;
  const absl::Status logging =
      StartLogging(ToLoggingOptions(config->config().logging()));
  if (!logging.ok()) {
    std::cerr << "gateway: " << logging.message() << "\n";
    return 1;
  }
  absl::StatusOr<std::unique_ptr<App>> app = App::Start(config, environment);
  if (!app.ok()) {
    Log(LogLevel::kError, "main", "cannot start",
        {{"config", config->source()}, {"error", app.status()}});
    StopLogging();
    return 1;
  }
  const App::Addresses& at = (*app)->addresses();
  Log(LogLevel::kInfo, "main", "ready",
      {{"grpc", at.grpc},
       {"http", at.http},
       {"admin", at.admin},
       {"operations", at.operations},
       {"config", config->source()}});
  if (absl::GetFlag(FLAGS_first_calls)) std::cerr << FirstCalls(at);

  const int number = signals.Await();
  Log(LogLevel::kInfo, "main", "draining",
      {{"signal", number == SIGINT ? "SIGINT" : "SIGTERM"}});
  const Thread impatience("impatience", [&signals] {
    signals.Await();
    Log(LogLevel::kWarn, "main", "told twice to end; ending now");
    StopLogging();
    _exit(1);
  });
  (*app)->Drain();
  Log(LogLevel::kInfo, "main", "stopped");
  StopLogging();
  std::cout.flush();
  // The thread above waits for a signal that need not come.
  _exit(0);
}

int Main() {
  const Environment environment = ReadEnvironment();
  std::shared_ptr<const ConfigSnapshot> config =
      ReadConfig(absl::GetFlag(FLAGS_config), environment);
  if (config == nullptr) return 1;
  if (absl::GetFlag(FLAGS_check_config)) {
    std::cout << config->masked_yaml();
    return 0;
  }
  return Serve(std::move(config), environment);
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "A gateway between programs and language-model providers.\n"
      "  gateway --config deploy/config/quickstart.yaml");
  absl::ParseCommandLine(argc, argv);
  return gateway::Main();
}
