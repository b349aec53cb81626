#include "service/audit/redaction/key_redactor.h"

#include <optional>
#include <utility>

namespace gateway {
namespace {

BodyRedactor MakeKeyRedactor(std::optional<SecretDigests> digests) {
  using BuiltIn = RedactionPatterns::BuiltIn;
  return *BodyRedactor::Make({.built_in = {BuiltIn::kKeys, BuiltIn::kTokens},
                              .own = {},
                              .json_paths = {},
                              .secrets = {},
                              .digests = std::move(digests)});
}

}  // namespace

const BodyRedactor& KeyRedactor() {
  static const BodyRedactor& redactor =
      *new BodyRedactor(MakeKeyRedactor(std::nullopt));
  return redactor;
}

BodyRedactor KeyRedactorWith(SecretDigests secrets) {
  return MakeKeyRedactor(std::move(secrets));
}

}  // namespace gateway
