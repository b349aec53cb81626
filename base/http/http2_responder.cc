#include "base/http/http2_responder.h"

#include <algorithm>
#include <cassert>
#include <functional>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/async/timer_wheel.h"
#include "base/http/field_block.h"
#include "base/http/http2_connection.h"
#include "base/http/input_buffer.h"
#include "base/memory/byte_budget.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// The most fields of a head: as many as Http1Parser takes.
constexpr size_t kFieldsMax = Http1Parser::Limits{}.fields;

// A piece of at most so many bytes is copied, so that the handler need not wait
// for it to be sent.
constexpr size_t kCopiedBytesMax = 16 * 1024;

// How many bytes of a stream may wait for its client before the handler waits,
// too.
constexpr size_t kUnsentBytesMax = 32 * 1024;

// The least that a frame counts of a body that is thrown away.
constexpr size_t kFrameCostBytes = 1024;

// What a request takes beside its fields, its stream included.
constexpr size_t kRequestBytes = 4 * 1024;

// How many requests may wait for their turn on a loop, those of clients that
// have left meanwhile included. More are refused with REFUSED_STREAM, so that
// they can be made again.
constexpr size_t kAwaitingTurnMax = 4096;

// Counts the requests that wait for their turn on this thread's loop.
thread_local size_t awaiting_turn = 0;

size_t LengthOf(absl::Span<const std::string_view> pieces) {
  size_t length = 0;
  for (std::string_view piece : pieces) length += piece.size();
  return length;
}

bool IsPseudo(const HttpField& field) { return field.name.starts_with(':'); }

}  // namespace

struct Http2Responder::Request : Recycled {
  Request(ByteBudget::Share& kept, std::function<void()> on_timeout)
      : charge(kept), timer(std::move(on_timeout)) {}

  FieldBlock block;  // Holds method and path, then the fields.
  FieldViews views;
  BodyAssembler body;
  ByteBudget::Charge charge;  // Pays for the body's memory.
  // Bytes of the body that came while the head is being checked.
  size_t unconsumed_bytes = 0;
  std::optional<uint64_t> length;
  bool expects_continue = false;
  Timer timer;
  size_t lingered_bytes = 0;  // Bytes that came after the answer.
  HttpRequest whole;
};

Http2Responder::Http2Responder(Http2Connection& connection,
                               Http2Stream& stream)
    : connection_(connection),
      stream_(&stream),
      request_(std::make_unique<Request>(connection.kept(),
                                         [this] { OnTimeout(); })) {
  connection_.Add(this);
  stream.SetEvents(this);
}

Http2Responder::~Http2Responder() {
  if (held_bytes_ > 0) Hold(0);
  connection_.Remove(this);
}

void Http2Responder::Hold(size_t bytes) {
  connection_.Hold(std::exchange(held_bytes_, bytes), bytes);
}

std::string_view Http2Responder::peer() const { return connection_.peer(); }

std::string_view Http2Responder::peer_names() const {
  return connection_.peer_names();
}

// --- Collecting.

void Http2Responder::Begin(absl::Span<const HttpField> fields, bool ended) {
  ended_ = ended;
  if (fields.size() > kFieldsMax) {
    Refuse(431, absl::StrCat("the head has more than ", kFieldsMax, " fields"));
    return;
  }
  KeepHead(fields);
  const HttpRequest& request = request_->whole;
  if (request.path.empty()) {
    Refuse(400, "a request has a path");
  } else if (!connection_.MayBegin()) {
    if (awaiting_turn >= kAwaitingTurnMax) {
      stream_->Reset(Http2Error::kRefusedStream);
      return Leave();
    }
    ++awaiting_turn;
    asking_ = true;
    awaits_turn_ = true;
    Spawn(AwaitTurn(this));
  } else if (!ended) {
    AskAdmission();
  }
}

Task<void> Http2Responder::AwaitTurn(Http2Responder* self) {
  co_await self->connection_.begin_queue().Pass();
  --awaiting_turn;
  self->awaits_turn_ = false;
  if (!self->EndWait()) co_return;
  if (self->ended_ && self->request_->unconsumed_bytes == 0) {
    self->StartHandling();
  } else {
    self->AskAdmission();
  }
}

bool Http2Responder::EndWait() {
  asking_ = false;
  if (stream_ == nullptr) {
    delete this;
    return false;
  }
  if (gone_.cancelled()) {
    stream_->Reset(Http2Error::kRefusedStream);
    Leave();
    return false;
  }
  return true;
}

void Http2Responder::KeepHead(absl::Span<const HttpField> fields) {
  std::string_view method;
  std::string_view path;
  std::string_view authority;
  std::string cookies;
  for (const HttpField& field : fields) {
    if (field.name == ":method") method = field.value;
    if (field.name == ":path") path = field.value;
    if (field.name == ":authority") authority = field.value;
  }
  FieldBlock& block = request_->block;
  block.Add("", method);
  block.Add("", path);
  if (!authority.empty()) block.Add("host", authority);
  for (const HttpField& field : fields) {
    if (IsPseudo(field)) continue;
    if (field.name == "host" && !authority.empty()) continue;
    if (field.name == "cookie") {
      absl::StrAppend(&cookies, cookies.empty() ? "" : "; ",
                      ToAbsl(field.value));
      continue;
    }
    block.Add(field.name, field.value);
    if (field.name == "content-length") {
      uint64_t length = 0;
      if (absl::SimpleAtoi(ToAbsl(field.value), &length)) {
        request_->length = length;
      }
    } else if (field.name == "expect") {
      request_->expects_continue = EqualsIgnoreCase(field.value,
                                                    "100-continue");
    }
  }
  if (!cookies.empty()) block.Add("cookie", cookies);

  const absl::Span<const HttpField> kept = block.View(request_->views);
  HttpRequest& request = request_->whole;
  request.method = kept[0].value;
  request.SetTarget(kept[1].value);
  request.fields = kept.subspan(2);
  request.arrival = connection_.loop().Now();
  head_request_ = request.method == "HEAD";
  Hold(kRequestBytes + block.bytes());
}

void Http2Responder::AskAdmission() {
  const uint64_t limit = connection_.limits().body_bytes;
  const uint64_t length = request_->length.value_or(0);
  if (length > limit) {
    Refuse(413, absl::StrCat("the body is larger than ", limit, " bytes"));
    return;
  }
  HttpAdmission said = connection_.handler().Admit(request_->whole, *this);
  if (!said.pending()) return Decide(std::move(said));
  asking_ = true;
  Spawn(AwaitAdmission(this, said.TakeLater()));
}

Task<void> Http2Responder::AwaitAdmission(Http2Responder* self,
                                          Task<HttpAdmission> later) {
  HttpAdmission said = co_await std::move(later);
  if (self->EndWait()) self->Decide(std::move(said));
}

void Http2Responder::Decide(HttpAdmission said) {
  const bool admitted = said.admitted();
  request_->whole.admitted = admitted;
  request_->whole.caller = said.TakeCaller();
  // A body that has come whole meanwhile is handed over whole.
  const bool as_it_comes = said.as_it_comes() && !ended_;
  if (as_it_comes) {
    BeginUpload();
  } else if (request_->unconsumed_bytes > 0) {
    stream_->Consume(std::exchange(request_->unconsumed_bytes, 0));
  }
  if (!admitted) {
    request_->body.Clear();
    request_->charge.Resize(0);
    return StartHandling();
  }
  if (!BodyFits()) return;
  if (ended_) return StartHandling();
  if (request_->expects_continue) {
    const HttpField head[] = {{":status", "100"}};
    stream_->SendInterim(head);
  }
  if (as_it_comes) return StartHandling();
  ArmBodyTimer();
}

void Http2Responder::BeginUpload() {
  upload_ = std::make_unique<Http2Upload>(
      connection_.loop(), connection_.limits(), connection_.kept(), *stream_,
      request_->length);
  if (request_->unconsumed_bytes == 0) return;
  upload_->Put(request_->body.bytes());
  request_->unconsumed_bytes = 0;
  request_->body.Clear();
}

void Http2Responder::StartHandling() {
  request_->timer.Cancel();
  request_->whole.body = request_->body.bytes();
  request_->whole.source = upload_.get();
  handling_ = true;
  Hold(0);  // From now on the handler accounts for it.
  Spawn(Handle(this));
}

void Http2Responder::ArmBodyTimer() {
  ArmTimer(connection_.limits().BodyPatience(
      connection_.loop().Now() - request_->whole.arrival,
      request_->body.bytes().size()));
}

void Http2Responder::ArmTimer(absl::Duration delay) {
  connection_.loop().ArmTimer(request_->timer, delay);
}

void Http2Responder::OnTimeout() {
  if (lingering_) return Leave();
  Refuse(408, "the request did not arrive in time");
}

void Http2Responder::OnData(Http2Stream& stream, std::string_view bytes) {
  if (asking_) {
    // Bounded by the stream's window, since none of it is consumed.
    request_->unconsumed_bytes += bytes.size();
    return KeepBody(bytes);
  }
  if (upload_ != nullptr && upload_->error().ok()) return upload_->Put(bytes);
  stream.Consume(bytes.size());
  if (request_ == nullptr) return;  // The answer has begun.
  if (lingering_ || handling_) {
    request_->lingered_bytes += std::max(bytes.size(), kFrameCostBytes);
    if (request_->lingered_bytes <= kRefusedLingerBytesMax) return;
    if (lingering_) return Leave();
    return stream.Reset(Http2Error::kEnhanceYourCalm);
  }
  if (request_->body.bytes().empty()) {
    // Reserved with the first data and not at the head: one packet holds many
    // heads, and each can claim a length.
    request_->body.ReserveClaimed(request_->length.value_or(0));
  }
  KeepBody(bytes);
  if (BodyFits()) ArmBodyTimer();
}

void Http2Responder::KeepBody(std::string_view bytes) {
  // Copied, since the memory that it was read into goes with this call.
  if (request_->body.in_place()) request_->body.Reserve(bytes.size());
  request_->body.OnBody(bytes);
}

bool Http2Responder::BodyFits() {
  const uint64_t limit = connection_.limits().body_bytes;
  if (request_->body.bytes().size() > limit) {
    Refuse(413, absl::StrCat("the body is larger than ", limit, " bytes"));
    return false;
  }
  if (!request_->charge.Resize(request_->body.held_bytes())) {
    Refuse(503, "the gateway holds too much of other requests; try again soon");
    return false;
  }
  return true;
}

void Http2Responder::OnEnd(Http2Stream&) {
  ended_ = true;
  if (upload_ != nullptr) upload_->End();
  if (lingering_) return Leave();
  if (!asking_ && !handling_) StartHandling();
}

void Http2Responder::Refuse(int status, std::string_view message) {
  assert(!handling_);
  SendRefusal(status, message);
  if (ended_) return Leave();
  Linger();
}

void Http2Responder::Linger() {
  lingering_ = true;
  request_->body.Clear();
  request_->charge.Resize(0);
  request_->whole = {};
  request_->block.Clear();
  Hold(kRequestBytes);
  ArmTimer(kRefusedLingerTimeout);
}

void Http2Responder::Leave() {
  LeaveStream();
  delete this;
}

void Http2Responder::Cancel(const absl::Status& why) {
  if (handling_ || asking_) {
    if (upload_ != nullptr) upload_->Fail(why);
    gone_.Cancel(why);
    return;
  }
  if (!lingering_) stream_->Reset(Http2Error::kRefusedStream);
  Leave();
}

void Http2Responder::OnClosed(Http2Stream& stream, Http2Error error,
                              const absl::Status& why) {
  cut_off_ = error != Http2Error::kNoError || !stream.ended() ||
             stream.unsent() > 0;
  stream_ = nullptr;
  if (awaits_turn_) request_.reset();  // No handler has seen it.
  if (!handling_ && !asking_) {
    delete this;
    return;
  }
  if (upload_ != nullptr) {
    upload_->LoseStream(absl::UnavailableError("the client is gone"));
  }
  if (cut_off_) {
    gone_.Cancel(absl::CancelledError(
        why.ok() ? "the client reset the stream" : why.message()));
  }
  changed_.Set();
}

// --- Handling.

Task<void> Http2Responder::Handle(Http2Responder* self) {
  // The request moves into this frame; its views stay valid.
  const HttpRequest request = std::move(self->request_->whole);
  co_await self->connection_.handler().Handle(request, *self);
  if (self->EndHandling()) delete self;
}

bool Http2Responder::EndHandling() {
  if (stream_ == nullptr) return true;
  const absl::Status came =
      upload_ == nullptr ? absl::OkStatus() : upload_->error();
  if (upload_ != nullptr) upload_->Leave();
  upload_.reset();
  if (answer_ == Answer::kNone && came.ok()) {
    SendRefusal(500, "the request was not answered");
  } else if (answer_ == Answer::kNone) {
    SendRefusal(StatusOfRefusal(came), ToStd(came.message()));
  }
  // Aborted, since half an answer must not look like a whole one.
  if (answer_ == Answer::kStreaming && !bodiless_) Abort();
  if (!ended_ && request_ != nullptr && answer_ == Answer::kDone) {
    handling_ = false;
    Linger();
    return false;
  }
  LeaveStream();
  return true;
}

// What has been given to the stream is still sent.
void Http2Responder::LeaveStream() {
  std::exchange(stream_, nullptr)->SetEvents(nullptr);
}

void Http2Responder::SendHead(const HttpAnswerHead& head,
                              std::optional<size_t> length, bool end) {
  const std::string status = absl::StrCat(head.status);
  absl::InlinedVector<HttpField, 16> fields;
  fields.push_back({":status", status});
  fields.insert(fields.end(), head.fields.begin(), head.fields.end());
  std::string digits;
  if (length.has_value() && StatusHasBody(head.status)) {
    digits = absl::StrCat(*length);
    fields.push_back({"content-length", digits});
  }
  fields.push_back({"date", connection_.date()});
  stream_->SendHead(fields, end);
}

void Http2Responder::SendRefusal(int status, std::string_view message) {
  const HttpHandler::Refusal refusal =
      connection_.handler().RefuseRequest(status, request_->whole, peer(),
                                          message);
  absl::InlinedVector<HttpField, 8> fields = {
      {"content-type", refusal.content_type}};
  for (const HttpHandler::Refusal::Field& field : refusal.fields) {
    fields.push_back({field.name, field.value});
  }
  const bool end = head_request_ || refusal.body.empty();
  SendHead({refusal.StatusFor(status), fields}, refusal.body.size(), end);
  answer_ = Answer::kDone;
  if (end) return;
  stream_->Send(refusal.body);
  stream_->End();
}

Task<absl::Status> Http2Responder::Send(
    HttpAnswerHead head, absl::Span<const std::string_view> body) {
  assert(answer_ == Answer::kNone);
  answer_ = Answer::kDone;
  if (stream_ == nullptr) co_return Outcome();
  const size_t length = LengthOf(body);
  bodiless_ = length == 0 || head_request_ || !StatusHasBody(head.status);
  SendHead(head, length, bodiless_);
  if (bodiless_) co_return absl::OkStatus();
  if (length <= kCopiedBytesMax) {
    for (std::string_view piece : body) stream_->Send(piece);
    stream_->End();
    co_return absl::OkStatus();
  }
  stream_->SendBorrowed(body);
  stream_->End();
  co_return co_await AwaitSent();
}

void Http2Responder::Start(HttpAnswerHead head) {
  assert(answer_ == Answer::kNone);
  answer_ = Answer::kStreaming;
  bodiless_ = head_request_ || !StatusHasBody(head.status);
  if (stream_ != nullptr) SendHead(head, std::nullopt, bodiless_);
  request_.reset();
}

Task<absl::Status> Http2Responder::Write(
    absl::Span<const std::string_view> pieces) {
  assert(answer_ == Answer::kStreaming);
  if (stream_ == nullptr || bodiless_) co_return Outcome();
  if (LengthOf(pieces) > kCopiedBytesMax) {
    stream_->SendBorrowed(pieces);
    co_return co_await AwaitSent();
  }
  for (std::string_view piece : pieces) stream_->Send(piece);
  if (stream_->unsent() <= kUnsentBytesMax) co_return absl::OkStatus();
  co_return co_await AwaitSent();
}

Task<absl::Status> Http2Responder::Finish() {
  assert(answer_ == Answer::kStreaming);
  answer_ = Answer::kDone;
  if (stream_ != nullptr && !bodiless_) stream_->End();
  co_return Outcome();
}

void Http2Responder::Abort() {
  if (stream_ != nullptr) stream_->Reset(Http2Error::kInternalError);
}

Task<absl::Status> Http2Responder::AwaitSent() {
  waits_for_client_ = true;
  Hold(kRequestBytes);
  while (stream_ != nullptr && stream_->unsent() > 0) {
    co_await changed_.Wait();
  }
  waits_for_client_ = false;
  Hold(0);
  co_return Outcome();
}

absl::Status Http2Responder::Outcome() const {
  if (!cut_off_) return absl::OkStatus();
  return absl::CancelledError("the client is gone");
}

}  // namespace gateway
