#include "service/audit/redaction/key_redactor.h"

namespace gateway {

const BodyRedactor& KeyRedactor() {
  using BuiltIn = RedactionPatterns::BuiltIn;
  static const BodyRedactor& redactor = *new BodyRedactor(
      *BodyRedactor::Make({.built_in = {BuiltIn::kKeys, BuiltIn::kTokens},
                           .own = {},
                           .json_paths = {},
                           .secrets = {}}));
  return redactor;
}

}  // namespace gateway
