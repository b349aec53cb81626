// The names that a vendor has for the values of an enum of the contract, as a
// table that is read in both directions.
//
//   constexpr wire::VendorName<v1::Role> kRoles[] = {{"user", v1::ROLE_USER}};
//   wire::ValueOf(kRoles, "user");      // v1::ROLE_USER
//   wire::NameOf(kRoles, v1::ROLE_USER);  // "user"
//
// Thread-safe: free functions and constants.

#ifndef PROVIDERS_DIALECTS_VENDOR_NAME_H_
#define PROVIDERS_DIALECTS_VENDOR_NAME_H_

#include <cstddef>
#include <string_view>

#include "llmgateway/v1/content.pb.h"

namespace gateway::wire {

namespace v1 = ::llmgateway::v1;

template <typename Value>
struct VendorName {
  std::string_view name;
  Value value;
};

// Returns the value of a name; UNSPECIFIED for one that is not in the table.
template <typename Value, size_t kCount>
constexpr Value ValueOf(const VendorName<Value> (&names)[kCount],
                        std::string_view name) {
  for (const VendorName<Value>& each : names) {
    if (each.name == name) return each.value;
  }
  return Value{};
}

// Returns the first of the names of a value; empty if it has none.
template <typename Value, size_t kCount>
constexpr std::string_view NameOf(const VendorName<Value> (&names)[kCount],
                                  Value value) {
  for (const VendorName<Value>& each : names) {
    if (each.value == value) return each.name;
  }
  return {};
}

// Returns what `told`, the meaning of a vendor's name, means for a whole turn.
// A tool call anywhere makes it a turn that waits for tools, unless it was cut
// or filtered; an unknown name is a plain stop if there was content and an
// error otherwise.
constexpr v1::FinishReason FinishReasonOfTurn(v1::FinishReason told,
                                              bool has_tool_call,
                                              bool has_content) {
  if (told == v1::FINISH_REASON_LENGTH ||
      told == v1::FINISH_REASON_CONTENT_FILTER) {
    return told;
  }
  if (has_tool_call) return v1::FINISH_REASON_TOOL_CALLS;
  if (told != v1::FINISH_REASON_UNSPECIFIED) return told;
  return has_content ? v1::FINISH_REASON_STOP : v1::FINISH_REASON_ERROR;
}

}  // namespace gateway::wire

#endif  // PROVIDERS_DIALECTS_VENDOR_NAME_H_
