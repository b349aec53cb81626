// Goes the whole way from a file's text to a snapshot: read it, let the
// environment override it, fill in the defaults, check it, find its secrets.
//
//   ConfigReading reading =
//       ReadConfigFile("gateway.yaml", environment, clock.WallTime());
//   if (reading.snapshot == nullptr) {
//     for (const ConfigProblem& problem : reading.problems) {
//       std::cerr << problem.ToString() << '\n';
//     }
//   }
//
// Thread-safe. Blocks on files: for start-up and reloading, never on an event
// loop.

#ifndef SERVICE_CONFIG_CONFIG_READER_H_
#define SERVICE_CONFIG_CONFIG_READER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"
#include "service/config/environment.h"
#include "service/config/snapshot.h"

namespace gateway {

struct ConfigReading {
  std::shared_ptr<const ConfigSnapshot> snapshot;  // Null if it has problems.
  std::vector<ConfigProblem> problems;             // Sorted; all there are.
  std::vector<ConfigProblem> warnings;             // The same.
};

// What cannot work on this machine is a problem too: machine_check.h. `now`
// becomes the snapshot's load time.
ConfigReading ReadConfigFile(const std::string& path,
                             const Environment& environment, absl::Time now);

// What can be said of a configuration without looking at what it refers to.
struct ConfigDraft {
  // With defaults; what `problems` are of is as it was read.
  llmgateway::config::v1::GatewayConfig config;
  std::vector<ConfigProblem> problems;  // Sorted; all there are.
  std::vector<ConfigProblem> warnings;  // The same.
};

// Reads no file and no variable that the text names, so that whoever may have
// texts checked learns nothing of what there is. `environment` overrides
// fields, as it does for a file.
ConfigDraft ReadConfigDraft(std::string_view text, const std::string& source,
                            const Environment& environment);

// `source` stands for the file's name in problems. Whether the text would work
// on this machine is not asked.
ConfigReading ReadConfigText(std::string_view text, const std::string& source,
                             const Environment& environment, absl::Time now);

}  // namespace gateway

#endif  // SERVICE_CONFIG_CONFIG_READER_H_
