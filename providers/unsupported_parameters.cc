#include "providers/unsupported_parameters.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "google/protobuf/descriptor.h"

namespace gateway {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;

// Returns whether the request has what `path` is of, such as `sampling` of
// `sampling.top_k`. Names that the contract does not have belong to extensions.
bool Asks(const Message& request, const std::string& path) {
  const FieldDescriptor* const field =
      request.GetDescriptor()->FindFieldByName(
          path.substr(0, path.find_first_of(".[")));
  if (field == nullptr) return true;
  const google::protobuf::Reflection& facts = *request.GetReflection();
  return field->is_repeated() ? facts.FieldSize(request, field) > 0
                              : facts.HasField(request, field);
}

}  // namespace

absl::Status CheckDropped(
    llmgateway::config::v1::ProviderConfig::UnsupportedParameters policy,
    const Message& request,
    const std::vector<llmgateway::v1::Warning>& warnings, size_t first) {
  using Config = ::llmgateway::config::v1::ProviderConfig;
  if (policy != Config::UNSUPPORTED_PARAMETERS_REFUSE) return absl::OkStatus();
  absl::Status fault;
  for (size_t i = first; i < warnings.size(); ++i) {
    const std::string& field = warnings[i].field();
    if (!Asks(request, field)) continue;
    if (fault.ok()) {
      fault = MakeFault(
          v1::ERROR_REASON_CAPABILITY_UNSUPPORTED,
          absl::StrCat("this provider cannot be told ", field));
    }
    AddFieldViolation(fault, field, warnings[i].message());
  }
  return fault;
}

void ForgiveStore(size_t first,
                  std::vector<llmgateway::v1::Warning>* warnings) {
  const auto is_of_store = [](const llmgateway::v1::Warning& warning) {
    return warning.field() == "store";
  };
  warnings->erase(
      std::remove_if(warnings->begin() + static_cast<ptrdiff_t>(first),
                     warnings->end(), is_of_store),
      warnings->end());
}

}  // namespace gateway
