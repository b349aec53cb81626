#include "providers/dialects/ollama/ollama.h"

#include <utility>

#include "providers/dialects/ollama/event_reader.h"
#include "providers/dialects/ollama/fields.h"
#include "providers/dialects/ollama/request_writer.h"
#include "providers/dialects/ollama/response.h"

namespace gateway {

Ollama::Ollama(std::string keep_alive) : keep_alive_(std::move(keep_alive)) {}

std::string_view Ollama::name() const { return ollama::kDialect; }

absl::Status Ollama::WriteRequest(const v1::GenerateRequest& request,
                                  const WriteRequestOptions& options,
                                  std::string* body,
                                  std::vector<v1::Warning>* warnings) const {
  return ollama::WriteRequest(request, options, keep_alive_, body, warnings);
}

absl::Status Ollama::ReadResponse(std::string_view body,
                                  v1::GenerateResponse* response) const {
  return ollama::ReadResponse(body, response);
}

std::unique_ptr<EventReader> Ollama::NewEventReader() const {
  return std::make_unique<ollama::ChatEventReader>();
}

}  // namespace gateway
