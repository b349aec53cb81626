// What operators say of issued keys, and what they are told.
//
//   GATEWAY_RETURN_IF_ERROR(
//       CheckKeyRequest(snapshot, request, request.key()));
//   FillKeyLimits(record.mutable_key());
//   ...
//   FillKey(stored, now, response->mutable_key());
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_KEY_VIEW_H_
#define SERVICE_API_KEY_VIEW_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "llmgateway/v1/keys.pb.h"
#include "service/config/snapshot.h"
#include "service/identity/issued_key_store.h"

namespace gateway {

// INVALID_REQUEST, with everything that is wrong with `key`, which is the field
// `key` of `request`, by the configuration in use.
absl::Status CheckKeyRequest(const ConfigSnapshot& snapshot,
                             const google::protobuf::Message& request,
                             const llmgateway::v1::Key& key);

// INVALID_REQUEST naming the field, if it is no time that can be.
absl::Status CheckTime(const google::protobuf::Timestamp& time,
                       std::string_view field);

// INVALID_REQUEST for a mask that is empty, or has a path that is none of those
// that may be changed.
absl::Status CheckKeyUpdateMask(const google::protobuf::FieldMask& mask);

// Replaces the fields that the mask names. REQUIRES: CheckKeyUpdateMask is OK.
void LayOverKey(const llmgateway::v1::Key& from,
                const google::protobuf::FieldMask& mask,
                llmgateway::v1::Key* to);

// Fills in the defaults of the key's limits.
void FillKeyLimits(llmgateway::v1::Key* key);

std::string KeyEtag(const StoredKey& key);

// What operators see of a key.
void FillKey(const StoredKey& from, absl::Time now, llmgateway::v1::Key* to);

// Where a listing goes on: behind a key, for a request that asks for the same.
std::string KeyPageToken(const llmgateway::v1::ListKeysRequest& request,
                         const std::string& last_id);

// The id that the request's token names; empty if it has none. INVALID_REQUEST
// for a token of another request, or of none.
absl::StatusOr<std::string> KeyInPageToken(
    const llmgateway::v1::ListKeysRequest& request);

}  // namespace gateway

#endif  // SERVICE_API_KEY_VIEW_H_
