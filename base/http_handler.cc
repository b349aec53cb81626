#include "base/http_handler.h"

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {

HttpHandler::Refusal HttpHandler::Refuse(int, std::string_view,
                                         std::string_view message) {
  return {"text/plain; charset=utf-8", absl::StrCat(ToAbsl(message), "\n")};
}

}  // namespace gateway
