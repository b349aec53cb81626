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
#include "service/pipeline/wiring.h"

namespace gateway {
namespace {

// Appends the model that is asked for.
absl::Status WriteModel(const Visit& visit, const ModelListDialect& format,
                        std::string_view encoded_name, std::string* body) {
  const std::shared_ptr<const Wiring> wiring = visit.services.wiring.Get();
  absl::Status known = CheckCaller(visit, *wiring);
  if (!known.ok()) return known;
  const absl::StatusOr<std::string> name = PercentDecode(encoded_name);
  if (!name.ok()) return name.status();
  const v1::Model* const model = wiring->catalog().Find(*name);
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
  const absl::Status known = CheckCaller(visit, *wiring);
  if (!known.ok()) return Fail(std::move(visit), known);
  std::string body;
  format.WriteModels(wiring->catalog().models(), &body);
  return SendJson(std::move(visit), std::move(body));
}

Task<void> ShowModel(Visit visit, const ModelListDialect& format,
                     std::string_view encoded_name) {
  std::string body;
  const absl::Status found = WriteModel(visit, format, encoded_name, &body);
  if (!found.ok()) return Fail(std::move(visit), found);
  return SendJson(std::move(visit), std::move(body));
}

}  // namespace gateway
