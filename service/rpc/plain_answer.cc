#include "service/rpc/plain_answer.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/http/http1_codec.h"
#include "service/api/call_context.h"

namespace gateway {
namespace {

constexpr size_t kDrainedBytesMax = 256 * 1024;
constexpr absl::Duration kDrainTimeout = absl::Seconds(2);

std::string_view TextOf(int http_status) {
  return http_status == 405
             ? "gRPC calls are made with POST\n"
             : "this listener speaks gRPC: content-type application/grpc\n";
}

}  // namespace

void PlainAnswer::Start(Http2Stream& stream, const RequestHead& head,
                        bool ended) {
  auto* const answer = new PlainAnswer(stream, head);
  stream.SetEvents(answer);
  if (ended) return;  // OnEnd follows.
  EventLoop::Current()->ArmTimer(answer->too_slow_, kDrainTimeout);
}

PlainAnswer::PlainAnswer(Http2Stream& stream, const RequestHead& head)
    : stream_(stream),
      http_status_(head.http_status),
      is_head_(head.is_head),
      request_id_(RequestIdFor(head.request_id)),
      too_slow_([this] { Answer(); }) {}

void PlainAnswer::OnData(Http2Stream& stream, std::string_view bytes) {
  stream.Consume(bytes.size());
  bytes_ += bytes.size();
  if (bytes_ > kDrainedBytesMax) Answer();
}

void PlainAnswer::OnEnd(Http2Stream&) { Answer(); }

void PlainAnswer::OnClosed(Http2Stream&, Http2Error, const absl::Status&) {
  delete this;
}

void PlainAnswer::Answer() {
  const std::string status = absl::StrCat(http_status_);
  const std::string_view text = TextOf(http_status_);
  const std::string length = absl::StrCat(text.size());
  const HttpField head[] = {{":status", status},
                            {"content-type", "text/plain; charset=utf-8"},
                            {"content-length", length},
                            {kRequestIdHeader, request_id_},
                            {"allow", "POST"}};
  absl::Span<const HttpField> fields(head);
  if (http_status_ != 405) fields.remove_suffix(1);
  stream_.SendHead(fields, /*end=*/is_head_);
  if (!is_head_) {
    stream_.Send(text);
    stream_.End();
  }
  stream_.SetEvents(nullptr);
  delete this;
}

}  // namespace gateway
