// Any bytes have a canonical form or none: what has one is JSON, with spaces
// around it has the same, and with one more member another.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text/json_grammar.h"
#include "service/cache/canonical_json.h"
#include "tests/testing/exact_copy.h"

namespace gateway {
namespace {

void Expect(bool holds) {
  if (!holds) std::abort();
}

void Check(std::string_view json) {
  std::string form;
  if (!AppendCanonicalJson(json, {}, &form)) return Expect(form.empty());
  Expect(CheckJson(json).ok());
  std::string again;
  const std::string spaced = " " + std::string(json) + "\n";
  Expect(AppendCanonicalJson(spaced, {}, &again) && again == form);
  // Behind the opening bracket, which spaces may stand before.
  std::string more(json);
  const size_t inside = more.find('{') + 1;
  const bool is_empty =
      more.find_first_not_of(" \t\r\n", inside) == more.find('}', inside);
  more.insert(inside,
              is_empty ? "\"\x7f one more\":0" : "\"\x7f one more\":0,");
  again.clear();
  // Unless the member is there already.
  if (AppendCanonicalJson(more, {}, &again)) Expect(again != form);
}

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const gateway::ExactCopy copy(
      std::string_view(reinterpret_cast<const char*>(data), size));
  gateway::Check(copy.view());
  return 0;
}
