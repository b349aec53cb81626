// A JsonSink answers a call that is asked for whole and is no generation: a
// count, embeddings, an answer that a provider keeps. What the body is, the
// route that asks says:
//
//   class CountSink final : public JsonSink { ... WriteBody ... };
//   CountSink sink(context);
//   co_await RunCall(call, sink, recorder);
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_HTTP_JSON_SINK_H_
#define SERVICE_HTTP_JSON_SINK_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "service/http/request_context.h"
#include "service/pipeline/answer_sink.h"

namespace gateway {

class JsonSink : public AnswerSink {
 public:
  // Borrows it.
  explicit JsonSink(RequestContext& context) : context_(context) {}

  Task<absl::Status> SendAnswer(Call& call) final;
  void Abort() override { context_.responder.Abort(); }
  Task<absl::Status> SendEnd(Call& call, const absl::Status& outcome) final;

 protected:
  ~JsonSink() = default;

  // What the call has come to, once it has succeeded. May run off the loop, if
  // it is about so large; so much of it stays beside the body until the caller
  // has that, and both count in `call.held`.
  virtual absl::Status WriteBody(Call& call, std::string* body) = 0;
  virtual size_t BytesToWrite(const Call& /*call*/) const { return 0; }

 private:
  Task<absl::Status> Send(Call& call, const absl::Status& outcome,
                          std::string body);

  RequestContext& context_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_JSON_SINK_H_
