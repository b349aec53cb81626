// RouteSearch looks for the way on which requests of programs on this machine
// go to the models: where a gateway listens, and what tells SDKs so.
//
//   const RouteSearch search(command, switches, variables);
//   absl::StatusOr<Route> route = search.Find();
//
// Thread contract: immutable. Find reads files.

#ifndef CLIENTS_CLI_ROUTE_SEARCH_H_
#define CLIENTS_CLI_ROUTE_SEARCH_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/command_line.h"
#include "clients/cli/switches.h"
#include "service/discovery/pid_record.h"

namespace gateway {

struct Route {
  // For people, as in "Gateway: http://127.0.0.1:8080 (LLM routing enabled)".
  std::string note;
  // What a program's environment needs.
  Variables variables;
  // What it must not have: names that say a gateway's URL, without the gateway.
  std::vector<std::string> unset;
  std::string url;
  // Where it was found: the PID file and what it says. Neither if the URL was
  // given.
  std::string pid_file;
  std::optional<PidRecord> record;
};

// Checks what is said to be a gateway's URL. INVALID_ARGUMENT says what it must
// be, and repeats nothing of it: it may hold a password.
absl::Status CheckGatewayUrl(std::string_view url);

class RouteSearch {
 public:
  RouteSearch(const CommandLine& command, const Switches& switches,
              const Variables& variables);

  // Errors say what is wrong with the URL or the PID file. REQUIRES: one of the
  // switches is on.
  absl::StatusOr<Route> Find() const;

  // The names in the environment that say a gateway's URL, as `env` and `exec`
  // have set them.
  std::vector<std::string> NamesOfGateway() const;

  // Whether the URL was given, so that looking again finds nothing else.
  bool is_given() const { return !url_.empty(); }

 private:
  absl::StatusOr<Route> FindIn(const std::string& pid_file) const;

  const Switches switches_;
  const Variables environment_;
  std::string url_;  // Empty if there is to be a search.
  std::vector<std::string> pid_files_;
  // Those that a flag or a variable names, whether they are of use or not.
  std::vector<std::string> told_urls_;
};

}  // namespace gateway

#endif  // CLIENTS_CLI_ROUTE_SEARCH_H_
