// Records of issued keys, for tests of who keeps and who knows them.
//
//   const IssuedForTest key = IssueForTest(random);
//   registry.Take(key.record, 1);
//   registry.Find(key.shown());
//
// Thread-safe: plain functions.

#ifndef TESTS_SERVICE_IDENTITY_ISSUED_RECORDS_H_
#define TESTS_SERVICE_IDENTITY_ISSUED_RECORDS_H_

#include <string>
#include <string_view>

#include "base/os/random.h"
#include "base/sha256.h"
#include "service/identity/issued_key.h"
#include "service/identity/issued_key_record.pb.h"

namespace gateway {

struct IssuedForTest {
  std::string_view shown() const { return made.text.Reveal(); }
  const std::string& id() const { return made.id; }

  NewIssuedKey made;
  llmgateway::kept::IssuedKeyRecord record;
};

inline std::string DigestBytesOf(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// An active key that may do all.
inline IssuedForTest IssueForTest(Random& random) {
  IssuedForTest key{MakeIssuedKey(random), {}};
  key.record.mutable_key()->set_id(key.made.id);
  key.record.mutable_key()->set_state(llmgateway::v1::Key::STATE_ACTIVE);
  key.record.set_secret_sha256(DigestBytesOf(key.made.digest));
  return key;
}

}  // namespace gateway

#endif  // TESTS_SERVICE_IDENTITY_ISSUED_RECORDS_H_
