// HttpDial opens one connection to a destination: it looks the name up,
// connects to the first of its addresses that answers (base/net/tcp_dial.h),
// has the proxy open a tunnel if there is one, and shakes hands if there is
// TLS.
//
//   HttpDial dial(names, destination);
//   CancelListener on_cancel(cancel,
//                            [&] { dial.Abandon(cancel.status()); });
//   absl::StatusOr<std::unique_ptr<Stream>> stream = co_await dial.Connect();
//
// It knows no timeout: whoever waits decides how long.
//
// Thread contract: one event loop.

#ifndef BASE_HTTP_HTTP_DIAL_H_
#define BASE_HTTP_HTTP_DIAL_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http_client.h"
#include "base/net/host_port.h"
#include "base/net/resolver.h"
#include "base/net/stream.h"
#include "base/net/tcp_dial.h"

namespace gateway {

class HttpDial final : private Http1BodySink {
 public:
  // Borrows both.
  HttpDial(LoopResolver& names, const HttpDestination& destination)
      : names_(names), destination_(destination), tcp_(names) {}

  HttpDial(const HttpDial&) = delete;
  HttpDial& operator=(const HttpDial&) = delete;

  // Returns a stream that is ready for the first request. Called once.
  //
  // Errors: UNAVAILABLE when the server or its proxy cannot be reached or
  // trusted, INTERNAL or RESOURCE_EXHAUSTED when the proxy's answer makes no
  // sense, and what Abandon was called with.
  Task<absl::StatusOr<std::unique_ptr<Stream>>> Connect();

  // Makes Connect end soon, with `why`. Only the first call counts.
  void Abandon(absl::Status why);

 private:
  void OnBody(std::string_view) override {}

  Task<absl::StatusOr<std::unique_ptr<Stream>>> ConnectTo(HostPort where);
  Task<absl::Status> OpenTunnel(Stream& stream);
  // Names the proxy, if there is one, as what could not be reached.
  absl::Status AtProxy(const absl::Status& failure) const;

  // Returns the reason of Abandon, if there is one, in place of the socket's
  // error, which follows from it.
  absl::Status Explain(const absl::Status& status) const {
    return why_.ok() ? status : why_;
  }

  LoopResolver& names_;
  const HttpDestination& destination_;
  TcpDial tcp_;
  Stream* connecting_ = nullptr;
  WakeUp interrupt_;
  absl::Status why_;  // OK until abandoned.
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP_DIAL_H_
