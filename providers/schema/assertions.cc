#include "providers/schema/assertions.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/status/status.h"
#include "valijson/adapters/nlohmann_json_adapter.hpp"
#include "valijson/schema.hpp"
#include "valijson/schema_parser.hpp"
#include "valijson/validation_results.hpp"
#include "valijson/validator.hpp"

namespace gateway {
namespace {

using valijson::adapters::NlohmannJsonAdapter;

constexpr std::string_view kKnown[] = {"const",
                                       "dependencies",
                                       "enum",
                                       "exclusiveMaximum",
                                       "exclusiveMinimum",
                                       "maxItems",
                                       "maxProperties",
                                       "maximum",
                                       "minItems",
                                       "minProperties",
                                       "minimum",
                                       "required"};

// "Missing required property 'a'." becomes "missing required property 'a'".
std::string Reworded(std::string text) {
  if (!text.empty() && text.back() == '.') text.pop_back();
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] += 'a' - 'A';
  return text;
}

class ValijsonAssertions final : public Assertions {
 public:
  // Throws what valijson throws for a bad schema; the caller catches it.
  explicit ValijsonAssertions(const JsonTree& keywords) {
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(NlohmannJsonAdapter(keywords), schema_);
  }

  bool Validate(const JsonTree& value,
                std::vector<std::string>* errors) const override {
    valijson::Validator validator;
    valijson::ValidationResults results;
    try {
      if (validator.validate(schema_, NlohmannJsonAdapter(value),
                             errors == nullptr ? nullptr : &results)) {
        return true;
      }
    } catch (const std::exception& thrown) {
      if (errors != nullptr) errors->push_back(thrown.what());
      return false;
    }
    valijson::ValidationResults::Error error;
    while (errors != nullptr && results.popError(error)) {
      errors->push_back(Reworded(std::move(error.description)));
    }
    return false;
  }

 private:
  valijson::Schema schema_;
};

}  // namespace

bool Assertions::Knows(std::string_view keyword) {
  return std::binary_search(std::begin(kKnown), std::end(kKnown), keyword);
}

absl::StatusOr<std::unique_ptr<const Assertions>> Assertions::Compile(
    const JsonTree& keywords) {
  try {
    return std::make_unique<const ValijsonAssertions>(keywords);
  } catch (const std::exception& thrown) {
    return absl::InvalidArgumentError(Reworded(thrown.what()));
  }
}

}  // namespace gateway
