// A seal on reasoning, with the name of the format that it belongs to.
// Reasoning.signature has room for one text, and a provider refuses a seal that
// is not its own; so a dialect whose seals must travel through the clients of
// other formats puts its name before them.
//
//   reasoning.set_signature(NamedSeal("openai_responses", sealed));
//   ...
//   if (ReadNamedSeal(signature, "openai_responses", &sealed)) ...
//
// Seals without a name are those of Anthropic's Messages.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_SEAL_H_
#define PROVIDERS_DIALECTS_SEAL_H_

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace gateway {

inline constexpr std::string_view kNamedSealPrefix = "seal:";

inline bool IsNamedSeal(std::string_view signature) {
  return signature.starts_with(kNamedSealPrefix);
}

inline std::string NamedSeal(std::string_view dialect, std::string_view seal) {
  std::string named(kNamedSealPrefix);
  named.append(dialect).append(":").append(seal);
  return named;
}

// Views into `signature`. False if the seal is not of this dialect.
inline bool ReadNamedSeal(std::string_view signature, std::string_view dialect,
                          std::string_view* seal) {
  if (!IsNamedSeal(signature)) return false;
  signature.remove_prefix(kNamedSealPrefix.size());
  if (!signature.starts_with(dialect)) return false;
  signature.remove_prefix(dialect.size());
  if (!signature.starts_with(":")) return false;
  *seal = signature.substr(1);
  return true;
}

// Whether a JSON text has a string that begins with `mark`: a request with the
// seal of another format is not forwarded to a provider that would refuse it.
inline bool HasStringWithMark(std::string_view json, std::string_view mark) {
  while (mark.size() < json.size()) {
    const void* const found =
        memmem(json.data() + 1, json.size() - 1, mark.data(), mark.size());
    if (found == nullptr) return false;
    const char* const at = static_cast<const char*>(found);
    const bool is_first = at[-1] == '"' && (at - 1 == json.data() ||
                                            at[-2] != '\\');
    if (is_first) return true;
    json.remove_prefix(static_cast<size_t>(at - json.data()));
  }
  return false;
}

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_SEAL_H_
