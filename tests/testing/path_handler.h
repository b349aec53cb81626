// PathHandler does what the path of a request says, for tests of servers from
// outside:
//
//   /echo          the body, and the field x-a, as they came
//   /stream        "one two three", piece by piece
//   /abort, /half  the beginning of an answer, broken off or forgotten
//   /wait, /wait_started  waits for the client to go; began to answer, or not
//   /flood         writes until nobody takes it any more
//   /large?N       half as much again as N bytes, at once
//   /fields        all fields as they came
//   /mute          no answer at all
//   /empty?N       status N and a body that must not be sent
//   any other      method, path, query and the field x-a in a line
//
// Thread contract: the server's loop; events and what they announce also the
// test's thread.

#ifndef TESTS_TESTING_PATH_HANDLER_H_
#define TESTS_TESTING_PATH_HANDLER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http_handler.h"
#include "base/string_view.h"
#include "gtest/gtest.h"
#include "tests/testing/event.h"
#include "tests/testing/pattern.h"

namespace gateway {

// Answers as the path says.
class PathHandler final : public HttpHandler {
 public:
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    if (request.path == "/echo") return Echo(request, responder);
    if (request.path == "/stream") return Stream(responder);
    if (request.path == "/abort") return Abort(responder);
    if (request.path == "/half") return Half(responder);
    if (request.path == "/wait") return Wait(responder, /*start=*/false);
    if (request.path == "/wait_started") return Wait(responder, true);
    if (request.path == "/flood") return Flood(responder);
    if (request.path == "/mute") return Mute();
    if (request.path == "/empty") return Empty(request, responder);
    if (request.path == "/fields") return Fields(request, responder);
    if (request.path == "/large") return Large(request, responder);
    return Show(request, responder);
  }

  Event waiting;  // A handler waits for the client to go.
  Event gone;     // The client went.
  Event flooded;  // A write failed.
  absl::Status flood_error;
  size_t flooded_bytes = 0;

 private:
  static Task<void> Show(const HttpRequest& request, HttpResponder& responder) {
    const std::string text =
        absl::StrCat(ToAbsl(request.method), " ", ToAbsl(request.path), "?",
                     ToAbsl(request.query), " x-a=",
                     ToAbsl(request.Find("x-a")));
    const HttpField fields[] = {{"content-type", "text/plain"}};
    const std::string_view body[] = {text};
    static_cast<void>(co_await responder.Send({200, fields}, body));
  }

  // The fields are looked at behind the body, whose reading must not have
  // moved them.
  static Task<void> Echo(const HttpRequest& request, HttpResponder& responder) {
    const HttpField fields[] = {{"x-a", request.Find("x-a")},
                                {"x-path", request.path}};
    const std::string_view body[] = {request.body};
    static_cast<void>(co_await responder.Send({200, fields}, body));
  }

  static Task<void> Stream(HttpResponder& responder) {
    responder.Start({200, {}});
    for (const std::string_view piece : {"one ", "", "two ", "three"}) {
      const std::string_view pieces[] = {piece};
      static_cast<void>(co_await responder.Write(pieces));
      co_await YieldToLoop();
    }
    static_cast<void>(co_await responder.Finish());
  }

  static Task<void> Abort(HttpResponder& responder) {
    responder.Start({200, {}});
    const std::string_view pieces[] = {"not all"};
    static_cast<void>(co_await responder.Write(pieces));
    responder.Abort();
  }

  static Task<void> Half(HttpResponder& responder) {
    responder.Start({200, {}});
    const std::string_view pieces[] = {"not all"};
    static_cast<void>(co_await responder.Write(pieces));
  }

  Task<void> Wait(HttpResponder& responder, bool start) {
    WakeUp over;
    CancelListener listener(responder.gone(), [&] { over.Set(); });
    if (start) {
      responder.Start({200, {}});
      const std::string_view pieces[] = {"begun"};
      static_cast<void>(co_await responder.Write(pieces));
    }
    waiting.Set();
    co_await over.Wait();
    EXPECT_TRUE(absl::IsCancelled(responder.gone().status()));
    gone.Set();
  }

  Task<void> Flood(HttpResponder& responder) {
    const std::string block(64 * 1024, 'x');
    responder.Start({200, {}});
    while (flood_error.ok()) {
      const std::string_view pieces[] = {block};
      flood_error = co_await responder.Write(pieces);
      if (flood_error.ok()) flooded_bytes += block.size();
    }
    flooded.Set();
  }

  static Task<void> Mute() { co_return; }

  static Task<void> Empty(const HttpRequest& request,
                          HttpResponder& responder) {
    int status = 204;
    static_cast<void>(absl::SimpleAtoi(ToAbsl(request.query), &status));
    const std::string_view body[] = {"never sent"};
    static_cast<void>(co_await responder.Send({status, {}}, body));
  }

  static Task<void> Fields(const HttpRequest& request,
                           HttpResponder& responder) {
    std::string text;
    for (const HttpField& field : request.fields) {
      absl::StrAppend(&text, ToAbsl(field.name), ": ", ToAbsl(field.value),
                      "\n");
    }
    const std::string_view body[] = {text};
    static_cast<void>(co_await responder.Send({200, {}}, body));
  }

  static Task<void> Large(const HttpRequest& request,
                          HttpResponder& responder) {
    size_t size = 0;
    static_cast<void>(absl::SimpleAtoi(ToAbsl(request.query), &size));
    const std::string text = Pattern(size);
    const std::string_view half = std::string_view(text).substr(0, size / 2);
    const std::string_view body[] = {half, text};
    static_cast<void>(co_await responder.Send({200, {}}, body));
  }
};

}  // namespace gateway

#endif  // TESTS_TESTING_PATH_HANDLER_H_
