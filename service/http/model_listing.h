// What every API does to say which models there are.
//
//   table.Add({.method = "GET", .path = "/v1/models", ..., .serve =
//       [](RequestContext context, std::string_view) {
//         return ListModels(std::move(context), kModelList);
//       }});
//
// Thread contract: one request, on its loop.

#ifndef SERVICE_HTTP_MODEL_LISTING_H_
#define SERVICE_HTTP_MODEL_LISTING_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "providers/dialects/model_list_dialect.h"
#include "service/http/request_context.h"

namespace gateway {

// Which part of the list a caller asks for.
struct ModelPaging {
  // The vendor's names of the parameters.
  struct Names {
    std::string_view limit;
    std::string_view after;
    std::string_view before;  // Empty if the vendor has none.
    // A limit of 0 means none, and one that is too large means the largest.
    bool is_lenient = false;
  };

  Names names;
  size_t limit = SIZE_MAX;  // At least 1.
  std::string after;        // The name of the model that the page begins after,
  std::string before;       // or ends before; empty for any.
};

// Reads the parameters off a query. INVALID_REQUEST if the limit is no number
// from 1 to 1000; where the vendor is lenient, only if it is no number.
absl::StatusOr<ModelPaging> ReadModelPaging(std::string_view query,
                                            const ModelPaging::Names& names);

// Lists what callers can name. Borrows `format`. A caller without a known key
// is not told what is wrong with `asked`.
Task<void> ListModels(RequestContext context, const ModelListDialect& format,
                      absl::StatusOr<ModelPaging> asked = ModelPaging());

// Shows the model whose name stands percent-encoded in a path.
Task<void> ShowModel(RequestContext context, const ModelListDialect& format,
                     std::string_view encoded_name);

}  // namespace gateway

#endif  // SERVICE_HTTP_MODEL_LISTING_H_
