// Says of each token on a line of the input whether it is accepted:
//
//   token_checker KEY_SET_FILE ISSUER AUDIENCE <tokens
//
// prints for each `ok` and the caller, or the problem and what the caller is
// told, with a tab between them. The claims `team` and `scope` name the owner
// and the scopes.

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "absl/status/statusor.h"
#include "base/os/clock.h"
#include "service/identity/json_web_key_set.h"
#include "service/identity/jwt.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: token_checker KEY_SET_FILE ISSUER AUDIENCE\n";
    return 2;
  }
  std::ifstream file(argv[1], std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const absl::StatusOr<gateway::JsonWebKeySet> keys =
      gateway::JsonWebKeySet::Parse(text);
  if (!keys.ok()) {
    std::cerr << keys.status().message() << "\n";
    return 1;
  }
  gateway::JwtRules rules;
  rules.issuer = argv[2];
  rules.audiences = {argv[3]};
  rules.owner_claim = "team";
  for (std::string token; std::getline(std::cin, token);) {
    const gateway::JwtVerdict verdict =
        gateway::VerifyJwt(gateway::ReadJwt(token), rules, *keys,
                           gateway::SystemClock().WallTime());
    if (verdict.fault.ok()) {
      std::cout << "ok\t" << verdict.token.caller << "\n";
    } else {
      std::cout << gateway::JwtProblemName(verdict.problem) << "\t"
                << verdict.fault.message() << "\n";
    }
  }
  return 0;
}
