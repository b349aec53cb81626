// CORS lets pages of other origins call an HTTP API from a browser, as far as
// the configuration says: which origins, with which headers (the CORS protocol
// of the Fetch standard).
//
//   const auto rules = std::make_shared<const CorsRules>(listener.cors());
//   CorsHandler handler(rules, std::make_unique<ApiRouter>(services));
//
// CorsRules decides, CorsHandler stands before an API: it answers a browser's
// preflights, which carry no key, and adds to every answer of the API, errors
// and streams included, what tells the browser whether the page may read it. A
// page that may not call is not held off by this - its browser does that - and
// whoever is no browser is served as without it. Where CORS is not configured
// there is no such handler.
//
// Thread contract: rules are immutable and shared by all loops; a handler
// belongs to one event loop.

#ifndef SERVICE_HTTP_CORS_H_
#define SERVICE_HTTP_CORS_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http_filter.h"
#include "base/http/http_handler.h"
#include "llmgateway/config/v1/server.pb.h"
#include "service/observability/refusal_log.h"
#include "service/pipeline/allowed_origins.h"

namespace gateway {

class CorsRules {
 public:
  using Fields = absl::InlinedVector<HttpField, 8>;

  explicit CorsRules(const llmgateway::config::v1::CorsConfig& config);

  // Returns whether this asks if another request may be sent.
  static bool IsPreflight(const HttpRequest& request);

  bool Allows(std::string_view origin) const;

  // Returns the fields for the answer to a preflight, which say what its origin
  // may do; none if nothing. They point into these rules and `request`.
  Fields PreflightFields(const HttpRequest& request) const;

  // Returns the fields for an answer to a request of `origin`, which may be
  // empty. They point into these rules.
  Fields AnswerFields(std::string_view origin) const;

 private:
  // Returns the value of Access-Control-Allow-Origin; empty if there is to be
  // none.
  std::string_view AllowOrigin(std::string_view origin) const;
  void AddOrigin(std::string_view origin, Fields* fields) const;

  AllowedOrigins origins_;
  bool any_header_ = false;
  std::string allowed_headers_;
  std::string exposed_headers_;
  bool allow_credentials_ = false;
  std::string max_age_seconds_;
};

class CorsHandler final : public HttpFilter {
 public:
  // Borrows `refusals`, which is null if they are not recorded.
  CorsHandler(std::shared_ptr<const CorsRules> rules,
              std::unique_ptr<HttpHandler> handler,
              RefusalLog* refusals = nullptr);

  HttpAdmission Admit(const HttpRequest& request,
                      HttpResponder& responder) override;
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override;
  Refusal RefuseRequest(int status, const HttpRequest& request,
                        std::string_view peer,
                        std::string_view message) override;

 private:
  Task<void> AnswerPreflight(const HttpRequest& request,
                             HttpResponder& responder);

  const std::shared_ptr<const CorsRules> rules_;
  RefusalLog* const refusals_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_CORS_H_
