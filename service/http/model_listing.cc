#include "service/http/model_listing.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/http/request_target.h"
#include "service/pipeline/batch_size.h"
#include "service/pipeline/model_catalog.h"
#include "service/pipeline/model_discovery.h"

namespace gateway {
namespace {

// Returns the models that callers can name now; asks providers first, if need
// be.
Task<ModelDiscovery::Catalog> AskForModels(RequestContext& context) {
  ModelDiscovery::Catalog all = co_await context.runtime->discovery().Ask(
      context.services.loop, context.services.http, context.responder.gone(),
      context.id);
  co_return ModelCatalog::AllowedOf(std::move(all), (*context.caller)->scopes);
}

// Returns the part of `all` that is asked for. INVALID_REQUEST if it is to
// begin at a model that does not exist.
absl::StatusOr<ModelPage> PageOf(absl::Span<const v1::Model> all,
                                 const ModelPaging& asked) {
  const auto missing = [](std::string_view field) {
    return InvalidField(field, "names no model of this list");
  };
  if (!asked.after.empty()) {
    // Searched from the end, since several providers may have a model of that
    // name.
    size_t begin = all.size();
    while (begin > 0 && all[begin - 1].name() != asked.after) --begin;
    if (begin == 0) return missing(asked.names.after);
    all.remove_prefix(begin);
  }
  if (!asked.before.empty()) {
    size_t end = 0;
    while (end < all.size() && all[end].name() != asked.before) ++end;
    if (end == all.size()) return missing(asked.names.before);
    all = all.subspan(0, end);
  }
  const bool from_the_end = !asked.before.empty() && asked.after.empty();
  const size_t size = std::min(asked.limit, all.size());
  ModelPage page;
  page.models = all.subspan(from_the_end ? all.size() - size : 0, size);
  if (size < all.size()) page.next_after = page.models.back().name();
  return page;
}

// Appends the model that is asked for.
absl::Status WriteModel(const ModelCatalog& catalog,
                        const ModelListDialect& format,
                        std::string_view encoded_name, std::string* body) {
  const absl::StatusOr<std::string> name = DecodeSegment(encoded_name);
  if (!name.ok()) return name.status();
  const v1::Model* const model = catalog.Find(*name);
  if (model == nullptr) {
    absl::Status missing =
        MakeFault(v1::ERROR_REASON_MODEL_NOT_FOUND,
                  absl::StrCat("the model '", *name, "' does not exist"));
    AddFaultMetadata(missing, "model", *name);
    return missing;
  }
  format.WriteModel(*model, body);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ModelPaging> ReadModelPaging(std::string_view query,
                                            const ModelPaging::Names& names) {
  ModelPaging asked;
  asked.names = names;
  GATEWAY_ASSIGN_OR_RETURN(const std::string limit,
                           FindParameter(query, names.limit));
  int size = 0;
  if (!limit.empty()) {
    const bool is_number = absl::SimpleAtoi(limit, &size) && size >= 0;
    if (names.is_lenient) {
      size = size == 0 ? kPageSizeMax : std::min(size, kPageSizeMax);
    }
    if (!is_number || size < 1 || size > kPageSizeMax) {
      return InvalidField(names.limit,
                          absl::StrCat("must be from 1 to ", kPageSizeMax));
    }
    asked.limit = static_cast<size_t>(size);
  }
  GATEWAY_ASSIGN_OR_RETURN(asked.after, FindParameter(query, names.after));
  if (!names.before.empty()) {
    GATEWAY_ASSIGN_OR_RETURN(asked.before, FindParameter(query, names.before));
  }
  return asked;
}

Task<void> ListModels(RequestContext context, const ModelListDialect& format,
                      absl::StatusOr<ModelPaging> asked) {
  if (!asked.ok()) {
    co_await Fail(std::move(context), asked.status());
    co_return;
  }
  const ModelDiscovery::Catalog catalog = co_await AskForModels(context);
  // Of a list that is not asked for in pages, nobody would get the rest.
  if (asked->limit != SIZE_MAX) {
    asked->limit = BatchSizeOf(*context.runtime, asked->limit);
  }
  const absl::StatusOr<ModelPage> page = PageOf(catalog->models(), *asked);
  if (!page.ok()) {
    co_await Fail(std::move(context), page.status());
    co_return;
  }
  std::string body;
  format.WriteModels(*page, &body);
  co_await SendJson(std::move(context), std::move(body));
}

Task<void> ShowModel(RequestContext context, const ModelListDialect& format,
                     std::string_view encoded_name) {
  const ModelDiscovery::Catalog catalog = co_await AskForModels(context);
  std::string body;
  const absl::Status found = WriteModel(*catalog, format, encoded_name, &body);
  if (!found.ok()) {
    co_await Fail(std::move(context), found);
    co_return;
  }
  co_await SendJson(std::move(context), std::move(body));
}

}  // namespace gateway
