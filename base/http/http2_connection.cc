#include "base/http/http2_connection.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/http/http2_responder.h"
#include "base/http/http_server.h"

namespace gateway {
namespace {

// Handlers may outlive their streams for a moment. A client that resets streams
// to have more handlers at work than streams gets to so many times as many;
// further requests are refused.
constexpr size_t kHandlersPerStream = 2;

}  // namespace

Http2Connection::Http2Connection(HttpServer& server,
                                 std::unique_ptr<Stream> stream)
    : server_(server),
      peer_(stream->PeerAddress()),
      peer_names_(stream->peer_names()),
      kept_(server.loop_.request_bytes()),
      session_(Http2Session::Role::kServer, std::move(stream),
               server.http2_limits_, *this),
      last_word_timer_([this] { OnLastWord(); }) {}

void Http2Connection::OnRequest(Http2Stream& stream,
                                absl::Span<const HttpField> fields,
                                bool ended) {
  if (cancelled_ || responders_count_ >=
                        kHandlersPerStream * limits().concurrent_streams) {
    stream.Reset(Http2Error::kRefusedStream);
    return;
  }
  (new Http2Responder(*this, stream))->Begin(fields, ended);
}

bool Http2Connection::MayBegin() {
  const uint64_t turn = loop().turn();
  if (begun_turn_ != turn) {
    begun_turn_ = turn;
    begun_ = 0;
  }
  return ++begun_ <= HttpServer::kRequestsAtOnce || begin_queue().TryPass();
}

void Http2Connection::OnOversizedRequest(Http2Stream& stream) {
  (new Http2Responder(*this, stream))
      ->Refuse(431, absl::StrCat("the head is larger than ",
                                 limits().head_bytes, " bytes"));
}

void Http2Connection::Cancel(const absl::Status& why) {
  cancelled_ = true;
  Http2Responder* responder = first_;
  while (responder != nullptr) {
    Http2Responder* const next = responder->next_;
    responder->Cancel(why);  // May destroy the responder.
    responder = next;
  }
  loop().ArmTimer(last_word_timer_, kLastWordTimeout);
}

void Http2Connection::CloseNow() {
  session_.Close(absl::CancelledError("the server is closing"));
}

void Http2Connection::OnLastWord() {
  for (Http2Responder* responder = first_; responder != nullptr;
       responder = responder->next_) {
    if (!responder->waits_for_client()) {
      loop().ArmTimer(last_word_timer_, kLastWordTimeout);
      return;
    }
  }
  CloseNow();
}

void Http2Connection::OnEnded(const absl::Status& why) {
  if (Http2Session::IsFlood(why)) handler().ConnectionFlooded(peer_, why);
  closed_ = true;
  last_word_timer_.Cancel();
  if (first_ == nullptr) ended_.Set();
}

void Http2Connection::Add(Http2Responder* responder) {
  responder->next_ = first_;
  if (first_ != nullptr) first_->previous_ = responder;
  first_ = responder;
  ++responders_count_;
}

void Http2Connection::Remove(Http2Responder* responder) {
  if (responder->previous_ != nullptr) {
    responder->previous_->next_ = responder->next_;
  } else {
    first_ = responder->next_;
  }
  if (responder->next_ != nullptr) {
    responder->next_->previous_ = responder->previous_;
  }
  --responders_count_;
  if (first_ == nullptr && closed_) ended_.Set();
}

}  // namespace gateway
