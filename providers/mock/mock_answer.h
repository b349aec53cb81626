// What the mock says to a request, whole and in pieces. The same request always
// gets the same answer.
//
// Thread contract: plain functions.

#ifndef PROVIDERS_MOCK_MOCK_ANSWER_H_
#define PROVIDERS_MOCK_MOCK_ANSWER_H_

#include <string>
#include <string_view>
#include <vector>

#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/event_list.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// Fills in everything but usage: a call of the first tool (or of the one that
// is named) if the request requires one, an object if it asks for JSON, `reply`
// otherwise; as many choices as it asks for. A stop text cuts the reply.
void WriteMockAnswer(const v1::GenerateRequest& request,
                     std::string_view model, std::string_view reply,
                     v1::GenerateResponse* response);

// The same answer as events: started, deltas, choice ends, usage. Each part's
// text comes in `pieces` pieces, or in one for each character if those are
// fewer, and is never cut inside a UTF-8 character.
EventList CutMockAnswer(const v1::GenerateResponse& answer, int pieces);

}  // namespace gateway

#endif  // PROVIDERS_MOCK_MOCK_ANSWER_H_
