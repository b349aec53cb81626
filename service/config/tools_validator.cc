#include "service/config/tools_validator.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/net/base_url.h"
#include "base/string_view.h"
#include "providers/schema/json_schema.h"
#include "service/config/config_names.h"
#include "service/config/secret_reference.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::ServedTool;
using ::llmgateway::config::v1::ToolServiceConfig;

constexpr size_t kServedToolsMax = 256;

// Goes into a request's first line as it is.
bool IsToolPath(std::string_view path) {
  return path.starts_with('/') &&
         std::all_of(path.begin(), path.end(),
                     [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
}

void CheckServedTool(const std::string& path, const ServedTool& tool,
                     const FieldPlaces& places, ConfigProblems* problems) {
  const auto add = [&](std::string_view field, std::string_view message) {
    const std::string at = JoinPath(path, field);
    problems->Add(places.Find(at), at, message);
  };
  if (!IsConfigName(tool.name(), "-_", /*upper_case=*/true)) {
    add("name", "must be 1 to 64 of letters, digits, '-' and '_'");
  }
  if (!IsToolPath(tool.path())) {
    add("path", "must be where the service takes it, such as /v1/similarity");
  }
  if (tool.parameters().empty()) return;
  const absl::Status compiled = JsonSchema::Compile(tool.parameters()).status();
  if (!compiled.ok()) {
    add("parameters",
        absl::StrCat("must be a JSON Schema: ", compiled.message()));
  }
}

}  // namespace

void CheckTools(const llmgateway::config::v1::GatewayConfig& config,
                const FieldPlaces& places, ConfigProblems* problems) {
  if (!config.has_tools()) return;
  const ToolServiceConfig& tools = config.tools();
  const auto add = [&](const std::string& path, std::string_view message) {
    problems->Add(places.Find(path), path, message);
  };
  if (tools.url().empty()) {
    add("tools.url",
        "is required: where the service is, such as http://orchestrator:8083");
  } else if (const absl::Status status = ParseBaseUrl(tools.url()).status();
             !status.ok()) {
    add("tools.url", ToStd(status.message()));
  }
  if (!tools.credential().empty()) {
    const absl::Status named =
        SecretReference::Parse(tools.credential()).status();
    if (!named.ok()) add("tools.credential", ToStd(named.message()));
  }
  const std::string list = "tools.tools";
  if (!CheckCount(list, static_cast<size_t>(tools.tools_size()),
                  kServedToolsMax, places, problems)) {
    return;
  }
  std::set<std::string> taken;
  for (int i = 0; i < tools.tools_size(); ++i) {
    const ServedTool& tool = tools.tools(i);
    const std::string path = ElementPath(list, static_cast<size_t>(i));
    CheckServedTool(path, tool, places, problems);
    if (taken.insert(tool.name()).second) continue;
    add(JoinPath(path, "name"),
        absl::StrCat("is '", tool.name(),
                     "', as another before it; give each its own"));
  }
}

}  // namespace gateway
