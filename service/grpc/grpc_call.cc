#include "service/grpc/grpc_call.h"

#include <grpc/support/time.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>
#include <grpcpp/support/status.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/strings/str_replace.h"
#include "base/os/clock.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/api/call_faults.h"
#include "service/api/status_trailers.h"

namespace gateway {
namespace {

using ::google::protobuf::Message;

constexpr int kSerializedChunkBytesMax = 1024 * 1024;

// A deadline further off than this counts as none.
constexpr absl::Duration kDeadlineMax = absl::Hours(24 * 365);

std::string_view View(const grpc::string_ref& text) {
  return std::string_view(text.data(), text.size());
}

// Converts gRPC's names of peers, `ipv4:192.0.2.1:80` and
// `ipv6:%5B2001:db8::1%5D:80`.
std::string PeerAddress(std::string uri) {
  for (const std::string_view scheme : {"ipv4:", "ipv6:"}) {
    if (uri.starts_with(scheme)) uri.erase(0, scheme.size());
  }
  if (uri.find('%') == std::string::npos) return uri;
  return absl::StrReplaceAll(uri, {{"%5B", "["}, {"%5D", "]"}});
}

// Returns the deadline in steady time.
absl::Duration DeadlineOf(const grpc::GenericCallbackServerContext& context,
                          absl::Duration now) {
  // Computed with the library's own types: std::chrono's overflow with the
  // longest timeout that a client can send.
  const gpr_timespec left =
      gpr_convert_clock_type(context.raw_deadline(), GPR_TIMESPAN);
  if (left.tv_sec >= absl::ToInt64Seconds(kDeadlineMax)) {
    return absl::InfiniteDuration();
  }
  return now + absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
}

// Sets the trailers that `status` and the call come with.
grpc::Status SetTrailers(grpc::GenericCallbackServerContext& server_context,
                         std::string_view request_id,
                         const absl::Status& status,
                         ClientRetry retry = ClientRetry::kAsStatusSays) {
  server_context.AddTrailingMetadata(std::string(kRequestIdHeader),
                                     std::string(request_id));
  if (status.ok()) return grpc::Status::OK;
  const StatusTrailers trailers = ToStatusTrailers(status, retry);
  if (!trailers.pushback_ms.empty()) {
    server_context.AddTrailingMetadata(std::string(kRetryPushbackTrailer),
                                       trailers.pushback_ms);
  }
  return grpc::Status(static_cast<grpc::StatusCode>(trailers.code),
                      trailers.message, trailers.details);
}

class RefusedCall : public grpc::ServerGenericBidiReactor {
 private:
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerGenericBidiReactor* RefuseCall(
    grpc::GenericCallbackServerContext& server_context,
    const absl::Status& why, RefusalLog* refusals) {
  const auto& metadata = server_context.client_metadata();
  const auto given = metadata.find(
      grpc::string_ref(kRequestIdHeader.data(), kRequestIdHeader.size()));
  const std::string request_id = RequestIdFor(
      given == metadata.end() ? std::string_view() : View(given->second));
  if (refusals != nullptr) {
    const std::string peer = PeerAddress(server_context.peer());
    refusals->Request({.code = ToStd(absl::StatusCodeToString(why.code())),
                       .method = "POST",
                       .path = server_context.method(),
                       .peer = peer,
                       .request_id = request_id,
                       .why = ToStd(why.message())});
  }
  auto* const refused = new RefusedCall;
  refused->Finish(SetTrailers(server_context, request_id, why));
  return refused;
}

grpc::ServerGenericBidiReactor* GrpcCall::Start(
    grpc::GenericCallbackServerContext& server_context, const Method& method,
    EventLoop& loop, CallRoster& roster) {
  const absl::Duration now = SystemClock().SteadyTime();
  const absl::Duration deadline = DeadlineOf(server_context, now);
  if (deadline <= now) return RefuseCall(server_context, DeadlinePassed());

  auto* const call =
      new GrpcCall(server_context, method, loop, roster,
                   PeerAddress(server_context.peer()), now, deadline);
  if (!roster.Enter(*call, !method.kept_while_draining())) {
    delete call;
    return RefuseCall(server_context, Draining());
  }
  if (method.reads_one()) {
    call->grpc::ServerGenericBidiReactor::StartRead(&call->in_);
  } else {
    call->Ref();
    loop.Post([call] {
      call->Begin();
      call->Unref();
    });
  }
  return call;
}

GrpcCall::GrpcCall(grpc::GenericCallbackServerContext& server_context,
                   const Method& method, EventLoop& loop, CallRoster& roster,
                   std::string peer, absl::Duration now,
                   absl::Duration deadline)
    : method_(method),
      roster_(roster),
      peer_(std::move(peer)),
      server_context_(server_context),
      context_(loop, {.method = method.name(),
                      .peer = peer_,
                      .time = now,
                      .deadline = deadline,
                      .holds_messages = method.reads_one()}),
      deadline_timer_([this] {
        // Taken since the handler may end, and with it the loop's reference.
        Ref();
        Cancel(DeadlinePassed());
        Unref();
      }) {
  context_.set_authority(server_context.host());
  for (const auto& [name, value] : server_context.client_metadata()) {
    context_.AddMetadata(View(name), View(value));
  }
}

GrpcCall::~GrpcCall() = default;

void GrpcCall::Unref() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  CallRoster& roster = roster_;
  delete this;
  roster.Forget();
}

void GrpcCall::OnReadDone(bool ok) {
  Ref();
  context_.loop().Post([this, ok] {
    HandleRead(ok);
    Unref();
  });
}

void GrpcCall::OnWriteDone(bool ok) {
  Ref();
  context_.loop().Post([this, ok] {
    HandleWritten(ok);
    Unref();
  });
}

void GrpcCall::OnCancel() {
  Ref();
  context_.loop().Post([this] {
    HandleHangUp();
    Unref();
  });
}

void GrpcCall::RequestCancel(const absl::Status& why) {
  Ref();
  context_.loop().Post([this, why] {
    Cancel(why);
    Unref();
  });
}

void GrpcCall::OnDone() { Unref(); }

absl::Duration GrpcCall::TimeLeft() const {
  return context_.deadline() - context_.loop().Now();
}

void GrpcCall::Begin() {
  if (begun_ || ended_) return;
  begun_ = true;
  if (context_.deadline() != absl::InfiniteDuration()) {
    context_.loop().timers().Arm(deadline_timer_, context_.deadline());
  }
  arguments_.reader = this;
  arguments_.writer = this;
  if (method_.writes_one()) {
    arguments_.response = method_.NewResponse(context_.arena());
  }
  Spawn(RunHandler());
}

Task<void> GrpcCall::RunHandler() {
  absl::Status status = co_await method_.Run(context_, arguments_);
  End(context_.Outcome(std::move(status)));
}

void GrpcCall::HandleRead(bool ok) {
  if (ended_) return;
  if (!begun_) {
    if (const absl::Status status = ReadTheRequest(ok); !status.ok()) {
      End(context_.Outcome(status));
      return;
    }
    Begin();
    return;
  }
  if (!read_waiting()) return;  // A cancel has finished it already.
  Message* const message = std::exchange(reading_, nullptr);
  if (!ok) {
    FinishRead(false);
  } else if (Parse(message)) {
    FinishRead(true);
  } else {
    Cancel(NotAMessage(*message));
  }
}

absl::Status GrpcCall::ReadTheRequest(bool ok) {
  if (TimeLeft() <= absl::ZeroDuration()) return DeadlinePassed();
  if (!ok) {
    if (TimeLeft() <= kDeadlineSlack) return DeadlinePassed();
    return NoRequestMessage();
  }
  Message* const request = method_.NewRequest(context_.arena());
  arguments_.request = request;
  context_.set_request_bytes(in_.Length());
  if (Parse(request)) return absl::OkStatus();
  return NotAMessage(*request);
}

bool GrpcCall::Parse(Message* message) {
  bool parsed;
  {
    grpc::ProtoBufferReader reader(&in_);
    parsed = reader.status().ok() && message->ParseFromZeroCopyStream(&reader);
  }
  in_.Clear();
  return parsed;
}

bool GrpcCall::Serialize(const Message& message) {
  const size_t bytes = message.ByteSizeLong();
  if (bytes > INT32_MAX) return false;
  out_.Clear();
  grpc::ProtoBufferWriter writer(&out_, kSerializedChunkBytesMax,
                                 static_cast<int>(bytes));
  return message.SerializeToZeroCopyStream(&writer);
}

// Sets the headers, which the library sends with the first message or the
// status.
void GrpcCall::SetInitialMetadata() {
  const FieldBlock metadata = context_.TakeInitialMetadata();
  FieldViews views;
  for (const HttpField& field : metadata.View(views)) {
    server_context_.AddInitialMetadata(std::string(field.name),
                                       std::string(field.value));
  }
}

StreamProgress GrpcCall::StartRead(Message* message) {
  if (context_.cancel().cancelled()) return StreamProgress::kEnded;
  reading_ = message;
  grpc::ServerGenericBidiReactor::StartRead(&in_);
  return StreamProgress::kWaiting;
}

StreamProgress GrpcCall::StartWrite(const Message& message, size_t) {
  if (context_.cancel().cancelled()) return StreamProgress::kEnded;
  if (!Serialize(message)) return StreamProgress::kEnded;
  SetInitialMetadata();
  writing_ = true;
  grpc::ServerGenericBidiReactor::StartWrite(&out_);
  return StreamProgress::kWaiting;
}

bool GrpcCall::WriteLast(const Message& message) {
  has_last_ = !writing_ && Serialize(message);
  return has_last_;
}

void GrpcCall::HandleWritten(bool ok) {
  writing_ = false;
  if (ended_) return;
  if (!ok) HandleHangUp();
  if (write_waiting()) FinishWrite(ok);
}

void GrpcCall::HandleHangUp() {
  if (TimeLeft() <= kDeadlineSlack) {
    Cancel(DeadlinePassed());
  } else {
    Cancel(CallerGone());
  }
}

void GrpcCall::Cancel(const absl::Status& why) {
  if (ended_) return;
  context_.cancel().Cancel(why);
  if (!begun_) {
    // A request that is still on its way finds the call ended.
    End(context_.cancel().status());
    return;
  }
  // Each is checked again, since either may end the call.
  if (!ended_ && write_waiting()) FinishWrite(false);
  if (!ended_ && read_waiting()) FinishRead(false);
}

void GrpcCall::End(absl::Status status) {
  ended_ = true;
  deadline_timer_.Cancel();
  const bool answers = status.ok() && method_.writes_one();
  if (answers && !Serialize(*arguments_.response)) {
    status = MakeFault(v1::ERROR_REASON_INTERNAL,
                       "the response does not fit a message");
  }
  SetInitialMetadata();
  for (const auto& [name, value] : context_.trailers()) {
    server_context_.AddTrailingMetadata(std::string(name), std::string(value));
  }
  grpc::Status sent = SetTrailers(server_context_, context_.request_id(),
                                  status, context_.retry());
  roster_.Leave(*this);
  if (has_last_ || (status.ok() && answers)) {
    StartWriteAndFinish(&out_, grpc::WriteOptions(), std::move(sent));
  } else {
    Finish(std::move(sent));
  }
  Unref();
}

}  // namespace gateway
