// RpcClient is a client that may do anything that HTTP/2 allows, for tests of
// the native engine: it chooses each field and each frame, and reads when it
// likes.
//
//   RpcClient client;
//   const bool connected = co_await client.Connect(port);
//   ClientCall& call = client.Call("Echo");
//   call.stream().Send(Framed(request));
//   call.stream().End();
//   co_await call.AwaitClosed();
//   EXPECT_EQ(call.status(), absl::OkStatus());
//   co_await client.Close();
//
// Thread contract: one event loop.

#ifndef TESTS_SERVICE_RPC_RPC_CLIENT_H_
#define TESTS_SERVICE_RPC_RPC_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_session.h"
#include "base/net/tls_context.h"
#include "google/protobuf/message_lite.h"

namespace gateway {

// A message with its prefix, as it stands in a body.
std::string Framed(std::string_view message, bool compressed = false);
std::string Framed(const google::protobuf::MessageLite& message);

// A call as its client sees it.
class ClientCall final : public Http2StreamEvents {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  // REQUIRES: !closed().
  Http2Stream& stream() { return *stream_; }

  // Each returns at once if it has happened.
  Task<void> AwaitClosed();
  Task<void> AwaitHead();
  Task<void> AwaitBody(size_t bytes);
  // All that was given to Send has left.
  Task<void> AwaitSent();

  // In the order they came.
  const Fields& head() const { return head_; }
  const Fields& trailers() const { return trailers_; }
  // Of trailers or head; empty if there is none.
  std::string Field(std::string_view name) const;

  const std::string& body() const { return body_; }
  // The whole messages of the body, with their flags.
  std::vector<std::pair<bool, std::string>> messages() const;

  // What grpc-status and its details say; UNKNOWN if there is none.
  absl::Status status() const;

  bool closed() const { return closed_; }
  // How it was closed.
  Http2Error error() const { return error_; }

  // Whether the body's bytes are taken, so that more may come.
  void set_consumes(bool consumes) { consumes_ = consumes; }

 private:
  friend class RpcClient;

  void OnHead(Http2Stream&, absl::Span<const HttpField> fields) override;
  void OnData(Http2Stream& stream, std::string_view bytes) override;
  void OnTrailers(Http2Stream&, absl::Span<const HttpField> fields) override;
  void OnEnd(Http2Stream&) override {}
  void OnSent(Http2Stream&) override { changed_.Set(); }
  void OnClosed(Http2Stream&, Http2Error error, const absl::Status&) override;

  Http2Stream* stream_ = nullptr;
  Fields head_;
  Fields trailers_;
  std::string body_;
  bool consumes_ = true;
  bool closed_ = false;
  Http2Error error_ = Http2Error::kNoError;
  WakeUp changed_;
};

class RpcClient final : private Http2Session::Owner {
 public:
  RpcClient();
  // REQUIRES: Close has returned, or Connect has failed.
  ~RpcClient();

  RpcClient(const RpcClient&) = delete;
  RpcClient& operator=(const RpcClient&) = delete;

  // Connects to a port of this machine, with TLS if there is a context. False
  // if the server wants no such client.
  Task<bool> Connect(uint16_t port, const TlsContext* tls = nullptr);

  // Begins a call of a method of EchoService with the fields that every client
  // of gRPC sends, and these. With `end` there is no body.
  ClientCall& Call(std::string_view method,
                   absl::Span<const HttpField> more = {}, bool end = false);

  // The same with one message, and the end behind it.
  ClientCall& CallWith(std::string_view method,
                       const google::protobuf::MessageLite& message,
                       absl::Span<const HttpField> more = {});

  // Begins any request.
  ClientCall& Request(absl::Span<const HttpField> fields, bool end);

  // False once the server has said that it takes no more.
  bool accepting() const { return session_->accepting(); }

  // Waits until the server has closed the connection, or said that it will.
  Task<void> AwaitRetiring();
  Task<void> AwaitEnded();

  // Breaks the connection off.
  Task<void> Close();

 private:
  void OnCapacity() override { changed_.Set(); }
  void OnEnded(const absl::Status&) override;

  const Http2Limits limits_;
  std::unique_ptr<Http2Session> session_;
  std::vector<std::unique_ptr<ClientCall>> calls_;
  bool ended_ = false;
  WakeUp changed_;
};

}  // namespace gateway

#endif  // TESTS_SERVICE_RPC_RPC_CLIENT_H_
