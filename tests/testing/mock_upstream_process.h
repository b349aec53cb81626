// MockUpstreamProcess runs mock_upstream as a child for as long as it lives,
// and speaks its control API: it says what the upstream shall do, waits for
// what happened there and reads what arrived.
//
// Example:
//   absl::StatusOr<std::unique_ptr<MockUpstreamProcess>> upstream =
//       MockUpstreamProcess::Start({});
//   ASSERT_TRUE(upstream.ok()) << upstream.status();
//   ASSERT_TRUE((*upstream)->SetScript("gpt-x",
//       R"({"chunks": 100, "chunk_delay_ms": 10})").ok());
//   ... send a streamed request to (*upstream)->address(), then hang up ...
//   EXPECT_TRUE((*upstream)->WaitFor("cancelled", "gpt-x", 1).ok());
//   EXPECT_EQ(*(*upstream)->Stat("gpt-x", "usage.completion_tokens"), 0);
//
// Scripts, events and figures are described in mock_upstream/README.md.
//
// It uses blocking sockets of its own and nothing of base, so that what is
// tested has no part in the checking. Thread-safe after Start: each call makes
// its own connection.

#ifndef TESTS_TESTING_MOCK_UPSTREAM_PROCESS_H_
#define TESTS_TESTING_MOCK_UPSTREAM_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace gateway {

class MockUpstreamProcess {
 public:
  struct Options {
    // As Bazel lays it out beside a test.
    std::string binary_path =
        "tests/testing/mock_upstream/mock_upstream_binary";
    // Both set: there is a TLS listener too.
    std::string tls_cert_path;
    std::string tls_key_path;
    bool http2 = false;
    // Requests that one HTTP/2 connection may carry at a time; 0 for a limit
    // of the upstream's own.
    int http2_streams = 0;
    // Answer what a real vendor would refuse as malformed.
    bool any_request = false;
  };

  // Returns once the child is ready to be asked.
  static absl::StatusOr<std::unique_ptr<MockUpstreamProcess>> Start(
      const Options& options);

  MockUpstreamProcess(const MockUpstreamProcess&) = delete;
  MockUpstreamProcess& operator=(const MockUpstreamProcess&) = delete;
  ~MockUpstreamProcess();

  // "127.0.0.1:34567"; tls_address is empty without TLS.
  const std::string& address() const { return address_; }
  const std::string& tls_address() const { return tls_address_; }
  uint16_t port() const;
  uint16_t tls_port() const;

  // Plays `json` for `model` from the next request on; "*" is the default of
  // models without a script. A misspelt field is an error.
  absl::Status SetScript(absl::string_view model, absl::string_view json);

  // Forgets all counts, and all scripts unless they are to be kept.
  absl::Status Reset(bool keep_scripts = false);

  // Blocks until `event` has happened `count` times; kDeadlineExceeded when
  // `limit` has passed first. An empty model stands for all.
  absl::Status WaitFor(absl::string_view event, absl::string_view model,
                       int64_t count,
                       absl::Duration limit = absl::Seconds(30));

  // All counts, as JSON.
  absl::StatusOr<std::string> Stats();

  // One figure of a model ("requests", "usage.prompt_tokens",
  // "statuses.429"), or of the whole if `model` is empty ("total.requests",
  // "connections.open").
  absl::StatusOr<int64_t> Stat(absl::string_view model,
                               absl::string_view name);

  // The newest request for the model: headers as written and body, as JSON.
  absl::StatusOr<std::string> Last(absl::string_view model);

  // Its body alone, byte for byte.
  absl::StatusOr<std::string> LastBody(absl::string_view model);

 private:
  MockUpstreamProcess(pid_t pid, int stdin_fd, std::string address,
                      std::string tls_address);

  // Returns the body of a 200, else the body in the error.
  absl::StatusOr<std::string> Call(absl::string_view method,
                                   const std::string& target,
                                   absl::string_view body = "");

  const pid_t pid_;
  const int stdin_fd_;  // The child exits when it closes.
  const std::string address_;
  const std::string tls_address_;
};

}  // namespace gateway

#endif  // TESTS_TESTING_MOCK_UPSTREAM_PROCESS_H_
