#include "service/api/component_board.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

void ComponentBoard::Add(std::string name, Look look) {
  const bool is_new = looks_.emplace(std::move(name), std::move(look)).second;
  assert(is_new);
  (void)is_new;
}

std::vector<v1::ComponentHealth> ComponentBoard::Read() const {
  std::vector<v1::ComponentHealth> all;
  all.reserve(looks_.size());
  for (const auto& [name, look] : looks_) {
    v1::ComponentHealth& health = all.emplace_back();
    health.set_name(name);
    health.set_state(v1::ComponentHealth::STATE_HEALTHY);
    look(&health);
  }
  return all;
}

std::string ComponentBoard::failure() const {
  for (const v1::ComponentHealth& health : Read()) {
    if (health.state() == v1::ComponentHealth::STATE_FAILING) {
      return ComponentProblem(health);
    }
  }
  return "";
}

std::string ComponentProblem(const v1::ComponentHealth& health) {
  return absl::StrCat(health.name(), ": ", health.problem());
}

std::string_view ComponentStateName(v1::ComponentHealth::State state) {
  switch (state) {
    case v1::ComponentHealth::STATE_HEALTHY:
      return "healthy";
    case v1::ComponentHealth::STATE_DEGRADED:
      return "degraded";
    default:
      return "failing";
  }
}

bool AnyComponentIs(v1::ComponentHealth::State state,
                    const std::vector<v1::ComponentHealth>& listed) {
  return std::any_of(listed.begin(), listed.end(), [state](const auto& health) {
    return health.state() == state;
  });
}

}  // namespace gateway
