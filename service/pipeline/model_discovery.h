// ModelDiscovery asks the providers that are configured so which models they
// have, when somebody wants to know, and keeps the catalog of what is known.
//
//   const ModelDiscovery::Catalog catalog = co_await runtime.discovery().Ask(
//       services.loop, services.http, cancel, request_id);
//   const v1::Model* model = catalog->Find("gpt-x");
//
// A list is good for a while. Then the next caller asks again, on its own loop;
// who comes meanwhile gets the last list, or waits for the first. Nobody waits
// longer than `timeout`. A provider that fails keeps the list that it had and
// is let rest; the log says why, the caller is told nothing of it.
//
// Thread-safe. Never waits while holding its lock.

#ifndef SERVICE_PIPELINE_MODEL_DISCOVERY_H_
#define SERVICE_PIPELINE_MODEL_DISCOVERY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/registry/registry.h"
#include "service/pipeline/model_catalog.h"

namespace gateway {

class ModelDiscovery {
 public:
  using Catalog = std::shared_ptr<const ModelCatalog>;
  using ModelList = std::vector<llmgateway::v1::Model>;

  struct Limits {
    // How long a list is good, and how long a provider that failed is let be.
    absl::Duration list_age = absl::Minutes(5);
    absl::Duration rest = absl::Minutes(1);
    // How long a caller waits.
    absl::Duration timeout = absl::Seconds(5);
    // Of each provider; the first ones by name are kept.
    size_t models = 10'000;
    // Models with longer names are left out.
    size_t name_bytes = 256;
  };

  // Borrows all but the limits.
  ModelDiscovery(const ProviderRegistry& providers,
                 const llmgateway::config::v1::RoutingConfig& routing,
                 Clock& clock, const Limits& limits);
  ModelDiscovery(const ProviderRegistry& providers,
                 const llmgateway::config::v1::RoutingConfig& routing,
                 Clock& clock)
      : ModelDiscovery(providers, routing, clock, Limits()) {}
  ~ModelDiscovery();

  ModelDiscovery(const ModelDiscovery&) = delete;
  ModelDiscovery& operator=(const ModelDiscovery&) = delete;

  // Knows from here on what `previous` knows of the providers that both have,
  // the same ones and not only in name. REQUIRES: nobody has asked yet.
  void TakeOver(const ModelDiscovery& previous) LOCKS_EXCLUDED(mu_);

  // What is known now.
  Catalog catalog() const LOCKS_EXCLUDED(mu_);

  // What is known once every provider whose list is too old has been asked. If
  // `cancel` fires, at once.
  Task<Catalog> Ask(EventLoop& loop, HttpClient& http, CancelSignal& cancel,
                    std::string_view request_id) LOCKS_EXCLUDED(mu_);

 private:
  struct Waiter;  // A caller who waits for another's question.
  struct Round;   // All that one caller waits for.

  // What there is of a provider that is asked.
  struct Source {
    bool asking = false;
    // It has answered, or failed.
    bool known = false;
    // Steady; when to ask again.
    absl::Duration due = -absl::InfiniteDuration();
    // Null before the first.
    std::shared_ptr<const ModelList> models;
    // As many as calls are under way.
    std::vector<std::shared_ptr<Waiter>> waiters;
  };

  enum class Turn { kNone, kAsk, kWait };

  // Whose turn it is to ask the source. Who waits is among its waiters.
  Turn Claim(size_t index, const std::shared_ptr<Waiter>& waiter)
      LOCKS_EXCLUDED(mu_);
  void Leave(size_t index, const std::shared_ptr<Waiter>& waiter)
      LOCKS_EXCLUDED(mu_);

  Task<void> Refresh(size_t index, Round& round);
  Task<void> Question(size_t index, Round& round);

  // Ends a question.
  void Settle(size_t index, const Round& round,
              absl::StatusOr<ModelList> answer) LOCKS_EXCLUDED(mu_);
  // What the sources have, by provider.
  DiscoveredModels Discovered() const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Publish(size_t index, std::shared_ptr<const ModelList> models)
      LOCKS_EXCLUDED(mu_);
  // Lets the others go on.
  void Release(Source& source) EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // The models of an answer that can be listed, in order.
  ModelList Tidied(ModelList models) const;

  // Constant after construction.
  const ProviderRegistry& providers_;
  const llmgateway::config::v1::RoutingConfig& routing_;
  Clock& clock_;
  const Limits limits_;
  std::vector<const ProviderRegistry::Entry*> asked_;

  mutable Mutex mu_;
  std::vector<Source> sources_ GUARDED_BY(mu_);  // In the order of asked_.
  uint64_t version_ GUARDED_BY(mu_) = 0;         // Grows with every list.
  Catalog catalog_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_MODEL_DISCOVERY_H_
