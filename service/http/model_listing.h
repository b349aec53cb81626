// What every door does to say which models there are.
//
//   table.Add({.method = "GET", .path = "/v1/models", ..., .serve =
//       [](Visit visit, std::string_view) {
//         return ListModels(std::move(visit), kModelList);
//       }});
//
// Thread contract: one request, on its loop.

#ifndef SERVICE_HTTP_MODEL_LISTING_H_
#define SERVICE_HTTP_MODEL_LISTING_H_

#include <string_view>

#include "base/async/task.h"
#include "providers/dialects/model_list_dialect.h"
#include "service/http/visit.h"

namespace gateway {

// Lists what callers can name. Borrows `format`.
Task<void> ListModels(Visit visit, const ModelListDialect& format);

// Shows the model whose name stands percent-encoded in a path.
Task<void> ShowModel(Visit visit, const ModelListDialect& format,
                     std::string_view encoded_name);

}  // namespace gateway

#endif  // SERVICE_HTTP_MODEL_LISTING_H_
