#include "service/rpc/rpc_call.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/event_loop.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "service/api/call_faults.h"
#include "service/rpc/message_framing.h"
#include "service/rpc/size_fault.h"

namespace gateway {
namespace {

using ::google::protobuf::Message;

// How much may wait for a client that reads slowly before its handler waits,
// too.
constexpr size_t kUnsentBytesMax = 64 * 1024;

// A request that takes no more than this beside its call is not charged.
constexpr size_t kUnchargedBytes = 4 * 1024;

// Nor is a head with no more metadata than this, except of calls that wait for
// their request, and of public methods.
constexpr size_t kUnchargedMetadataBytes = 1024;

// What a call takes beside its metadata, its stream and handler included.
constexpr size_t kCallBytes = 4 * 1024;

// A unary answer of these sizes is compressed for a client that accepts gzip. A
// larger one would hold up the loop's other calls meanwhile.
constexpr size_t kCompressedBytesMin = 64 * 1024;
constexpr size_t kCompressedBytesMax = 1024 * 1024;

absl::Status MoreThanOneMessage() {
  return MakeFault(v1::ERROR_REASON_INVALID_REQUEST,
                   "the call has more than one request message");
}

bool Parse(std::string_view bytes, Message* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

size_t MessageBytesMax(const Method& method, size_t limit) {
  return method.is_public() ? std::min(limit, kPublicMessageBytesMax) : limit;
}

// Returns whether the handler only turned the caller away.
bool IsRefused(const absl::Status& status) {
  return absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status);
}

}  // namespace

void RefuseCall(Http2Stream& stream, RpcPeer& peer, const RequestHead& head,
                const absl::Status& why) {
  const std::string id = RequestIdFor(head.request_id);
  peer.metrics.CallRefused(why, {.method = head.path,
                                 .peer = peer.address,
                                 .request_id = id});
  const CallTrailers trailers(id, {}, why, /*head_too=*/true);
  stream.SendHead(trailers.fields(), /*end=*/true);
  stream.SetEvents(nullptr);
}

// Keeps a call that ends while its own code is on the stack until the last of
// that has returned.
class RpcCall::Hold {
 public:
  explicit Hold(RpcCall* call) : call_(call) { ++call_->holds_; }
  ~Hold() {
    if (--call_->holds_ == 0 && call_->ended_) delete call_;
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

 private:
  RpcCall* const call_;
};

void RpcCall::Start(Http2Stream& stream, absl::Span<const HttpField> fields,
                    const RequestHead& head, const Method& method,
                    std::shared_ptr<RpcPeer> peer, const Limits& limits,
                    RpcCalls& calls) {
  EventLoop& loop = *EventLoop::Current();
  RpcPeer& client = *peer;  // The call's connection keeps it, too.
  const absl::Duration deadline = loop.Now() + head.timeout;
  if (head.timeout <= absl::ZeroDuration()) {
    return RefuseCall(stream, client, head, DeadlinePassed());
  }
  auto* const call = new RpcCall(stream, head, method, std::move(peer),
                                 deadline, limits, calls);
  if (head.metadata_bytes > kUnchargedMetadataBytes &&
      !call->ChargeTheHead()) {
    delete call;
    return RefuseCall(stream, client, head, BudgetSpent());
  }
  call->context_.set_authority(call->context_.Keep(head.authority));
  const absl::Status metadata =
      AddMetadata(fields, head.metadata_bytes, call->context_);
  if (!metadata.ok()) {
    delete call;
    return RefuseCall(stream, client, head, metadata);
  }
  calls.OnNew(loop);
  if (!calls.Enter(*call, !method.kept_while_draining())) {
    delete call;
    return RefuseCall(stream, client, head, Draining());
  }
  stream.SetEvents(call);
  if (method.reads_one()) {
    call->ArmTimer(limits.request_timeout);
  } else {
    call->ArmTimer(absl::InfiniteDuration());
    call->Begin();
  }
}

RpcCall::RpcCall(Http2Stream& stream, const RequestHead& head,
                 const Method& method, std::shared_ptr<RpcPeer> peer,
                 absl::Duration deadline, const Limits& limits, RpcCalls& calls)
    : method_(method),
      limits_(limits),
      calls_(calls),
      peer_(std::move(peer)),
      client_takes_gzip_(head.accepts_gzip),
      metadata_bytes_(head.metadata_bytes),
      stream_(&stream),
      context_(*EventLoop::Current(), {.method = method.name(),
                                       .peer = peer_->address,
                                       .peer_names = peer_->names,
                                       .time = EventLoop::Current()->Now(),
                                       .deadline = deadline,
                                       .holds_messages = method.writes_one()}),
      deframer_(head.encoding, MessageBytesMax(method, limits.message_bytes),
                peer_->request_budget, peer_->inflating,
                /*one=*/method.reads_one()),
      head_charge_(peer_->request_budget),
      request_charge_(peer_->request_budget),
      unsent_charge_(peer_->unsent),
      timer_([this] { OnTimer(); }) {}

void RpcCall::ArmTimer(absl::Duration request_timeout) {
  EventLoop& loop = context_.loop();
  const absl::Duration due =
      std::min(context_.deadline(), loop.Now() + request_timeout);
  if (due == absl::InfiniteDuration()) {
    timer_.Disarm();
  } else {
    loop.timers().Arm(timer_, due);
  }
}

// --- Called by the stream.

void RpcCall::OnData(Http2Stream& stream, std::string_view bytes) {
  const Hold hold(this);
  if (unauthenticated_) return stream.Consume(bytes.size());
  // From here on its request is charged in place of its head.
  if (HeadIsExempt()) head_charge_.Resize(0);
  deframer_.Feed(bytes);
  if (method_.reads_one()) {
    ReadTheRequest();
    const bool read = request_ != nullptr && !deframer_.holds();
    if (!read && !asked_ && !ended_) AskForTheCaller();
    if (unauthenticated_) return;
    if (read && !ended_) ChargeTheRequest();
  } else {
    ReadOn();
  }
  Settle();
  // A message that cannot be had may never be asked for, and what follows it
  // would be taken and thrown away for ever.
  if (!deframer_.status().ok()) Cancel(deframer_.status());
}

void RpcCall::OnEnd(Http2Stream&) {
  const Hold hold(this);
  if (method_.reads_one()) {
    if (!ended_ && !unauthenticated_) EndOfTheRequest();
  } else {
    ReadOn();
  }
}

void RpcCall::EndOfTheRequest() {
  if (const absl::Status cut = deframer_.CheckEnd(); !cut.ok()) {
    End(cut);
  } else if (request_ == nullptr) {
    End(NoRequestMessage());
  } else if (over_budget_ && asked_) {
    End(BudgetSpent());
  } else {
    Begin();
  }
}

void RpcCall::OnSent(Http2Stream&) {
  const Hold hold(this);
  unsent_charge_.Resize(0);
  if (write_waiting()) FinishWrite(true);
  if (ended_ || !read_waiting()) return;
  ReadOn();
  Settle();
}

void RpcCall::OnClosed(Http2Stream&, Http2Error, const absl::Status& why) {
  stream_ = nullptr;
  if (context_.deadline() - context_.loop().Now() <= kDeadlineSlack) {
    Cancel(DeadlinePassed());
  } else {
    Cancel(why.ok() ? CallerGone()
                    : MakeFault(v1::ERROR_REASON_CANCELLED,
                                absl::StrCat("the caller went away: ",
                                             why.message())));
  }
}

// --- Called by RpcCalls and the timer.

void RpcCall::OnTurnEnded() {
  const Hold hold(this);
  if (!begun_ && !asked_) {
    AskForTheCaller();
    if (unauthenticated_) return;
  }
  const bool request_counts =
      request_ != nullptr || deframer_.memory_bytes() > 0;
  if (HeadIsExempt() && (begun_ || request_counts)) return;
  if (!ChargeTheHead()) Cancel(BudgetSpent());
}

void RpcCall::OnTimer() {
  if (context_.deadline() <= context_.loop().Now()) {
    Cancel(DeadlinePassed());
  } else if (context_.cancel().cancelled()) {
    Cancel(context_.cancel().status());
  } else if (method_.writes_one() && write_waiting()) {
    Cancel(MakeFault(v1::ERROR_REASON_CANCELLED,
                     "the caller takes its answer too slowly"));
  } else if (begun_) {
    // The request was in time. The timer is not set anew when it comes, which
    // would cost every call; few find it early.
    ArmTimer(absl::InfiniteDuration());
  } else if (over_budget_) {
    Cancel(BudgetSpent());
  } else {
    Cancel(MakeFault(v1::ERROR_REASON_DEADLINE_EXCEEDED,
                     "the request did not arrive in time"));
  }
}

void RpcCall::Cancel(const absl::Status& why) {
  if (ended_) return;
  const Hold hold(this);
  context_.cancel().Cancel(why);
  if (!begun_) {
    if (!ended_) End(context_.cancel().status());
    return;
  }
  // Each is checked again, since either may end the call.
  if (!ended_ && write_waiting()) FinishWrite(false);
  if (!ended_ && read_waiting()) FinishRead(false);
}

// --- The client's messages.

void RpcCall::Settle() {
  const size_t bytes = deframer_.Settle();
  if (stream_ != nullptr && bytes > 0) stream_->Consume(bytes);
}

void RpcCall::ReadTheRequest() {
  if (ended_ || begun_) return;
  if (deframer_.holds()) {
    if (deframer_.has_more()) End(MoreThanOneMessage());
    return;
  }
  std::string_view bytes;
  absl::StatusOr<bool> whole = deframer_.Next(&bytes);
  if (!whole.ok()) return End(whole.status());
  if (!*whole) return;
  if (request_ != nullptr) return End(MoreThanOneMessage());
  request_ = method_.NewRequest(method_.writes_one()
                                    ? context_.arena()
                                    : context_.request_arena());
  if (!deframer_.holds()) {
    if (!Parse(bytes, request_)) return End(NotAMessage(*request_));
    context_.set_request_bytes(bytes.size());
  }
  ReadTheRequest();
}

Task<absl::Status> RpcCall::ReadTheHeldRequest() {
  GATEWAY_CO_ASSIGN_OR_RETURN(const std::string_view bytes,
                              co_await deframer_.ReadHeld());
  const bool parsed = co_await OffLoop(
      bytes.size(), [this, bytes] { return Parse(bytes, request_); },
      deframer_.holds_compressed() ? WorkerPool::Stage::kGoesOn
                                   : WorkerPool::Stage::kBegins);
  if (!parsed) co_return NotAMessage(*request_);
  context_.set_request_bytes(bytes.size());
  deframer_.DropHeld();
  ChargeTheRequest();
  co_return over_budget_ ? BudgetSpent() : context_.cancel().status();
}

void RpcCall::AskForTheCaller() {
  asked_ = true;
  unauthenticated_ = !method_.Authorizes(context_);
  if (!unauthenticated_) return;
  if (const size_t bytes = deframer_.Settle(); bytes > 0) {
    stream_->Consume(bytes);
  }
  request_ = method_.NewRequest(context_.arena());
  Begin();
}

bool RpcCall::HeadIsExempt() const {
  return !method_.is_public() && metadata_bytes_ <= kUnchargedMetadataBytes;
}

bool RpcCall::ChargeTheHead() {
  return head_charge_.Resize(kCallBytes + metadata_bytes_);
}

void RpcCall::ChargeTheRequest() {
  // An estimate: long texts lie beside the arena.
  const size_t bytes = std::min<size_t>(
      request_->GetArena()->SpaceAllocated() + context_.request_bytes(),
      peer_->request_bytes_max);
  if (bytes <= kUnchargedBytes || over_budget_) return;
  if (request_charge_.Resize(bytes)) return;
  // Not ended at once: the end may lie right behind, and a request that comes
  // in one piece is served.
  over_budget_ = true;
  context_.loop().timers().Arm(timer_, context_.loop().Now());
}

StreamProgress RpcCall::ReadNext(Message* message) {
  std::string_view bytes;
  const absl::StatusOr<bool> whole = deframer_.Next(&bytes);
  absl::Status status = whole.status();
  if (status.ok() && *whole) {
    if (Parse(bytes, message)) return StreamProgress::kDone;
    status = NotAMessage(*message);
  } else if (status.ok()) {
    if (stream_ == nullptr || !stream_->peer_ended()) {
      return StreamProgress::kWaiting;
    }
    status = deframer_.CheckEnd();
  }
  if (!status.ok()) Cancel(status);
  return StreamProgress::kEnded;
}

void RpcCall::ReadOn() {
  if (!read_waiting() || AnswerWaits()) return;
  const StreamProgress progress = ReadNext(reading_);
  // A bad message has finished the read already.
  if (progress != StreamProgress::kWaiting && read_waiting()) {
    FinishRead(progress == StreamProgress::kDone);
  }
}

bool RpcCall::AnswerWaits() const {
  return method_.is_public() && stream_ != nullptr && stream_->unsent() > 0;
}

StreamProgress RpcCall::StartRead(Message* message) {
  if (context_.cancel().cancelled()) return StreamProgress::kEnded;
  reading_ = message;
  if (AnswerWaits()) return StreamProgress::kWaiting;
  const StreamProgress progress = ReadNext(message);
  Settle();
  return progress;
}

// --- The handler.

void RpcCall::Begin() {
  begun_ = true;
  if (HeadIsExempt()) head_charge_.Resize(0);
  arguments_.request = request_;
  arguments_.reader = this;
  arguments_.writer = this;
  if (method_.writes_one()) {
    arguments_.response = method_.NewResponse(context_.arena());
    context_.set_answer_writer(this);
  }
  Spawn(RunHandler());
}

Task<void> RpcCall::RunHandler() {
  absl::Status status;
  if (deframer_.holds() && !unauthenticated_) {
    status = co_await ReadTheHeldRequest();
    // The handler never began, and never will.
    if (!status.ok()) begun_ = false;
  }
  if (status.ok()) status = co_await method_.Run(context_, arguments_);
  End(context_.Outcome(status));
}

void RpcCall::End(const absl::Status& status) {
  ended_ = true;
  timer_.Cancel();
  if (!begun_ || IsRefused(status)) {
    peer_->metrics.CallRefused(status, {.method = context_.method(),
                                        .peer = peer_->address,
                                        .request_id = context_.request_id()});
  }
  if (stream_ != nullptr) {
    SendAnswer(status);
    std::exchange(stream_, nullptr)->SetEvents(nullptr);
  }
  calls_.Leave(*this);
  if (holds_ == 0) delete this;
}

// --- What the client gets.

StreamProgress RpcCall::StartWrite(const Message& message, size_t bytes) {
  if (context_.cancel().cancelled() || stream_ == nullptr) {
    return StreamProgress::kEnded;
  }
  if (method_.writes_one()) return StartAnswer(message, bytes);
  if (method_.is_public() &&
      !unsent_charge_.Resize(stream_->unsent() + bytes)) {
    Cancel(AnswerBudgetSpent());
    return StreamProgress::kEnded;
  }
  SendHead();
  const absl::Status sent =
      SendMessage(message, bytes, MessageEncoding::kIdentity);
  if (!sent.ok()) {
    Cancel(sent);
    return StreamProgress::kEnded;
  }
  if (stream_->unsent() <= kUnsentBytesMax) return StreamProgress::kDone;
  FollowCancel();
  return StreamProgress::kWaiting;
}

StreamProgress RpcCall::StartAnswer(const Message& message, size_t bytes) {
  sent_encoding_ = AnswerEncoding(bytes);
  SendHead();
  const absl::Status sent = SendMessage(message, bytes, sent_encoding_);
  if (!sent.ok()) {
    Cancel(sent);
    return StreamProgress::kEnded;
  }
  if (stream_->unsent() == 0) return StreamProgress::kDone;
  FollowCancel();
  // In all, since a client can take a byte now and then.
  ArmTimer(limits_.answer_timeout + absl::Seconds(static_cast<int64_t>(bytes) /
                                                  kAnswerBytesPerSecondMin));
  return StreamProgress::kWaiting;
}

void RpcCall::FollowCancel() {
  if (cancelled_ != nullptr) return;
  // By the timer, since the call may end by what follows, and the signal with
  // it.
  cancelled_ = std::make_unique<CancelListener>(context_.cancel(), [this] {
    context_.loop().timers().Arm(timer_, context_.loop().Now());
  });
}

bool RpcCall::WriteLast(const Message& message) {
  if (stream_ == nullptr) return false;
  SendHead();
  return SendMessage(message, message.ByteSizeLong(),
                     MessageEncoding::kIdentity)
      .ok();
}

void RpcCall::SendHead() {
  if (stream_->head_sent()) return;
  if (!method_.writes_one() && !context_.holds_request()) {
    request_charge_.Resize(0);
  }
  SendHead(context_.TakeInitialMetadata());
}

void RpcCall::SendHead(const FieldBlock& metadata) {
  const CallHead head(sent_encoding_, metadata);
  stream_->SendHead(head.fields());
}

absl::Status RpcCall::SendMessage(const Message& message, size_t bytes,
                                  MessageEncoding encoding) {
  return FrameMessage(message, bytes, encoding,
                      [this](size_t size) { return stream_->Extend(size); });
}

MessageEncoding RpcCall::AnswerEncoding(size_t bytes) const {
  const bool compress = client_takes_gzip_ && bytes >= kCompressedBytesMin &&
                        bytes <= kCompressedBytesMax;
  return compress ? MessageEncoding::kGzip : MessageEncoding::kIdentity;
}

void RpcCall::SendAnswer(absl::Status status) {
  const bool begun = method_.writes_one() && stream_->head_sent();
  if (begun && stream_->unsent() > 0) {
    // No trailers: the client must not take half a message for a whole one, and
    // the other half is not kept for it.
    return stream_->Reset(Http2Error::kCancel);
  }
  if (status.ok() && method_.writes_one() && !begun) {
    const std::optional<size_t> measured = context_.answer_bytes();
    const size_t bytes =
        measured.has_value() ? *measured : arguments_.response->ByteSizeLong();
    sent_encoding_ = AnswerEncoding(bytes);
    SendHead();
    status = SendMessage(*arguments_.response, bytes, sent_encoding_);
  }
  SendTrailers(status);
}

void RpcCall::SendTrailers(const absl::Status& status) {
  if (!stream_->head_sent()) {
    const FieldBlock metadata = context_.TakeInitialMetadata();
    if (!metadata.empty()) SendHead(metadata);
  }
  const bool alone = !stream_->head_sent();
  const CallTrailers trailers(context_.request_id(), context_.trailers(),
                              status, alone, context_.retry());
  if (alone) {
    stream_->SendHead(trailers.fields(), /*end=*/true);
  } else {
    stream_->End(trailers.fields());
  }
}

}  // namespace gateway
