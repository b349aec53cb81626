// PlainNames remembers in which names a redactor has found nothing, so that a
// model that is asked for again and again is looked through once.
//
//   if (names.Has(model)) return model;
//   RedactedText redacted = redactor.RedactText(model);
//   if (redacted.redactions == 0) names.Add(model);
//
// One belongs to one redactor: what another knows as a secret may be plain to
// this one. Of a name 64 bits are kept, made with a seed that nobody knows: a
// name is taken for another one in one of 2^64 looks.
//
// Holds 8 KiB, and no more however many names there are: a new one takes the
// place of an old one, which is then looked through again.
//
// Thread-safe, without a lock.

#ifndef SERVICE_AUDIT_REDACTION_PLAIN_NAMES_H_
#define SERVICE_AUDIT_REDACTION_PLAIN_NAMES_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/os/random.h"

namespace gateway {

class PlainNames {
 public:
  // As many names as can be remembered at once.
  static constexpr size_t kNamesMax = 1024;

  // Draws the seed.
  explicit PlainNames(Random& random);

  PlainNames(const PlainNames&) = delete;
  PlainNames& operator=(const PlainNames&) = delete;

  // Whether `name` was added, and no other has its place since.
  bool Has(std::string_view name) const;

  void Add(std::string_view name);

 private:
  // Never 0, which is the mark of a place that is free.
  uint64_t MarkOf(std::string_view name) const;

  const uint64_t seed_;
  std::array<std::atomic<uint64_t>, kNamesMax> marks_ = {};
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_REDACTION_PLAIN_NAMES_H_
