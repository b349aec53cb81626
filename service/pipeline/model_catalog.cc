#include "service/pipeline/model_catalog.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {
namespace {

constexpr int kPageSizeDefault = 100;
constexpr int kPageSizeMax = 1000;

// The token names the last model of its page and the question it answers, so
// that a page is right even when models come and go between two of them.
constexpr std::string_view kTokenMark = "after:";

std::string TokenAfter(const v1::Model& model, std::string_view provider) {
  return absl::StrCat(ToAbsl(kTokenMark), provider.size(), ":",
                      ToAbsl(provider), model.name(), "\n", model.provider());
}

}  // namespace

ModelCatalog::ModelCatalog(
    const ProviderRegistry& providers,
    const llmgateway::config::v1::RoutingConfig& routing) {
  for (const ProviderRegistry::Entry& entry : providers.entries()) {
    if (entry.credential_absent) continue;
    for (const std::string& model : entry.models) Add(model, entry);
    for (const auto& alias : entry.model_aliases) Add(alias.first, entry);
  }
  for (const auto& rule : routing.model_rules()) {
    const ProviderRegistry::Entry* const entry =
        providers.Find(rule.provider());
    if (entry == nullptr || entry->credential_absent) continue;
    if (rule.has_alias()) Add(rule.alias(), *entry);
    if (rule.has_exact()) Add(rule.exact(), *entry);
  }
  const auto key = [](const v1::Model& model) {
    return std::tie(model.name(), model.provider());
  };
  std::sort(models_.begin(), models_.end(),
            [&](const v1::Model& a, const v1::Model& b) {
              return key(a) < key(b);
            });
  models_.erase(std::unique(models_.begin(), models_.end(),
                            [&](const v1::Model& a, const v1::Model& b) {
                              return key(a) == key(b);
                            }),
                models_.end());
}

void ModelCatalog::Add(std::string_view name,
                       const ProviderRegistry::Entry& entry) {
  v1::Model& model = models_.emplace_back();
  model.set_name(std::string(name));
  model.set_provider(entry.name);
  model.set_owner(entry.kind);
}

const v1::Model* ModelCatalog::Find(std::string_view name) const {
  const auto found = std::find_if(
      models_.begin(), models_.end(),
      [&](const v1::Model& model) { return model.name() == name; });
  return found == models_.end() ? nullptr : &*found;
}

absl::Status ModelCatalog::List(const v1::ListModelsRequest& request,
                                v1::ListModelsResponse* response) const {
  if (request.page_size() < 0) {
    return InvalidField("page_size", "must not be negative");
  }
  const int page_size =
      request.page_size() == 0 ? kPageSizeDefault
                               : std::min(request.page_size(), kPageSizeMax);
  bool found = request.page_token().empty();
  for (const v1::Model& model : models_) {
    if (!request.provider_id().empty() &&
        model.provider() != request.provider_id()) {
      continue;
    }
    const std::string token = TokenAfter(model, request.provider_id());
    if (!found) {
      found = token == request.page_token();
      continue;
    }
    if (response->models_size() == page_size) {
      response->set_next_page_token(TokenAfter(
          response->models(page_size - 1), request.provider_id()));
      return absl::OkStatus();
    }
    *response->add_models() = model;
  }
  if (!found) {
    return InvalidField("page_token",
                        "is not one that this listing returned");
  }
  return absl::OkStatus();
}

}  // namespace gateway
