// DialectSink answers a call over HTTP in the words of the door's dialect,
// whole or as server-sent events. Bytes of a raw answer go through as they are.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_HTTP_DIALECT_SINK_H_
#define SERVICE_HTTP_DIALECT_SINK_H_

#include <memory>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "base/http_handler.h"
#include "base/task.h"
#include "providers/dialects/dialect.h"
#include "service/pipeline/call.h"
#include "service/pipeline/pipeline.h"

namespace gateway {

class DialectSink final : public AnswerSink {
 public:
  // Borrows both.
  DialectSink(const Dialect& dialect, HttpResponder& responder)
      : dialect_(dialect), responder_(responder) {}

  Task<absl::Status> SendAnswer(Call& call) override;
  Task<absl::Status> SendBatch(Call& call, StreamBatch& batch) override;
  Task<absl::Status> SendEnd(Call& call, const absl::Status& outcome) override;

 private:
  Task<absl::Status> SendWhole(Call& call, int http_status,
                               std::string_view body,
                               const absl::Status& outcome);
  Task<absl::Status> Write(Call& call,
                           absl::Span<const std::string_view> pieces);
  EventWriter& Writer(const Call& call);

  const Dialect& dialect_;
  HttpResponder& responder_;
  bool started_ = false;
  std::unique_ptr<EventWriter> writer_;
  std::string out_;
};

// Answers a failure that has no call: one found before there was one.
Task<absl::Status> SendDialectError(const Dialect& dialect,
                                    const absl::Status& status,
                                    std::string_view request_id,
                                    HttpResponder& responder);

}  // namespace gateway

#endif  // SERVICE_HTTP_DIALECT_SINK_H_
