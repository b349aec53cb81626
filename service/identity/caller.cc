#include "service/identity/caller.h"

#include <string_view>

namespace gateway {

std::string_view CallerMethodName(CallerMethod method) {
  switch (method) {
    case CallerMethod::kAnonymous:
      return "anonymous";
    case CallerMethod::kConfiguredKey:
      return "configured_key";
    case CallerMethod::kIssuedKey:
      return "issued_key";
    case CallerMethod::kJwt:
      return "jwt";
    case CallerMethod::kCertificate:
      return "certificate";
  }
  return "";
}

std::string_view CallerPriorityName(CallerPriority priority) {
  switch (priority) {
    case CallerPriority::kCritical:
      return "critical";
    case CallerPriority::kHigh:
      return "high";
    case CallerPriority::kNormal:
      return "normal";
    case CallerPriority::kLow:
      return "low";
  }
  return "";
}

CallerPriority CallerPriorityOf(llmgateway::config::v1::Priority said) {
  switch (said) {
    case llmgateway::config::v1::PRIORITY_CRITICAL:
      return CallerPriority::kCritical;
    case llmgateway::config::v1::PRIORITY_HIGH:
      return CallerPriority::kHigh;
    case llmgateway::config::v1::PRIORITY_LOW:
      return CallerPriority::kLow;
    default:
      return CallerPriority::kNormal;
  }
}

std::string_view Caller::Label(std::string_view name) const {
  for (const auto& [label, value] : labels) {
    if (label == name) return value;
  }
  return {};
}

CallerRef AnonymousCaller() {
  // Never destroyed, since calls may end while the process exits.
  static const Caller& caller = *new Caller();
  return Borrow(caller);
}

CallerRef UnknownCaller() {
  static const Caller& caller = *new Caller();
  return Borrow(caller);
}

bool IsKnown(const Caller& caller) { return &caller != UnknownCaller().get(); }

}  // namespace gateway
