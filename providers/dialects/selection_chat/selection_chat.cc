#include "providers/dialects/selection_chat/selection_chat.h"

#include "errors/fault.h"
#include "providers/dialects/selection_chat/errors.h"
#include "providers/dialects/selection_chat/event_writer.h"
#include "providers/dialects/selection_chat/fields.h"
#include "providers/dialects/selection_chat/request_reader.h"
#include "providers/dialects/selection_chat/response.h"

namespace gateway {
namespace {

absl::Status IsNoUpstream() {
  return MakeFault(v1::ERROR_REASON_UNIMPLEMENTED,
                   "selection_chat is spoken to callers only");
}

class NoEventReader final : public EventReader {
 public:
  absl::Status Read(std::string_view, std::string_view, EventList*) override {
    return IsNoUpstream();
  }
  bool done() const override { return false; }
  const v1::Usage& usage() const override { return usage_; }
  bool told_output() const override { return false; }

 private:
  const v1::Usage usage_;
};

}  // namespace

std::string_view SelectionChat::name() const {
  return selection_chat::kDialect;
}

absl::Status SelectionChat::ReadRequest(std::string_view body,
                                        v1::GenerateRequest* request,
                                        bool* stream,
                                        bool* stream_usage) const {
  selection_chat::RequestWishes wishes;
  absl::Status read = selection_chat::ReadRequest(body, request, &wishes);
  *stream = wishes.stream;
  *stream_usage = false;
  return read;
}

absl::Status SelectionChat::WriteResponse(
    const v1::GenerateResponse& response, std::string* body,
    std::vector<v1::Warning>* warnings) const {
  return selection_chat::WriteResponse(response, body, warnings);
}

std::unique_ptr<EventWriter> SelectionChat::NewEventWriter(
    const EventWriter::Options& options) const {
  return std::make_unique<selection_chat::ChatEventWriter>(options);
}

WireError SelectionChat::WriteError(const absl::Status& status,
                                    std::string_view request_id) const {
  return selection_chat::WriteError(status, request_id);
}

absl::Status SelectionChat::WriteRequest(const v1::GenerateRequest&,
                                         const WriteRequestOptions&,
                                         std::string*,
                                         std::vector<v1::Warning>*) const {
  return IsNoUpstream();
}

absl::Status SelectionChat::ReadResponse(std::string_view,
                                         v1::GenerateResponse*) const {
  return IsNoUpstream();
}

std::unique_ptr<EventReader> SelectionChat::NewEventReader() const {
  return std::make_unique<NoEventReader>();
}

}  // namespace gateway
