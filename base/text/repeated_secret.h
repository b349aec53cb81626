// What others have said of a failure is told on without a secret that they
// repeat, be it plainly or behind escapes of JSON, URLs or HTML, as servers
// write what they quote.
//
//   BlotOut("open+sesame", "no: open+sesame")  // no: ***********
//   BlotOut("open+sesame", R"({"no":"open\u002bsesame"})")
//
// Thread-safe: plain functions.

#ifndef BASE_TEXT_REPEATED_SECRET_H_
#define BASE_TEXT_REPEATED_SECRET_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace gateway {

// A shorter secret is only looked for as a whole: its first half may be a word
// of any text.
inline constexpr size_t kHalvedSecretBytesMin = 16;

// How many bytes one of a secret may have become behind escapes that are looked
// through: `\\u002b`. Where a text is cut, as much of it is looked at.
inline constexpr size_t kEscapedSecretBytesMax = 7;

// Whether the text repeats the secret, or its first half and more. Looks
// through escapes within escapes, some of them. False if there is no secret.
bool RepeatsSecret(std::string_view secret, std::string_view text);

// Replaces what repeats it by asterisks, wherever it stands, even if its end is
// missing. The length stays, so that serialized messages stay readable.
std::string BlotOut(std::string_view secret, std::string text);

}  // namespace gateway

#endif  // BASE_TEXT_REPEATED_SECRET_H_
