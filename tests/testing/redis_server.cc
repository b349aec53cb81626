#include "tests/testing/redis_server.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "tests/testing/raw_client.h"

extern char** environ;

namespace gateway {
namespace {

// How often another port is tried, where the one that was free has been taken.
constexpr int kPortsMax = 5;

[[noreturn]] void Die(std::string_view what) {
  fprintf(stderr, "RedisServer: %.*s\n", static_cast<int>(what.size()),
          what.data());
  std::abort();
}

std::string NewDirectory() {
  const char* const parent = getenv("TEST_TMPDIR");
  std::string pattern =
      absl::StrCat(parent != nullptr ? parent : "/tmp", "/redis.XXXXXX");
  if (mkdtemp(pattern.data()) == nullptr) Die("mkdtemp");
  return pattern;
}

std::string EncodeCommand(const std::vector<std::string>& arguments) {
  std::string command = absl::StrCat("*", arguments.size(), "\r\n");
  for (const std::string& argument : arguments) {
    absl::StrAppend(&command, "$", argument.size(), "\r\n", argument, "\r\n");
  }
  return command;
}

// Reads one reply as redis-cli shows it.
std::string ReadReply(RawClient& client) {
  std::string line = client.ReceiveUntil("\r\n");
  if (line.size() < 3) return "(no reply)";
  line.resize(line.size() - 2);
  const std::string rest = line.substr(1);
  if (line[0] != '$' && line[0] != '*') return rest;
  const int size = std::atoi(rest.c_str());
  if (size < 0) return "(nil)";
  if (line[0] == '$') {
    std::string text = client.ReceiveExactly(static_cast<size_t>(size) + 2);
    text.resize(text.size() - 2);
    return text;
  }
  std::string all;
  for (int i = 0; i < size; ++i) {
    absl::StrAppend(&all, i > 0 ? "\n" : "", ReadReply(client));
  }
  return all;
}

}  // namespace

RedisServer::RedisServer(const Options& options)
    : options_(options), directory_(NewDirectory()) {
  for (int i = 0; i < kPortsMax; ++i) {
    TakePorts();
    if (Start()) return;
    Kill();
  }
  Die("no port is free");
}

RedisServer::~RedisServer() {
  Kill();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void RedisServer::TakePorts() {
  // Both at once, so that they differ; free again when this returns.
  const RawListener one;
  const RawListener another;
  port_ = one.port();
  cluster_port_ = another.port();
}

std::string RedisServer::address() const {
  return absl::StrCat("127.0.0.1:", port_);
}

std::vector<std::string> RedisServer::CommandLine() const {
  // However this process ends, the server does, too.
  std::vector<std::string> line = {"/usr/bin/setpriv", "--pdeathsig", "KILL",
                                   "--", "/usr/bin/redis-server"};
  if (!options_.configuration.empty()) {
    line.push_back(absl::StrCat(directory_, "/redis.conf"));
  }
  if (options_.sentinel) line.push_back("--sentinel");
  const std::string port = absl::StrCat(port_);
  const bool tls = !options_.tls_certificate_file.empty();
  line.insert(line.end(), {"--bind", "127.0.0.1", "--port", tls ? "0" : port,
                           "--dir", directory_});
  if (tls) {
    line.insert(
        line.end(),
        {"--tls-port", port, "--tls-cert-file", options_.tls_certificate_file,
         "--tls-key-file", options_.tls_key_file, "--tls-auth-clients", "no"});
  }
  if (!options_.sentinel) {
    line.insert(line.end(), {"--save", "", "--appendonly", "no",
                             "--repl-diskless-sync-delay", "0"});
  }
  if (options_.cluster) {
    line.insert(line.end(), {"--cluster-enabled", "yes", "--cluster-port",
                             absl::StrCat(cluster_port_)});
  }
  line.insert(line.end(), options_.arguments.begin(), options_.arguments.end());
  return line;
}

bool RedisServer::Start() {
  if (!options_.configuration.empty()) {
    std::ofstream(absl::StrCat(directory_, "/redis.conf"))
        << options_.configuration;
  }
  std::vector<std::string> line = CommandLine();
  std::vector<char*> argv;
  for (std::string& argument : line) argv.push_back(argument.data());
  argv.push_back(nullptr);
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) Die("pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
  const int failure =
      posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_fds[1]);
  if (failure != 0) Die("setpriv cannot be run");
  {
    MutexLock lock(mu_);
    output_.clear();
    ended_ = false;
  }
  const int fd = pipe_fds[0];
  reading_ = std::make_unique<Thread>("redis", [this, fd] { ReadOutput(fd); });
  return AwaitOutput(options_.ready_line);
}

void RedisServer::ReadOutput(int fd) {
  char buffer[4096];
  for (;;) {
    const ssize_t n = read(fd, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    MutexLock lock(mu_);
    if (n > 0) output_.append(buffer, static_cast<size_t>(n));
    ended_ = n <= 0;
    changed_.NotifyAll();
    if (n <= 0) break;
  }
  close(fd);
}

bool RedisServer::AwaitOutput(std::string_view text) {
  MutexLock lock(mu_);
  while (output_.find(text) == std::string::npos) {
    if (ended_) {
      if (output_.find("Address already in use") == std::string::npos) {
        Die(absl::StrCat("it ended: ", output_));
      }
      return false;
    }
    if (!changed_.WaitFor(lock, absl::Seconds(20))) {
      Die(absl::StrCat("it has not written: ", ToAbsl(text), "\n", output_));
    }
  }
  return true;
}

void RedisServer::AwaitLine(std::string_view text) {
  if (!AwaitOutput(text)) Die("it ended");
}

std::string RedisServer::Ask(const std::vector<std::string>& arguments) {
  RawClient client = RawClient::Connect(port_);
  if (!options_.password.empty()) {
    client.Send(EncodeCommand({"AUTH", options_.password}));
    ReadReply(client);
  }
  client.Send(EncodeCommand(arguments));
  return ReadReply(client);
}

void RedisServer::AskUntil(const std::vector<std::string>& arguments,
                           std::string_view part) {
  constexpr int kTriesMax = 200'000;
  std::string answer;
  for (int i = 0; i < kTriesMax; ++i) {
    answer = Ask(arguments);
    if (answer.find(part) != std::string::npos) return;
  }
  Die(absl::StrCat("it never answered ", ToAbsl(part), ", but ", answer));
}

void RedisServer::Stop() {
  kill(pid_, SIGSTOP);
  // The signal is on its way; the process has stopped when this returns.
  int status = 0;
  while (waitpid(pid_, &status, WUNTRACED) < 0 && errno == EINTR) {
  }
  if (!WIFSTOPPED(status)) Die("it did not stop");
}

void RedisServer::GoOn() { kill(pid_, SIGCONT); }

void RedisServer::Kill() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  reading_.reset();
}

void RedisServer::Restart() {
  if (pid_ != 0) Die("it runs");
  if (!Start()) Die("its port was taken meanwhile");
}

}  // namespace gateway
