#include "clients/cli/route_variables.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr const char* kProxyNames[] = {"HTTPS_PROXY", "HTTP_PROXY"};
constexpr const char* kEveryProxyName = "ALL_PROXY";

// Empty if it is not there.
std::string SaidIn(const Variables& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

bool NamesProxy(const Variables& environment) {
  const auto is_set = [&environment](const std::string& name) {
    return !SaidIn(environment, name).empty() ||
           !SaidIn(environment, absl::AsciiStrToLower(name)).empty();
  };
  return is_set(kEveryProxyName) ||
         std::any_of(std::begin(kProxyNames), std::end(kProxyNames), is_set);
}

// The list with the host behind what it has. All hosts are in `*`, which many
// programs know only where it stands alone.
std::string WithHost(const std::string& list, std::string_view host) {
  if (list.empty()) return std::string(host);
  if (absl::StripAsciiWhitespace(list) == "*") return list;
  for (const absl::string_view each : absl::StrSplit(list, ',')) {
    if (absl::StripAsciiWhitespace(each) == ToAbsl(host)) return list;
  }
  return absl::StrCat(list, ",", ToAbsl(host));
}

}  // namespace

Variables GatewayVariables(const std::string& url) {
  return {{"ANTHROPIC_BASE_URL", url},
          {"GOOGLE_GEMINI_BASE_URL", url},
          {"OPENAI_BASE_URL", absl::StrCat(url, "/v1")}};
}

Variables PastProxies(std::string_view host, const Variables& environment) {
  Variables changed;
  if (!NamesProxy(environment)) return changed;
  const std::string upper = SaidIn(environment, "NO_PROXY");
  const std::string lower = SaidIn(environment, "no_proxy");
  // Programs read one of them: where only one is there, the other must not say
  // less.
  const std::string past_upper = WithHost(upper.empty() ? lower : upper, host);
  const std::string past_lower = WithHost(lower.empty() ? upper : lower, host);
  if (past_upper != upper) changed["NO_PROXY"] = past_upper;
  if (past_lower != lower) changed["no_proxy"] = past_lower;
  return changed;
}

Variables ProxyVariables(const std::string& url, const Variables& environment) {
  Variables variables;
  for (const std::string name : kProxyNames) {
    variables[name] = url;
    const std::string lower = absl::AsciiStrToLower(name);
    if (environment.count(lower) > 0) variables[lower] = url;
  }
  return variables;
}

std::vector<std::string> GatewayNamesIn(const Variables& environment,
                                        const std::vector<std::string>& urls) {
  const auto says = [&environment](const auto& variable) {
    const auto found = environment.find(variable.first);
    return found != environment.end() && found->second == variable.second;
  };
  std::vector<std::string> names;
  const std::string url = SaidIn(environment, "ANTHROPIC_BASE_URL");
  const Variables all = GatewayVariables(url);
  if (!url.empty() && std::all_of(all.begin(), all.end(), says)) {
    for (const auto& [name, value] : all) names.push_back(name);
    return names;
  }
  for (const std::string& each : urls) {
    for (const auto& variable : GatewayVariables(each)) {
      if (says(variable)) names.push_back(variable.first);
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace gateway
