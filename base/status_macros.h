// Early return for absl::Status and absl::StatusOr.
//
//   absl::StatusOr<Answer> Ask(const Request& request) {
//     GATEWAY_RETURN_IF_ERROR(Check(request));
//     GATEWAY_ASSIGN_OR_RETURN(const Target target, Plan(request));
//     GATEWAY_ASSIGN_OR_RETURN((auto [host, port]), Resolve(target));
//     ...
//
// A coroutine uses the forms with CO_, which co_return; the expression may
// contain co_await:
//
//   GATEWAY_CO_ASSIGN_OR_RETURN(std::string body, co_await stream.ReadAll());
//
// The left side may declare or assign; one with a comma stands in parentheses.
// The assigning forms are several statements: not the body of a braceless if.

#ifndef BASE_STATUS_MACROS_H_
#define BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define GATEWAY_RETURN_IF_ERROR(...) \
  GATEWAY_STATUS_MACROS_RETURN_IF_ERROR_(return, (__VA_ARGS__))

#define GATEWAY_CO_RETURN_IF_ERROR(...) \
  GATEWAY_STATUS_MACROS_RETURN_IF_ERROR_(co_return, (__VA_ARGS__))

#define GATEWAY_ASSIGN_OR_RETURN(lhs, ...)                                  \
  GATEWAY_STATUS_MACROS_ASSIGN_OR_(                                         \
      return, GATEWAY_STATUS_MACROS_JOIN_(status_or_value_, __LINE__), lhs, \
            (__VA_ARGS__))

#define GATEWAY_CO_ASSIGN_OR_RETURN(lhs, ...)                                  \
  GATEWAY_STATUS_MACROS_ASSIGN_OR_(                                            \
      co_return, GATEWAY_STATUS_MACROS_JOIN_(status_or_value_, __LINE__), lhs, \
      (__VA_ARGS__))

// What follows is the implementation.

#define GATEWAY_STATUS_MACROS_RETURN_IF_ERROR_(keyword, expression) \
  do {                                                              \
    if (::absl::Status status_macro_status = expression;            \
        !status_macro_status.ok()) {                                \
      keyword status_macro_status;                                  \
    }                                                               \
  } while (false)

#define GATEWAY_STATUS_MACROS_ASSIGN_OR_(keyword, result, lhs, expression) \
  auto result = expression;                                                \
  if (!result.ok()) keyword std::move(result).status();                    \
  GATEWAY_STATUS_MACROS_UNPARENTHESIZE_(lhs) = *std::move(result)

#define GATEWAY_STATUS_MACROS_JOIN_(a, b) GATEWAY_STATUS_MACROS_JOIN_NOW_(a, b)
#define GATEWAY_STATUS_MACROS_JOIN_NOW_(a, b) a##b

// (x, y) becomes x, y; anything else stays as it is.
#define GATEWAY_STATUS_MACROS_UNPARENTHESIZE_(x) \
  GATEWAY_STATUS_MACROS_VANISH_(GATEWAY_STATUS_MACROS_STRIP_ x)
#define GATEWAY_STATUS_MACROS_STRIP_(...) \
  GATEWAY_STATUS_MACROS_STRIP_ __VA_ARGS__
#define GATEWAY_STATUS_MACROS_VANISH_(...) \
  GATEWAY_STATUS_MACROS_VANISH_NOW_(__VA_ARGS__)
#define GATEWAY_STATUS_MACROS_VANISH_NOW_(...) GATEWAY_GONE_##__VA_ARGS__
#define GATEWAY_GONE_GATEWAY_STATUS_MACROS_STRIP_

#endif  // BASE_STATUS_MACROS_H_
