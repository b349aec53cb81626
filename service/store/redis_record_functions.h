// The functions of RedisRecordStore, which run in Redis. Each has the keys of
// one collection:
//
//   records   a hash: key to `version:expiry in ms:sequence:value`, the expiry
//             empty where there is none
//   names     a sorted set of the keys, for their order
//   changed   a sorted set of the keys, by the sequence of their last change
//   gone      the same of what is not there any more
//   expiring  a sorted set of the keys that expire, by when
//   state     a hash: `latest`, the last sequence; `floor`, from which on all
//             changes are known; `cut`, if some from the beginning on are not;
//             `server`, the id that Redis gives to its history of changes
//
// and, for a record that has an owner, one key more, of that owner:
//
//   owned     a sorted set of the owner's keys, by when they expire; it expires
//             with the last of them
//
// What a collection has is counted from `names`, without what has expired, and
// what an owner has from his `owned`: in the step that makes the record, so
// that no quota is exceeded, however many ask. Who deletes without telling the
// owner leaves a key there until it would have expired, and nothing for longer.
//
// A sequence begins with the time in microseconds, so that none of before comes
// again in a store that was emptied. Where `server` is another, Redis was
// started anew or replaced by a replica, and may have lost changes: then all
// that somebody may have seen counts as unknown.
//
// Thread-safe: constants.

#ifndef SERVICE_STORE_REDIS_RECORD_FUNCTIONS_H_
#define SERVICE_STORE_REDIS_RECORD_FUNCTIONS_H_

#include <cstddef>
#include <cstdint>

#include "base/redis/redis_library.h"

namespace gateway {

// The endings of the keys, in the order in which functions take them.
inline constexpr const char* kRedisRecordKeys[] = {
    "records", "names", "changed", "gone", "expiring", "state"};

// The key that follows where there is an owner; the owner's bytes follow.
inline constexpr const char* kRedisOwnedKey = "owned:";

// Indices of the library's functions, with their arguments and replies.
// key, most -> record, or ''; the bytes of one that has more than `most`, if
// that is there
inline constexpr size_t kRedisGet = 0;
// key, value, expected version or '', expiry or '', then with a quota its
// records and share -> [put, version]: the new one, or, with put = 0, the one
// that is there. Put is 2 where the quota has no room in the collection, 3
// where it has none for the owner.
inline constexpr size_t kRedisPut = 1;
// key, expected version or '' -> [1 deleted | 0 not there | -1, version there]
inline constexpr size_t kRedisDelete = 2;
// after, limit, bytes -> [latest, more, key, record, key, record, ...]
inline constexpr size_t kRedisList = 3;
// since, limit, bytes, most -> [known, sequence, more, key, record or '', ...];
// kRedisTooLarge in place of known if values have more bytes than `most`, if
// that is there
inline constexpr size_t kRedisChanges = 4;
inline constexpr int64_t kRedisTooLarge = 2;
// -> how many
inline constexpr size_t kRedisCount = 5;

// Lives until the process ends.
const RedisLibrary& RedisRecordLibrary();

}  // namespace gateway

#endif  // SERVICE_STORE_REDIS_RECORD_FUNCTIONS_H_
