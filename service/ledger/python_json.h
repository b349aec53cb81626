// JSON as CPython's json.dumps(value, sort_keys=True, ensure_ascii=False)
// writes it: members in the order of their keys, `, ` and `: ` between them,
// numbers as repr() does. Entries are hashed in this form, so that any program
// of a dozen lines can verify a ledger.
//
//   const auto form = PythonJsonOf(line, /*left_out=*/{"entry_hash"});
//
// Thread-safe: plain functions.

#ifndef SERVICE_LEDGER_PYTHON_JSON_H_
#define SERVICE_LEDGER_PYTHON_JSON_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace gateway {

// Appends a string with its quotes. REQUIRES: `text` is UTF-8.
void AppendPythonString(std::string_view text, std::string* out);

// Writes a number as repr() writes a float: `0.1`, `2.0`, `1e-05`, `1e+16`.
// Returns its end. REQUIRES: it is finite, and `out` has kPythonFloatBytesMax.
char* WritePythonFloat(double number, char* out);
void AppendPythonFloat(double number, std::string* out);

// `-1.7976931348623157e+308` and some.
inline constexpr size_t kPythonFloatBytesMax = 34;

// Returns what CPython makes of `json`, an object or array, when it reads and
// writes it again, without the root's members of the names `left_out`. Of a
// member that is there twice the last one counts, a number with a point or an
// exponent is a float - `Infinity`, if no float is as large - others have as
// many digits as they are written with; `NaN`, `Infinity` and `-Infinity` are
// themselves, and a lone surrogate is its escape (SurrogatesEscaped). An
// InvalidArgument, which says where, if CPython reads no JSON of it either, or
// it is nested deeper than kJsonDepthLimit.
absl::StatusOr<std::string> PythonJsonOf(
    std::string_view json, absl::Span<const std::string_view> left_out = {});

// Whether `json`, an object, is byte for byte what json.dumps writes of it:
// with members in any order, but none twice, with spaces or by
// separators=(",", ":"), with ensure_ascii or without.
bool IsAsPythonWrites(std::string_view json);

// Returns a string as CPython encodes it with errors="backslashreplace", given
// it as of ReadJsonAsPython: of a lone surrogate its escape, such as `\ud800`.
std::string SurrogatesEscaped(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_LEDGER_PYTHON_JSON_H_
