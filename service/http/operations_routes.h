// OperationsRoutes is what the operations listener serves to orchestrators and
// monitors, in plain text:
//
//   GET /livez    200 as long as the process runs
//   GET /readyz   200 while calls are taken, 503 and why while they are not:
//                 at the start and the end, and while one of the components
//                 has them refused. Never for what a provider does
//   GET /metrics  every metric, as Prometheus reads it
//
// It asks for no key and shows nothing that needs one: keep the listener on a
// private network all the same. To write all metrics down takes milliseconds:
// a page is shared by those who ask while others do, see MetricsPage.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_OPERATIONS_ROUTES_H_
#define SERVICE_HTTP_OPERATIONS_ROUTES_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "service/api/component_board.h"
#include "service/api/readiness.h"
#include "service/observability/metrics.h"
#include "service/observability/metrics_text.h"
#include "service/observability/open_metrics_text.h"
#include "service/observability/refusal_log.h"

namespace gateway {

class OperationsRoutes final : public HttpHandler {
 public:
  // Borrows all; `refusals` is null if they are not recorded, `components` if
  // there are none. Where `open_metrics`, scrapers that accept that format get
  // it.
  OperationsRoutes(const Readiness& readiness, const MetricRegistry& metrics,
                   RefusalLog* refusals = nullptr, bool open_metrics = false,
                   const ComponentBoard* components = nullptr)
      : readiness_(readiness),
        metrics_(metrics),
        refusals_(refusals),
        open_metrics_(open_metrics),
        components_(components) {}

  // Accepts no body.
  HttpAdmission Admit(const HttpRequest&, HttpResponder&) override {
    return false;
  }
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override;

 private:
  // All metrics in one format.
  struct Page {
    std::string (*write)(const MetricsSnapshot& snapshot);
    std::shared_ptr<const std::string> text;
    absl::Duration made = -absl::InfiniteDuration();
    absl::Duration due = -absl::InfiniteDuration();
  };

  // Returns the page as it is now or, if many are asked for, as it was at most
  // kPageInterval ago.
  std::shared_ptr<const std::string> MetricsPage(Page& page);

  // How often a page is made if many are asked for, and how many may be made at
  // once before.
  static constexpr absl::Duration kPageInterval = absl::Milliseconds(50);
  static constexpr int kPagesAtOnce = 20;

  const Readiness& readiness_;
  const MetricRegistry& metrics_;
  RefusalLog* const refusals_;
  const bool open_metrics_;
  const ComponentBoard* const components_;
  Page page_{.write = MetricsText};
  Page open_page_{.write = OpenMetricsText};
};

}  // namespace gateway

#endif  // SERVICE_HTTP_OPERATIONS_ROUTES_H_
