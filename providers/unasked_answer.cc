#include "providers/unasked_answer.h"

#include <string>

#include "absl/status/statusor.h"
#include "base/string_view.h"
#include "providers/provider.h"

namespace gateway {
namespace {

void AppendSaid(const v1::Delta& delta, std::string* said) {
  *said += delta.text();
  *said += delta.refusal();
  *said += delta.reasoning();
  *said += delta.tool_call().name();
  *said += delta.tool_call().arguments();
}

}  // namespace

Task<absl::Status> ReadUnasked(ProviderStream& stream, size_t said_bytes_limit,
                               UnaskedAnswer* answer) {
  v1::GenerateResponse& response = answer->response;
  std::string& said =
      *response.add_choices()->mutable_message()->add_parts()->mutable_text();
  absl::Status end;
  StreamBatch batch;
  while (said.size() < said_bytes_limit) {
    const absl::StatusOr<bool> more = co_await stream.Next(&batch);
    end = more.status();
    if (!more.ok() || !*more) break;
    for (const v1::GenerateEvent& event : batch.events) {
      if (event.has_delta()) AppendSaid(event.delta(), &said);
    }
  }
  const ResponseFacts& facts = stream.facts();
  *response.mutable_usage() = facts.usage;
  response.set_service_tier(std::string(std::string_view(facts.service_tier)));
  answer->usage_is_final = facts.usage_is_final;
  co_return end;
}

}  // namespace gateway
