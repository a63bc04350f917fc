// UniqueFd: the one owner of a file descriptor; closes it on destruction.
//
// Thread: a value type; none.
#pragma once

#include <utility>

namespace tollgate::base {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  // Closes what is held; close() is not repeated on EINTR (Linux has closed it by then).
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace tollgate::base
