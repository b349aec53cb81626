// RedisServer runs Debian's redis-server as a child for as long as it lives, on
// a port of its own at 127.0.0.1, with nothing written to the disk unless the
// arguments say so.
//
//   RedisServer server;
//   server.Ask({"CLIENT", "PAUSE", "100"});
//   server.Stop();      // It answers no more, and its sockets stay open.
//   server.GoOn();
//   server.Kill();      // At once; its sockets are closed.
//   server.Restart();   // On the same port.
//
// What it cannot do ends the test process. It uses blocking sockets of its own
// and nothing of base/redis, so that what is tested has no part in the
// checking.
//
// Thread contract: one thread.

#ifndef TESTS_TESTING_REDIS_SERVER_H_
#define TESTS_TESTING_REDIS_SERVER_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/os/mutex.h"
#include "base/os/thread.h"

namespace gateway {

class RedisServer {
 public:
  struct Options {
    // More of its command line, such as {"--requirepass", "x"}.
    std::vector<std::string> arguments;
    // What its configuration file holds; it may write to it, as Sentinel does.
    std::string configuration;
    // As a Sentinel.
    bool sentinel = false;
    // As a node of a Cluster, which has a port for the others besides.
    bool cluster = false;
    // The port is one for TLS, with these; not if empty.
    std::string tls_certificate_file;
    std::string tls_key_file;
    // Needed with each connection of Ask; empty for no AUTH.
    std::string password;
    // What it writes when it is ready to be asked.
    std::string ready_line = "Ready to accept connections";
  };

  RedisServer() : RedisServer(Options()) {}
  explicit RedisServer(const Options& options);
  ~RedisServer();

  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  uint16_t port() const { return port_; }
  // As a node of a Cluster: the port for the others.
  uint16_t cluster_port() const { return cluster_port_; }
  std::string address() const;

  // Sends a command on a connection of its own, and returns the reply as
  // redis-cli shows it: elements of arrays in lines, errors as they are. Not
  // with TLS.
  std::string Ask(const std::vector<std::string>& arguments);

  // Waits until Ask returns something with `part` in it, asking again and
  // again.
  void AskUntil(const std::vector<std::string>& arguments,
                std::string_view part);

  // Waits until it has written a line with `text` in it, since it was started.
  void AwaitLine(std::string_view text);

  void Stop();
  void GoOn();
  void Kill();
  // REQUIRES: killed.
  void Restart();

  pid_t pid() const { return pid_; }

 private:
  void TakePorts();
  // False if somebody else has taken the port meanwhile.
  bool Start();
  void ReadOutput(int fd) LOCKS_EXCLUDED(mu_);
  // Returns false if it ended before.
  bool AwaitOutput(std::string_view text) LOCKS_EXCLUDED(mu_);
  std::vector<std::string> CommandLine() const;

  const Options options_;
  std::string directory_;
  uint16_t port_ = 0;
  uint16_t cluster_port_ = 0;
  pid_t pid_ = 0;
  Mutex mu_;
  CondVar changed_;
  std::string output_ GUARDED_BY(mu_);
  bool ended_ GUARDED_BY(mu_) = false;
  std::unique_ptr<Thread> reading_;
};

}  // namespace gateway

#endif  // TESTS_TESTING_REDIS_SERVER_H_
