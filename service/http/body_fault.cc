#include "service/http/body_fault.h"

#include <string>

#include "base/text/json.h"
#include "errors/fault.h"

namespace gateway {

absl::Status BodyFault(const absl::Status& read) {
  const std::string path = JsonErrorPath(read);
  return InvalidField(path.empty() ? "body" : path, JsonErrorDescription(read));
}

}  // namespace gateway
