#include "service/http/route_table.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "base/string_view.h"

namespace gateway {
namespace {

bool Serves(const RouteTable::Route& route, std::string_view method) {
  return route.method == method || (method == "HEAD" && route.method == "GET");
}

bool Serves(const RouteTable::Route& route, std::string_view path,
            std::string_view* rest) {
  if (!route.path.ends_with('/')) return route.path == path;
  if (path.size() <= route.path.size() + route.ending.size() ||
      !path.starts_with(route.path) || !path.ends_with(route.ending)) {
    return false;
  }
  *rest = path.substr(route.path.size());
  rest->remove_suffix(route.ending.size());
  return !route.one_segment || rest->find('/') == std::string_view::npos;
}

}  // namespace

void RouteTable::Add(Route route) {
  const Route& added = routes_.emplace_back(std::move(route));
  (added.field.empty() ? others_ : told_by_field_).push_back(&added);
}

const RouteTable::Route* RouteTable::Find(const HttpRequest& request,
                                          std::string_view* rest) const {
  for (const Route* route : told_by_field_) {
    if (Serves(*route, request.method) && Serves(*route, request.path, rest) &&
        !request.Find(route->field).empty()) {
      return route;
    }
  }
  for (const Route* route : others_) {
    if (Serves(*route, request.method) && Serves(*route, request.path, rest)) {
      return route;
    }
  }
  return nullptr;
}

std::string RouteTable::Allowed(std::string_view path) const {
  std::set<std::string_view> methods;
  std::string_view rest;
  for (const Route& route : routes_) {
    if (!Serves(route, path, &rest)) continue;
    if (route.has != nullptr && !route.has(rest)) continue;
    methods.insert(route.method);
    if (route.method == "GET") methods.insert("HEAD");
  }
  std::string allowed;
  for (const std::string_view method : methods) {
    absl::StrAppend(&allowed, allowed.empty() ? "" : ", ", ToAbsl(method));
  }
  return allowed;
}

std::string RouteTable::Shown(std::string_view vendor) const {
  std::vector<absl::string_view> shown;
  for (const Route& route : routes_) {
    if (route.api->vendor == vendor) shown.push_back(ToAbsl(route.shown));
  }
  if (shown.size() < 2) return absl::StrJoin(shown, "");
  const auto before_last = absl::MakeConstSpan(shown).first(shown.size() - 1);
  return absl::StrCat(absl::StrJoin(before_last, ", "), " and ", shown.back());
}

}  // namespace gateway
