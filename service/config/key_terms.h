// What may be said of a key, whether it stands in the configuration or an
// operator issues it: whose it is, what it is for, and how much may be asked
// for with it.
//
//   CheckKeyTerms("auth.callers.api_keys[0]", KeyTermsOf(key), places,
//                 &problems);
//
// What is a range is checked by CheckFieldRanges.
//
// Thread-safe: plain functions.

#ifndef SERVICE_CONFIG_KEY_TERMS_H_
#define SERVICE_CONFIG_KEY_TERMS_H_

#include <string>

#include "google/protobuf/map.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

// Views of a key's fields.
struct KeyTerms {
  const std::string& owner;
  const google::protobuf::RepeatedPtrField<std::string>& scopes;
  const google::protobuf::Map<std::string, std::string>& labels;
  const google::protobuf::RepeatedPtrField<llmgateway::config::v1::KeyLimit>&
      limits;
};

// Those of an ApiKey of the configuration, or of a Key.
template <typename Key>
KeyTerms KeyTermsOf(const Key& key) {
  return {key.owner(), key.scopes(), key.labels(), key.limits()};
}

// Adds what is wrong with them; `path` is the key's.
void CheckKeyTerms(const std::string& path, const KeyTerms& terms,
                   const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_KEY_TERMS_H_
