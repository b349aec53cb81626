#include "service/http/cors.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/text/short_text.h"
#include "service/api/call_context.h"
#include "service/http/refusal_watch.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::CorsConfig;

constexpr std::string_view kAskedMethod = "access-control-request-method";
constexpr std::string_view kAskedHeaders = "access-control-request-headers";

// The methods of all APIs; which of them a path takes, its API says.
constexpr std::string_view kMethods = "GET, HEAD, POST, PUT, PATCH, DELETE";

// Adds fields to the head of the answer.
class AddingResponder final : public HttpResponder {
 public:
  // Borrows both.
  AddingResponder(HttpResponder& inner, const CorsRules::Fields& added)
      : inner_(inner), added_(added) {}

  Task<absl::Status> Send(HttpAnswerHead head,
                          absl::Span<const std::string_view> body) override {
    const CorsRules::Fields fields = FieldsOf(head);
    co_return co_await inner_.Send({head.status, fields}, body);
  }
  void Start(HttpAnswerHead head) override {
    const CorsRules::Fields fields = FieldsOf(head);
    inner_.Start({head.status, fields});
  }
  Task<absl::Status> Write(absl::Span<const std::string_view> pieces) override {
    return inner_.Write(pieces);
  }
  Task<absl::Status> Finish() override { return inner_.Finish(); }
  void Abort() override { inner_.Abort(); }
  void GoOnAfterAnswer() override { inner_.GoOnAfterAnswer(); }
  CancelSignal& gone() override { return inner_.gone(); }
  std::string_view peer() const override { return inner_.peer(); }
  std::string_view peer_names() const override { return inner_.peer_names(); }

 private:
  CorsRules::Fields FieldsOf(const HttpAnswerHead& head) const {
    CorsRules::Fields fields(head.fields.begin(), head.fields.end());
    fields.insert(fields.end(), added_.begin(), added_.end());
    return fields;
  }

  HttpResponder& inner_;
  const CorsRules::Fields& added_;
};

}  // namespace

CorsRules::CorsRules(const CorsConfig& config)
    : origins_(config),
      exposed_headers_(absl::StrJoin(config.exposed_headers(), ", ")),
      allow_credentials_(config.allow_credentials()),
      max_age_seconds_(absl::StrCat(config.max_age().seconds())) {
  for (const std::string& header : config.allowed_headers()) {
    if (header == "*") any_header_ = true;
  }
  if (!any_header_) {
    allowed_headers_ = absl::StrJoin(config.allowed_headers(), ", ");
  }
}

bool CorsRules::IsPreflight(const HttpRequest& request) {
  return request.method == "OPTIONS" && !request.Find("origin").empty() &&
         !request.Find(kAskedMethod).empty();
}

bool CorsRules::Allows(std::string_view origin) const {
  return !AllowOrigin(origin).empty();
}

std::string_view CorsRules::AllowOrigin(std::string_view origin) const {
  if (origin.empty()) return {};
  return origins_.all() ? "*" : origins_.Find(origin);
}

void CorsRules::AddOrigin(std::string_view origin, Fields* fields) const {
  // The answer differs by origin, so that no cache may use it for another.
  if (!origins_.all()) fields->push_back({"vary", "Origin"});
  const std::string_view allowed = AllowOrigin(origin);
  if (allowed.empty()) return;
  fields->push_back({"access-control-allow-origin", allowed});
  if (allow_credentials_ && !origins_.all()) {
    fields->push_back({"access-control-allow-credentials", "true"});
  }
}

CorsRules::Fields CorsRules::PreflightFields(const HttpRequest& request) const {
  const std::string_view origin = request.Find("origin");
  const std::string_view asked = request.Find(kAskedHeaders);
  Fields fields;
  AddOrigin(origin, &fields);
  if (any_header_) {
    fields.push_back({"vary", "Access-Control-Request-Headers"});
  }
  if (!Allows(origin)) return fields;
  fields.push_back({"access-control-allow-methods", kMethods});
  // The fields asked for are listed, since a star would not stand for
  // Authorization, which callers send.
  const std::string_view headers =
      any_header_ ? asked : std::string_view(allowed_headers_);
  if (!headers.empty()) {
    fields.push_back({"access-control-allow-headers", headers});
  }
  fields.push_back({"access-control-max-age", max_age_seconds_});
  return fields;
}

CorsRules::Fields CorsRules::AnswerFields(std::string_view origin) const {
  Fields fields;
  AddOrigin(origin, &fields);
  if (Allows(origin) && !exposed_headers_.empty()) {
    fields.push_back({"access-control-expose-headers", exposed_headers_});
  }
  return fields;
}

CorsHandler::CorsHandler(std::shared_ptr<const CorsRules> rules,
                         std::unique_ptr<HttpHandler> handler,
                         RefusalLog* refusals)
    : HttpFilter(std::move(handler)),
      rules_(std::move(rules)),
      refusals_(refusals) {}

HttpAdmission CorsHandler::Admit(const HttpRequest& request,
                                 HttpResponder& responder) {
  if (CorsRules::IsPreflight(request)) return false;  // It has no body.
  return next().Admit(request, responder);
}

Task<void> CorsHandler::Handle(const HttpRequest& request,
                               HttpResponder& responder) {
  if (CorsRules::IsPreflight(request)) {
    co_await AnswerPreflight(request, responder);
    co_return;
  }
  const CorsRules::Fields added = rules_->AnswerFields(request.Find("origin"));
  AddingResponder adding(responder, added);
  co_await next().Handle(request, adding);
}

Task<void> CorsHandler::AnswerPreflight(const HttpRequest& request,
                                        HttpResponder& responder) {
  CorsRules::Fields fields = rules_->PreflightFields(request);
  const ShortText id = RequestIdFor(request.Find(kRequestIdHeader));
  fields.push_back({kRequestIdHeader, id});
  if (rules_->Allows(request.Find("origin"))) {
    (co_await responder.Send({204, fields}, {})).IgnoreError();
    co_return;
  }
  fields.push_back({"content-type", "text/plain; charset=utf-8"});
  // Shown to people who look why the browser refuses.
  const std::string_view body[] = {
      "pages of this origin may not call this gateway: it is not among "
      "cors.allowed_origins\n"};
  RecordRefusal(refusals_, request, responder, 403, id, body[0]);
  (co_await responder.Send({403, fields}, body)).IgnoreError();
}

HttpHandler::Refusal CorsHandler::RefuseRequest(int status,
                                                const HttpRequest& request,
                                                std::string_view peer,
                                                std::string_view message) {
  Refusal refusal = next().RefuseRequest(status, request, peer, message);
  for (const HttpField& field : rules_->AnswerFields(request.Find("origin"))) {
    refusal.fields.push_back(
        {std::string(field.name), std::string(field.value)});
  }
  return refusal;
}

}  // namespace gateway
