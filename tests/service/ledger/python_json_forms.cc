// Writes the form of each JSON text that it reads, a line each; for one that
// has none a line that begins with `!`.

#include <iostream>
#include <string>

#include "service/ledger/python_json.h"

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    const auto form = gateway::PythonJsonOf(line);
    if (form.ok()) {
      std::cout << *form << '\n';
    } else {
      std::cout << "!" << form.status().message() << '\n';
    }
  }
  return 0;
}
