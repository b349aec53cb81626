// LocalCliProvider asks the Claude command-line tool on this machine: it runs
// the program for each call, writes the prompt to its input, and reads the
// answer from its output, whole or as it comes.
//
// The tool is made to answer once, without tools of its own and without keeping
// a session: a caller must not reach this machine's files through it. It is not
// given the gateway's environment, which holds the keys of all providers, but
// what it needs of it; its variable CLAUDECODE is taken away, so that it does
// not believe to run inside of itself. It runs in an empty directory, under
// limits of processor time, memory and the length of files. It costs nothing,
// and that is known; it does not count tokens the way that callers are told
// them, so they are estimated. What it says of itself - its own count, what it
// believes to cost - comes as extensions.
//
// When a call is over before the program is, or its time is up, the program's
// whole process group is ended (base/process/subprocess.h). What was asked is
// paid for then, so no attempt follows one that took too long.
//
// Thread contract: as Provider.

#ifndef PROVIDERS_LOCAL_CLI_LOCAL_CLI_PROVIDER_H_
#define PROVIDERS_LOCAL_CLI_LOCAL_CLI_PROVIDER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/local_cli/process_slots.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"

namespace gateway {

class LocalCliProvider final : public Provider {
 public:
  // `inherited` is the gateway's own environment, as `NAME=value`. REQUIRES:
  // defaults have been applied to `config`.
  LocalCliProvider(const ProviderSetup& setup,
                   const llmgateway::config::v1::LocalCliProvider& config,
                   const std::vector<std::string>& inherited);

  std::string_view name() const override { return setup_.name; }
  // Says whether the program can be found.
  absl::Status Obstacle() const override;
  const Dialect* FindDialect(std::string_view) const override {
    return nullptr;
  }

  Task<absl::Status> Generate(ProviderCall& call,
                              ProviderAnswer* answer) const override;
  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall& call) const override;
  // UNIMPLEMENTED, since the tool has no such operation.
  Task<absl::StatusOr<int64_t>> CountTokens(ProviderCall& call) const override;

 private:
  class Run;
  class AnswerStream;

  std::vector<std::string> CommandOf(const ProviderCall& call,
                                     bool stream) const;
  // Names the provider in a fault.
  absl::Status WrapFault(const absl::Status& status) const;

  const ProviderSetup setup_;
  const llmgateway::config::v1::LocalCliProvider config_;
  const std::vector<std::string> environment_;
  const absl::Duration timeout_;
  const std::shared_ptr<ProcessSlots> slots_;
};

// Returns the environment of the tool: of the inherited one PATH, HOME, LANG,
// TMPDIR and what is configured to be inherited; then what is configured;
// without CLAUDECODE and without variables that are configured to be empty.
std::vector<std::string> CliEnvironment(
    const std::vector<std::string>& inherited,
    const llmgateway::config::v1::LocalCliProvider& config);

// Makes the provider, with the environment of this process.
std::unique_ptr<Provider> MakeLocalCliProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::LocalCliProvider& config);

}  // namespace gateway

#endif  // PROVIDERS_LOCAL_CLI_LOCAL_CLI_PROVIDER_H_
