#include "tests/testing/mock_upstream_process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace gateway {
namespace {

// The two ends of a pipe, closed when it goes.
struct Pipe {
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    if (fds[0] >= 0) close(fds[0]);
    if (fds[1] >= 0) close(fds[1]);
  }

  bool Open() { return pipe2(fds, O_CLOEXEC) == 0; }
  int Release(int end) { return std::exchange(fds[end], -1); }

  int fds[2] = {-1, -1};
};

// Reads to the end of the line; empty if the child died before.
std::string ReadLine(int fd) {
  std::string line;
  char byte;
  while (read(fd, &byte, 1) == 1) {
    if (byte == '\n') return line;
    line.push_back(byte);
  }
  return "";
}

// Reads the string `key` of the ready line, a flat object without escapes.
std::string Field(absl::string_view line, absl::string_view key) {
  const std::string before = absl::StrCat("\"", key, "\":\"");
  const size_t at = line.find(before);
  if (at == absl::string_view::npos) return "";
  line.remove_prefix(at + before.size());
  return std::string(line.substr(0, line.find('"')));
}

uint16_t PortOf(absl::string_view address) {
  uint32_t port = 0;
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port)) {
    return 0;
  }
  return static_cast<uint16_t>(port);
}

std::string Escape(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.') {
      escaped.push_back(c);
    } else {
      absl::StrAppend(&escaped, "%",
                      absl::BytesToHexString(absl::string_view(&c, 1)));
    }
  }
  return escaped;
}

std::vector<std::string> Arguments(
    const MockUpstreamProcess::Options& options) {
  std::vector<std::string> arguments = {options.binary_path, "--listen",
                                        "127.0.0.1:0", "--exit_with_stdin"};
  if (!options.tls_cert_path.empty()) {
    arguments.insert(arguments.end(),
                     {"--tls_listen", "127.0.0.1:0", "--tls_cert",
                      options.tls_cert_path, "--tls_key",
                      options.tls_key_path});
  }
  if (options.http2) arguments.push_back("--http2");
  if (options.http2_streams > 0) {
    arguments.push_back(
        absl::StrCat("--http2_streams=", options.http2_streams));
  }
  if (options.any_request) arguments.push_back("--any_request");
  return arguments;
}

absl::Status SystemError(absl::string_view what) {
  return absl::ErrnoToStatus(errno, what);
}

absl::StatusOr<pid_t> Spawn(std::vector<std::string> arguments, int stdin_fd,
                            int stdout_fd) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, stdin_fd, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, stdout_fd, STDOUT_FILENO);
  pid_t pid = 0;
  const int failure = posix_spawn(&pid, argv[0], &actions, nullptr,
                                  argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) return absl::ErrnoToStatus(failure, argv[0]);
  return pid;
}

// Sends a whole request and returns the whole answer, up to the close.
absl::StatusOr<std::string> Exchange(uint16_t port,
                                     absl::string_view request) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return SystemError("socket");
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  std::string answer;
  absl::Status status;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) != 0) {
    status = SystemError("connect");
  }
  while (status.ok() && !request.empty()) {
    const ssize_t n = send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (n > 0) {
      request.remove_prefix(n);
    } else if (errno != EINTR) {
      status = SystemError("send");
    }
  }
  char buffer[16384];
  while (status.ok()) {
    const ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
    if (n == 0) break;
    if (n > 0) {
      answer.append(buffer, n);
    } else if (errno != EINTR) {
      status = SystemError("recv");
    }
  }
  close(fd);
  if (!status.ok()) return status;
  return answer;
}

}  // namespace

absl::StatusOr<std::unique_ptr<MockUpstreamProcess>>
MockUpstreamProcess::Start(const Options& options) {
  Pipe input;
  Pipe output;
  if (!input.Open() || !output.Open()) return SystemError("pipe");
  const absl::StatusOr<pid_t> pid =
      Spawn(Arguments(options), input.fds[0], output.fds[1]);
  if (!pid.ok()) return pid.status();
  // Ours must be closed for the end of the child's output to be seen.
  close(output.Release(1));
  const std::string line = ReadLine(output.fds[0]);
  const std::string address = Field(line, "http");
  std::unique_ptr<MockUpstreamProcess> process(new MockUpstreamProcess(
      *pid, input.Release(1), address, Field(line, "https")));
  if (address.empty()) {
    return absl::UnavailableError("mock_upstream ended before it was ready");
  }
  return process;
}

MockUpstreamProcess::MockUpstreamProcess(pid_t pid, int stdin_fd,
                                         std::string address,
                                         std::string tls_address)
    : pid_(pid),
      stdin_fd_(stdin_fd),
      address_(std::move(address)),
      tls_address_(std::move(tls_address)) {}

MockUpstreamProcess::~MockUpstreamProcess() {
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  close(stdin_fd_);
}

uint16_t MockUpstreamProcess::port() const { return PortOf(address_); }

uint16_t MockUpstreamProcess::tls_port() const { return PortOf(tls_address_); }

absl::Status MockUpstreamProcess::SetScript(absl::string_view model,
                                            absl::string_view json) {
  return Call("PUT", absl::StrCat("/_mock/scripts/", Escape(model)), json)
      .status();
}

absl::Status MockUpstreamProcess::Reset(bool keep_scripts) {
  return Call("POST", keep_scripts ? "/_mock/reset?keep_scripts=1"
                                   : "/_mock/reset")
      .status();
}

absl::Status MockUpstreamProcess::WaitFor(absl::string_view event,
                                          absl::string_view model,
                                          int64_t count,
                                          absl::Duration limit) {
  return Call("GET", absl::StrCat("/_mock/wait?event=", Escape(event),
                                  "&model=", Escape(model),
                                  "&count=", count, "&timeout_ms=",
                                  absl::ToInt64Milliseconds(limit)))
      .status();
}

absl::StatusOr<std::string> MockUpstreamProcess::Stats() {
  return Call("GET", "/_mock/stats");
}

absl::StatusOr<int64_t> MockUpstreamProcess::Stat(absl::string_view model,
                                                  absl::string_view name) {
  const absl::StatusOr<std::string> text =
      Call("GET", absl::StrCat("/_mock/stat?model=", Escape(model),
                               "&name=", Escape(name)));
  if (!text.ok()) return text.status();
  int64_t figure = 0;
  if (!absl::SimpleAtoi(*text, &figure)) {
    return absl::InternalError(absl::StrCat("not a number: ", *text));
  }
  return figure;
}

absl::StatusOr<std::string> MockUpstreamProcess::Last(
    absl::string_view model) {
  return Call("GET", absl::StrCat("/_mock/last?model=", Escape(model)));
}

absl::StatusOr<std::string> MockUpstreamProcess::LastBody(
    absl::string_view model) {
  return Call("GET", absl::StrCat("/_mock/last_body?model=", Escape(model)));
}

absl::StatusOr<std::string> MockUpstreamProcess::Call(
    absl::string_view method, const std::string& target,
    absl::string_view body) {
  const absl::StatusOr<std::string> answer = Exchange(
      port(), absl::StrCat(method, " ", target, " HTTP/1.1\r\nhost: ",
                           address_, "\r\nconnection: close\r\n",
                           "content-length: ", body.size(), "\r\n\r\n", body));
  if (!answer.ok()) return answer.status();
  const size_t head_end = answer->find("\r\n\r\n");
  // "HTTP/1.1 200 OK": the three digits after the first space.
  int code = 0;
  if (head_end == std::string::npos ||
      !absl::SimpleAtoi(answer->substr(9, 3), &code)) {
    return absl::UnavailableError("mock_upstream cut its answer short");
  }
  std::string text = answer->substr(head_end + 4);
  switch (code) {
    case 200:
      return text;
    case 404:
      return absl::NotFoundError(text);
    case 408:
      return absl::DeadlineExceededError(text);
    default:
      return absl::InvalidArgumentError(text);
  }
}

}  // namespace gateway
