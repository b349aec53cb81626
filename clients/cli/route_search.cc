#include "clients/cli/route_search.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/net/base_url.h"
#include "base/status_macros.h"
#include "service/discovery/pid_file.h"

namespace gateway {
namespace {

// Of the gateway that the unit of our packages runs.
constexpr char kUnitPidFile[] = "/run/llm-gateway/gateway.pid";

std::string ValueOf(const Variables& variables, const char* name) {
  const auto variable = variables.find(name);
  return variable == variables.end() ? std::string() : variable->second;
}

Route GatewayRoute(std::string url) {
  while (!url.empty() && url.back() == '/') url.pop_back();
  Route route;
  route.note = absl::StrCat("Gateway: ", url, " (LLM routing enabled)");
  route.variables = {{"ANTHROPIC_BASE_URL", url},
                     {"GOOGLE_GEMINI_BASE_URL", url},
                     {"OPENAI_BASE_URL", absl::StrCat(url, "/v1")}};
  route.url = std::move(url);
  return route;
}

// What may be told of a text that is no URL: not what may be a password or a
// key, before an '@' or in a query.
std::string ToldUrl(std::string_view text) {
  std::string told;
  const size_t at = text.rfind('@');
  if (at != std::string_view::npos) {
    const size_t scheme_end = text.substr(0, at).find("://");
    if (scheme_end != std::string_view::npos) {
      told = text.substr(0, scheme_end + 3);
    }
    told += "***";
    text.remove_prefix(at);
  }
  told += text.substr(0, text.find_first_of("?#"));
  return told;
}

Route ProxyRoute(int port) {
  Route route;
  route.url = absl::StrCat("http://127.0.0.1:", port);
  route.note = absl::StrCat("Proxy: ", route.url, " (HTTP proxy mode)");
  route.variables = {{"HTTPS_PROXY", route.url}, {"HTTP_PROXY", route.url}};
  return route;
}

}  // namespace

absl::Status CheckGatewayUrl(std::string_view url) {
  const absl::Status legal = ParseBaseUrl(url).status();
  if (legal.ok() || url.find('@') == std::string_view::npos) return legal;
  return absl::InvalidArgumentError(
      "must be http://host:port without a user name or password; keys are for "
      "$GATEWAY_KEY and $GATEWAY_OPERATOR_KEY");
}

RouteSearch::RouteSearch(const CommandLine& command, const Switches& switches,
                         const Variables& variables)
    : switches_(switches) {
  std::string pid_file = command.pid_file;
  if (switches.gateway) {
    url_ = command.url;
    // A flag counts more than a variable.
    if (url_.empty() && pid_file.empty()) {
      url_ = ValueOf(variables, "GATEWAY_URL");
    }
  }
  if (pid_file.empty()) pid_file = ValueOf(variables, "GATEWAY_PID_FILE");
  if (!pid_file.empty()) {
    pid_files_ = {std::move(pid_file)};
    return;
  }
  const std::string home = ValueOf(variables, "HOME");
  pid_files_ = {absl::StrCat(home, "/.llm-gateway/gateway.pid"),
                absl::StrCat(home, "/.cco/daemon.pid"), kUnitPidFile};
}

absl::StatusOr<Route> RouteSearch::Find() const {
  if (!url_.empty()) {
    const absl::Status legal = CheckGatewayUrl(url_);
    if (!legal.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", ToldUrl(url_), "' is no URL: it ", legal.message()));
    }
    return GatewayRoute(url_);
  }
  absl::Status why;
  for (const std::string& pid_file : pid_files_) {
    absl::StatusOr<Route> route = FindIn(pid_file);
    if (route.ok()) return route;
    // A file that is there says more than one that is not.
    if (why.ok() || absl::IsNotFound(why)) why = route.status();
  }
  if (!absl::IsNotFound(why)) return why;
  return absl::NotFoundError(absl::StrCat("there is no PID file at ",
                                          absl::StrJoin(pid_files_, " or ")));
}

absl::StatusOr<Route> RouteSearch::FindIn(const std::string& pid_file) const {
  GATEWAY_ASSIGN_OR_RETURN(PidRecord record, FindGateway(pid_file));
  if (switches_.gateway && record.gateway_url.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(pid_file, " has no gateway_port: its process ",
                     record.process.pid, " runs without a gateway"));
  }
  if (!switches_.gateway && record.proxy_port == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(pid_file, " has no proxy_port"));
  }
  Route route = switches_.gateway ? GatewayRoute(record.gateway_url)
                                  : ProxyRoute(record.proxy_port);
  route.pid_file = pid_file;
  route.record = std::move(record);
  return route;
}

}  // namespace gateway
