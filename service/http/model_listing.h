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
  // The vendor's names of what is asked.
  struct Names {
    std::string_view limit;
    std::string_view after;
    std::string_view before;  // Empty if the vendor has none.
    // A limit of 0 is none, and one that is too large is the largest.
    bool is_lenient = false;
  };

  Names names;
  size_t limit = SIZE_MAX;  // At least 1.
  std::string after;        // The name of the model that the page follows,
  std::string before;       // or that follows it; empty for any.
};

// Reads it off a query. INVALID_REQUEST if the limit is no number from 1 to
// 1000, or where the vendor is lenient if it is none at all.
absl::StatusOr<ModelPaging> ReadModelPaging(std::string_view query,
                                            const ModelPaging::Names& names);

// Lists what callers can name. Borrows `format`. Who is a stranger is not told
// what is wrong with `asked`.
Task<void> ListModels(RequestContext context, const ModelListDialect& format,
                      absl::StatusOr<ModelPaging> asked = ModelPaging());

// Shows the model whose name stands percent-encoded in a path.
Task<void> ShowModel(RequestContext context, const ModelListDialect& format,
                     std::string_view encoded_name);

}  // namespace gateway

#endif  // SERVICE_HTTP_MODEL_LISTING_H_
