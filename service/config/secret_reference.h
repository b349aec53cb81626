// A configuration names its secrets and never holds them: `env:NAME` is the
// value of an environment variable, `file:path` the content of a file. A path
// that is not absolute begins at the working directory.
//
//   absl::StatusOr<SecretReference> reference =
//       SecretReference::Parse("env:OPENAI_API_KEY");
//   absl::StatusOr<std::optional<Secret>> key =
//       reference->Resolve(environment, SecretForm::kToken);
//   if (key.ok() && !key->has_value()) ...  // The variable is not set.
//   reference->description();               // "variable OPENAI_API_KEY"
//
// No message repeats what is not a reference: it may be the secret itself, put
// where its name belongs.
//
// Thread-safe. Resolve() reads files and so blocks.

#ifndef SERVICE_CONFIG_SECRET_REFERENCE_H_
#define SERVICE_CONFIG_SECRET_REFERENCE_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/secret.h"
#include "service/config/environment.h"

namespace gateway {

// The form that a secret must have to be of use.
enum class SecretForm {
  kToken,        // A word of printable ASCII; white space around it is cut.
  kHeaderValue,  // The same, of several words.
  kText,         // Anything, such as PEM.
};

class SecretReference {
 public:
  // Parses a reference; an error if it is none.
  static absl::StatusOr<SecretReference> Parse(std::string_view text);

  // Returns the secret; nothing if it is in a variable that is not set, or
  // empty. A file that is missing, empty or larger than 1 MiB is an error.
  absl::StatusOr<std::optional<Secret>> Resolve(const Environment& environment,
                                                SecretForm form) const;

  // Says where the secret is, for people: `variable NAME` or `file path`.
  std::string description() const;

  bool is_file() const { return kind_ == Kind::kFile; }
  // The path or the variable's name.
  const std::string& name() const { return name_; }

 private:
  enum class Kind { kVariable, kFile };

  SecretReference(Kind kind, std::string_view name)
      : kind_(kind), name_(name) {}

  Kind kind_;
  std::string name_;
};

}  // namespace gateway

#endif  // SERVICE_CONFIG_SECRET_REFERENCE_H_
