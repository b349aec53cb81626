#include "service/http/model_listing.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/http/percent_decode.h"
#include "service/pipeline/model_catalog.h"
#include "service/pipeline/model_discovery.h"
#include "service/pipeline/wiring.h"

namespace gateway {
namespace {

// What callers can name by now. Providers may have to be asked first.
Task<ModelDiscovery::Catalog> AskForModels(Visit& visit,
                                           const Wiring& wiring) {
  return wiring.discovery().Ask(visit.services.loop, visit.services.http,
                                visit.responder.gone(), visit.id);
}

// Appends the model that is asked for.
absl::Status WriteModel(const ModelCatalog& catalog,
                        const ModelListDialect& format,
                        std::string_view encoded_name, std::string* body) {
  const absl::StatusOr<std::string> name = PercentDecode(encoded_name);
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

Task<void> ListModels(Visit visit, const ModelListDialect& format) {
  const std::shared_ptr<const Wiring> wiring = visit.services.wiring.Get();
  const absl::Status known = CheckCaller(visit, *wiring).status();
  if (!known.ok()) {
    co_await Fail(std::move(visit), known);
    co_return;
  }
  const ModelDiscovery::Catalog catalog = co_await AskForModels(visit, *wiring);
  std::string body;
  format.WriteModels(catalog->models(), &body);
  co_await SendJson(std::move(visit), std::move(body));
}

Task<void> ShowModel(Visit visit, const ModelListDialect& format,
                     std::string_view encoded_name) {
  const std::shared_ptr<const Wiring> wiring = visit.services.wiring.Get();
  const absl::Status known = CheckCaller(visit, *wiring).status();
  if (!known.ok()) {
    co_await Fail(std::move(visit), known);
    co_return;
  }
  const ModelDiscovery::Catalog catalog = co_await AskForModels(visit, *wiring);
  std::string body;
  const absl::Status found = WriteModel(*catalog, format, encoded_name, &body);
  if (!found.ok()) {
    co_await Fail(std::move(visit), found);
    co_return;
  }
  co_await SendJson(std::move(visit), std::move(body));
}

}  // namespace gateway
