#include "providers/schema/json_tree.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json_grammar.h"
#include "base/text/json_token.h"
#include "base/text/utf8.h"

namespace gateway {
namespace {

// Gives each number one form. Recursion is bounded by kJsonDepthLimit.
void Normalize(JsonTree* value) {
  if (value->is_structured()) {
    for (JsonTree& child : *value) Normalize(&child);
  } else if (value->is_number_unsigned()) {
    const uint64_t number = value->get<uint64_t>();
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      *value = static_cast<double>(number);
    } else {
      *value = static_cast<int64_t>(number);
    }
  } else if (value->is_number_float()) {
    const double number = value->get<double>();
    // 2^63 is the first whole double that does not fit into int64.
    if (number == std::trunc(number) && std::abs(number) < 0x1p63) {
      *value = static_cast<int64_t>(number);
    }
  }
}

}  // namespace

absl::StatusOr<JsonTree> ReadJsonTree(std::string_view text) {
  GATEWAY_RETURN_IF_ERROR(CheckJson(text));
  if (HasLoneSurrogate(text)) {
    return absl::InvalidArgumentError(ToAbsl(kLoneSurrogate));
  }
  JsonTree tree = JsonTree::parse(text.begin(), text.end(),
                                  /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (tree.is_discarded()) {
    return absl::InvalidArgumentError(
        "not valid JSON: no UTF-8, or a number that is too large");
  }
  Normalize(&tree);
  return tree;
}

std::string TreePlace::ToString() const {
  std::string text;
  for (const TreePlace* step = this; step->parent != nullptr;
       step = step->parent) {
    std::string token;
    if (step->index != kNoIndex) {
      token = absl::StrCat(step->index);
    } else {
      token = absl::StrReplaceAll(ToAbsl(step->key.substr(0, kTextBytesMax)),
                                  {{"~", "~0"}, {"/", "~1"}});
    }
    text = absl::StrCat("/", token, text);
    if (text.size() > kTextBytesMax) {
      const size_t begin = NextCharacter(text, text.size() - kTextBytesMax);
      return absl::StrCat("#...", text.substr(begin));
    }
  }
  return absl::StrCat("#", text);
}

}  // namespace gateway
