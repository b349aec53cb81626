#include "service/pipeline/model_catalog.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/models/model_facts.h"

namespace gateway {
namespace {


// A page token names the question that it answers and the last model of its
// page, so that a page is right even when models come and go between two.
constexpr std::string_view kTokenMark = "after:";

std::string TokenPrefix(const std::string& provider) {
  return absl::StrCat(ToAbsl(kTokenMark), provider.size(), ":", provider);
}

std::string TokenAfter(const v1::Model& model, const std::string& provider) {
  return absl::StrCat(TokenPrefix(provider), model.name(), "\n",
                      model.provider());
}

// The name and the provider of a model, in the order of the listing.
using Key = std::pair<std::string_view, std::string_view>;

Key KeyOf(const v1::Model& model) { return {model.name(), model.provider()}; }

// Where a page begins: after this key, which is as long-lived as the token.
// Nothing for a token of another question.
std::optional<Key> KeyBefore(std::string_view token,
                             const std::string& provider) {
  const std::string prefix = TokenPrefix(provider);
  if (token.substr(0, prefix.size()) != prefix) return std::nullopt;
  token.remove_prefix(prefix.size());
  const size_t line_break = token.rfind('\n');
  if (line_break == std::string_view::npos) return std::nullopt;
  return Key(token.substr(0, line_break), token.substr(line_break + 1));
}

// The provider that a rule's models are listed under; null if it leads nowhere.
const ProviderRegistry::Entry* FirstReady(
    const ProviderRegistry& providers,
    const llmgateway::config::v1::ModelRule& rule) {
  for (const auto& target : rule.targets()) {
    const ProviderRegistry::Entry* const entry =
        providers.Find(target.provider());
    if (entry != nullptr && !entry->credential_absent) return entry;
  }
  return nullptr;
}

}  // namespace

ModelCatalog::ModelCatalog(
    const ProviderRegistry& providers,
    const llmgateway::config::v1::RoutingConfig& routing,
    const DiscoveredModels& discovered) {
  for (const ProviderRegistry::Entry& entry : providers.entries()) {
    if (entry.credential_absent) continue;
    const auto said = discovered.find(entry.name);
    if (said != discovered.end()) {
      for (const v1::Model& model : *said->second) AddDiscovered(model, entry);
    }
    for (const std::string& model : entry.models) Add(model, entry);
    for (const auto& alias : entry.model_aliases) Add(alias.first, entry);
  }
  std::set<std::string_view> of_rules;
  for (const auto& rule : routing.model_rules()) {
    const ProviderRegistry::Entry* const entry = FirstReady(providers, rule);
    if (entry == nullptr || !(rule.has_alias() || rule.has_exact())) continue;
    const std::string& name = rule.has_alias() ? rule.alias() : rule.exact();
    // Of several rules for one name the first decides.
    if (of_rules.insert(name).second) Add(name, *entry);
  }
  // Of two alike the first one stays, which knows what the provider said.
  std::stable_sort(models_.begin(), models_.end(),
                   [](const v1::Model& a, const v1::Model& b) {
                     return KeyOf(a) < KeyOf(b);
                   });
  models_.erase(std::unique(models_.begin(), models_.end(),
                            [](const v1::Model& a, const v1::Model& b) {
                              return KeyOf(a) == KeyOf(b);
                            }),
                models_.end());
}

std::shared_ptr<const ModelCatalog> ModelCatalog::AllowedOf(
    std::shared_ptr<const ModelCatalog> all, const Scopes& scopes) {
  if (scopes.unrestricted()) return all;
  auto allowed = std::make_shared<ModelCatalog>(*all);
  const auto is_refused = [&scopes](const v1::Model& model) {
    return !scopes.AllowsModel(model.name()) ||
           !scopes.AllowsProvider(model.provider());
  };
  allowed->models_.erase(std::remove_if(allowed->models_.begin(),
                                        allowed->models_.end(), is_refused),
                         allowed->models_.end());
  return allowed;
}

v1::Model& ModelCatalog::Add(std::string_view name,
                             const ProviderRegistry::Entry& entry) {
  v1::Model& model = models_.emplace_back();
  model.set_name(std::string(name));
  model.set_provider(entry.name);
  model.set_owner(entry.kind);
  const ModelFacts facts = entry.FactsOf(entry.UpstreamModel(name));
  model.set_input_tokens_max(facts.input_tokens_limit);
  model.set_output_tokens_max(facts.output_tokens_limit);
  for (std::string& ability : facts.AbilityNames()) {
    model.add_capabilities(std::move(ability));
  }
  return model;
}

void ModelCatalog::AddDiscovered(const v1::Model& said,
                                 const ProviderRegistry::Entry& entry) {
  // Callers who say an alias mean another model.
  if (entry.model_aliases.contains(said.name())) return;
  v1::Model& model = Add(said.name(), entry);
  model.set_display_name(said.display_name());
  if (said.has_create_time()) {
    *model.mutable_create_time() = said.create_time();
  }
  if (model.input_tokens_max() == 0) {
    model.set_input_tokens_max(said.input_tokens_max());
  }
  if (model.output_tokens_max() == 0) {
    model.set_output_tokens_max(said.output_tokens_max());
  }
}

const v1::Model* ModelCatalog::Find(std::string_view name,
                                    std::string_view provider) const {
  const auto found = std::find_if(
      models_.begin(), models_.end(), [&](const v1::Model& model) {
        return model.name() == name &&
               (provider.empty() || model.provider() == provider);
      });
  return found == models_.end() ? nullptr : &*found;
}

absl::Status ModelCatalog::List(const v1::ListModelsRequest& request,
                                int page_size,
                                v1::ListModelsResponse* response) const {
  std::optional<Key> after;
  if (!request.page_token().empty()) {
    after = KeyBefore(request.page_token(), request.provider_id());
    if (!after.has_value()) {
      return InvalidField("page_token",
                          "is not one that this listing returned");
    }
  }
  for (const v1::Model& model : models_) {
    if (!request.provider_id().empty() &&
        model.provider() != request.provider_id()) {
      continue;
    }
    if (after.has_value() && KeyOf(model) <= *after) continue;
    if (response->models_size() == page_size) {
      response->set_next_page_token(
          TokenAfter(response->models(page_size - 1), request.provider_id()));
      break;
    }
    *response->add_models() = model;
  }
  return absl::OkStatus();
}

}  // namespace gateway
