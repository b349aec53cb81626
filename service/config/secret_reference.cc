#include "service/config/secret_reference.h"

#include <string.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/os/file.h"
#include "base/secret.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr size_t kSecretBytesLimit = 1024 * 1024;
constexpr std::string_view kVariablePrefix = "env:";
constexpr std::string_view kFilePrefix = "file:";

bool IsVariableName(std::string_view name) {
  return !name.empty() && !absl::ascii_isdigit(name[0]) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '_';
         });
}

absl::StatusOr<Secret> Shape(const std::string& bytes, SecretForm form) {
  if (form == SecretForm::kText) return Secret(bytes);
  const absl::string_view line = absl::StripAsciiWhitespace(bytes);
  if (line.empty()) return absl::InvalidArgumentError("holds only white space");
  const bool may_have_words = form == SecretForm::kHeaderValue;
  const bool fits =
      std::all_of(line.begin(), line.end(), [may_have_words](unsigned char c) {
        return may_have_words ? absl::ascii_isprint(c) : absl::ascii_isgraph(c);
      });
  if (!fits) {
    return absl::InvalidArgumentError(absl::StrCat(
        "holds a secret with ", may_have_words ? "line breaks" : "white space",
        " or special characters inside; check what was stored"));
  }
  return Secret(ToStd(line));
}

}  // namespace

absl::StatusOr<SecretReference> SecretReference::Parse(std::string_view text) {
  if (text.starts_with(kVariablePrefix)) {
    text.remove_prefix(kVariablePrefix.size());
    if (IsVariableName(text)) return SecretReference(Kind::kVariable, text);
    return absl::InvalidArgumentError(
        "must name a variable after 'env:', of letters, digits and '_'");
  }
  if (text.starts_with(kFilePrefix)) {
    text.remove_prefix(kFilePrefix.size());
    if (!text.empty()) return SecretReference(Kind::kFile, text);
    return absl::InvalidArgumentError("must give a path after 'file:'");
  }
  return absl::InvalidArgumentError(
      "must be 'env:NAME' or 'file:path'; a secret itself does not belong into "
      "a configuration");
}

std::string SecretReference::description() const {
  return absl::StrCat(kind_ == Kind::kVariable ? "variable " : "file ", name_);
}

absl::StatusOr<std::optional<Secret>> SecretReference::Resolve(
    const Environment& environment, SecretForm form) const {
  if (kind_ == Kind::kVariable) {
    const auto found = environment.find(name_);
    if (found == environment.end() || found->second.empty()) {
      return std::optional<Secret>();
    }
    absl::StatusOr<Secret> secret = Shape(found->second, form);
    if (!secret.ok()) {
      return absl::Status(
          secret.status().code(),
          absl::StrCat(description(), " ", secret.status().message()));
    }
    return std::optional<Secret>(*std::move(secret));
  }
  absl::StatusOr<std::string> bytes = ReadFile(name_, kSecretBytesLimit);
  if (!bytes.ok()) {
    return absl::Status(
        bytes.status().code(),
        absl::StrCat(description(), ": ", bytes.status().message()));
  }
  absl::StatusOr<Secret> secret = bytes->empty()
                                      ? absl::InvalidArgumentError("is empty")
                                      : Shape(*bytes, form);
  explicit_bzero(bytes->data(), bytes->size());
  if (!secret.ok()) {
    return absl::Status(
        secret.status().code(),
        absl::StrCat(description(), " ", secret.status().message()));
  }
  return std::optional<Secret>(*std::move(secret));
}

}  // namespace gateway
