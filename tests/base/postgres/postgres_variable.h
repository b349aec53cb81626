// A PostgresVariable sets a variable of the environment, such as one of
// libpq's, while it lives.

#ifndef TESTS_BASE_POSTGRES_POSTGRES_VARIABLE_H_
#define TESTS_BASE_POSTGRES_POSTGRES_VARIABLE_H_

#include <cstdlib>
#include <optional>
#include <string>

namespace gateway {

class PostgresVariable {
 public:
  PostgresVariable(const char* name, const std::string& value) : name_(name) {
    const char* const former = std::getenv(name);
    if (former != nullptr) former_ = former;
    setenv(name, value.c_str(), 1);
  }
  ~PostgresVariable() {
    if (former_.has_value()) {
      setenv(name_, former_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }

  PostgresVariable(const PostgresVariable&) = delete;
  PostgresVariable& operator=(const PostgresVariable&) = delete;

 private:
  const char* const name_;
  std::optional<std::string> former_;
};

}  // namespace gateway

#endif  // TESTS_BASE_POSTGRES_POSTGRES_VARIABLE_H_
