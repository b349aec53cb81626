// The vectors that the mock makes of texts. The same text always gets the same
// vector, other texts get others.
//
// Thread contract: plain function.

#ifndef PROVIDERS_MOCK_MOCK_EMBEDDING_H_
#define PROVIDERS_MOCK_MOCK_EMBEDDING_H_

#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

// The length of vectors where the request names none.
inline constexpr int kMockDimensions = 8;

// Appends one vector of length one (in the sense of Euclid) for each input.
void WriteMockEmbeddings(const llmgateway::v1::EmbedRequest& request,
                         llmgateway::v1::EmbedResponse* response);

}  // namespace gateway

#endif  // PROVIDERS_MOCK_MOCK_EMBEDDING_H_
