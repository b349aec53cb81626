#include "service/api/method_table.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/api/read_mask.h"
#include "service/api/standing_check.h"

namespace gateway {
namespace {

using ::google::protobuf::DescriptorPool;
using ::google::protobuf::Message;
using ::google::protobuf::MethodDescriptor;
using ::google::protobuf::ServiceDescriptor;

// Returns a signature as in a .proto: `(stream Question) returns (Answer)`.
std::string Signature(bool client_streams, std::string_view request,
                      bool server_streams, std::string_view response) {
  return absl::StrCat("(", client_streams ? "stream " : "", ToAbsl(request),
                      ") returns (", server_streams ? "stream " : "",
                      ToAbsl(response), ")");
}

Task<absl::Status> RunGuarded(const Method::Authorization& authorization,
                              const Method::Handler& handler, CallContext& call,
                              const HandlerArguments& arguments) {
  const absl::Status status = authorization.check(call);
  if (status.ok()) {
    std::optional<StandingCheck> standing;
    if (arguments.writer != nullptr) {
      standing.emplace(call, authorization.check);
    }
    co_return co_await handler(call, arguments);
  }
  if (authorization.on_refusal != nullptr) {
    authorization.on_refusal(call, status);
  }
  co_return status;
}

// Runs `handler` for callers whom `authorization` knows.
Method::Handler Guarded(const Method::Authorization& authorization,
                        Method::Handler handler) {
  return [authorization, handler = std::move(handler)](
             CallContext& call, const HandlerArguments& arguments) {
    return RunGuarded(authorization, handler, call, arguments);
  };
}

Task<absl::Status> RunTrimmed(const Method::Handler& handler, CallContext& call,
                              const HandlerArguments& arguments) {
  GATEWAY_CO_RETURN_IF_ERROR(
      CheckReadMask(*arguments.request, *arguments.response));
  GATEWAY_CO_RETURN_IF_ERROR(co_await handler(call, arguments));
  TrimToReadMask(*arguments.request, arguments.response);
  co_return absl::OkStatus();
}

// Runs `handler`, and keeps of its answer what is asked for.
Method::Handler Trimmed(Method::Handler handler) {
  return [handler = std::move(handler)](CallContext& call,
                                        const HandlerArguments& arguments) {
    return RunTrimmed(handler, call, arguments);
  };
}

std::string Signature(const MethodDescriptor& method) {
  return Signature(method.client_streaming(), method.input_type()->full_name(),
                   method.server_streaming(),
                   method.output_type()->full_name());
}

}  // namespace

const ServiceDescriptor* MethodTable::FindOrAddService(
    std::string_view service) {
  const auto known = services_.find(service);
  if (known != services_.end()) return known->second;
  const ServiceDescriptor* const descriptor =
      DescriptorPool::generated_pool()->FindServiceByName(
          std::string(service));
  if (descriptor != nullptr) services_.emplace(service, descriptor);
  return descriptor;
}

void MethodTable::AddService(std::string_view service) {
  if (FindOrAddService(service) == nullptr) {
    mistakes_.push_back(absl::StrCat(ToAbsl(service), ": no such service"));
  }
}

void MethodTable::AddChecked(std::string_view service, std::string_view method,
                             bool client_streams, bool server_streams,
                             const Message& request, const Message& response,
                             Method::Handler handler) {
  std::string name = absl::StrCat(ToAbsl(service), "/", ToAbsl(method));
  const ServiceDescriptor* const found = FindOrAddService(service);
  if (found == nullptr) {
    mistakes_.push_back(absl::StrCat(name, ": no such service"));
    return;
  }
  const MethodDescriptor* const descriptor =
      found->FindMethodByName(std::string(method));
  if (descriptor == nullptr) {
    mistakes_.push_back(absl::StrCat(name, ": no such method"));
    return;
  }
  const std::string given =
      Signature(client_streams, request.GetDescriptor()->full_name(),
                server_streams, response.GetDescriptor()->full_name());
  const std::string wanted = Signature(*descriptor);
  if (given != wanted) {
    mistakes_.push_back(absl::StrCat(name, ": the handler is ", given,
                                     ", the contract says ", wanted));
    return;
  }
  if (authorized_.contains(service)) {
    mistakes_.push_back(
        absl::StrCat(name,
                     ": is added after AuthorizeBy, and nobody asks who "
                     "calls it"));
    return;
  }
  const auto [entry, added] = methods_.try_emplace(absl::StrCat("/", name));
  if (!added) {
    mistakes_.push_back(absl::StrCat(name, ": has a handler already"));
    return;
  }
  Method& stored = entry->second;
  stored.name_ = std::move(name);
  stored.descriptor_ = descriptor;
  stored.request_ = &request;
  stored.response_ = &response;
  const bool trims = !client_streams && !server_streams &&
                     HasReadMask(*request.GetDescriptor());
  stored.handler_ = trims ? Trimmed(std::move(handler)) : std::move(handler);
  by_path_.emplace(entry->first, &stored);
}

std::vector<Method*> MethodTable::MethodsOf(std::string_view service) {
  if (services_.find(service) == services_.end()) {
    mistakes_.push_back(absl::StrCat(ToAbsl(service), ": not added yet"));
  }
  std::vector<Method*> found;
  for (auto& [path, method] : methods_) {
    if (method.descriptor_->service()->full_name() == service) {
      found.push_back(&method);
    }
  }
  return found;
}

void MethodTable::MakePublic(std::string_view service) {
  for (Method* method : MethodsOf(service)) method->is_public_ = true;
}

void MethodTable::KeepWhileDraining(std::string_view service) {
  for (Method* method : MethodsOf(service)) {
    method->kept_while_draining_ = true;
  }
}

void MethodTable::AuthorizeBy(std::string_view service,
                              const Method::Authorization& authorization) {
  authorized_.insert(std::string(service));
  for (Method* method : MethodsOf(service)) {
    method->check_ = authorization.check;
    const std::string& name = method->descriptor_->name();
    if (std::find(authorization.run_calls.begin(),
                  authorization.run_calls.end(),
                  name) != authorization.run_calls.end()) {
      continue;
    }
    method->handler_ = Guarded(authorization, std::move(method->handler_));
  }
}

absl::Status MethodTable::status() const {
  if (mistakes_.empty()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("method table: ", absl::StrJoin(mistakes_, "; ")));
}

absl::Status MethodTable::Unimplemented(std::string_view path) const {
  const std::string_view name = path.substr(path.starts_with('/') ? 1 : 0);
  const std::string_view service = name.substr(0, name.rfind('/'));
  const auto known = services_.find(service);
  if (known == services_.end()) {
    return MakeFault(v1::ERROR_REASON_UNIMPLEMENTED,
                     absl::StrCat("no such service: ", ToAbsl(service)));
  }
  const bool declared =
      name.size() > service.size() &&
      known->second->FindMethodByName(
          std::string(name.substr(service.size() + 1))) != nullptr;
  return MakeFault(
      v1::ERROR_REASON_UNIMPLEMENTED,
      declared ? absl::StrCat(ToAbsl(name), " is not served by this build")
               : absl::StrCat("no such method: ", ToAbsl(name)));
}

std::vector<std::string> MethodTable::services() const {
  std::vector<std::string> names;
  names.reserve(services_.size());
  for (const auto& [name, descriptor] : services_) names.push_back(name);
  return names;
}

}  // namespace gateway
