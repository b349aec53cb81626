// HttpFilter stands before another handler. Whatever it does not override goes
// on to that one, so that a filter sees to one thing and swallows nothing:
//
//   class Counting final : public HttpFilter {
//    public:
//     using HttpFilter::HttpFilter;
//     Task<void> Handle(const HttpRequest& request,
//                       HttpResponder& responder) override {
//       ++requests_;
//       return next().Handle(request, responder);
//     }
//
// What a server asks for where it refuses is RefuseRequest: a filter that has
// something to add adds it there.
//
// Thread contract: that of the handler.

#ifndef BASE_HTTP_HTTP_FILTER_H_
#define BASE_HTTP_HTTP_FILTER_H_

#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"

namespace gateway {

class HttpFilter : public HttpHandler {
 public:
  explicit HttpFilter(std::unique_ptr<HttpHandler> next)
      : next_(std::move(next)) {}

  HttpAdmission Admit(const HttpRequest& request,
                      HttpResponder& responder) override {
    return next_->Admit(request, responder);
  }
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    return next_->Handle(request, responder);
  }
  Refusal Refuse(int status, std::string_view path,
                 std::string_view message) override {
    return next_->Refuse(status, path, message);
  }
  Refusal RefuseRequest(int status, const HttpRequest& request,
                        std::string_view peer,
                        std::string_view message) override {
    return next_->RefuseRequest(status, request, peer, message);
  }
  void ConnectionFlooded(std::string_view peer,
                         const absl::Status& why) override {
    next_->ConnectionFlooded(peer, why);
  }
  void HandshakeFailed(std::string_view peer,
                       const absl::Status& why) override {
    next_->HandshakeFailed(peer, why);
  }

 protected:
  HttpHandler& next() { return *next_; }

 private:
  const std::unique_ptr<HttpHandler> next_;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP_FILTER_H_
