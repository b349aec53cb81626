#include "service/http/operations_routes.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "base/async/event_loop.h"
#include "base/string_view.h"
#include "base/text/short_text.h"
#include "service/api/call_context.h"
#include "service/http/refusal_watch.h"

namespace gateway {
namespace {

constexpr std::string_view kLive = "/livez";
constexpr std::string_view kReady = "/readyz";
constexpr std::string_view kMetrics = "/metrics";

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr char kPaths[] = "GET /livez, GET /readyz and GET /metrics\n";

struct Answer {
  int status = 200;
  std::string_view content_type = kText;
  std::string body;
  std::shared_ptr<const std::string> page;  // If set, sent in place of `body`.
};

Answer AnswerReady(Readiness::State state, const ComponentBoard* components) {
  switch (state) {
    case Readiness::State::kStarting:
      return {503, kText, "not ready: the gateway is starting\n"};
    case Readiness::State::kServing: {
      const std::string failure =
          components == nullptr ? std::string() : components->failure();
      if (failure.empty()) return {200, kText, "ready\n"};
      return {503, kText, absl::StrCat("not ready: ", failure, "\n")};
    }
    case Readiness::State::kDraining:
      break;
  }
  return {503, kText, "not ready: the gateway is shutting down\n"};
}

}  // namespace

// Allows one page for each interval; a few of intervals in which none was asked
// for are saved up. In one turn of the loop one page is enough.
std::shared_ptr<const std::string> OperationsRoutes::MetricsPage(Page& page) {
  const absl::Duration now = EventLoop::Current()->Now();
  if (now == page.made || now < page.due) return page.text;
  page.made = now;
  page.due =
      std::max(page.due, now - kPagesAtOnce * kPageInterval) + kPageInterval;
  page.text = std::make_shared<const std::string>(page.write(metrics_.Read()));
  return page.text;
}

Task<void> OperationsRoutes::Handle(const HttpRequest& request,
                                    HttpResponder& responder) {
  const bool known = request.path == kLive || request.path == kReady ||
                     request.path == kMetrics;
  const bool reads = request.method == "GET" || request.method == "HEAD";
  Answer answer;
  if (!known) {
    answer = {404, kText,
              absl::StrCat("there is no such path; there are ", kPaths)};
  } else if (!reads) {
    answer = {405, kText,
              absl::StrCat("there is no ", ToAbsl(request.method),
                           " here; there are ", kPaths)};
  } else if (request.path == kReady) {
    answer = AnswerReady(readiness_.state(), components_);
  } else if (request.path == kMetrics) {
    if (open_metrics_ && AcceptsOpenMetrics(request.Find("accept"))) {
      answer = {200, kOpenMetricsContentType, "", MetricsPage(open_page_)};
    } else {
      answer = {200, kMetricsTextContentType, "", MetricsPage(page_)};
    }
  } else {
    answer.body = "alive\n";
  }
  const ShortText id = RequestIdFor(request.Find(kRequestIdHeader));
  RecordRefusal(refusals_, request, responder, answer.status, id, answer.body);
  absl::InlinedVector<HttpField, 4> fields = {
      {"content-type", answer.content_type},
      {"cache-control", "no-store"},
      {kRequestIdHeader, id}};
  if (answer.status == 405) fields.push_back({"allow", "GET, HEAD"});
  const std::string_view body[] = {answer.page != nullptr ? *answer.page
                                                          : answer.body};
  // An error means that the client does not take it.
  (co_await responder.Send({answer.status, fields}, body)).IgnoreError();
}

}  // namespace gateway
