// ProviderCalls asks a provider the way the pipeline does, raw or parsed, whole
// or streamed, and keeps everything that came of it.
//
//   LoopClient client;
//   ProviderCalls calls(client);
//   const ProviderOutcome outcome = calls.Stream(provider, {.body = body});
//   EXPECT_EQ(outcome.bytes, ...);
//
// Thread contract: one thread.

#ifndef TESTS_TESTING_PROVIDER_CALLS_H_
#define TESTS_TESTING_PROVIDER_CALLS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "tests/testing/loop_client.h"

namespace gateway {

// A request in one of its two forms.
struct ProviderQuestion {
  // The provider's name of the model; the caller's if empty.
  std::string model;
  v1::GenerateRequest request;  // Parsed, unless there is a body.
  std::string body;             // Raw.
  // The dialect of a raw one; `openai_chat` or else `anthropic_messages`,
  // whichever the provider takes, if empty.
  std::string dialect;
  bool fresh_connection = false;
  // One of the caller's own for the provider.
  std::string caller_credential;
  bool lacks_schema = false;
  Departure* departure = nullptr;
};

struct ProviderOutcome {
  absl::Status status;
  // Of raw calls, all bytes; of parsed ones, the text of all choices.
  std::string bytes;
  v1::GenerateResponse response;
  EventList events;
  int batches = 0;
  bool content = false;  // Some batch had content.
  ResponseFacts facts;
  // Of raw streams.
  int64_t said_tokens = 0;
  AttemptProgress progress;
  std::vector<v1::Warning> warnings;
};

class ProviderCalls {
 public:
  // Called after each batch of a stream, on the loop.
  using OnBatch = std::function<void(const ProviderOutcome& so_far)>;

  explicit ProviderCalls(LoopClient& client) : client_(client) {}

  ProviderOutcome Generate(const Provider& provider,
                           const ProviderQuestion& question);
  ProviderOutcome Stream(const Provider& provider,
                         const ProviderQuestion& question,
                         const OnBatch& on_batch = nullptr);
  absl::StatusOr<int64_t> CountTokens(const Provider& provider,
                                      const ProviderQuestion& question);

  // Embeds one text.
  absl::StatusOr<v1::EmbedResponse> Embed(const Provider& provider,
                                          const std::string& model,
                                          const std::string& text);
  absl::StatusOr<std::vector<v1::Model>> ListModels(const Provider& provider);

  // Fires for the calls from now on.
  CancelSignal& cancel() { return *cancel_; }
  void RenewCancel() { cancel_ = std::make_unique<CancelSignal>(); }

 private:
  // What a ProviderCall borrows.
  struct Borrowed;

  Task<void> RunGenerate(const Provider& provider, Borrowed& borrowed,
                         ProviderOutcome* outcome);
  Task<void> RunStream(const Provider& provider, Borrowed& borrowed,
                       const OnBatch& on_batch, ProviderOutcome* outcome);

  LoopClient& client_;
  std::unique_ptr<CancelSignal> cancel_ = std::make_unique<CancelSignal>();
};

// The text of a parsed answer's first choice.
std::string TextOf(const v1::GenerateResponse& response);

// The text that a parsed stream's deltas make up.
std::string TextOf(const EventList& events);

}  // namespace gateway

#endif  // TESTS_TESTING_PROVIDER_CALLS_H_
