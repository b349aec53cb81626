#include "service/api/health.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/timer_wheel.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {
namespace {

constexpr std::string_view kHealthService = "grpc.health.v1.Health";

// The most services that a list names: the protocol's own limit.
constexpr size_t kListedServicesLimit = 100;

// How often components are looked at for whoever watches them.
constexpr absl::Duration kLookInterval = absl::Seconds(1);

}  // namespace

HealthService::HealthService(const ComponentBoard* components)
    : components_(components) {
  statuses_[""] = Response::NOT_SERVING;
  statuses_[std::string(kReadinessService)] = Response::NOT_SERVING;
  statuses_[std::string(kLivenessService)] = Response::SERVING;
}

HealthService::~HealthService() = default;

void HealthService::AddTo(MethodTable& table) {
  table.AddUnary<Request, Response>(
      kHealthService, "Check",
      [this](CallContext& call, const Request& request, Response* response) {
        return Check(call, request, response);
      });
  table.AddServerStream<Request, Response>(
      kHealthService, "Watch",
      [this](CallContext& call, const Request& request,
             MessageWriter& writer) { return Watch(call, request, writer); });
  table.AddUnary<ListRequest, ListResponse>(
      kHealthService, "List",
      [this](CallContext& call, const ListRequest& request,
             ListResponse* response) { return List(call, request, response); });
  table.MakePublic(kHealthService);
  table.KeepWhileDraining(kHealthService);

  MutexLock lock(mu_);
  const Response::ServingStatus server = statuses_[""];
  for (const std::string& service : table.services()) {
    statuses_.try_emplace(service, server);
  }
  TellWatchers();
}

void HealthService::StartServing() {
  MutexLock lock(mu_);
  if (stopped_) return;
  for (auto& [service, status] : statuses_) status = Response::SERVING;
  TellWatchers();
}

void HealthService::SetServing(std::string_view service, bool serving) {
  MutexLock lock(mu_);
  if (stopped_) return;
  statuses_[std::string(service)] =
      serving ? Response::SERVING : Response::NOT_SERVING;
  TellWatchers();
}

void HealthService::StopServing() {
  MutexLock lock(mu_);
  if (std::exchange(stopped_, true)) return;
  for (auto& [service, status] : statuses_) {
    if (service != kLivenessService) status = Response::NOT_SERVING;
  }
  TellWatchers();
}

HealthService::Response::ServingStatus HealthService::StatusOf(
    std::string_view service) {
  Response::ServingStatus said = Response::SERVICE_UNKNOWN;
  {
    MutexLock lock(mu_);
    const auto found = statuses_.find(service);
    if (found != statuses_.end()) said = found->second;
  }
  return AsComponentsDo(service, said);
}

HealthService::Response::ServingStatus HealthService::AsComponentsDo(
    std::string_view service, Response::ServingStatus said) const {
  const bool refuses = service == kReadinessService &&
                       said == Response::SERVING && components_ != nullptr &&
                       !components_->failure().empty();
  return refuses ? Response::NOT_SERVING : said;
}

void HealthService::TellWatchers() {
  for (const std::shared_ptr<Watcher>& watcher : watchers_) watcher->Tell();
}

Task<absl::Status> HealthService::Check(CallContext& call,
                                        const Request& request,
                                        Response* response) {
  static_cast<void>(call);
  const Response::ServingStatus status = StatusOf(request.service());
  if (status == Response::SERVICE_UNKNOWN) {
    co_return MakeFault(
        v1::ERROR_REASON_NOT_FOUND,
        absl::StrCat("no such service: ", request.service()));
  }
  response->set_status(status);
  co_return absl::OkStatus();
}

Task<absl::Status> HealthService::Watch(CallContext& call,
                                        const Request& request,
                                        MessageWriter& writer) {
  const auto watcher = std::make_shared<Watcher>(call.loop());
  {
    MutexLock lock(mu_);
    watchers_.insert(watcher);
  }
  {
    CancelListener end(call.cancel(), [&] { watcher->wake_up().Set(); });
    // Components do not tell when they change.
    Timer look([&] { watcher->wake_up().Set(); });
    const bool looks =
        components_ != nullptr && request.service() == kReadinessService;
    std::optional<Response::ServingStatus> told;
    while (!call.cancel().cancelled()) {
      const Response::ServingStatus status = StatusOf(request.service());
      if (told != status) {
        told = status;
        Response response;
        response.set_status(status);
        const bool written = co_await writer.Write(response);
        if (!written) break;
      } else {
        if (looks) call.loop().ArmTimer(look, kLookInterval);
        co_await watcher->wake_up().Wait();
      }
    }
  }
  MutexLock lock(mu_);
  watchers_.erase(watcher);
  co_return call.cancel().status();
}

Task<absl::Status> HealthService::List(CallContext& call,
                                       const ListRequest& request,
                                       ListResponse* response) {
  static_cast<void>(call);
  static_cast<void>(request);
  {
    MutexLock lock(mu_);
    if (statuses_.size() > kListedServicesLimit) {
      co_return absl::ResourceExhaustedError(
          absl::StrCat("more than ", kListedServicesLimit, " services"));
    }
    for (const auto& [service, status] : statuses_) {
      (*response->mutable_statuses())[service].set_status(status);
    }
  }
  for (auto& [service, listed] : *response->mutable_statuses()) {
    listed.set_status(AsComponentsDo(service, listed.status()));
  }
  co_return absl::OkStatus();
}

}  // namespace gateway
