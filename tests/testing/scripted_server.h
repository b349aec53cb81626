// ScriptedServer plays a server from a script on a thread of its own: the
// script accepts connections and says byte for byte what happens on them.
//
//   ScriptedServer server([](RawListener& listener) {
//     RawClient client = listener.Accept();
//     client.ReceiveUntil("\r\n\r\n");
//     client.Send("HTTP/1.1 204 No Content\r\n\r\n");
//     EXPECT_TRUE(client.AtEnd());
//   });
//   ... call 127.0.0.1:server.port() ...
//
// Destruction waits for the end of the script.
//
// Thread contract: one thread.

#ifndef TESTS_TESTING_SCRIPTED_SERVER_H_
#define TESTS_TESTING_SCRIPTED_SERVER_H_

#include <cstdint>
#include <functional>
#include <utility>

#include "base/os/thread.h"
#include "tests/testing/raw_client.h"

namespace gateway {

class ScriptedServer {
 public:
  using Script = std::function<void(RawListener& listener)>;

  explicit ScriptedServer(Script script)
      : thread_("scripted", [this, script = std::move(script)] {
          script(listener_);
        }) {}

  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  uint16_t port() const { return listener_.port(); }

 private:
  RawListener listener_;
  Thread thread_;  // Last: it uses the above.
};

}  // namespace gateway

#endif  // TESTS_TESTING_SCRIPTED_SERVER_H_
