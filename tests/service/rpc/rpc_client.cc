#include "tests/service/rpc/rpc_client.h"

#include <cstdlib>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/net/stream.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "google/rpc/status.pb.h"
#include "service/rpc/binary_metadata.h"
#include "service/rpc/message_encoding.h"
#include "service/rpc/message_framing.h"
#include "tests/testing/stream_pair.h"

namespace gateway {
namespace {

ClientCall::Fields CopiedFields(absl::Span<const HttpField> fields) {
  ClientCall::Fields copied;
  for (const HttpField& field : fields) {
    copied.emplace_back(field.name, field.value);
  }
  return copied;
}

const std::string* Find(const ClientCall::Fields& fields,
                        std::string_view name) {
  for (const auto& field : fields) {
    if (field.first == name) return &field.second;
  }
  return nullptr;
}

}  // namespace

std::string Framed(std::string_view message, bool compressed) {
  std::string framed(kMessagePrefixBytes, '\0');
  WriteMessagePrefix(compressed, message.size(), framed.data());
  framed.append(message);
  return framed;
}

std::string Framed(const google::protobuf::MessageLite& message) {
  return Framed(std::string_view(message.SerializeAsString()));
}

// ClientCall

Task<void> ClientCall::AwaitClosed() {
  while (!closed_) co_await changed_.Wait();
}

Task<void> ClientCall::AwaitHead() {
  while (head_.empty() && !closed_) co_await changed_.Wait();
}

Task<void> ClientCall::AwaitBody(size_t bytes) {
  while (body_.size() < bytes && !closed_) co_await changed_.Wait();
}

Task<void> ClientCall::AwaitSent() {
  while (!closed_ && stream_->unsent() > 0) co_await changed_.Wait();
}

std::string ClientCall::Field(std::string_view name) const {
  const std::string* value = Find(trailers_, name);
  if (value == nullptr) value = Find(head_, name);
  return value == nullptr ? std::string() : *value;
}

std::vector<std::pair<bool, std::string>> ClientCall::messages() const {
  std::vector<std::pair<bool, std::string>> messages;
  std::string_view rest = body_;
  while (rest.size() >= kMessagePrefixBytes) {
    size_t size = 0;
    for (size_t i = 1; i < kMessagePrefixBytes; ++i) {
      size = size << 8 | static_cast<unsigned char>(rest[i]);
    }
    if (rest.size() < kMessagePrefixBytes + size) break;
    messages.emplace_back(rest[0] != 0, rest.substr(kMessagePrefixBytes, size));
    rest.remove_prefix(kMessagePrefixBytes + size);
  }
  return messages;
}

absl::Status ClientCall::status() const {
  const std::string code = Field("grpc-status");
  if (code == "0") return absl::OkStatus();
  google::rpc::Status status;
  int number = 0;
  if (!absl::SimpleAtoi(code, &number)) {
    return absl::UnknownError("the call has no grpc-status");
  }
  const std::string text = Field("grpc-status-details-bin");
  std::string bytes(text.size(), '\0');
  const std::optional<size_t> size = DecodeBase64(text, bytes.data());
  if (!size.has_value()) return absl::UnknownError("details are no base64");
  bytes.resize(*size);
  if (!status.ParseFromString(bytes) || status.code() != number) {
    return absl::UnknownError("details do not go with the grpc-status");
  }
  return FromRpcStatus(status);
}

void ClientCall::OnHead(Http2Stream&, absl::Span<const HttpField> fields) {
  head_ = CopiedFields(fields);
  changed_.Set();
}

void ClientCall::OnData(Http2Stream& stream, std::string_view bytes) {
  body_ += bytes;
  if (consumes_) stream.Consume(bytes.size());
  changed_.Set();
}

void ClientCall::OnTrailers(Http2Stream&, absl::Span<const HttpField> fields) {
  trailers_ = CopiedFields(fields);
}

void ClientCall::OnClosed(Http2Stream&, Http2Error error,
                          const absl::Status&) {
  closed_ = true;
  error_ = error;
  stream_ = nullptr;
  changed_.Set();
}

// RpcClient

RpcClient::RpcClient() = default;

RpcClient::~RpcClient() = default;

Task<bool> RpcClient::Connect(uint16_t port, const TlsContext* tls) {
  std::unique_ptr<Stream> stream = BeginConnectTo(port);
  absl::Status connected = co_await stream->Connected();
  if (connected.ok() && tls != nullptr) {
    const std::string server = "localhost";
    connected = co_await stream->StartTls(*tls, server);
  }
  if (!connected.ok()) co_return false;
  Http2Session::Owner& owner = *this;
  session_ = std::make_unique<Http2Session>(
      Http2Session::Role::kClient, std::move(stream), limits_, owner);
  session_->Start();
  co_return true;
}

ClientCall& RpcClient::Call(std::string_view method,
                            absl::Span<const HttpField> more, bool end) {
  const std::string path = absl::StrCat(
      "/llmgateway.testing.v1.EchoService/", ToAbsl(method));
  std::vector<HttpField> fields = {{":method", "POST"},
                                   {":scheme", "http"},
                                   {":authority", "test"},
                                   {":path", path},
                                   {"te", "trailers"},
                                   {"content-type", "application/grpc"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return Request(fields, end);
}

ClientCall& RpcClient::CallWith(std::string_view method,
                                const google::protobuf::MessageLite& message,
                                absl::Span<const HttpField> more) {
  ClientCall& call = Call(method, more);
  call.stream().Send(Framed(message));
  call.stream().End();
  return call;
}

ClientCall& RpcClient::Request(absl::Span<const HttpField> fields, bool end) {
  calls_.push_back(std::make_unique<ClientCall>());
  ClientCall& call = *calls_.back();
  call.stream_ = session_->StartRequest(fields, end, call);
  if (call.stream_ == nullptr) std::abort();  // See accepting().
  return call;
}

Task<void> RpcClient::AwaitRetiring() {
  while (!ended_ && !session_->retiring()) co_await changed_.Wait();
}

Task<void> RpcClient::AwaitEnded() {
  while (!ended_) co_await changed_.Wait();
}

Task<void> RpcClient::Close() {
  if (session_ == nullptr) co_return;
  if (!ended_) session_->Close(absl::OkStatus());
  co_await AwaitEnded();
  session_.reset();
}

void RpcClient::OnEnded(const absl::Status&) {
  ended_ = true;
  changed_.Set();
}

}  // namespace gateway
