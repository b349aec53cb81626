#include "providers/dialects/dialect.h"

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {
namespace {

absl::Status CannotCount(const Dialect& dialect) {
  return MakeFault(v1::ERROR_REASON_UNIMPLEMENTED,
                   absl::StrCat(ToAbsl(dialect.name()),
                                " has no operation that counts tokens"));
}

}  // namespace

absl::Status Dialect::ReadCountRequest(std::string_view,
                                       v1::GenerateRequest*) const {
  return CannotCount(*this);
}

absl::Status Dialect::WriteCountRequest(const v1::GenerateRequest&,
                                        std::string_view, std::string*) const {
  return CannotCount(*this);
}

absl::StatusOr<int64_t> Dialect::ReadCountResponse(std::string_view) const {
  return CannotCount(*this);
}

absl::Status Dialect::WriteCountResponse(int64_t, std::string*) const {
  return CannotCount(*this);
}

}  // namespace gateway
