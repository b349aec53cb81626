// ProviderKind is everything that the gateway knows of one kind of provider:
// the defaults of its settings and what they may be, how its vendor is called
// upon, and how a provider is made. It is data and a few plain functions, and
// stands in the kind's own folder.
//
//   constexpr ProviderSetting kSettings[] = {
//       {.field = "base_url", .value = "https://api.echo.example"},
//       {.field = "timeout", .value = "30s", .least = "1s", .most = "1h"},
//   };
//   constinit const ProviderKind kEchoKind = {
//       .name = "echo", .settings = kSettings, .make = MakeEchoProvider};
//
// ProviderKinds are those that a program has. `AllProviderKinds()` has ours
// (providers/registry/all_providers.h); a program that links the gateway adds
// its own before it reads a configuration:
//
//   ProviderKinds kinds = AllProviderKinds();
//   kinds.Add(kEchoKind);
//   ReadConfigFile(kinds, path, environment, now);
//
// What kinds have in common is not said here: a field `api_key` of the settings
// is a reference to a secret, and lets the provider have further `credentials`;
// `base_url` and `http` say how a service is reached.
//
// Thread contract: immutable. Used at start-up, and where a configuration is
// only checked.

#ifndef PROVIDERS_PROVIDER_KIND_H_
#define PROVIDERS_PROVIDER_KIND_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"
#include "providers/structured_output.h"

namespace gateway {

// What the text of a setting has to be; of a list, each of its texts.
enum class SettingForm : uint8_t {
  kText,         // Anything.
  kName,         // 1 to 64 of letters, digits and `-_.`.
  kHeaderName,   // 1 to 64 of letters, digits and `-_`.
  kHeaderValue,  // What an HTTP header may hold.
  kModel,        // A model's name; of a map, keys and values are.
  kVariable,     // An environment variable's name; of a map, the keys are.
  kProgram,      // A program; one that is not there is warned of.
  kDirectory,    // A directory of this machine.
};

// One field of a kind's settings. All values are as a file would have them.
struct ProviderSetting {
  std::string_view field;
  std::string_view value;  // Where none is configured; empty for none.
  // Of a number, a size or a duration.
  std::string_view least;
  std::string_view most;
  SettingForm form = SettingForm::kText;
  int entries_limit = 0;  // Of a list or map.
};

// That the value of a setting cannot be.
struct SettingProblem {
  std::string field;  // As in `base_url` or `quirks.reasoning_field`.
  std::string message;
};

struct ProviderKind {
  using Config = ::llmgateway::config::v1::ProviderConfig;

  // The field of `ProviderConfig.kind` that holds its settings.
  std::string_view name;
  // Those that have a default, a range, a form or a limit.
  absl::Span<const ProviderSetting> settings;
  // Sets what depends on other settings, before the defaults of `settings`.
  void (*fill)(Config* config) = nullptr;
  // What else is wrong with settings that have their defaults.
  std::vector<SettingProblem> (*check)(const Config& config) = nullptr;

  // Where its vendor is, which serves nobody without a key: a warning, at
  // whichever kind's address, where none is configured.
  std::string_view keyed_origin;
  // In lower case; not to be configured as further headers of any kind.
  absl::Span<const std::string_view> credential_headers;
  absl::Span<const std::string_view> own_headers;

  // It can be asked which models it has (Provider::ListModels), which is cheap,
  // so that it can be probed.
  bool lists_models = false;
  // What it lists where no models are configured.
  absl::Span<const std::string_view> models;
  // What the names of its vendor's models begin with. Without configured rules
  // these go to the provider that has the kind's name.
  absl::Span<const std::string_view> model_prefixes;
  // It has models of all vendors. Without configured rules what nobody else has
  // goes to the provider that has the kind's name.
  bool has_all_models = false;
  // What the table of models (providers/models/model_table.h) calls the vendor
  // of its models. Null if that is the kind's name.
  std::string_view (*vendor)(const Config& config) = nullptr;
  // How it is asked for JSON by a schema.
  OutputModes output_modes;
  // It answers without a key, a network or a price: good for first calls.
  bool simulated = false;

  // INVALID_ARGUMENT says what is wrong with the configuration. REQUIRES:
  // defaults have been applied to `config`.
  absl::StatusOr<std::unique_ptr<Provider>> (*make)(
      const ProviderSetup& setup, const Config& config) = nullptr;
};

class ProviderKinds {
 public:
  ProviderKinds(std::initializer_list<const ProviderKind*> kinds);

  // Adds a kind, in place of one that has the same name. `kind` must outlive
  // every configuration that is read for these kinds.
  void Add(const ProviderKind& kind);

  // Returns the kind that is configured; null if none is, or none of these.
  const ProviderKind* Find(const ProviderKind::Config& config) const;

  // In the order in which they were added.
  auto begin() const { return kinds_.begin(); }
  auto end() const { return kinds_.end(); }

 private:
  std::vector<const ProviderKind*> kinds_;
};

// Makes the configured provider. INVALID_ARGUMENT names the provider and what
// is wrong with its configuration. REQUIRES: defaults have been applied to
// `config`.
absl::StatusOr<std::unique_ptr<Provider>> MakeProvider(
    const ProviderKinds& kinds, const ProviderKind::Config& config,
    const ProviderSetup& setup);

}  // namespace gateway

#endif  // PROVIDERS_PROVIDER_KIND_H_
