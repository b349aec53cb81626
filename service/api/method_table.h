// MethodTable holds the handlers of all services that a listener serves. They
// are coroutines over protobuf messages and know no transport; an engine looks
// a call's path up and runs what it finds.
//
//   MethodTable table;
//   table.AddUnary<v1::GetModelRequest, v1::Model>(
//       "llmgateway.v1.GatewayService", "GetModel",
//       [&](CallContext& call, const v1::GetModelRequest& request,
//           v1::Model* model) { return models.Get(call, request, model); });
//   table.AddUnary("llmgateway.v1.AdminService", "ReloadConfig", *this,
//                  &ConfigAdmin::Reload);
//   table.AddServerStream<v1::GenerateRequest, v1::GenerateEvent>(
//       "llmgateway.v1.GatewayService", "StreamGenerate", ...);
//   GATEWAY_RETURN_IF_ERROR(table.status());  // At start-up.
//
// The four kinds of handler, each of which may be a coroutine itself:
//
//   Task<absl::Status>(CallContext&, const Request&, Response*)
//   Task<absl::Status>(CallContext&, const Request&, MessageWriter&)
//   Task<absl::Status>(CallContext&, MessageReader&, Response*)
//   Task<absl::Status>(CallContext&, MessageReader&, MessageWriter&)
//
// A method of one message each way whose request has a `read_mask` answers with
// those fields alone (read_mask.h).
//
// A registration is checked against the service's descriptor. A method of an
// added service that has no handler answers UNIMPLEMENTED.
//
// An engine, in short:
//
//   const Method* method = table.Find(path);
//   if (method == nullptr) Refuse(table.Unimplemented(path));
//   if (method->reads_one()) parse into method->NewRequest(call.arena());
//   if (method->writes_one()) arguments.response = method->NewResponse(...);
//   status = call.Outcome(co_await method->Run(call, arguments));
//
// Thread contract: filled by one thread; then any number may read it. Handlers
// run on the loops of their calls.

#ifndef SERVICE_API_METHOD_TABLE_H_
#define SERVICE_API_METHOD_TABLE_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/async/task.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"

namespace gateway {

// The arguments of a handler beside its context: one of each pair is set, by
// the kind of its method. The messages live on the call's arena.
struct HandlerArguments {
  const google::protobuf::Message* request = nullptr;
  MessageReader* reader = nullptr;
  google::protobuf::Message* response = nullptr;
  MessageWriter* writer = nullptr;
};

class Method {
 public:
  using Handler =
      std::function<Task<absl::Status>(CallContext&, const HandlerArguments&)>;

  // How the callers of a service are found out.
  struct Authorization {
    // OK, or why the caller is refused, by what the head of the call says. May
    // be asked twice for one call, and is asked again and again for one that
    // answers with many messages (standing_check.h).
    std::function<absl::Status(const CallContext&)> check;
    // Called once for each call that the table refuses; may be null.
    std::function<void(const CallContext&, const absl::Status&)> on_refusal;
    // The methods whose handlers run a call through the pipeline, which asks
    // who makes it and records what it refuses as any other call. The handlers
    // of all others are not run for unauthenticated callers.
    std::vector<std::string_view> run_calls;
  };

  // The name as `package.Service/Method`.
  std::string_view name() const { return name_; }
  const google::protobuf::MethodDescriptor& descriptor() const {
    return *descriptor_;
  }

  // True if the client sends, and the server answers with, just one message.
  bool reads_one() const { return !descriptor_->client_streaming(); }
  bool writes_one() const { return !descriptor_->server_streaming(); }

  // Returns whether the caller is known, by what the head of `call` says. An
  // engine asks where a request does not come together with its head, and keeps
  // nothing of the request if not: it runs the method at once, with an empty
  // request, to say why.
  bool Authorizes(const CallContext& call) const {
    return check_ == nullptr || check_(call).ok();
  }

  // True if anybody may call the method, with a key or without. An engine gives
  // such calls little: a request of kPublicMessageBytesMax at most, and
  // memory within a bound for all of them.
  bool is_public() const { return is_public_; }

  // True if calls are accepted and go on while the server drains, as questions
  // about its health must. The drain does not wait for them.
  bool kept_while_draining() const { return kept_while_draining_; }

  google::protobuf::Message* NewRequest(google::protobuf::Arena* arena) const {
    return request_->New(arena);
  }
  google::protobuf::Message* NewResponse(google::protobuf::Arena* arena) const {
    return response_->New(arena);
  }

  // Runs the handler, or refuses the caller. Both arguments must outlive the
  // task.
  Task<absl::Status> Run(CallContext& call,
                         const HandlerArguments& arguments) const {
    return handler_(call, arguments);
  }

 private:
  friend class MethodTable;

  std::string name_;
  const google::protobuf::MethodDescriptor* descriptor_ = nullptr;
  const google::protobuf::Message* request_ = nullptr;
  const google::protobuf::Message* response_ = nullptr;
  Handler handler_;
  // Null if callers are not asked for a key.
  std::function<absl::Status(const CallContext&)> check_;
  bool is_public_ = false;
  bool kept_while_draining_ = false;
};

// The largest message of a public method: enough for names and short
// texts.
inline constexpr size_t kPublicMessageBytesMax = 16 * 1024;

class MethodTable {
 public:
  MethodTable() = default;
  MethodTable(const MethodTable&) = delete;
  MethodTable& operator=(const MethodTable&) = delete;

  template <typename Request, typename Response, typename Handler>
  void AddUnary(std::string_view service, std::string_view method,
                Handler handler) {
    static_assert(std::is_invocable_r_v<Task<absl::Status>, Handler&,
                                        CallContext&, const Request&,
                                        Response*>);
    Add<Request, Response>(
        service, method, false, false,
        [handler = std::move(handler)](
            CallContext& call, const HandlerArguments& arguments) mutable {
          return handler(call,
                         static_cast<const Request&>(*arguments.request),
                         static_cast<Response*>(arguments.response));
        });
  }

  // The same with a method of `object`, which the table borrows.
  template <typename Object, typename Request, typename Response>
  void AddUnary(std::string_view service, std::string_view method,
                Object& object,
                Task<absl::Status> (Object::*handler)(CallContext&,
                                                      const Request&,
                                                      Response*)) {
    AddUnary<Request, Response>(
        service, method,
        [&object, handler](CallContext& call, const Request& request,
                           Response* response) {
          return (object.*handler)(call, request, response);
        });
  }

  template <typename Request, typename Response, typename Handler>
  void AddServerStream(std::string_view service, std::string_view method,
                       Handler handler) {
    static_assert(std::is_invocable_r_v<Task<absl::Status>, Handler&,
                                        CallContext&, const Request&,
                                        MessageWriter&>);
    Add<Request, Response>(
        service, method, false, true,
        [handler = std::move(handler)](
            CallContext& call, const HandlerArguments& arguments) mutable {
          return handler(call,
                         static_cast<const Request&>(*arguments.request),
                         *arguments.writer);
        });
  }

  template <typename Request, typename Response, typename Handler>
  void AddClientStream(std::string_view service, std::string_view method,
                       Handler handler) {
    static_assert(std::is_invocable_r_v<Task<absl::Status>, Handler&,
                                        CallContext&, MessageReader&,
                                        Response*>);
    Add<Request, Response>(
        service, method, true, false,
        [handler = std::move(handler)](
            CallContext& call, const HandlerArguments& arguments) mutable {
          return handler(call, *arguments.reader,
                         static_cast<Response*>(arguments.response));
        });
  }

  template <typename Request, typename Response, typename Handler>
  void AddBidiStream(std::string_view service, std::string_view method,
                     Handler handler) {
    static_assert(std::is_invocable_r_v<Task<absl::Status>, Handler&,
                                        CallContext&, MessageReader&,
                                        MessageWriter&>);
    Add<Request, Response>(
        service, method, true, true,
        [handler = std::move(handler)](
            CallContext& call, const HandlerArguments& arguments) mutable {
          return handler(call, *arguments.reader, *arguments.writer);
        });
  }

  // Adds a service whose methods answer UNIMPLEMENTED until they get handlers.
  // The Add... above do this by themselves.
  void AddService(std::string_view service);

  // Serves the methods of the service to those callers only whom
  // `authorization` knows, and has an engine ask before it keeps a request.
  // REQUIRES: the service has been added with its handlers. One that is added
  // later is a mistake, and not served.
  void AuthorizeBy(std::string_view service,
                   const Method::Authorization& authorization);

  // Limits calls of a service that has been added to what is fit for callers
  // whose key is not asked for.
  void MakePublic(std::string_view service);

  // Lets calls of a service that has been added go on while the server drains.
  void KeepWhileDraining(std::string_view service);

  // OK, or all mistakes made in filling the table.
  absl::Status status() const;

  // Returns the method at `/package.Service/Method`, or null if none has a
  // handler.
  const Method* Find(std::string_view path) const {
    const auto found = by_path_.find(path);
    return found == by_path_.end() ? nullptr : found->second;
  }

  // Returns the answer to a call of a path that Find does not know.
  absl::Status Unimplemented(std::string_view path) const;

  // Returns the full names of the services, sorted.
  std::vector<std::string> services() const;

 private:
  // Returns the methods of a service that have handlers. Records a mistake if
  // the service has not been added.
  std::vector<Method*> MethodsOf(std::string_view service);

  template <typename Request, typename Response>
  void Add(std::string_view service, std::string_view method,
           bool client_streams, bool server_streams, Method::Handler handler) {
    AddChecked(service, method, client_streams, server_streams,
               Request::default_instance(), Response::default_instance(),
               std::move(handler));
  }

  void AddChecked(std::string_view service, std::string_view method,
                  bool client_streams, bool server_streams,
                  const google::protobuf::Message& request,
                  const google::protobuf::Message& response,
                  Method::Handler handler);

  // Returns null, and records a mistake, if the linked contract has no such
  // service.
  const google::protobuf::ServiceDescriptor* FindOrAddService(
      std::string_view service);

  std::map<std::string, const google::protobuf::ServiceDescriptor*,
           std::less<>>
      services_;
  // By path, which begins with a slash. Methods do not move.
  std::map<std::string, Method, std::less<>> methods_;
  absl::flat_hash_map<std::string_view, const Method*> by_path_;
  std::set<std::string, std::less<>> authorized_;
  std::vector<std::string> mistakes_;
};

}  // namespace gateway

#endif  // SERVICE_API_METHOD_TABLE_H_
