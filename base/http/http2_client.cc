#include "base/http/http2_client.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/timer_wheel.h"
#include "base/http/body_source.h"
#include "base/http/field_block.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_request_fields.h"
#include "base/http/http2_session.h"
#include "base/http/http2_stream.h"
#include "base/http/http_timeout.h"
#include "base/memory/byte_budget.h"
#include "base/memory/byte_queue.h"
#include "base/memory/recycler.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// How long, and by how many bytes, an answer may go on after
// FinishInBackground; then its stream is reset.
constexpr absl::Duration kRestTimeout = absl::Seconds(1);
constexpr size_t kRestBytesMax = 64 * 1024;

// How the names of the fields begin by which gRPC says how a call ended.
constexpr std::string_view kGrpcPrefix = "grpc-";

size_t TotalBytes(absl::Span<const std::string_view> pieces) {
  size_t bytes = 0;
  for (std::string_view piece : pieces) bytes += piece.size();
  return bytes;
}

absl::Status TooLarge(uint64_t limit) {
  return absl::OutOfRangeError(absl::StrCat(
      "the server's answer is too large: more than ", limit, " bytes"));
}

// Says in a client's terms why a stream ended before its answer was whole.
absl::Status ExplainClosed(Http2Error error, const absl::Status& why) {
  if (error == Http2Error::kRefusedStream) {
    return absl::UnavailableError("the server did not take the request");
  }
  if (absl::IsDeadlineExceeded(why) || absl::IsCancelled(why)) {
    return absl::UnavailableError(why.message());
  }
  if (!why.ok()) return why;
  const std::string name = Http2ErrorName(error);
  if (error == Http2Error::kProtocolError) {
    return absl::InternalError(
        absl::StrCat("the server's answer is not HTTP/2: ", name));
  }
  return absl::UnavailableError(
      absl::StrCat("the server broke the answer off: ", name));
}

}  // namespace

// Reads the rest of an answer that nobody reads any more, if it is short;
// resets the stream otherwise.
class Http2Client::Remainder final : public Http2StreamEvents, public Recycled {
 public:
  Remainder(Http2Client& client, Http2Stream& stream)
      : client_(client), stream_(stream), too_slow_([this] { CutOff(); }) {
    client.loop_.ArmTimer(too_slow_, kRestTimeout);
    stream.SetEvents(this);
  }

  void OnData(Http2Stream& stream, std::string_view bytes) override {
    stream.Consume(bytes.size());
    drained_ += bytes.size();
    if (drained_ > kRestBytesMax) CutOff();
  }
  void OnEnd(Http2Stream& stream) override {
    if (!stream.ended()) CutOff();  // The answer came before the request's end.
  }
  void OnClosed(Http2Stream&, Http2Error, const absl::Status&) override {
    client_.EndExchange();
    delete this;
  }

 private:
  void CutOff() { stream_.Reset(Http2Error::kCancel); }

  Http2Client& client_;
  Http2Stream& stream_;
  size_t drained_ = 0;
  Timer too_slow_;
};

class Http2Client::Exchange final : public HttpExchange,
                                    private Http2Pool::Request,
                                    private Http2StreamEvents {
 public:
  Exchange(Http2Client& client, Http2Pool& pool, const HttpCall& call)
      : client_(client),
        pool_(pool),
        destination_(*call.head->destination()),
        progress_(call.progress != nullptr ? *call.progress : own_progress_),
        first_byte_limit_(call.first_byte_timeout > absl::ZeroDuration()
                              ? HttpTimeLimit::kCallFirstByte
                              : HttpTimeLimit::kFirstByte),
        first_byte_timeout_(call.first_byte_timeout > absl::ZeroDuration()
                                ? call.first_byte_timeout
                                : destination_.timeouts.first_byte),
        due_(client.loop_.Now() + destination_.timeouts.total),
        timer_([this] { OnTimeout(); }),
        on_cancel_(*call.cancel,
                   [this, cancel = call.cancel] { Fail(cancel->status()); }) {
    ++client_.exchanges_;
  }
  ~Exchange() override {
    pool_.Remove(*this);
    DropStream();
    client_.EndExchange();
  }

  // Sends the request and waits for the head of its answer.
  Task<absl::Status> SendAndAwaitHead(const HttpCall& call);

  int status() const override { return status_; }
  std::string_view Find(std::string_view lower_name) const override;
  absl::Span<const HttpField> Fields(FieldViews& views) const override {
    return fields_.View(views);
  }
  Task<absl::StatusOr<absl::Span<const std::string_view>>> Read() override;
  Task<absl::StatusOr<std::string_view>> ReadAll() override;
  std::string_view came() const override { return arrived_.bytes(); }
  void DropBody() override { arrived_.Clear(); }
  bool Keep(size_t bytes) override { return answer_charge_.Resize(bytes); }
  void FinishInBackground() override;

 private:
  void Begin(Http2Pool::Link& link) override;
  void OnUnreachable(const absl::Status& why) override;

  void OnHead(Http2Stream& stream,
              absl::Span<const HttpField> fields) override;
  void OnData(Http2Stream& stream, std::string_view bytes) override;
  void OnTrailers(Http2Stream& stream,
                  absl::Span<const HttpField> fields) override;
  void OnEnd(Http2Stream& stream) override;
  void OnSent(Http2Stream& stream) override;
  void OnClosed(Http2Stream& stream, Http2Error error,
                const absl::Status& why) override;

  // Moves to the stream what it takes of the call's source.
  void SendFromSource();
  absl::Status TakeOfSource();

  void OnTimeout();
  void Fail(absl::Status why);
  void DropStream();
  void Consume(size_t bytes);
  void Await(HttpTimeLimit limit, absl::Duration timeout,
             std::string_view what) {
    limit_ = limit;
    timeout_ = timeout;
    awaited_ = what;
    client_.loop_.timers().Arm(
        timer_, std::min(client_.loop_.Now() + timeout, due_));
  }

  Http2Client& client_;
  Http2Pool& pool_;
  const HttpDestination& destination_;
  const HttpCall* call_ = nullptr;  // Null once the answer's head is there.
  HttpProgress own_progress_;
  HttpProgress& progress_;
  const HttpTimeLimit first_byte_limit_;
  const absl::Duration first_byte_timeout_;
  // Steady time by which the whole exchange must be over.
  const absl::Duration due_;
  // Time at which the request went to its connection.
  absl::Duration begun_;
  Http2Pool::Link* link_ = nullptr;
  // Null before the stream begins and after it has ended.
  Http2Stream* stream_ = nullptr;
  WakeUp changed_;
  absl::Status failure_;
  std::string_view awaited_;
  HttpTimeLimit limit_ = HttpTimeLimit::kTotal;
  absl::Duration timeout_;  // What that is.

  int status_ = 0;  // 0 until the head is there.
  bool ended_ = false;
  bool given_up_ = false;  // We gave the exchange up.
  bool reads_all_ = false;
  uint64_t source_taken_ = 0;
  std::string_view source_piece_;  // The piece that is being sent.
  FieldBlock fields_;
  uint64_t received_ = 0;
  ByteQueue arrived_;  // What has come and was not read yet,
  ByteQueue reading_;  // and what the reader holds.
  std::string_view piece_;
  ByteBudget::Share kept_{client_.loop_.answer_bytes()};
  ByteBudget::Charge answer_charge_{kept_};

  // Declared last, since it may fire at once.
  Timer timer_;
  CancelListener on_cancel_;
};

Task<absl::Status> Http2Client::Exchange::SendAndAwaitHead(
    const HttpCall& call) {
  GATEWAY_CO_RETURN_IF_ERROR(failure_);
  call_ = &call;
  Await(HttpTimeLimit::kConnect, destination_.timeouts.connect, "a connection");
  if (call.source != nullptr) call.source->SetWakeUp(&changed_);
  pool_.Add(*this);
  while (status_ == 0 && failure_.ok()) {
    if (call.source != nullptr) SendFromSource();
    co_await changed_.Wait();
  }
  if (call.source != nullptr) call.source->SetWakeUp(nullptr);
  timer_.Disarm();
  call_ = nullptr;
  // Copies what is not sent yet: the caller's bytes go when this returns, which
  // may be before the server has read them all.
  if (stream_ != nullptr && stream_->unsent() > 0) stream_->KeepBorrowed();
  // An answer that breaks off after its head has begun is returned; reading it
  // fails.
  if (status_ == 0 || given_up_) co_return failure_;
  co_return absl::OkStatus();
}

void Http2Client::Exchange::Begin(Http2Pool::Link& link) {
  link_ = &link;
  begun_ = client_.loop_.Now();
  progress_.reused_connection = link.reused();
  const std::optional<uint64_t> length = call_->source != nullptr
                                             ? call_->source->length()
                                             : TotalBytes(call_->body);
  const Http2RequestFields head(*call_, pool_.authority(), length);
  stream_ = link.Start(head.fields(), length == 0, *this);
  if (stream_ == nullptr) {
    return Fail(absl::UnavailableError("the connection takes no request"));
  }
  ++client_.stats_.streams;
  if (length == 0) {
    progress_.sent = true;
    Await(first_byte_limit_, first_byte_timeout_, "a first byte of the answer");
    return;
  }
  if (call_->source != nullptr) {
    return changed_.Set();  // SendFromSource goes on.
  }
  stream_->SendBorrowed(call_->body);
  stream_->End();
  Await(first_byte_limit_, first_byte_timeout_,
        "the server to take the request");
}

void Http2Client::Exchange::SendFromSource() {
  if (stream_ == nullptr || stream_->ended() || stream_->unsent() > 0) return;
  const absl::Status taken = TakeOfSource();
  if (taken.ok()) return;
  // A FAILED_PRECONDITION of the source would make NegotiatingHttpClient send
  // the request again.
  Fail(absl::IsFailedPrecondition(taken) ? absl::InternalError(taken.message())
                                         : taken);
}

absl::Status Http2Client::Exchange::TakeOfSource() {
  BodySource& source = *call_->source;
  const std::optional<uint64_t> length = source.length();
  source_piece_ = {};
  GATEWAY_ASSIGN_OR_RETURN(const BodySource::State state,
                           source.Take(&source_piece_));
  source_taken_ += source_piece_.size();
  const bool ended = state == BodySource::State::kEnd;
  if (length.has_value() &&
      (source_taken_ > *length || (ended && source_taken_ < *length))) {
    return absl::InternalError(absl::StrCat("a body of ", *length,
                                            " bytes has ", source_taken_));
  }
  if (state == BodySource::State::kLater) {
    Await(HttpTimeLimit::kTotal, absl::InfiniteDuration(),
          "the rest of the request");
  } else if (ended) {
    stream_->End();
    progress_.sent = true;
    Await(first_byte_limit_, first_byte_timeout_, "a first byte of the answer");
  } else {
    stream_->SendBorrowed({&source_piece_, 1});
    Await(first_byte_limit_, first_byte_timeout_,
          "the server to take the request");
  }
  return absl::OkStatus();
}

void Http2Client::Exchange::OnUnreachable(const absl::Status& why) {
  progress_.timed_out = absl::IsDeadlineExceeded(why);
  Fail(why);
}

void Http2Client::Exchange::OnSent(Http2Stream& stream) {
  if (!stream.ended()) return changed_.Set();  // The source has more.
  progress_.sent = true;
  if (status_ != 0) return;
  if (call_->body_memory != nullptr) std::string().swap(*call_->body_memory);
  Await(first_byte_limit_, first_byte_timeout_, "a first byte of the answer");
}

void Http2Client::Exchange::OnHead(Http2Stream&,
                                   absl::Span<const HttpField> fields) {
  link_->OnAnswer();
  progress_.answered = true;
  uint64_t length = 0;
  for (const HttpField& field : fields) {
    const char* const end = field.value.data() + field.value.size();
    if (field.name == ":status") {
      std::from_chars(field.value.data(), end, status_);
      continue;
    }
    if (field.name == "content-length") {
      std::from_chars(field.value.data(), end, length);
    }
    fields_.Add(field.name, field.value);
  }
  if (length > destination_.response_bytes_limit) {
    return Fail(TooLarge(destination_.response_bytes_limit));
  }
  changed_.Set();
}

void Http2Client::Exchange::OnData(Http2Stream& stream,
                                   std::string_view bytes) {
  received_ += bytes.size();
  progress_.body_bytes = received_;
  if (received_ > destination_.response_bytes_limit) {
    return Fail(TooLarge(destination_.response_bytes_limit));
  }
  arrived_.Append(bytes);
  // Charged only if the answer is read whole: a reader bit by bit holds a
  // window's bytes at most.
  if (reads_all_ && !answer_charge_.Resize(arrived_.size())) {
    return Fail(NoRoomForAnswer());
  }
  if (reads_all_) {
    stream.Consume(bytes.size());
    Await(HttpTimeLimit::kIdle, destination_.timeouts.idle,
          "more of the answer");
  } else {
    changed_.Set();
  }
}

// Of what stands behind a body only gRPC's status means something to anybody:
// it is found among the other fields once the answer has been read whole.
void Http2Client::Exchange::OnTrailers(Http2Stream&,
                                       absl::Span<const HttpField> fields) {
  for (const HttpField& field : fields) {
    if (field.name.starts_with(kGrpcPrefix)) {
      fields_.Add(field.name, field.value);
    }
  }
}

void Http2Client::Exchange::OnEnd(Http2Stream& stream) {
  ended_ = status_ != 0;  // False if the head was refused.
  // The rest of a request that has been answered is of no use to the server.
  if (stream.unsent() > 0 || !stream.ended()) {
    stream.Reset(Http2Error::kCancel);
  }
  changed_.Set();
}

void Http2Client::Exchange::OnClosed(Http2Stream& stream, Http2Error error,
                                     const absl::Status& why) {
  stream_ = nullptr;
  --client_.stats_.streams;
  if (!ended_) {
    failure_ = ExplainClosed(error, why);
    const bool refused = error == Http2Error::kRefusedStream;
    // True if not a byte has come since the request went, just now, to a
    // connection that had served before: the server had given that up.
    const bool given_up =
        progress_.reused_connection && absl::IsUnavailable(why) &&
        stream.session().last_read() < begun_ &&
        client_.loop_.Now() - begun_ < destination_.stale_break_max;
    progress_.not_processed =
        !progress_.answered && (refused || given_up) && source_taken_ == 0;
    if (refused) link_->Rest();
  }
  changed_.Set();
}

std::string_view Http2Client::Exchange::Find(
    std::string_view lower_name) const {
  FieldViews views;
  for (const HttpField& field : fields_.View(views)) {
    if (field.name == lower_name) return field.value;
  }
  return {};
}

Task<absl::StatusOr<absl::Span<const std::string_view>>>
Http2Client::Exchange::Read() {
  Consume(reading_.size());
  reading_.Clear();
  fields_.Clear();
  while (arrived_.empty()) {
    GATEWAY_CO_RETURN_IF_ERROR(failure_);
    if (ended_) co_return absl::Span<const std::string_view>();
    Await(HttpTimeLimit::kIdle, destination_.timeouts.idle,
          "more of the answer");
    co_await changed_.Wait();
  }
  timer_.Disarm();
  reading_.Swap(arrived_);
  piece_ = reading_.bytes();
  co_return absl::Span<const std::string_view>(&piece_, 1);
}

Task<absl::StatusOr<std::string_view>> Http2Client::Exchange::ReadAll() {
  reads_all_ = true;
  Consume(arrived_.size());
  while (!ended_ && failure_.ok()) {
    Await(HttpTimeLimit::kIdle, destination_.timeouts.idle,
          "more of the answer");
    co_await changed_.Wait();
  }
  timer_.Disarm();
  GATEWAY_CO_RETURN_IF_ERROR(failure_);
  co_return arrived_.bytes();
}

void Http2Client::Exchange::Consume(size_t bytes) {
  if (stream_ != nullptr && bytes > 0) stream_->Consume(bytes);
}

void Http2Client::Exchange::FinishInBackground() {
  if (stream_ == nullptr || ended_ || !failure_.ok()) return;
  Consume(reading_.size() + arrived_.size());
  ++client_.exchanges_;
  --client_.stats_.streams;
  new Remainder(client_, *std::exchange(stream_, nullptr));
}

void Http2Client::Exchange::OnTimeout() {
  progress_.timed_out = true;
  if (stream_ != nullptr && !progress_.answered) link_->Rest();
  const bool in_total = client_.loop_.Now() >= due_;
  Fail(in_total ? WaitedTooLong(HttpTimeLimit::kTotal,
                                destination_.timeouts.total, awaited_)
                : WaitedTooLong(limit_, timeout_, awaited_));
}

void Http2Client::Exchange::Fail(absl::Status why) {
  if (!failure_.ok()) return;
  failure_ = std::move(why);
  given_up_ = true;
  pool_.Remove(*this);
  DropStream();
  // What is read whole stays with the reader as long as the exchange, as far as
  // it came.
  if (!reads_all_) arrived_.Clear();
  changed_.Set();
}

void Http2Client::Exchange::DropStream() {
  if (stream_ == nullptr) return;
  stream_->Reset(Http2Error::kCancel);
  stream_->SetEvents(nullptr);
  stream_ = nullptr;
  --client_.stats_.streams;
}

Http2Client::Http2Client(Resolver& resolver, Http2Pool::OnHttp1 on_http1)
    : loop_(*EventLoop::Current()),
      names_(resolver),
      on_http1_(std::move(on_http1)) {}

Http2Client::~Http2Client() { assert(exchanges_ == 0); }

void Http2Client::EndExchange() {
  if (--exchanges_ == 0) idle_.Set();
}

Task<void> Http2Client::AwaitIdle() {
  while (exchanges_ > 0 || closing_ > 0) co_await idle_.Wait();
}

Task<void> Http2Client::ClosePool(std::unique_ptr<Http2Pool> pool) {
  ++closing_;
  co_await pool->Close();
  pool.reset();
  --closing_;
  idle_.Set();
}

bool Http2Client::CloseUnused() {
  bool busy = false;
  std::vector<std::unique_ptr<Http2Pool>> unused;
  absl::erase_if(pools_, [&](auto& entry) {
    std::unique_ptr<Http2Pool>& pool = entry.second;
    if (!pool->destination()->unused->load()) return false;
    if (pool->busy()) {
      busy = true;
      return false;
    }
    unused.push_back(std::move(pool));
    return true;
  });
  for (std::unique_ptr<Http2Pool>& pool : unused) {
    Spawn(ClosePool(std::move(pool)));
  }
  return busy;
}

Task<void> Http2Client::Close() {
  co_await AwaitIdle();
  for (const auto& [_, pool] : pools_) co_await pool->Close();
}

Http2Pool& Http2Client::PoolOf(
    const std::shared_ptr<const HttpDestination>& destination) {
  const auto known = pools_.find(destination.get());
  if (known != pools_.end()) return *known->second;
  // As in Http1Client::PoolOf.
  CloseUnused();
  auto pool =
      std::make_unique<Http2Pool>(names_, stats_, on_http1_, destination);
  return *pools_.emplace(destination.get(), std::move(pool)).first->second;
}

void Http2Client::Adopt(
    const std::shared_ptr<const HttpDestination>& destination,
    std::unique_ptr<Stream> stream) {
  PoolOf(destination).Adopt(std::move(stream));
}

Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> Http2Client::Send(
    const HttpCall& call) {
  auto exchange = std::make_unique<Exchange>(
      *this, PoolOf(call.head->destination()), call);
  const absl::Status begun = co_await exchange->SendAndAwaitHead(call);
  if (!begun.ok()) co_return begun;
  co_return std::unique_ptr<HttpExchange>(std::move(exchange));
}

}  // namespace gateway
