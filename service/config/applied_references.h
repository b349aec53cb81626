// AppliedReferences is what a configuration that an operator applies to a
// running gateway may do with secrets. It says for which use each is, so that
// an operator cannot read by way of the gateway what its owner has not put
// there for him, nor have it sent to an address of his own:
//
// * A secret that the configuration file names may be named for the use that
//   the file makes of it, and for no other.
// * One that the file does not name, and allows by
// `runtime.applied_references`,
//   may be named for any use that the file makes of some secret.
//
// A use is a field, whichever entry of its list it stands in, and of a provider
// its destination besides: scheme, host and port of `base_url`, and the proxy
// that would see the key. So a key can be exchanged for another, and a provider
// can get another name or model, but no key goes where none went before: a new
// provider that needs one has to be put into the file first.
//
//   const AppliedReferences allowed(kinds, file_config);
//   allowed.Check(applied, places, &problems);
//   // providers[1].openai.api_key: must not be taken from variable HOME: ...
//
// For the same reason an applied configuration runs no program that the file
// does not name, trusts authorities (`ca_file`) by the rules of secrets, and
// has no other files with parts of it (`routing.selection.files`,
// `alerts.files`) than those that the file has.
//
// A path is looked at as it is written, where `..` is refused, and as it
// resolves, so that no link leads out of a folder that is allowed, and no other
// name of a file to another use.
//
// Thread-safe. Check blocks on the file system.

#ifndef SERVICE_CONFIG_APPLIED_REFERENCES_H_
#define SERVICE_CONFIG_APPLIED_REFERENCES_H_

#include <compare>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/config/v1/config.pb.h"
#include "providers/provider_kind.h"
#include "service/config/config_problem.h"

namespace gateway {

// The files with parts of it that the configuration file names.
struct IncludedFiles {
  std::string config_file;         // Names count from its folder.
  std::vector<std::string> paths;  // From there, as `PathBeside` has them.
};

// Says what is wrong with an entry of `runtime.applied_references`.
absl::Status CheckAppliedReference(std::string_view entry);

class AppliedReferences {
 public:
  // REQUIRES: `file` has its defaults and has passed validation.
  AppliedReferences(const ProviderKinds& kinds,
                    const llmgateway::config::v1::GatewayConfig& file,
                    IncludedFiles included = {});

  // The path of a file with a part of the configuration; empty if the
  // configuration file has no such part.
  std::string IncludedFile(const std::string& name) const;

  // Adds a problem for each reference of `applied` that is not allowed. Says
  // nothing of whether it leads anywhere.
  void Check(const llmgateway::config::v1::GatewayConfig& applied,
             const FieldPlaces& places, ConfigProblems* problems) const;

 private:
  // What a secret is taken for.
  struct Use {
    std::string field;        // Without the places in lists.
    std::string destination;  // Empty where it goes nowhere.

    friend auto operator<=>(const Use&, const Use&) = default;
  };

  // A use of a secret, or of a file of authorities.
  struct Named {
    std::string path;       // The field that names it.
    std::string reference;  // As a secret's, also of authorities.
    Use use;
  };

  static std::vector<Named> AllOf(
      const llmgateway::config::v1::GatewayConfig& config);

  // Returns why it is refused; empty if it is not.
  std::string Refusal(const Named& named) const;
  // Whether `runtime.applied_references` allows it.
  bool AllowsReference(const std::string& reference) const;
  bool AllowsFile(const std::string& path) const;

  const ProviderKinds kinds_;
  const IncludedFiles included_;
  std::set<Use> uses_;  // Of whatever secret.
  // By what identifies a secret, whatever it is called.
  std::map<std::string, std::set<Use>> uses_of_;
  std::set<std::string> programs_;  // Settings of kinds that run programs.
  std::vector<std::string> variable_prefixes_;
  std::vector<std::string> folders_;  // Each ends with a slash.
};

}  // namespace gateway

#endif  // SERVICE_CONFIG_APPLIED_REFERENCES_H_
