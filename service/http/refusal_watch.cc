#include "service/http/refusal_watch.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text/short_text.h"
#include "service/api/call_context.h"

namespace gateway {

void RecordRefusal(RefusalLog* log, const HttpRequest& request,
                   const HttpResponder& responder, int status,
                   std::string_view request_id, std::string_view why) {
  if (log == nullptr || status < 400 || status > 499) return;
  const std::string code = absl::StrCat(status);
  log->Request(
      {.code = code,
       .method = request.method,
       .path = request.path,
       .peer = responder.peer(),
       .request_id = request_id,
       // Without the line end that a text for people has.
       .why = why.ends_with('\n') ? why.substr(0, why.size() - 1) : why});
}

RefusalWatch::RefusalWatch(RefusalLog& log,
                           std::unique_ptr<HttpHandler> handler)
    : HttpFilter(std::move(handler)), log_(log) {}

HttpHandler::Refusal RefusalWatch::RefuseRequest(int status,
                                                 const HttpRequest& request,
                                                 std::string_view peer,
                                                 std::string_view message) {
  const ShortText id = RequestIdFor(request.Find(kRequestIdHeader));
  Refusal refusal = next().RefuseRequest(status, request, peer, message);
  const std::string code = absl::StrCat(refusal.StatusFor(status));
  log_.Request({.code = code,
                .method = request.method,
                .path = request.path,
                .peer = peer,
                .request_id = id,
                .why = message});
  refusal.fields.push_back(
      {std::string(kRequestIdHeader), std::string(std::string_view(id))});
  return refusal;
}

void RefusalWatch::ConnectionFlooded(std::string_view peer,
                                     const absl::Status& why) {
  log_.Flood(peer, why);
  next().ConnectionFlooded(peer, why);
}

void RefusalWatch::HandshakeFailed(std::string_view peer,
                                   const absl::Status& why) {
  log_.Handshake(peer, why);
  next().HandshakeFailed(peer, why);
}

}  // namespace gateway
