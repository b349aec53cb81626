// Reads a configuration file, YAML or JSON, into its proto. What the file says
// is checked against the schema alone; defaults.h, environment.h and
// validator.h do the rest.
//
//   ConfigProblems problems("gateway.yaml");
//   LoadedConfig loaded = LoadConfigText(text, &problems);
//   if (!problems.empty()) ...  // loaded.config lacks what was wrong.
//
// The text is not trusted: its size, its depth and what its aliases expand to
// are bounded, and nothing that YAML can build beyond maps, lists and scalars
// is allowed. YAML and its library's exceptions stop here.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_LOADER_H_
#define SERVICE_CONFIG_LOADER_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

inline constexpr size_t kConfigBytesLimit = 1024 * 1024;
// The most that a file may have, with every alias expanded: keys and values, of
// which one of kConfigBytesLimit without aliases rarely has so many, and bytes.
inline constexpr size_t kConfigNodesLimit = 150'000;
inline constexpr size_t kConfigExpandedBytesLimit = 16 * 1024 * 1024;

struct LoadedConfig {
  llmgateway::config::v1::GatewayConfig config;
  FieldPlaces places;  // Of every field in the text.
  // False if the text could not be read to its end, so that fields may only
  // seem to be missing.
  bool complete = false;
  // Where under its root the system that the file is of keeps a ledger without
  // being told to; empty if it keeps none.
  std::string usual_ledger;
  // The paths of other files whose content is in it.
  std::vector<std::string> included;
};

// Reads the text. Adds everything that is wrong to `problems` and goes on as
// far as it can.
LoadedConfig LoadConfigText(std::string_view text, ConfigProblems* problems);

// Reads a text with fields of a section, such as the `policies` of
// `routing.selection`, and adds them to those that it has. Problems, and
// places, are those of the file `source`. REQUIRES: singular fields lead to the
// section.
void AddSectionText(std::string_view section, std::string_view text,
                    const std::string& source, LoadedConfig* loaded,
                    ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_LOADER_H_
