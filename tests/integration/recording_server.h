// RecordingServer: an HTTP server that gives every request the same answer and remembers its
// request line. It reads no bodies: what follows a header section is the next request.
//
// Thread: one of its own; Requests any.
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
  // False: the connection is over.
  bool ReadFrom(int fd);

  const std::string answer_;
  std::string address_;
  int listener_ = -1;
  std::atomic<bool> stop_{false};
  std::map<int, std::string> input_;  // by connection
  std::mutex mutex_;
  std::vector<std::string> requests_;  // by mutex_
  std::thread thread_;
};

}  // namespace tollgate::testing
