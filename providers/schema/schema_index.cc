#include "providers/schema/schema_index.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/percent.h"
#include "providers/schema/draft7.h"

namespace gateway {
namespace {

// Keywords by what their values are made of.
constexpr std::string_view kSchemas[] = {"additionalItems",
                                         "additionalProperties",
                                         "contains",
                                         "else",
                                         "if",
                                         "items",
                                         "not",
                                         "propertyNames",
                                         "then"};
constexpr std::string_view kLists[] = {"allOf", "anyOf", "items", "oneOf",
                                       "prefixItems"};
constexpr std::string_view kMaps[] = {"$defs",
                                      "definitions",
                                      "dependencies",
                                      "dependentSchemas",
                                      "patternProperties",
                                      "properties"};

// Keywords that came with 2019-09 and can be expressed in draft 7.
constexpr std::string_view kRewritten[] = {"$defs", "dependentRequired",
                                           "dependentSchemas", "prefixItems"};
// Keywords that came with 2019-09 and cannot.
constexpr std::string_view kRefused[] = {
    "$anchor",          "$dynamicAnchor",
    "$dynamicRef",      "$recursiveAnchor",
    "$recursiveRef",    "$vocabulary",
    "maxContains",      "minContains",
    "unevaluatedItems", "unevaluatedProperties"};

template <size_t size>
bool IsOne(const std::string_view (&list)[size], std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

absl::Status Wrong(const TreePlace& place, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(place.ToString(), ": ", ToAbsl(what)));
}

bool HasScheme(std::string_view uri) {
  const size_t end = uri.find_first_of(":/?#");
  return end != std::string_view::npos && end > 0 && uri[end] == ':';
}

// Resolves a reference as far as identifiers of schemas need it: without dot
// segments.
std::string ResolveUri(std::string_view base, std::string_view uri) {
  if (HasScheme(uri)) return std::string(uri);
  if (uri.empty() || uri[0] == '#') {
    return absl::StrCat(ToAbsl(base), ToAbsl(uri));
  }
  const size_t scheme = base.find("://");
  const size_t authority = scheme == std::string_view::npos ? 0 : scheme + 3;
  const size_t path = std::min(base.find('/', authority), base.size());
  if (uri[0] == '/') {
    return absl::StrCat(ToAbsl(base.substr(0, path)), ToAbsl(uri));
  }
  const size_t folder = base.rfind('/');
  if (path == base.size() || folder < path) {
    return absl::StrCat(ToAbsl(base.substr(0, authority == 0 ? 0 : path)),
                        authority == 0 ? "" : "/", ToAbsl(uri));
  }
  return absl::StrCat(ToAbsl(base.substr(0, folder + 1)), ToAbsl(uri));
}

}  // namespace

absl::Status SchemaIndex::Build() {
  GATEWAY_RETURN_IF_ERROR(ReadDialect());
  const Location location = {&places_.emplace_back(), &texts_.emplace_back()};
  names_.emplace("", &root_);
  return Add(root_, location);
}

absl::Status SchemaIndex::ReadDialect() {
  if (!root_.is_object()) return absl::OkStatus();
  const auto dialect = root_.find("$schema");
  if (dialect == root_.end()) return absl::OkStatus();
  dialect_named_ = true;
  const std::string uri =
      dialect->is_string() ? dialect->get<std::string>() : "";
  for (const char* draft : {"draft-04", "draft-06", "draft-07"}) {
    if (absl::StrContains(uri, draft)) return absl::OkStatus();
  }
  for (const char* draft : {"2019-09", "2020-12"}) {
    if (absl::StrContains(uri, draft)) {
      siblings_count_ = true;
      return absl::OkStatus();
    }
  }
  return absl::InvalidArgumentError(
      "#/$schema: is none of draft-07, 2019-09 and 2020-12");
}

const TreePlace* SchemaIndex::Step(const TreePlace* parent,
                                   std::string_view key) {
  return &places_.emplace_back(TreePlace{.parent = parent, .key = key});
}

const TreePlace* SchemaIndex::Step(const TreePlace* parent, size_t index) {
  return &places_.emplace_back(TreePlace{.parent = parent, .index = index});
}

// Recurses as deep as the document is nested, which its reader has bounded.
absl::Status SchemaIndex::Add(const JsonTree& schema,
                              const Location& location) {
  Location own = location;
  if (schema.is_object()) {
    for (const auto& [key, value] : schema.items()) {
      if (IsOne(kRefused, key)) {
        return Wrong({.parent = own.place, .key = key},
                     "this keyword is not supported");
      }
      if (IsOne(kRewritten, key) && !dialect_named_) siblings_count_ = true;
    }
    GATEWAY_RETURN_IF_ERROR(AddName(schema, &own));
  }
  if (!locations_.emplace(&schema, own).second) return absl::OkStatus();
  return schema.is_object() ? AddChildren(schema, own) : absl::OkStatus();
}

absl::Status SchemaIndex::AddName(const JsonTree& schema, Location* location) {
  const auto id = schema.find("$id");
  if (id == schema.end() || !id->is_string() || schema.contains("$ref")) {
    return absl::OkStatus();
  }
  std::string uri =
      ResolveUri(*location->base, id->get_ref<const std::string&>());
  if (uri.size() > kUriBytesMax) {
    return Wrong({.parent = location->place, .key = "$id"}, "is too long");
  }
  if (!uri.empty() && uri.back() == '#') uri.pop_back();
  names_.emplace(uri, &schema);
  if (!absl::StrContains(uri, "#")) {
    location->base = &texts_.emplace_back(std::move(uri));
  }
  return absl::OkStatus();
}

absl::Status SchemaIndex::AddChildren(const JsonTree& schema,
                                      const Location& location) {
  for (const auto& field : schema.items()) {
    const std::string& key = field.key();
    const JsonTree& value = field.value();
    const bool list = IsOne(kLists, key) && value.is_array();
    const bool map = IsOne(kMaps, key) && value.is_object();
    if (!list && !map && !IsOne(kSchemas, key)) continue;
    const TreePlace* const place = Step(location.place, key);
    if (!list && !map) {
      GATEWAY_RETURN_IF_ERROR(Add(value, {place, location.base}));
    }
    size_t index = 0;
    for (const auto& child : value.items()) {
      if (!list && !map) break;
      const TreePlace* const step =
          list ? Step(place, index++) : Step(place, child.key());
      GATEWAY_RETURN_IF_ERROR(Add(child.value(), {step, location.base}));
    }
  }
  return absl::OkStatus();
}

const TreePlace& SchemaIndex::PlaceOf(const JsonTree& schema) const {
  const auto found = locations_.find(&schema);
  assert(found != locations_.end());
  return *found->second.place;
}

absl::StatusOr<const JsonTree*> SchemaIndex::Resolve(const JsonTree& from,
                                                     std::string_view ref) {
  const Location location = locations_.at(&from);
  const TreePlace place = {.parent = location.place, .key = "$ref"};
  const std::string uri = ResolveUri(*location.base, ref);
  const size_t hash = std::min(uri.find('#'), uri.size());
  const std::string_view fragment =
      std::string_view(uri).substr(std::min(hash + 1, uri.size()));
  absl::StatusOr<const JsonTree*> target = FindDocument(uri.substr(0, hash));
  if (!target.ok()) return Wrong(place, ToStd(target.status().message()));
  if (fragment.empty()) return target;
  if (fragment[0] == '/') {
    target = Follow(**target, fragment);
    if (!target.ok()) return Wrong(place, ToStd(target.status().message()));
    return target;
  }
  const auto named = names_.find(uri);
  if (named == names_.end()) {
    return Wrong(place, "refers to a name that no schema has");
  }
  return named->second;
}

absl::StatusOr<const JsonTree*> SchemaIndex::FindDocument(
    const std::string& uri) {
  const auto named = names_.find(uri);
  if (named != names_.end()) return named->second;
  if (uri != kDraft7Uri) {
    return absl::InvalidArgumentError(
        "refers to another document, and none is fetched");
  }
  GATEWAY_ASSIGN_OR_RETURN(JsonTree draft7, ReadJsonTree(kDraft7Schema));
  draft7_ = std::make_unique<const JsonTree>(std::move(draft7));
  const Location location = {&places_.emplace_back(),
                             &texts_.emplace_back(kDraft7Uri)};
  GATEWAY_RETURN_IF_ERROR(Add(*draft7_, location));
  return draft7_.get();
}

absl::StatusOr<const JsonTree*> SchemaIndex::Follow(const JsonTree& document,
                                                    std::string_view pointer) {
  const absl::Status nowhere =
      absl::InvalidArgumentError("refers to a place that is not in the schema");
  const JsonTree* at = &document;
  Location location = locations_.at(&document);
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const size_t end = std::min(pointer.find('/'), pointer.size());
    std::optional<std::string> decoded = PercentDecode(pointer.substr(0, end));
    if (!decoded.has_value()) return nowhere;
    std::string token = *std::move(decoded);
    pointer.remove_prefix(end);
    absl::StrReplaceAll({{"~1", "/"}}, &token);
    absl::StrReplaceAll({{"~0", "~"}}, &token);
    size_t index = 0;
    if (at->is_object() && at->contains(token)) {
      const auto child = at->find(token);
      at = &*child;
      location.place = Step(location.place, child.key());
    } else if (at->is_array() && absl::SimpleAtoi(token, &index) &&
               index < at->size()) {
      at = &(*at)[index];
      location.place = Step(location.place, index);
    } else {
      return nowhere;
    }
    const auto known = locations_.find(at);
    if (known != locations_.end()) location = known->second;
  }
  if (!at->is_object() && !at->is_boolean()) return nowhere;
  GATEWAY_RETURN_IF_ERROR(Add(*at, location));
  return at;
}

}  // namespace gateway
