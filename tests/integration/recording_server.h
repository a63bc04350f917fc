// RecordingServer: an HTTP server that gives every request the same answer and records its request
// line. It reads no bodies: the bytes after a header section are the next request.
//
// Thread: its own; Requests any.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tollgate::testing {

class RecordingServer {
 public:
  explicit RecordingServer(std::string answer);
  ~RecordingServer();
  const std::string& address() const { return address_; }
  std::vector<std::string> Requests();

 private:
  void Serve();
  // False: the connection has ended.
  bool ReadFrom(int fd);

  const std::string answer_;
  std::string address_;
  int listener_ = -1;
  std::atomic<bool> stop_{false};
  std::map<int, std::string> input_;  // by connection
  std::mutex mutex_;
  std::vector<std::string> requests_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace tollgate::testing
