// AppliedReferences is what a configuration that an operator applies to a
// running gateway may take secrets from: what the configuration file names
// itself, and what it allows in `runtime.applied_references`.
//
//   const AppliedReferences allowed(file_config);
//   allowed.Check(applied, places, &problems);
//   // providers[1].openai.api_key: must not be taken from variable HOME: ...
//
// So an operator cannot read by way of the gateway what its owner has not put
// there for it. For the same reason an applied configuration runs no program,
// and trusts no authority, that the file does not name.
//
// A path is looked at as it is written, where `..` is refused, and as it
// resolves, so that no link leads out of a folder that is allowed.
//
// Thread-safe. Check blocks on the file system.

#ifndef SERVICE_CONFIG_APPLIED_REFERENCES_H_
#define SERVICE_CONFIG_APPLIED_REFERENCES_H_

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/config/v1/config.pb.h"
#include "providers/provider_kind.h"
#include "service/config/config_problem.h"

namespace gateway {

// Says what is wrong with an entry of `runtime.applied_references`.
absl::Status CheckAppliedReference(std::string_view entry);

class AppliedReferences {
 public:
  // REQUIRES: `file` has its defaults and has passed validation.
  AppliedReferences(const ProviderKinds& kinds,
                    const llmgateway::config::v1::GatewayConfig& file);

  // Adds a problem for each reference of `applied` that is not allowed. Says
  // nothing of whether it leads anywhere.
  void Check(const llmgateway::config::v1::GatewayConfig& applied,
             const FieldPlaces& places, ConfigProblems* problems) const;

 private:
  bool AllowsReference(const std::string& reference) const;
  bool AllowsFile(const std::string& path) const;

  const ProviderKinds kinds_;
  std::set<std::string> named_;     // References, and files of authorities.
  std::set<std::string> programs_;  // Settings of kinds that run programs.
  std::vector<std::string> variable_prefixes_;
  std::vector<std::string> folders_;  // Each ends with a slash.
};

}  // namespace gateway

#endif  // SERVICE_CONFIG_APPLIED_REFERENCES_H_
