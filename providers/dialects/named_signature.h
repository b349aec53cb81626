// A signature on reasoning, with the name of the format that it belongs to.
// Reasoning.signature has room for one text, and a provider refuses a signature
// that is not its own; so a dialect whose signatures must travel through the
// clients of other formats puts its name before them.
//
//   reasoning.set_signature(NamedSignature("openai_responses", encrypted));
//   ...
//   if (ReadNamedSignature(signature, "openai_responses", &encrypted)) ...
//
// Signatures without a name are those of Anthropic's Messages.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_NAMED_SIGNATURE_H_
#define PROVIDERS_DIALECTS_NAMED_SIGNATURE_H_

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace gateway {

inline constexpr std::string_view kNamedSignaturePrefix = "seal:";

inline bool IsNamedSignature(std::string_view signature) {
  return signature.starts_with(kNamedSignaturePrefix);
}

inline std::string NamedSignature(std::string_view dialect,
                                  std::string_view signature) {
  std::string named(kNamedSignaturePrefix);
  named.append(dialect).append(":").append(signature);
  return named;
}

// Sets views into `named`. Returns false if the signature is not of this
// dialect.
inline bool ReadNamedSignature(std::string_view named, std::string_view dialect,
                               std::string_view* signature) {
  if (!IsNamedSignature(named)) return false;
  named.remove_prefix(kNamedSignaturePrefix.size());
  if (!named.starts_with(dialect)) return false;
  named.remove_prefix(dialect.size());
  if (!named.starts_with(":")) return false;
  *signature = named.substr(1);
  return true;
}

// Returns whether a JSON text has a string that begins with `mark`: a request
// with the signature of another format is not forwarded to a provider that
// would refuse it.
inline bool HasStringWithMark(std::string_view json, std::string_view mark) {
  while (mark.size() < json.size()) {
    const void* const found =
        memmem(json.data() + 1, json.size() - 1, mark.data(), mark.size());
    if (found == nullptr) return false;
    const char* const at = static_cast<const char*>(found);
    const bool is_first =
        at[-1] == '"' && (at - 1 == json.data() || at[-2] != '\\');
    if (is_first) return true;
    json.remove_prefix(static_cast<size_t>(at - json.data()));
  }
  return false;
}

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_NAMED_SIGNATURE_H_
