// Estimates tokens where no provider counts them: a quarter of the characters,
// rounded up, plus a little for each message's frame. Pictures, sound and files
// count as a flat sum, since their bytes say nothing.
//
// What a stream had said when it broke off is estimated, too: by its text where
// it is read, by what its provider guesses of it where it is only forwarded.
// What the provider had counted by then counts as it was told.
//
// Thread-compatible.

#ifndef SERVICE_PIPELINE_TOKEN_ESTIMATE_H_
#define SERVICE_PIPELINE_TOKEN_ESTIMATE_H_

#include <cstdint>
#include <string_view>

#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "providers/said_output.h"

namespace gateway {

// The input tokens of everything that makes up the prompt: messages, tools and
// the schema of the answer.
int64_t EstimateInputTokens(const llmgateway::v1::GenerateRequest& request);

// The same of a request that was forwarded, which is read for it; of one too
// large for that on a loop, a guess as below.
int64_t EstimateInputTokens(const RawRequest& raw);

// How large the messages of a prompt are.
struct PromptSize {
  int64_t characters = 0;
  int64_t messages = 0;
};
PromptSize MeasurePrompt(const llmgateway::v1::GenerateRequest& request);
// Of one that only its vendor understands, all of its bytes.
PromptSize MeasurePrompt(const RawRequest& raw);

// Those of texts that are to become vectors, or of the inputs [begin, end)
// alone.
int64_t EstimateInputTokens(const llmgateway::v1::EmbedRequest& request);
int64_t EstimateInputTokens(const llmgateway::v1::EmbedRequest& request,
                            int begin, int end);

// The output tokens of a whole answer: of its texts, its reasoning and its
// calls of tools. One that was forwarded, in the format of `dialect`, is read
// for it, as far as it can be; if no text can, its bytes are estimated.
int64_t EstimateOutputTokens(const llmgateway::v1::GenerateResponse& response);
int64_t EstimateOutputTokens(const Dialect& dialect, std::string_view body);

// The same, less exactly and cheaper: for calls that will hardly need to know.
// Of a request in a vendor's JSON a sample is looked at; of a message, the
// sizes of its texts. Only where the sample has base64 is the JSON gone
// through, at less than an instruction a byte, for the places where the dialect
// has media: whatever else looks like one is a text.
int64_t GuessInputTokens(const RawRequest& raw);
int64_t GuessInputTokens(const llmgateway::v1::GenerateRequest& request);

// The output tokens that a stream has delivered.
class DeliveredTokens {
 public:
  void Add(const StreamBatch& batch);

  // `stream` is the one that they came from.
  int64_t Estimate(const ProviderStream& stream) const;

 private:
  SaidOutput said_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_TOKEN_ESTIMATE_H_
