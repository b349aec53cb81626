// Scopes say what a caller may do, as data: entries of a kind and a pattern, in
// which `*` stands for any text.
//
//   api:openai            one of grpc, openai, anthropic, gemini, chat
//   rpc:Embed             of GatewayService; operations of HTTP count as theirs
//   model:gpt-4*          as the caller names it
//   provider:azure-eu     by its name in the configuration
//   tag:batch             each tag of a request must be allowed
//
// A kind without an entry is not restricted; of one with entries that is
// allowed which one of them matches.
//
//   GATEWAY_ASSIGN_OR_RETURN(const Scopes scopes,
//                            Scopes::Parse({"api:openai", "model:gpt-4*"}));
//   GATEWAY_RETURN_IF_ERROR(scopes.CheckModel("gpt-5"));  // MODEL_NOT_ALLOWED
//
// What is not restricted costs one comparison; a pattern takes time
// proportional to its length and the name's.
//
// Thread-compatible: const members may be called from several threads.

#ifndef SERVICE_IDENTITY_SCOPES_H_
#define SERVICE_IDENTITY_SCOPES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace gateway {

// The APIs that callers may be restricted to.
enum class ScopedApi : uint8_t { kGrpc, kOpenAi, kAnthropic, kGemini, kChat };

// `grpc`, `openai`, `anthropic`, `gemini` or `chat`.
std::string_view ScopedApiName(ScopedApi api);

// So many entries a caller may have, each at most so long.
inline constexpr size_t kScopesMax = 1000;
inline constexpr size_t kScopeBytesMax = 256;

// Checks one entry as an operator writes it. INVALID_ARGUMENT, whose message
// names the entry, what is wrong with it, and what is right.
absl::Status CheckScope(std::string_view entry);

class Scopes {
 public:
  // Restricts nothing.
  Scopes() = default;

  // Reads what an operator has written. The error is that of the first entry at
  // fault, its index before it as in `[2]: `.
  static absl::StatusOr<Scopes> Parse(absl::Span<const std::string> entries);

  // Reads what a token says. Its words are others' as well: those of no kind of
  // ours mean nothing. One of our kinds that names nothing that there is
  // restricts that kind, and allows nothing; so a mistake never opens what was
  // to be closed. Neither does one of more than kScopesMax words, which allows
  // nothing at all.
  static Scopes OfToken(absl::Span<const std::string_view> words);

  // What both this and the other allow.
  Scopes And(const Scopes& other) const;

  bool AllowsApi(ScopedApi api) const { return (apis_ & BitOf(api)) != 0; }
  // By the name of one of GatewayService's rpcs, such as `Generate`.
  bool AllowsRpc(std::string_view rpc) const {
    return rpcs_ == kAll || AllowsListedRpc(rpc);
  }
  bool AllowsModel(std::string_view model) const {
    return models_.empty() || Allow(models_, model);
  }
  bool AllowsProvider(std::string_view provider) const {
    return providers_.empty() || Allow(providers_, provider);
  }
  bool AllowsTag(std::string_view tag) const {
    return tags_.empty() || Allow(tags_, tag);
  }

  // OK if it is allowed. Otherwise FORBIDDEN, whose metadata `scope` is the
  // entry that the caller would have to have; of a model MODEL_NOT_ALLOWED with
  // the metadata `model`.
  absl::Status CheckApi(ScopedApi api) const {
    return AllowsApi(api) ? absl::OkStatus() : ApiFault(api);
  }
  absl::Status CheckRpc(std::string_view rpc) const {
    return AllowsRpc(rpc) ? absl::OkStatus() : NamedFault("rpc", rpc);
  }
  absl::Status CheckModel(std::string_view model) const {
    return AllowsModel(model) ? absl::OkStatus() : ModelFault(model);
  }
  absl::Status CheckProvider(std::string_view provider) const {
    return AllowsProvider(provider) ? absl::OkStatus()
                                    : NamedFault("provider", provider);
  }
  absl::Status CheckTag(std::string_view tag) const {
    return AllowsTag(tag) ? absl::OkStatus() : NamedFault("tag", tag);
  }

  // Whether everything is allowed.
  bool unrestricted() const {
    return apis_ == kAll && rpcs_ == kAll && models_.empty() &&
           providers_.empty() && tags_.empty();
  }

 private:
  // One bit for each API, or for each rpc in the order of the contract.
  using Bits = uint64_t;
  static constexpr Bits kAll = ~Bits{0};

  // The patterns of one list of entries, of which one must match.
  using Patterns = std::vector<std::string>;
  // Several lists, each of which must allow the name; none restricts nothing.
  using Lists = std::vector<Patterns>;

  // What the entries of one list come to, by kind.
  struct Reading;

  static constexpr Bits BitOf(ScopedApi api) {
    return Bits{1} << static_cast<int>(api);
  }
  static Scopes Of(Reading reading);
  static bool Allow(const Lists& lists, std::string_view name);

  bool AllowsListedRpc(std::string_view rpc) const;
  static absl::Status ApiFault(ScopedApi api);
  static absl::Status NamedFault(std::string_view kind, std::string_view name);
  static absl::Status ModelFault(std::string_view model);

  Bits apis_ = kAll;
  Bits rpcs_ = kAll;
  Lists models_;
  Lists providers_;
  Lists tags_;
};

}  // namespace gateway

#endif  // SERVICE_IDENTITY_SCOPES_H_
