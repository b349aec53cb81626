#include "providers/provider_kind.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "providers/provider_settings.h"

namespace gateway {

ProviderKinds::ProviderKinds(std::initializer_list<const ProviderKind*> kinds) {
  for (const ProviderKind* kind : kinds) Add(*kind);
}

void ProviderKinds::Add(const ProviderKind& kind) {
  const auto same = std::find_if(
      kinds_.begin(), kinds_.end(),
      [&](const ProviderKind* each) { return each->name == kind.name; });
  if (same == kinds_.end()) {
    kinds_.push_back(&kind);
  } else {
    *same = &kind;
  }
}

const ProviderKind* ProviderKinds::Find(
    const ProviderKind::Config& config) const {
  const std::string_view name = ProviderKindName(config);
  for (const ProviderKind* kind : kinds_) {
    if (kind->name == name) return kind;
  }
  return nullptr;
}

absl::StatusOr<std::unique_ptr<Provider>> MakeProvider(
    const ProviderKinds& kinds, const ProviderKind::Config& config,
    const ProviderSetup& setup) {
  const ProviderKind* const kind = kinds.Find(config);
  absl::StatusOr<std::unique_ptr<Provider>> made =
      kind == nullptr
          ? absl::InvalidArgumentError("no kind of provider is configured")
          : kind->make(setup, config);
  if (!made.ok()) {
    return AtPlace("provider '" + config.name() + "'", made.status());
  }
  return WithOutputModes(kind->output_modes, *std::move(made));
}

}  // namespace gateway
