#include "service/run_gateway.h"

#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/reflection.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/latch.h"
#include "base/memory/allocator.h"
#include "base/os/clock.h"
#include "base/os/logging.h"
#include "base/os/mutex.h"
#include "base/os/thread.h"
#include "base/status_macros.h"
#include "service/app.h"
#include "service/config/config_reader.h"
#include "service/discovery/pid_file.h"
#include "service/discovery/pid_record.h"
#include "service/first_calls.h"
#include "service/log_options.h"
#include "service/process_signals.h"
#include "service/version.h"

ABSL_FLAG(std::string, config, "", "The configuration file, YAML or JSON.");
ABSL_FLAG(bool, check_config, false,
          "Check the configuration, print what is in effect, and exit.");
ABSL_FLAG(bool, strict, false,
          "Take warnings about the configuration, such as a provider without "
          "its key, for errors.");
ABSL_FLAG(bool, first_calls, false,
          "Print commands to try when the gateway is ready.");
ABSL_FLAG(std::string, pid_file, "",
          "Where programs on this machine, such as gatewayctl, find the "
          "gateway while it serves: a JSON file with its process and its "
          "ports. Without the flag the variable GATEWAY_PID_FILE names "
          "it; without either there is none.");

namespace gateway {
namespace {

// Of some thirty threads most work once in a while, and would keep 32 MiB.
constexpr size_t kThreadCacheBytesMax = size_t{8} << 20;

void PrintWarnings(const ConfigReading& reading) {
  for (const ConfigProblem& warning : reading.warnings) {
    std::cerr << "warning: " << warning.ToString() << "\n";
  }
}

// Reads the configuration; if it has problems they are printed, and there is no
// snapshot.
ConfigReading ReadConfig(const ProviderKinds& kinds, const std::string& file,
                         const Environment& environment) {
  if (file.empty()) {
    std::cerr << "gateway: --config is required; "
                 "deploy/config/quickstart.yaml is a good first one\n";
    return {};
  }
  ConfigReading reading =
      ReadConfigFile(kinds, file, environment, SystemClock().WallTime());
  for (const ConfigProblem& problem : reading.problems) {
    std::cerr << problem.ToString() << "\n";
  }
  const bool too_strict =
      absl::GetFlag(FLAGS_strict) && !reading.warnings.empty();
  if (reading.snapshot == nullptr || too_strict) PrintWarnings(reading);
  if (too_strict) {
    std::cerr << "gateway: --strict takes warnings for errors\n";
    reading.snapshot = nullptr;
  }
  return reading;
}

void LogWarnings(const ConfigReading& reading) {
  for (const ConfigProblem& warning : reading.warnings) {
    Log(LogLevel::kWarn, "config", warning.message,
        {{"field", warning.path},
         {"config", warning.source},
         {"line", warning.place.line}});
  }
}

std::string PidFilePath(const Environment& environment) {
  const std::string flag = absl::GetFlag(FLAGS_pid_file);
  if (!flag.empty()) return flag;
  const auto variable = environment.find("GATEWAY_PID_FILE");
  return variable == environment.end() ? std::string() : variable->second;
}

// Claims the file that this gateway will be found by; null if there is to be
// none.
absl::StatusOr<std::unique_ptr<PidFile>> ClaimPidFile(
    const Environment& environment) {
  const std::string path = PidFilePath(environment);
  if (path.empty()) return nullptr;
  return PidFile::Claim(path);
}

absl::Status Publish(const App::Addresses& at, const ConfigSnapshot& config,
                     PidFile& file) {
  const llmgateway::config::v1::Listeners& listeners =
      config.config().listeners();
  ListenerAddresses addresses;
  addresses.http = at.http;
  addresses.http_is_tls = listeners.http().has_tls();
  addresses.operations = at.operations;
  addresses.operations_is_tls = listeners.operations().has_tls();
  addresses.grpc = at.grpc;
  addresses.admin = at.admin;
  addresses.admin_http = at.admin_http;
  const PidRecord record =
      MakePidRecord(addresses, kVersion, SystemClock().WallTime());
  GATEWAY_RETURN_IF_ERROR(file.Publish(record));
  Log(LogLevel::kInfo, "main",
      absl::StrCat("PID file updated with gateway port: ",
                   record.gateway_port));
  return absl::OkStatus();
}

// Returns the port that HTTP's callers find; empty if there is none.
std::string PortOf(const std::string& address) {
  const size_t colon = address.rfind(':');
  return colon == std::string::npos ? "" : address.substr(colon + 1);
}

int CannotStart(const ConfigSnapshot& config, const absl::Status& why) {
  Log(LogLevel::kError, "main", "cannot start",
      {{"config", config.source()}, {"error", why}});
  StopLogging();
  return 1;
}

// How long a drain may take beyond its grace: last messages to callers,
// operators' calls, the access log. Whoever ends the process from outside, such
// as Kubernetes, should wait for longer than both.
constexpr absl::Duration kDrainOverrunMax = absl::Seconds(6);

// How long the lines that wait may take to reach a log that may be stuck: at
// the end of a drain, and of a process that is ended in the middle of one.
constexpr absl::Duration kLogEndTimeout = absl::Seconds(2);
constexpr absl::Duration kLastLineTimeout = absl::Milliseconds(500);

// The app, as long as it is there for the thread that may have to end the
// process while its drain waits.
class DrainingApp {
 public:
  explicit DrainingApp(std::unique_ptr<App> app) : app_(std::move(app)) {}

  // What is in files is written, and they are closed.
  absl::Status Drain() {
    absl::Status drained = app_->Drain();
    std::unique_ptr<App> app;
    {
      MutexLock lock(mu_);
      app = std::move(app_);
    }
    return drained;
  }

  // Any thread.
  App::Unwritten unwritten() const {
    MutexLock lock(mu_);
    return app_ == nullptr ? App::Unwritten() : app_->unwritten();
  }

 private:
  mutable Mutex mu_;
  std::unique_ptr<App> app_;  // Written by Drain alone, under `mu_`.
};

// Ends logging and the process once: in order, or whatever its other threads do
// or wait for. Lines that nobody takes are lost, and say nothing of how it
// ended: the code does.
class LogEnd {
 public:
  // All that is to be kept is, or `code` says otherwise.
  [[noreturn]] void InOrder(int code) {
    {
      MutexLock lock(mu_);
      code_ = code;
    }
    WriteAndExit(kLogEndTimeout, code);
  }

  [[noreturn]] void Now(std::string_view why, const App::Unwritten& lost) {
    MutexLock lock(mu_);  // Never released: no other thread logs from here on.
    if (code_.has_value()) _exit(*code_);
    Log(LogLevel::kWarn, "main", why);
    const auto [of_ledger, under_way, of_audit] = lost;
    if (of_ledger + under_way + of_audit > 0) {
      Log(LogLevel::kError, "main", "Entries that are not written are lost",
          {{"ledger_entries", static_cast<int64_t>(of_ledger)},
           {"ledger_entries_under_way", static_cast<int64_t>(under_way)},
           {"audit_entries", static_cast<int64_t>(of_audit)}});
    }
    WriteAndExit(kLastLineTimeout, 1);
  }

 private:
  [[noreturn]] static void WriteAndExit(absl::Duration timeout, int code) {
    Latch written;
    const Thread writer("last-line", [&written] {
      StopLogging();
      written.Open();
    });
    written.WaitFor(timeout);
    // Not by return: other threads wait for what need not come.
    _exit(code);
  }

  Mutex mu_;
  std::optional<int> code_ GUARDED_BY(mu_);
};

int Serve(ConfigReading reading, const Environment& environment,
          const ProcessSignals& signals) {
  const std::shared_ptr<const ConfigSnapshot> config = reading.snapshot;
  const absl::Status logging =
      StartLogging(LoggingOptionsOf(config->config().logging()));
  if (!logging.ok()) {
    std::cerr << "gateway: " << logging.message() << "\n";
    return 1;
  }
  LogWarnings(reading);
  absl::StatusOr<std::unique_ptr<PidFile>> pid_file = ClaimPidFile(environment);
  if (!pid_file.ok()) return CannotStart(*config, pid_file.status());
  absl::StatusOr<std::unique_ptr<App>> app =
      App::Start({.config = std::move(reading),
                  .file = absl::GetFlag(FLAGS_config),
                  .environment = environment,
                  .strict = absl::GetFlag(FLAGS_strict)});
  if (!app.ok()) return CannotStart(*config, app.status());
  const App::Addresses& at = (*app)->addresses();
  Log(LogLevel::kInfo, "main", "LLM Gateway initialized successfully");
  Log(LogLevel::kInfo, "main",
      absl::StrCat("LLM Gateway started on port ", PortOf(at.http)));
  if (*pid_file != nullptr) {
    const absl::Status published = Publish(at, *config, **pid_file);
    if (!published.ok()) return CannotStart(*config, published);
  }
  Log(LogLevel::kInfo, "main", "ready",
      {{"grpc", at.grpc},
       {"http", at.http},
       {"admin", at.admin},
       {"operations", at.operations},
       {"admin_http", at.admin_http},
       {"config", config->source()}});
  if (absl::GetFlag(FLAGS_first_calls)) {
    std::cerr << FirstCalls(at, *config, environment);
  }

  const int number = signals.AwaitEnd([&app] { (*app)->Reload(); });
  Log(LogLevel::kInfo, "main", "draining",
      {{"signal", number == SIGINT ? "SIGINT" : "SIGTERM"}});
  pid_file->reset();  // From here on this gateway is not to be found.
  const absl::Duration drain_max = (*app)->drain_grace() + kDrainOverrunMax;
  DrainingApp draining(*std::move(app));
  LogEnd log_end;
  const Thread impatience("impatience", [&, drain_max] {
    const bool told = signals.AwaitEndFor(drain_max).has_value();
    log_end.Now(told ? "told twice to end; ending now"
                     : "the drain has not ended with its grace; ending now",
                draining.unwritten());
  });
  const absl::Status drained = draining.Drain();
  if (drained.ok()) {
    Log(LogLevel::kInfo, "main", "stopped");
  } else {
    Log(LogLevel::kError, "main", "stopped", {{"error", drained}});
  }
  log_end.InOrder(drained.ok() ? 0 : 1);
}

int CheckConfig(const ProviderKinds& kinds, const Environment& environment) {
  const ConfigReading reading =
      ReadConfig(kinds, absl::GetFlag(FLAGS_config), environment);
  if (reading.snapshot == nullptr) return 1;
  const absl::Status works = App::Check(reading.snapshot);
  if (!works.ok()) {
    std::cerr << reading.snapshot->source() << ": " << works.message() << "\n";
    return 1;
  }
  PrintWarnings(reading);
  std::cout << reading.snapshot->masked_yaml();
  return 0;
}

std::string Usage() {
  std::string text =
      "A gateway between programs and language-model providers.\n\n"
      "  gateway --config=deploy/config/quickstart.yaml\n"
      "  gateway --config=gateway.yaml --check_config\n\nFlags:\n";
  for (const char* name :
       {"config", "check_config", "strict", "first_calls", "pid_file"}) {
    absl::StrAppend(&text, "\n  --", name, "\n      ",
                    absl::FindCommandLineFlag(name)->Help(), "\n");
  }
  absl::StrAppend(&text,
                  "\n  --help\n      Show this.\n"
                  "\n  --version\n      Show the version.\n\n"
                  "Fields of the configuration: docs/configuration.md. Signals "
                  "that it takes, and what\nto do when it does not start: "
                  "docs/runbook.md.\n");
  return text;
}

// Returns whether the program was only asked about itself, and has answered.
bool TellsOfItself(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--") return false;
    if (argument == "--help" || argument == "-h") {
      std::cout << Usage();
      return true;
    }
    if (argument == "--version") {
      std::cout << "gateway " << kVersion << "\n";
      return true;
    }
  }
  return false;
}

}  // namespace

int RunGateway(int argc, char** argv, const ProviderKinds& kinds) {
  if (TellsOfItself(argc, argv)) return 0;
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) {
    std::cerr << "gateway: unexpected argument '" << rest[1]
              << "'; --help shows the flags\n";
    return 1;
  }
  const Environment environment = ProcessEnvironment();
  if (absl::GetFlag(FLAGS_check_config)) return CheckConfig(kinds, environment);
  LimitThreadCaches(kThreadCacheBytesMax);
  const ProcessSignals signals;
  ConfigReading reading =
      ReadConfig(kinds, absl::GetFlag(FLAGS_config), environment);
  if (reading.snapshot == nullptr) return 1;
  return Serve(std::move(reading), environment, signals);
}

}  // namespace gateway
