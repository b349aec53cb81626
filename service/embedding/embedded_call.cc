#include "service/embedding/embedded_call.h"

#include <memory>
#include <utility>

#include "base/async/cancellation.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "service/api/call_context.h"
#include "service/api/call_faults.h"
#include "service/embedding/message_handover.h"

namespace gateway {
namespace {

using ::google::protobuf::Message;

// Addresses of callers count in limits; this one is on this machine.
constexpr char kOwnProcess[] = "127.0.0.1:0";

CallContext::Arrival ArrivalOf(const EmbeddedCall& call) {
  const absl::Duration now = call.loop.Now();
  return {.method = call.method.name(),
          .peer = kOwnProcess,
          .time = now,
          .deadline = now + call.timeout};
}

// Cancels soon: the call may end by it, and what it owns with it.
void CancelSoon(EventLoop& loop, const std::shared_ptr<CallContext>& context,
                const absl::Status& why) {
  loop.Post([context, why] { context->cancel().Cancel(why); });
}

// `handover` is null where one message is the answer.
Task<absl::Status> Serve(const EmbeddedCall& call,
                         const HandlerArguments& arguments,
                         MessageHandover* handover) {
  const auto context =
      std::make_shared<CallContext>(call.loop, ArrivalOf(call));
  for (const auto& [name, value] : call.metadata) {
    context->AddMetadata(name, value);
  }
  context->set_request_bytes(arguments.request->ByteSizeLong());
  Timer deadline([&] { CancelSoon(call.loop, context, DeadlinePassed()); });
  if (call.timeout < absl::InfiniteDuration()) {
    call.loop.timers().Arm(deadline, context->deadline());
  }
  CancelListener over(context->cancel(), [&] {
    if (handover != nullptr) handover->GiveUp();
  });
  if (handover != nullptr) {
    handover->Begin(std::shared_ptr<CancelSignal>(context, &context->cancel()));
  }
  absl::Status status = co_await call.method.Run(*context, arguments);
  if (handover != nullptr) handover->End();
  co_return context->Outcome(std::move(status));
}

Task<void> ServeToTheEnd(const EmbeddedCall& call,
                         const HandlerArguments& arguments,
                         MessageHandover* handover, absl::Status* status,
                         Latch& ended) {
  *status = co_await Serve(call, arguments, handover);
  ended.Open();
}

}  // namespace

absl::Status EmbeddedCall::Run(const Message& request,
                               Message* response) const {
  const HandlerArguments arguments = {.request = &request,
                                      .response = response};
  absl::Status status;
  Latch ended;
  loop.Post(
      [&] { Spawn(ServeToTheEnd(*this, arguments, nullptr, &status, ended)); });
  ended.Wait();
  return status;
}

absl::Status EmbeddedCall::Stream(const Message& request,
                                  const OnMessage& on_message) const {
  const auto handover = std::make_shared<MessageHandover>(loop);
  const HandlerArguments arguments = {.request = &request,
                                      .writer = handover.get()};
  absl::Status status;
  Latch ended;
  loop.Post([&] {
    Spawn(ServeToTheEnd(*this, arguments, handover.get(), &status, ended));
  });
  while (const std::unique_ptr<const Message> message = handover->Take()) {
    if (on_message(*message)) continue;
    handover->Leave();
    break;
  }
  ended.Wait();
  return status;
}

}  // namespace gateway
