// Goes the whole way from a file's text to a snapshot: read it, let the
// environment override it, fill in the defaults, check it, find its secrets.
//
//   ConfigReading reading =
//       ReadConfigFile(AllProviderKinds(), "gateway.yaml", environment, now);
//   if (reading.snapshot == nullptr) {
//     for (const ConfigProblem& problem : reading.problems) {
//       std::cerr << problem.ToString() << '\n';
//     }
//   }
//
// Thread-safe. Blocks on files: for start-up and a BlockingWorker, never on an
// event loop.

#ifndef SERVICE_CONFIG_CONFIG_READER_H_
#define SERVICE_CONFIG_CONFIG_READER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "llmgateway/config/v1/config.pb.h"
#include "providers/provider_kind.h"
#include "service/config/config_problem.h"
#include "service/config/environment.h"
#include "service/config/snapshot.h"

namespace gateway {

class AppliedReferences;

struct ConfigReading {
  // Null if there are problems.
  std::shared_ptr<const ConfigSnapshot> snapshot;
  std::vector<ConfigProblem> problems;  // Sorted and complete.
  std::vector<ConfigProblem> warnings;  // Sorted and complete.
  std::string text;                     // What was read.
  // Named in it, also if there are problems.
  std::vector<std::string> files;
  // Of these the ones with parts of the configuration.
  std::vector<std::string> included;
};

// Reads the file. What cannot work on this machine is a problem, too: see
// machine_check.h. `now` becomes the snapshot's load time, `kinds` are those
// that a provider may be of.
ConfigReading ReadConfigFile(const ProviderKinds& kinds,
                             const std::string& path,
                             const Environment& environment, absl::Time now);

// Returns the path of something that a configuration file names: what does not
// begin with `/` counts from the file's folder.
std::string PathBeside(const std::string& config_file, const std::string& name);

// Reads a text as ReadConfigFile does one of a file; `source` stands for the
// file's name. If `allowed` is not null, what it does not allow is a problem,
// and nothing of what the text names is looked at.
ConfigReading ReadConfigForMachine(const ProviderKinds& kinds,
                                   std::string_view text,
                                   const std::string& source,
                                   const Environment& environment,
                                   absl::Time now,
                                   const AppliedReferences* allowed = nullptr);

// What can be said of a configuration without looking at what it refers to.
struct ConfigDraft {
  // With defaults filled in; what `problems` concern is as it was read.
  llmgateway::config::v1::GatewayConfig config;
  std::vector<ConfigProblem> problems;  // Sorted and complete.
  std::vector<ConfigProblem> warnings;  // Sorted and complete.
};

// Checks a text without reading any file or variable that it names, so that
// whoever may have texts checked learns nothing of what exists. `environment`
// overrides fields, as it does for a file.
ConfigDraft ReadConfigDraft(const ProviderKinds& kinds, std::string_view text,
                            const std::string& source,
                            const Environment& environment);

// Reads a text; `source` stands for the file's name in problems. Does not check
// whether it would work on this machine.
ConfigReading ReadConfigText(const ProviderKinds& kinds, std::string_view text,
                             const std::string& source,
                             const Environment& environment, absl::Time now);

}  // namespace gateway

#endif  // SERVICE_CONFIG_CONFIG_READER_H_
