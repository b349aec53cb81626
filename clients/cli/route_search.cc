#include "clients/cli/route_search.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/net/base_url.h"
#include "base/os/file.h"
#include "base/status_macros.h"
#include "clients/cli/route_variables.h"
#include "service/discovery/pid_file.h"

namespace gateway {
namespace {

// Of the gateway that the unit of our packages runs.
constexpr char kUnitPidFile[] = "/run/llm-gateway/gateway.pid";

std::string ValueOf(const Variables& variables, const char* name) {
  const auto variable = variables.find(name);
  return variable == variables.end() ? std::string() : variable->second;
}

// PID files are far smaller.
constexpr size_t kRecordBytesMax = 64 * 1024;

std::string WithoutSlash(std::string url) {
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url;
}

// Whether a proxy is never meant for the gateway's calls: on this machine it
// would look for it at itself, and without TLS it would read the key and the
// prompt. A gateway elsewhere may be out of reach without one.
bool IsPastProxies(const BaseUrl& url, bool is_here) {
  return is_here || url.IsLoopback() || !url.tls;
}

Route GatewayRoute(const std::string& told_url, bool is_here,
                   const Variables& environment) {
  Route route;
  route.url = WithoutSlash(told_url);
  route.note = absl::StrCat("Gateway: ", route.url, " (LLM routing enabled)");
  route.variables = GatewayVariables(route.url);
  const absl::StatusOr<BaseUrl> url = ParseBaseUrl(route.url);
  if (url.ok() && IsPastProxies(*url, is_here)) {
    route.variables.merge(PastProxies(url->host, environment));
  }
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

Route ProxyRoute(int port, const Variables& environment) {
  Route route;
  route.url = absl::StrCat("http://127.0.0.1:", port);
  route.note = absl::StrCat("Proxy: ", route.url, " (HTTP proxy mode)");
  route.variables = ProxyVariables(route.url, environment);
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
    : switches_(switches), environment_(variables) {
  for (const std::string& url :
       {command.url, ValueOf(variables, "GATEWAY_URL")}) {
    if (!url.empty()) told_urls_.push_back(WithoutSlash(url));
  }
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
    return GatewayRoute(url_, /*is_here=*/false, environment_);
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

std::vector<std::string> RouteSearch::NamesOfGateway() const {
  std::vector<std::string> urls = told_urls_;
  for (const std::string& path : pid_files_) {
    // Also of one that has ended: the environment was made while it ran.
    for (const std::string& each : {path, absl::StrCat(path, ".bak")}) {
      const absl::StatusOr<std::string> text = ReadFile(each, kRecordBytesMax);
      if (!text.ok()) continue;
      const absl::StatusOr<PidRecord> record = ReadPidRecord(*text);
      if (record.ok() && !record->gateway_url.empty()) {
        urls.push_back(record->gateway_url);
      }
    }
  }
  return GatewayNamesIn(environment_, urls);
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
  Route route = switches_.gateway
                    ? GatewayRoute(record.gateway_url, /*is_here=*/true,
                                   environment_)
                    : ProxyRoute(record.proxy_port, environment_);
  if (!switches_.gateway) route.unset = NamesOfGateway();
  route.pid_file = pid_file;
  route.record = std::move(record);
  return route;
}

}  // namespace gateway
