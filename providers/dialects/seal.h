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

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_SEAL_H_
