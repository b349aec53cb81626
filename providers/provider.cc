#include "providers/provider.h"

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {
namespace {

absl::Status Cannot(const Provider& provider, std::string_view what) {
  return MakeFault(v1::ERROR_REASON_UNIMPLEMENTED,
                   absl::StrCat(ToAbsl(provider.name()),
                                ": this provider does not ", ToAbsl(what)));
}

}  // namespace

absl::Status Provider::Obstacle() const { return absl::OkStatus(); }

bool Provider::Forwards(const RawRequest& raw) const {
  const Dialect* const dialect = FindDialect(raw.dialect->name());
  return dialect != nullptr && dialect->CanForward(raw.scan, raw.body);
}

Task<absl::Status> Provider::Embed(ProviderCall&, v1::EmbedResponse*) const {
  co_return Cannot(*this, "make embeddings");
}

Task<absl::Status> Provider::AskStored(ProviderCall&,
                                       const StoredResponseQuery&,
                                       std::string*) const {
  co_return Cannot(*this, "keep its answers");
}

Task<absl::StatusOr<std::vector<v1::Model>>> Provider::ListModels(
    ProviderCall&) const {
  co_return Cannot(*this, "list its models");
}

}  // namespace gateway
