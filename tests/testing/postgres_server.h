// PostgresServer runs Debian's PostgreSQL as a child for as long as it lives,
// on a port of its own at 127.0.0.1, with a cluster of its own that goes with
// it.
//
//   PostgresServer server;
//   ... PostgresConnection::Connect({.conninfo = server.conninfo()}, ...) ...
//   server.Ask("SELECT count(*) FROM commits");
//   server.Kill();      // At once, as when its machine goes.
//   server.Restart();   // On the same port, with what it had.
//
// The user `gateway` may do all, without a password; `reader` needs the
// password `open-sesame` and may do nothing by himself. PostgreSQL refuses to
// run as root: where the test is root, it runs as nobody.
//
// What it cannot do ends the test process. It asks by libpq and nothing of
// base/postgres, so that what is tested has no part in the checking.
//
// Thread contract: one thread.

#ifndef TESTS_TESTING_POSTGRES_SERVER_H_
#define TESTS_TESTING_POSTGRES_SERVER_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/os/thread.h"

namespace gateway {

class PostgresServer {
 public:
  PostgresServer();
  ~PostgresServer();

  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  uint16_t port() const { return port_; }
  // Of the user `gateway`.
  std::string conninfo() const;

  // Runs statements on a connection of its own, and returns what psql -At
  // shows: columns with | between them, a line for each row; errors as they
  // are.
  std::string Ask(const std::string& sql);

  // Waits until Ask returns this, asking again and again.
  void AskUntil(const std::string& sql, const std::string& answer);

  void Kill();
  // REQUIRES: killed.
  void Restart();

 private:
  std::vector<std::string> AsUser(std::vector<std::string> command) const;
  void MakeCluster();
  bool Start();

  std::string programs_;
  std::string directory_;
  bool may_change_user_ = false;
  uint16_t port_ = 0;
  pid_t pid_ = 0;
  std::unique_ptr<Thread> draining_;
};

}  // namespace gateway

#endif  // TESTS_TESTING_POSTGRES_SERVER_H_
