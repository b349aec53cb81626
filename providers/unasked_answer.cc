#include "providers/unasked_answer.h"

#include <string>

#include "absl/status/statusor.h"
#include "base/string_view.h"
#include "providers/provider.h"
#include "providers/said_output.h"

namespace gateway {

Task<absl::Status> ReadUnasked(ProviderStream& stream, int64_t characters_limit,
                               UnaskedAnswer* answer) {
  v1::GenerateResponse& response = answer->response;
  SaidOutput said;
  absl::Status end;
  StreamBatch batch;
  while (said.characters() < characters_limit) {
    const absl::StatusOr<bool> more = co_await stream.Next(&batch);
    end = more.status();
    if (!more.ok() || !*more) break;
    for (const v1::GenerateEvent& event : batch.events) said.Add(event);
  }
  const ResponseFacts& facts = stream.facts();
  *response.mutable_usage() = facts.usage;
  response.set_service_tier(std::string(std::string_view(facts.service_tier)));
  answer->output_tokens = said.Tokens() + stream.SaidTokens();
  answer->usage_is_final = facts.usage_is_final;
  co_return end;
}

}  // namespace gateway
