// Secret holds a key or password so that it cannot slip into a log, an error
// or a core of freed memory: it has no text form, prints nowhere, and wipes
// its bytes when it dies.
//
//   Secret key("...");
//   connection.SetHeader("authorization", absl::StrCat("Bearer ",
//                                                      key.Reveal()));
//
// Whoever needs the bytes says Reveal(), so that a search for that word finds
// every place where a secret leaves its type.
//
// Thread-compatible: const members may be called from several threads.

#ifndef BASE_SECRET_H_
#define BASE_SECRET_H_

#include <cstddef>
#include <memory>
#include <ostream>
#include <string_view>

namespace gateway {

class Secret {
 public:
  // Holds a copy; wiping the original is up to whoever owns it.
  explicit Secret(std::string_view bytes);

  Secret(const Secret& other);
  Secret& operator=(const Secret& other);
  // Moves; the source becomes empty.
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  // The secret itself, valid as long as this object is unchanged.
  std::string_view Reveal() const { return {bytes_.get(), size_}; }

  // Whether `guess` is the secret. How long it takes tells nothing of where
  // they differ; it may tell whether they are equally long.
  bool Equals(std::string_view guess) const;

  bool empty() const { return size_ == 0; }

  // Deleted: comparing with == could leak by its time, and printing must not
  // happen.
  friend bool operator==(const Secret&, const Secret&) = delete;
  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  void Wipe() noexcept;

  // Always on the heap, so that a move leaves no copy behind.
  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
};

}  // namespace gateway

#endif  // BASE_SECRET_H_
