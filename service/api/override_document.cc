#include "service/api/override_document.h"

#include <cassert>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/json_util.h"
#include "llmgateway/v1/policies.pb.h"
#include "service/api/policy_view.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// The whole document; each assignment has an override and nothing else.
using Document = v1::ListAssignmentsResponse;

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) +
         absl::Nanoseconds(time.nanos());
}

NodeOverride FromProto(const v1::NodeOverride& from) {
  NodeOverride to = {.node = from.node_name(),
                     .model = from.model_id(),
                     .set_by = from.updated_by(),
                     .set_time = TimeOf(from.update_time())};
  if (from.has_expire_time()) to.expire_time = TimeOf(from.expire_time());
  return to;
}

}  // namespace

std::string WriteOverrides(const OverrideSet& overrides, absl::Time now) {
  Document document;
  for (const NodeOverride& each : overrides.all()) {
    if (each.expire_time <= now) continue;
    FillOverride(each, document.add_assignments()->mutable_override());
  }
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string text;
  // Fails for no message without an Any.
  const auto status =
      google::protobuf::util::MessageToJsonString(document, &text, options);
  assert(status.ok());
  return text;
}

absl::StatusOr<std::vector<NodeOverride>> ReadOverrides(std::string_view text) {
  Document document;
  const auto status =
      google::protobuf::util::JsonStringToMessage(std::string(text), &document);
  if (!status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "is no document of overrides: ", std::string(status.message())));
  }
  std::vector<NodeOverride> overrides;
  for (const v1::NodeAssignment& each : document.assignments()) {
    overrides.push_back(FromProto(each.override()));
  }
  return overrides;
}

void RestoreOverrides(StateStore& store, NodeOverrides* overrides) {
  store.Restore(kOverrideDocument, "overrides of nodes could not be restored",
                [overrides](std::string_view text) {
                  absl::StatusOr<std::vector<NodeOverride>> kept =
                      ReadOverrides(text);
                  if (!kept.ok()) return kept.status();
                  overrides->Replace(*std::move(kept));
                  return absl::OkStatus();
                });
}

}  // namespace gateway
