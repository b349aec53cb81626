// Ollama's own chat format, `POST /api/chat`, as upstream.
//
//   ollama.h                          the Dialect, over the rooms below
//     request_writer, message_writer  requests
//     response, event_reader          answers, whole and streamed
//     chat_line                       what both are made of
//     errors                          failures
//     fields                          what all of them share
//   embeddings.h, model_list.h        `/api/embed`, `/api/tags`
//
// What is special: a stream is lines of JSON that end with one marked done; a
// message is one plain text with pictures beside it; arguments of tools are
// objects, and results name their tool; the runtime has options of its own.
//
// Thread-safe and immutable.

#ifndef PROVIDERS_DIALECTS_OLLAMA_OLLAMA_H_
#define PROVIDERS_DIALECTS_OLLAMA_OLLAMA_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"

namespace gateway {

class Ollama final : public Dialect {
 public:
  // `keep_alive` is how long the model stays in memory after a call that does
  // not say it, such as `5m` or a number of seconds; the server's default if
  // empty.
  explicit Ollama(std::string keep_alive);

  std::string_view name() const override;
  Framing framing() const override { return Framing::kJsonLines; }

  absl::Status WriteRequest(const v1::GenerateRequest& request,
                            const WriteRequestOptions& options,
                            std::string* body,
                            std::vector<v1::Warning>* warnings) const override;
  absl::Status ReadResponse(std::string_view body,
                            v1::GenerateResponse* response) const override;
  std::unique_ptr<EventReader> NewEventReader() const override;


 private:
  const std::string keep_alive_;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_OLLAMA_OLLAMA_H_
